import type { FactOf, Plan } from '@readmit/contracts';
import { attestationIdsOf, attestedOf, type Attested } from '../decision-proof/attested.js';
import { decisionBasisOf } from '../decision-proof/basis.js';
import { checkDecisions, checkDenial, type DecisionBasis } from '../decision-proof/decision-proof.js';
import { needsMet } from '../evidence/evidence.js';
import type { Crypto, Refusal } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { clockToleranceSeconds, plusSeconds, signedTimeFault } from '../kernel/time.js';
import { aboveCeiling, ticketMissing } from '../restoration-plan/ceiling.js';
import { judgeProofs } from './proof-rules.js';
import { obligationRefusal, planNotAsked } from './plan-rules.js';
import type { GrantViolation, GrantRefusal } from './grant-refusal.js';
import { recipientsOf } from './recipients.js';

/** A fact that is missing for the judgement. In a complete log that is the violation of this name. */
export interface GrantWait {
  readonly waitsFor: string;
  readonly violation: GrantViolation;
}
export interface GrantJudgement {
  /** Both empty: the grant counts. The first refusal is the one to show. */
  readonly refusals: readonly GrantRefusal[];
  readonly waits: readonly GrantWait[];
  /** The granted plan, if it is known and matches its digest. */
  readonly plan: Plan | undefined;
}
type Granted = FactOf<'readmit.approval.granted'>;

/** Events that a grant rests on. */
export type GrantEvents =
  | 'readmit.case.opened'
  | 'readmit.case.classified'
  | 'readmit.people.attested'
  | 'readmit.plan.proposed'
  | 'readmit.evidence.added'
  | 'readmit.approval.requested'
  | 'readmit.decision.recorded'
  | 'readmit.approval.denied'
  | 'readmit.approval.withdrawn'
  | 'readmit.approval.expired'
  | 'readmit.approval.granted';
type GrantFacts = Facts<GrantEvents>;
type Obligation = FactOf<'readmit.obligation.recorded'>;

/**
 * The only judgement of a grant: for approval before it grants (with the new grant among the facts), for execution before it
 * starts, for audit and for the offline verifier. It trusts no summary: people come from classification, requester and key
 * from CaseOpened, proofs from EvidenceAdded, the plan from execution, and every decision is verified again. `at`: when
 * execution starts on it. Whether the case was stopped, or the grant has expired at `at`, is checked elsewhere (`intent.ts`).
 */
export const judgeGrant = (
  facts: Facts<GrantEvents | 'readmit.obligation.recorded'>,
  at: Date,
  crypto: Crypto,
  grant: Granted | undefined = facts.first('readmit.approval.granted'),
): GrantJudgement => judge(facts, facts.of('readmit.obligation.recorded'), at, crypto, grant);

/** The same for a grant that approval is about to emit: the scheduler has recorded no obligations yet. */
export const judgeNewGrant = (facts: GrantFacts, at: Date, crypto: Crypto, grant: Granted): GrantJudgement =>
  judge(facts, [], at, crypto, grant);

