import type { FactOf } from '@readmit/contracts';
import { attestedOf, decisionsFor, needsMet, quorumProgress, type ApprovalState, type Facts } from '@readmit/domain';
import type { AnswerOf } from '@readmit/service';

/** Decisions that count in this state: of an open request those that bind what is on the table. */
export const decidedIn = (facts: Facts, state: ApprovalState): readonly FactOf<'readmit.decision.recorded'>[] =>
  'basis' in state ? decisionsFor(facts, state.basis) : facts.of('readmit.decision.recorded');

/** Proofs and seats of the quorum that the case asks for, and which of them it has. */
export function needsOf(facts: Facts, state: ApprovalState, now: Date): AnswerOf<'showApproval'>['needs'] {
  const requirements = facts.last('readmit.case.classified')?.data.requirements;
  if (!requirements) return { evidence: [], quorum: [] };
  const approvers = decidedIn(facts, state)
    .map((fact) => fact.data.decision.statement)
    .filter(({ decision }) => decision === 'approve')
    .map(({ approver }) => approver);
  return {
    evidence: [...needsMet(requirements.evidence, facts.of('readmit.evidence.added'), now)],
    quorum: quorumProgress(requirements.quorum, approvers, attestedOf(facts)?.people ?? []).map(({ part, by }) => ({ part, by: [...by] })),
  };
}
