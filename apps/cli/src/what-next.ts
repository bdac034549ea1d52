/**
 * What to do about a refusal, by its reason, where the sentence of the service does not say it in words of this program. `{case}` stands for
 * the case, `{area}` for the service, `{later}` for when a service asked to be asked again.
 */
const byReason: Readonly<Record<string, string>> = {
  'already-decided': 'Your decision counts already. See whose is missing: readmit case show {case}',
  'already-ended': 'Nothing is left to end. See what was undone: readmit obligations {case}',
  'approval-denied':
    'It is over. Who said no, and why: readmit case show {case}. Whoever still needs it asks anew: readmit case open --help',
  'approval-expired': 'It is over: nobody decided in time. Ask anew: readmit case open --help',
  'approval-failed': 'It is over: no plan could be made. Why: readmit case show {case}',
  'approval-frozen': 'It is over: somebody stopped the case. Who and why: readmit case show {case}; readmit orders {case}',
  'approval-granted': 'It is decided. End what it granted: readmit case end {case} --reason "..."',
  'approval-withdrawn': 'It is over: the request was taken back. Ask anew: readmit case open --help',
  'case-unknown': 'Check the id: readmit case list. A case that was opened just now is known everywhere a moment later.',
  'ciphertext-unknown': 'Pick it up again: readmit secret pick-up {case}',
  'code-missing': 'Let whoever asked look it up (readmit case show {case}, where the case was opened), and give it with --code.',
  'code-nonce-missing': 'Ask anew: readmit case open --help',
  'contact-not-on-record': 'Take a contact point of the list: readmit case contacts {case}',
  'evidence-changed': 'Look at the proofs that are there now, and sign anew: run the same command again.',
  'evidence-missing': 'See which proofs are missing, and who records them: readmit case show {case}',
  'evidence-not-asked': 'See which proofs are asked for: readmit case show {case}',
  'no-checkpoint-yet': 'There is one as soon as something was recorded: try again {later}.',
  'no-such-parked-message': 'Take an id of the list: readmit parked list --service {area} --state all',
  'no-such-route': 'Check --url, and that this program has the version of the services.',
  'nonce-unknown': 'Look at it again and sign anew: run the same command again.',
  'nothing-granted': 'Take the request back instead: readmit case withdraw {case}',
  'nothing-to-pick-up': 'See how far it is: readmit case show {case}',
  'only-the-new-secret-is-left': 'Nothing is left for you to end. An operator can: readmit contain {case} --reason "..." --apply',
  'plan-changed': 'Look at the new plan and decide again: run the same command again.',
  'policy-changed': 'Look at it under the policy of now and decide again: run the same command again.',
  'proof-from-future': 'Set the clock of this machine right, then run it again.',
  'proof-stale': 'Set the clock of this machine right, then run it again.',
  'too-many-open-cases': 'See which are open: readmit case list. Withdraw or end one, or call the help desk.',
  'too-many-proofs': 'Ask anew: readmit case open --help',
};

export const reasonsWithNext: readonly string[] = Object.keys(byReason);

export interface Asked {
  /** Path of the request. */
  readonly target: string;
  readonly later: string;
}

/** The sentence for a reason; undefined where the kind of answer says all there is. */
export function nextByReason(reason: string | undefined, { target, later }: Asked): string | undefined {
  const says = reason === undefined || !Object.hasOwn(byReason, reason) ? undefined : byReason[reason];
  const [, area = ''] = /^\/api\/([^/?]+)/.exec(target) ?? [];
  const [, caseId] = /\/cases\/([^/?]+)/.exec(target) ?? [];
  return says
    ?.replaceAll('{case}', caseId === undefined ? '<case>' : decodeURIComponent(caseId))
    .replaceAll('{area}', area)
    .replaceAll('{later}', later);
}
