import type { FactOf } from '@readmit/contracts';
import {
  approvalsFor,
  attestedOf,
  decisionsFor,
  needsMet,
  quorumProgress,
  type ApprovalState,
  type Crypto,
  type Facts,
} from '@readmit/domain';
import type { AnswerOf } from '@readmit/service';

type Decided = FactOf<'readmit.decision.recorded'>;

/** Decisions to show in this state: of an open request those that bind what is on the table. */
export const decidedIn = (facts: Facts, state: ApprovalState): readonly Decided[] =>
  'basis' in state ? decisionsFor(facts, state.basis) : facts.of('readmit.decision.recorded');

const approvedIn = (facts: Facts, state: ApprovalState, crypto: Crypto): readonly Decided[] =>
  'basis' in state
    ? approvalsFor(facts, state.basis, crypto)
    : decidedIn(facts, state).filter(({ data }) => data.decision.statement.decision === 'approve');

/** Proofs and seats of the quorum that the case asks for, and which of them it has. */
export function needsOf(facts: Facts, state: ApprovalState, now: Date, crypto: Crypto): AnswerOf<'showApproval'>['needs'] {
  const requirements = facts.last('readmit.case.classified')?.data.requirements;
  if (!requirements) return { evidence: [], quorum: [] };
  const approvers = approvedIn(facts, state, crypto).map(({ data }) => data.decision.statement.approver);
  return {
    evidence: [...needsMet(requirements.evidence, facts.of('readmit.evidence.added'), now)],
    quorum: quorumProgress(requirements.quorum, approvers, attestedOf(facts)?.people ?? []).map(({ part, by }) => ({ part, by: [...by] })),
  };
}
