import type { Answer } from './client.js';
import { requesterOf } from './commands/case.js';
import type { Signable } from './commands/decide.js';
import { formatDuration } from './duration.js';
import type { Output } from './output.js';

const levels = ['none', 'low', 'substantial', 'high'];

/**
 * What an approver must have seen before signing: what comes back, what goes, what stays, for how long, what undoes it, who
 * asks, which proofs there are and who decided so far. It goes to stderr: the result of the command is the decision.
 */
export function showForDecision(
  out: Output,
  { plan, planDigest }: Signable,
  view: Answer<'showApproval'>,
  asked: Answer<'showCase'>,
): void {
  const { needs, evidence, decisions } = view;
  out.fields(
    [
      ['case', `${plan.caseId} (${plan.class})`],
      ['for', `${asked.subject.id} (${asked.subject.kind})`],
      ['asked by', requesterOf(asked)],
      [
        'because',
        `${asked.reasonCode}${asked.reason === undefined ? '' : `: ${asked.reason}`}${asked.ticket === undefined ? '' : ` (${asked.ticket})`}`,
      ],
      [
        'does',
        plan.steps.map(
          (step) =>
            `${step.says} [${step.kind} ${step.connector}/${step.object}${step.entitlement === undefined ? '' : `/${step.entitlement}`}]`,
        ),
      ],
      ['restores', plan.restores],
      ['removes', plan.removes],
      ['untouched', plan.untouched],
      ['lasts', formatDuration(plan.durationSeconds)],
      [
        'undone by',
        plan.obligations.map(
          (undo) =>
            `${undo.says} (${undo.armedBy === 'start' ? `${formatDuration(undo.afterSeconds)} after the start` : `${formatDuration(undo.afterSeconds)} after it succeeded`}${undo.unlessTakenOver ? ', unless taken over' : ''})`,
        ),
      ],
      ['readable by', plan.recipients.map(({ id, fingerprint }) => `${id} ${fingerprint.slice(0, 4)}-${fingerprint.slice(4, 8)}`)],
      [
        'proofs',
        evidence.map((one) => `${one.kind} (${levels[one.assurance] ?? one.assurance}) by ${one.by} at ${one.at}, stale at ${one.staleAt}`),
      ],
      [
        'needed',
        needs.evidence.map(({ need, met }) => `${need.kind} (${levels[need.assurance] ?? need.assurance}): ${met ? 'there' : 'missing'}`),
      ],
      [
        'quorum',
        needs.quorum.map(
          ({ part, by }) =>
            `${part.name}: ${by.length} of ${part.count}${by.length === 0 ? '' : ` (${by.join(', ')})`}, from ${part.teams.join(' or ')}`,
        ),
      ],
      ['decided', decisions.map(({ statement }) => `${statement.approver}: ${statement.decision}, ${statement.reason}`)],
      ['before', view.decideBefore],
      ['plan digest', planDigest],
    ],
    'stderr',
  );
}
