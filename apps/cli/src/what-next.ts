/**
 * What to do about a refusal, by its reason, where the sentence of the service does not say it in words of this program. `{case}` stands for
 * the case, `{area}` for the service, `{later}` for when a service asked to be asked again.
 */
const byReason: Readonly<Record<string, string>> = {
  'already-decided': 'Your decision already counts. See whose is missing: readmit case show {case}',
  'already-ended': 'There is nothing to end. See what was undone: readmit obligations {case}',
  'approval-denied': 'The case was denied. By whom and why: readmit case show {case}. To request it again: readmit case open --help',
  'approval-expired': 'The case expired without a decision. To request it again: readmit case open --help',
  'approval-failed': 'No plan could be made. Why: readmit case show {case}',
  'approval-frozen': 'The case was stopped. By whom and why: readmit case show {case}; readmit orders {case}',
  'approval-granted': 'The case is already decided. End what it granted: readmit case end {case} --reason "..."',
  'approval-withdrawn': 'The case was withdrawn. To request it again: readmit case open --help',
  'case-unknown': 'Check the id: readmit case list. A new case takes a moment to reach every service.',
  'ciphertext-unknown': 'Pick it up again: readmit secret pick-up {case}',
  'code-missing': 'Let the requester look it up (readmit case show {case}, where the case was opened), and pass it with --code.',
  'code-nonce-missing': 'Open a new case: readmit case open --help',
  'contact-not-on-record': 'Use a contact point from the list: readmit case contacts {case}',
  'evidence-changed': 'Review the current proofs and sign again: run the same command again.',
  'evidence-missing': 'See which proofs are missing, and who records them: readmit case show {case}',
  'evidence-not-asked': 'See which proofs are required: readmit case show {case}',
  'no-checkpoint-yet': 'There is one as soon as something is recorded: try again {later}.',
  'no-such-parked-message': 'Use an id from the list: readmit parked list --service {area} --state all',
  'no-such-route': 'Check --url, and that this program has the same version as the services.',
  'nonce-unknown': 'Review it and sign again: run the same command again.',
  'nothing-granted': 'Withdraw the request instead: readmit case withdraw {case}',
  'nothing-to-pick-up': 'Check its progress: readmit case show {case}',
  'only-the-new-secret-is-left': 'There is nothing for you to end. An operator can: readmit contain {case} --reason "..." --apply',
  'plan-changed': 'Review the new plan and decide again: run the same command again.',
  'policy-changed': 'Review it under the current policy and decide again: run the same command again.',
  'proof-from-future': 'Correct the clock of this machine, then run it again.',
  'proof-stale': 'Correct the clock of this machine, then run it again.',
  'too-many-open-cases': 'See which are open: readmit case list. Withdraw or end one, or call the help desk.',
  'too-many-proofs': 'Open a new case: readmit case open --help',
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