function judge(
  facts: GrantFacts,
  obligations: readonly Obligation[],
  at: Date,
  crypto: Crypto,
  grant: Granted | undefined,
): GrantJudgement {
  const opened = facts.first('readmit.case.opened');
  const classified = facts.last('readmit.case.classified');
  if (!grant || !opened || !classified)
    return { refusals: [], waits: [{ waitsFor: 'the facts of the case', violation: 'decisions-invalid' }], plan: undefined };
  const refusals: GrantRefusal[] = [];
  const waits: GrantWait[] = [];
  const refuse = (violation: GrantViolation, rule: string, reason: string, message: string): unknown =>
    refusals.push({ violation, rule, reason, message: message.slice(0, 500) });
  const add = (violation: GrantViolation, refusal: Refusal | undefined): void => {
    if (refusal) refuse(violation, refusal.rule, refusal.reason, refusal.message);
  };

  if (facts.of('readmit.case.opened').length > 1)
    refuse('opened-twice', 'R1.1', 'opened-twice', 'The case was opened twice, and the second request was neither proved nor approved.');
  for (const [type, reason] of endings)
    if (facts.has(type)) refuse('granted-after-end', 'R4.7', reason, `The request had already ended (${type}) and could not be granted.`);

  const planned = facts.of('readmit.plan.proposed').find((fact) => fact.data.digest === grant.data.planDigest);
  const plan = planned && crypto.digest(planned.data.plan) === planned.data.digest ? planned.data.plan : undefined;
  if (!planned) refuse('plan-not-approved', 'R4.4', 'plan-changed', 'The approval is for a plan that execution did not propose.');
  else if (!plan) refuse('plan-not-approved', 'R4.4', 'plan-changed', 'The digest of the proposed plan does not match its content.');

  const ids = attestationIdsOf(grant.data);
  const attested = attestedOf(facts, ids);
  const missing = ids.filter((id) => !facts.of('readmit.people.attested').some((fact) => fact.id === id));
  if (missing.length > 0) waits.push({ waitsFor: 'the attestation of people', violation: 'decisions-invalid' });

  const proofs = judgeProofs(facts, grant, attested, crypto);
  refusals.push(...proofs.changed);
  if (!proofs.complete) waits.push({ waitsFor: 'the evidence that the approval rests on', violation: 'evidence-differs' });

  // Approval copies the obligations and the scheduler records them: both must be exactly what was approved, or nothing starts.
  if (plan && crypto.canonical(grant.data.obligations) !== crypto.canonical(plan.obligations))
    refuse(
      'obligation-missing',
      'R6.1',
      'obligations-differ',
      'The approval has other obligations than its plan, so not everything would be undone.',
    );
  for (const undo of plan?.obligations ?? []) {
    const recorded = obligations.filter((fact) => fact.data.obligationId === undo.id);
    if (recorded.length === 0) waits.push({ waitsFor: `obligation ${undo.id}`, violation: 'obligation-missing' });
    if (recorded.some((fact) => crypto.canonical(fact.data.undo) !== crypto.canonical(undo)))
      refuse('obligation-differs', 'R6.1', 'obligations-differ', `The obligation ${undo.id} was not recorded as it was approved.`);
  }

  const { requirements, ceiling, class: caseClass } = classified.data;
  if (proofs.complete && needsMet(requirements.evidence, proofs.used, new Date(grant.at)).some(({ met }) => !met))
    refuse(
      'evidence-missing',
      'R3.1',
      'evidence-missing',
      'Proofs that the policy requires were missing or stale when the approval was granted.',
    );
  add('evidence-missing', ticketMissing(opened.data, requirements));
  if (plan) {
    add('plan-above-ceiling', aboveCeiling(plan, caseClass, ceiling));
    if (plan.classificationId !== classified.id)
      refuse('plan-not-approved', 'R4.4', 'plan-of-another-classification', 'The plan was made under another classification of the case.');
    add('plan-not-asked', planNotAsked(plan, opened.data, grant.data, crypto));
    add('obligation-missing', obligationRefusal(plan, requirements.overlapSeconds));
    if (missing.length === 0) add('plan-not-approved', recipientRefusal(facts, plan, ids));
  }

  const bound = plusSeconds(grant.at, requirements.executeWithinSeconds + clockToleranceSeconds);
  if (!(new Date(grant.data.goodUntil) <= bound))
    refuse(
      'grant-outlives-policy',
      'R4.7',
      'good-for-too-long',
      `The approval is valid until ${grant.data.goodUntil}, longer than the policy allows.`,
    );
  if (new Date(grant.at) > plusSeconds(at, clockToleranceSeconds))
    refuse('grant-outlives-policy', 'R4.7', 'granted-in-the-future', `The approval is dated ${grant.at}, which is in the future.`);

  if (attested && missing.length === 0 && proofs.complete) {
    const basis = decisionBasisOf(
      { opened: opened.data, classified: classified.data, attested },
      {
        planDigest: grant.data.planDigest,
        evidenceDigest: grant.data.evidenceDigest,
        collectors: proofs.used.map((fact) => fact.data.collectedBy),
      },
    );
    add('decisions-invalid', checkDecisions(grant.data.decisions, basis, crypto));
    add('decisions-invalid', planned && decisionTimeRefusal(grant, planned.at));
    add('decisions-invalid', nonceRefusal(facts, grant));
    add('granted-after-end', denialRefusal(facts, basis, attested, crypto));
  }
  refusals.push(...proofs.unfit);
  return { refusals, waits, plan };
}

