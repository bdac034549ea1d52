import type { CaseState, EvidenceNeed, FactOf, QuorumPart } from '@readmit/contracts';
import { approvalsFor, decisionsFor, type ApprovalState, type RequestFacts } from '../approval-request/approval.state.js';
import { attestedOf } from '../decision-proof/attested.js';
import { quorumProgress } from '../decision-proof/decision-proof.js';
import { needsMet } from '../evidence/evidence.js';
import type { Crypto } from '../kernel/behaviour.js';
import { assuranceName } from './sentences.js';

type Decided = FactOf<'readmit.decision.recorded'>;
/** Proofs and quorum seats that the case requires, and which of them are there. */
export interface CaseNeeds {
  evidence: { need: EvidenceNeed; met: boolean }[];
  quorum: { part: QuorumPart; by: string[] }[];
}

/** Decisions to show in this state: for an open request only those on the current plan and evidence. */
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

/** Needs without a proof that meets them. */
export const missingProofs = ({ evidence }: { readonly evidence: CaseNeeds['evidence'] }): readonly EvidenceNeed[] =>
  evidence.filter(({ met }) => !met).map(({ need }) => need);

/**
 * What the holder of the case key has to do, by what the key is shown. Until the code was read back that is only an opened case; after the
 * grant a secret may wait to be picked up.
 */
export function keyHolderStep({
  state,
  codeNonce,
}: {
  readonly state: CaseState;
  readonly codeNonce?: string | undefined;
}): 'read-out-code' | 'pick-up-secret' | undefined {
  if (state === 'opened' && codeNonce !== undefined) return 'read-out-code';
  return state === 'granted' ? 'pick-up-secret' : undefined;
}
