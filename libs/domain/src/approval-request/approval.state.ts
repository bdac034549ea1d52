import type { FactOf } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import { decisionBasisOf, denialBasisOf, type CaseParts } from '../decision-proof/basis.js';
import { checkDecision, checkDenial, type DecisionBasis, type DenialBasis } from '../decision-proof/decision-proof.js';
import { byHuman } from '../decision-proof/humans.js';
import { evidenceDigest, needsMet, refsOf } from '../evidence/evidence.js';
import type { Crypto } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { isStopped } from '../kernel/stops.js';
import { plusSeconds } from '../kernel/time.js';
import { aboveCeiling } from '../restoration-plan/ceiling.js';

/** The facts that decide the state of a request. Approval has them, and intake, which shows the state. */
export type RequestFacts = Facts<
  | 'readmit.case.opened'
  | 'readmit.case.classified'
  | 'readmit.people.attested'
  | 'readmit.plan.proposed'
  | 'readmit.plan.refused'
  | 'readmit.case.frozen'
  | 'readmit.containment.ordered'
  | 'readmit.evidence.added'
  | 'readmit.approval.requested'
  | 'readmit.decision.recorded'
  | 'readmit.approval.granted'
  | 'readmit.approval.denied'
  | 'readmit.approval.expired'
  | 'readmit.approval.withdrawn'
>;
export type ApprovalState =
  | { readonly name: 'granted' | 'denied' | 'expired' | 'withdrawn' | 'failed' | 'frozen' }
  /** `who`: set once the people of the case are known, which is enough for a denial. */
  | { readonly name: 'waiting-for-plan'; readonly who?: DenialBasis }
  | { readonly name: 'waiting-for-evidence' | 'waiting-for-decisions'; readonly basis: DecisionBasis; readonly decideBefore: Date };

type Planned = FactOf<'readmit.plan.proposed'>;

/** The plan to decide on: the latest within the ceiling. Plans above it are refused and do not count. */
export function planOf(facts: RequestFacts): Planned | undefined {
  const classified = facts.last('readmit.case.classified');
  if (!classified) return undefined;
  return facts
    .of('readmit.plan.proposed')
    .findLast((fact) => !aboveCeiling(fact.data.plan, classified.data.class, classified.data.ceiling));
}

/** What a denial names as plan digest while there is no plan. */
export const noPlanDigest = (crypto: Pick<Crypto, 'digest'>): string => crypto.digest(null);

/** The state of a request: a function of the set of facts and the clock. */
export function approvalState(facts: RequestFacts, now: Date, crypto: Crypto): ApprovalState {
  if (facts.has('readmit.approval.granted')) return { name: 'granted' };
  if (facts.has('readmit.approval.withdrawn')) return { name: 'withdrawn' };
  if (facts.has('readmit.approval.denied')) return { name: 'denied' };
  if (facts.has('readmit.approval.expired')) return { name: 'expired' };
  // No further plan will come; intake closes the case.
  if (facts.has('readmit.plan.refused')) return { name: 'failed' };
  if (isStopped(facts)) return { name: 'frozen' };
  const parts = casePartsOf(facts);
  const planned = planOf(facts);
  if (!parts || !planned) return { name: 'waiting-for-plan', ...(parts && { who: denialBasisOf(parts) }) };

  const evidence = facts.of('readmit.evidence.added');
  const basis = decisionBasisOf(parts, {
    planDigest: planned.data.digest,
    evidenceDigest: evidenceDigest(refsOf(evidence), crypto),
    collectors: [...new Set(evidence.map((item) => item.data.collectedBy))],
  });
  const { requirements } = parts.classified;
  const decideBefore = plusSeconds(planned.at, requirements.decideWithinSeconds);
  const enough = needsMet(requirements.evidence, evidence, now).every(({ met }) => met);
  return { name: enough ? 'waiting-for-decisions' : 'waiting-for-evidence', basis, decideBefore };
}

function casePartsOf(facts: RequestFacts): CaseParts | undefined {
  const opened = facts.first('readmit.case.opened');
  const classified = facts.last('readmit.case.classified');
  const attested = attestedOf(facts);
  return opened && classified && attested && { opened: opened.data, classified: classified.data, attested };
}

/** Decisions on exactly this plan and evidence; decisions on anything else are void (R4.4). */
export const decisionsFor = (facts: RequestFacts, basis: DecisionBasis): readonly FactOf<'readmit.decision.recorded'>[] =>
  facts.of('readmit.decision.recorded').filter(
    ({
      data: {
        decision: { statement },
      },
    }) => statement.planDigest === basis.planDigest && statement.evidenceDigest === basis.evidenceDigest,
  );

/** Approvals that count for exactly this, by the people as attested now: an approval by a key that was removed since is void. */
export const approvalsFor = (facts: RequestFacts, basis: DecisionBasis, crypto: Crypto): readonly FactOf<'readmit.decision.recorded'>[] =>
  decisionsFor(facts, basis).filter(
    ({ data: { decision } }) => decision.statement.decision === 'approve' && !checkDecision(decision, basis, crypto),
  );

/** The latest request to decide on exactly this. An approval must carry its nonce. */
export const requestFor = (facts: RequestFacts, basis: DecisionBasis): FactOf<'readmit.approval.requested'> | undefined =>
  facts
    .of('readmit.approval.requested')
    .findLast(({ data }) => data.planDigest === basis.planDigest && data.evidenceDigest === basis.evidenceDigest);

/** Whether this human has decided on exactly this, with any account. */
export function hasDecided(facts: RequestFacts, basis: DecisionBasis, person: string): boolean {
  const humanOf = byHuman(basis.people);
  return decisionsFor(facts, basis).some((fact) => humanOf(fact.data.decision.statement.approver) === humanOf(person));
}

/** The denial that ends the request, or undefined. It counts whatever has changed since it was signed. */
export const denialIn = (facts: RequestFacts, who: DenialBasis, crypto: Crypto): FactOf<'readmit.decision.recorded'> | undefined =>
  facts
    .of('readmit.decision.recorded')
    .find(({ data }) => data.decision.statement.decision === 'deny' && !checkDenial(data.decision, who, crypto));