/** Ends of a request after which approval never grants. */
const endings = [
  ['readmit.approval.denied', 'approval-denied'],
  ['readmit.approval.withdrawn', 'approval-withdrawn'],
  ['readmit.approval.expired', 'approval-expired-before'],
] as const;

/** Why the signed time of a decision cannot be true, or undefined. It is from the approver's own clock. */
function decisionTimeRefusal(grant: Granted, plannedAt: string): Refusal | undefined {
  const explanations = {
    'not-a-time': 'which is not a valid time.',
    'too-early': 'before there was a plan to decide on. Set the clock and sign again.',
    'too-late': 'which is in the future. Set the clock and sign again.',
  };
  for (const { statement } of grant.data.decisions) {
    const fault = signedTimeFault(statement.decidedAt, plannedAt, grant.at);
    if (fault)
      return {
        rule: 'R4.4',
        reason: 'decided-at-no-such-time',
        message: `The signed statement is dated ${statement.decidedAt}, ${explanations[fault]}`,
      };
  }
  return undefined;
}

/** Every decision answers a request to decide. If any requests of the case are known, it must be one of them. */
function nonceRefusal(facts: GrantFacts, grant: Granted): Refusal | undefined {
  const requests = facts.of('readmit.approval.requested');
  const asked = (nonce: string): boolean =>
    requests.some(
      ({ data }) => data.nonce === nonce && data.planDigest === grant.data.planDigest && data.evidenceDigest === grant.data.evidenceDigest,
    );
  return requests.length === 0 || grant.data.decisions.every(({ statement }) => asked(statement.nonce))
    ? undefined
    : { rule: 'R4.4', reason: 'nonce-unknown', message: 'A decision has the nonce of no request for this plan and evidence.' };
}

/** A valid denial on anything ends the request, as in approval (R4.3, R4.7). */
function denialRefusal(facts: GrantFacts, basis: DecisionBasis, attested: Attested, crypto: Crypto): Refusal | undefined {
  // With everyone attested by now: the grant need not name the person who denied.
  const who = { ...basis, people: attestedOf(facts)?.people ?? attested.people };
  const denial = facts
    .of('readmit.decision.recorded')
    .find(({ data: { decision } }) => decision.statement.decision === 'deny' && !checkDenial(decision, who, crypto));
  return (
    denial && {
      rule: 'R4.3',
      reason: 'decision-is-deny',
      message: `${denial.data.decision.statement.approver} denied this request.`,
    }
  );
}

function recipientRefusal(facts: GrantFacts, plan: Plan, among: readonly string[]): Refusal | undefined {
  const known = recipientsOf(facts, among);
  const wrong = plan.recipients.find((recipient) => !known.some(({ key }) => key.fingerprint === recipient.fingerprint));
  if (wrong)
    return {
      rule: 'R2.6',
      reason: 'recipient-unknown',
      message: `The plan seals a secret to a key that is neither in the request nor in the directory (${wrong.id}).`,
    };
  const unnamed = plan.steps.find((step) => step.recipients.some((one) => !plan.recipients.some(({ fingerprint }) => fingerprint === one)));
  return (
    unnamed && {
      rule: 'R2.6',
      reason: 'recipient-unknown',
      message: `The step ${unnamed.id} seals a secret to a key that is not among the approved recipients.`,
    }
  );
}
