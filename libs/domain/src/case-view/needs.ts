import type { EvidenceNeed, FactOf, QuorumPart } from '@readmit/contracts';
import { approvalsFor, decisionsFor, type ApprovalState, type RequestFacts } from '../approval-request/approval.state.js';
import { attestedOf } from '../decision-proof/attested.js';
import { quorumProgress } from '../decision-proof/decision-proof.js';
import { needsMet } from '../evidence/evidence.js';
import type { Crypto } from '../kernel/behaviour.js';
import { assuranceName } from './sentences.js';

type Decided = FactOf<'readmit.decision.recorded'>;
/** Proofs and seats of the quorum that the case asks for, and which of them it has. */
export interface CaseNeeds {
  evidence: { need: EvidenceNeed; met: boolean }[];
  quorum: { part: QuorumPart; by: string[] }[];
}

/** Decisions to show in this state: of an open request those that bind what is on the table. */
export const decidedIn = (facts: RequestFacts, state: ApprovalState): readonly Decided[] =>
  'basis' in state ? decisionsFor(facts, state.basis) : facts.of('readmit.decision.recorded');

const approvedIn = (facts: RequestFacts, state: ApprovalState, crypto: Crypto): readonly Decided[] =>
  'basis' in state
    ? approvalsFor(facts, state.basis, crypto)
    : decidedIn(facts, state).filter(({ data }) => data.decision.statement.decision === 'approve');

export function needsOf(facts: RequestFacts, state: ApprovalState, now: Date, crypto: Crypto): CaseNeeds {
  const requirements = facts.last('readmit.case.classified')?.data.requirements;
  if (!requirements) return { evidence: [], quorum: [] };
  const approvers = approvedIn(facts, state, crypto).map(({ data }) => data.decision.statement.approver);
  return {
    evidence: [...needsMet(requirements.evidence, facts.of('readmit.evidence.added'), now)],
    quorum: quorumProgress(requirements.quorum, approvers, attestedOf(facts)?.people ?? []).map(({ part, by }) => ({ part, by: [...by] })),
  };
}

export const proofText = ({ kind, assurance }: Pick<EvidenceNeed, 'kind' | 'assurance'>): string =>
  `${kind} (${assuranceName(assurance)} or higher)`;
