import { assuranceName, durationText } from '@readmit/domain';
import { askText } from './asks.js';
import type { Answer } from './client.js';
import type { Output } from './output.js';

type View = Answer<'showApproval'>;

export const requesterOf = ({ requester }: Answer<'showCase'>): string =>
  requester.kind === 'anonymous' ? 'anonymous (not signed in)' : (requester.id ?? 'a person');

/**
 * What an approver must have seen before signing: what comes back, what goes, what stays, for how long, what undoes it and what the end does
 * not take back, who asks, every proof with its words and its collector, who decided so far and under which policy. It goes to stderr: the
 * result of the command is the decision.
 */
export function showForDecision(out: Output, view: View, asked: Answer<'showCase'>): void {
  const { plan, planDigest, evidenceDigest, policy, needs, evidence, decisions } = view;
  out.fields(
    [
      ['case', `${view.caseId} (${plan?.class ?? asked.class ?? 'not classified yet'})`],
      ['for', `${asked.subject.id} (${asked.subject.kind})`],
      ['asked by', `${requesterOf(asked)}${unknownRequester(view)}`],
      [
        'because',
        `${asked.reasonCode}${asked.reason === undefined ? '' : `: ${asked.reason}`}${asked.ticket === undefined ? '' : ` (${asked.ticket})`}`,
      ],
      ...(plan ? planFields(plan) : ([['does', 'nothing is planned yet']] as const)),
      ['proofs', evidence.flatMap(proofLines)],
      ['needed', needs.evidence.map(({ need, met }) => `${need.kind} (${assuranceName(need.assurance)}): ${met ? 'there' : 'missing'}`)],
      [
        'quorum',
        needs.quorum.map(
          ({ part, by }) =>
            `${part.name}: ${by.length} of ${part.count}${by.length === 0 ? '' : ` (${by.join(', ')})`}, from ${part.teams.join(' or ')}`,
        ),
      ],
      ['decided', decisions.map(({ statement }) => `${statement.approver}: ${statement.decision}, ${statement.reason}`)],
      ['before', view.decideBefore],
      ['policy', policy === null ? null : `${policy.version} ${policy.digest}`],
      ['plan digest', planDigest],
      ['proof digest', evidenceDigest],
    ],
    'stderr',
  );
}

/** Whether an approver is the same human as somebody whom no directory names cannot be told by any service. */
const unknownRequester = ({ requester }: View): string =>
  requester.kind === 'person' && !requester.known
    ? ' - NOT IN THE DIRECTORY: make sure that this is not an account of a verifier or approver'
    : '';

/** The words in a line of their own: they are what somebody typed, and begin where a reader looks for them. */
const proofLines = ({ kind, channel, assurance, note, code, by, at, staleAt }: View['evidence'][number]): string[] => [
  `${kind} (${assuranceName(assurance)}) by ${by}, ${channel}, at ${at}, stale at ${staleAt}${code === undefined ? '' : `, code ${code}`}`,
  `  ${by} writes: ${note ?? '(erased)'}`,
];

const planFields = (plan: NonNullable<View['plan']>): readonly (readonly [string, string | readonly string[]])[] => [
  ['does', plan.steps.map((step) => `${step.says} [${askText(step)}]`)],
  ['restores', plan.restores],
  ['removes', plan.removes],
  ['untouched', plan.untouched],
  ['beware', plan.warnings ?? []],
  ['lasts', durationText(plan.durationSeconds)],
  ['undone by', plan.obligations.map((undo) => `${undo.says} (${whenDone(undo)}${undo.unlessTakenOver ? ', unless taken over' : ''})`)],
  ['readable by', plan.recipients.map(({ id, fingerprint }) => `${id}, key ${fingerprint}`)],
];

function whenDone({ armedBy, afterSeconds }: NonNullable<View['plan']>['obligations'][number]): string {
  switch (armedBy) {
    case 'start':
      return `${durationText(afterSeconds)} after the start`;
    case 'success':
      return `${durationText(afterSeconds)} after it succeeded`;
    case 'repudiation':
      return 'when it is repudiated or contained';
  }
}
