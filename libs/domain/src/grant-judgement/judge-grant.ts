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

/** What cannot be judged yet because a fact is missing; for a log that is complete it is a problem of that name. */
export interface GrantWait {
  readonly waitsFor: string;
  readonly violation: GrantViolation;
}
export interface GrantJudgement {
  /** Empty together with `waits`: the grant counts. The first is the one to tell. */
  readonly refusals: readonly GrantRefusal[];
  readonly waits: readonly GrantWait[];
  /** The plan that was granted, when it is known and is what its digest says. */
  readonly plan: Plan | undefined;
}
type Granted = FactOf<'readmit.approval.granted'>;

/** What a grant rests on. */
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
 * The one judgement of a grant: approval before it grants (with the grant among the facts), execution before it starts,
 * audit's watch and the offline verifier. It believes nobody's summary: people come from classification, requester and key from
 * CaseOpened, proofs from EvidenceAdded, the plan from execution, and every decision is verified again. `at`: when something
 * begins on it. Whether the case was stopped since, and whether the grant is still good at `at`, is not of the grant.
 */
export const judgeGrant = (
  facts: Facts<GrantEvents | 'readmit.obligation.recorded'>,
  at: Date,
  crypto: Crypto,
  grant: Granted | undefined = facts.first('readmit.approval.granted'),
): GrantJudgement => judge(facts, facts.of('readmit.obligation.recorded'), at, crypto, grant);

/** Approval's judgement of a grant that it is about to make: the scheduler has recorded nothing of it yet. */
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
    refuse(
      'opened-twice',
      'R1.1',
      'opened-twice',
      'Another request was opened under the name of this case; nobody proved or approved that one.',
    );
  for (const [type, reason] of endings)
    if (facts.has(type))
      refuse('granted-after-end', 'R4.7', reason, `The request had an end before (${type}); nothing could be granted on it.`);

  const planned = facts.of('readmit.plan.proposed').find((fact) => fact.data.digest === grant.data.planDigest);
  const plan = planned && crypto.digest(planned.data.plan) === planned.data.digest ? planned.data.plan : undefined;
  if (!planned) refuse('plan-not-approved', 'R4.4', 'plan-changed', 'The approval is for a plan that execution did not propose.');
  else if (!plan) refuse('plan-not-approved', 'R4.4', 'plan-changed', 'The digest of the proposed plan is not that of its content.');

  const ids = attestationIdsOf(grant.data);
  const attested = attestedOf(facts, ids);
  const missing = ids.filter((id) => !facts.of('readmit.people.attested').some((fact) => fact.id === id));
  if (missing.length > 0) waits.push({ waitsFor: 'the attestation of people', violation: 'decisions-invalid' });

  const proofs = judgeProofs(facts, grant, attested, crypto);
  refusals.push(...proofs.changed);
  if (!proofs.complete) waits.push({ waitsFor: 'the evidence that the approval rests on', violation: 'evidence-differs' });

  // Approval copies the obligations and the scheduler records them; what ends the grant is what was approved, or nothing begins.
  if (plan && crypto.canonical(grant.data.obligations) !== crypto.canonical(plan.obligations))
    refuse(
      'obligation-missing',
      'R6.1',
      'obligations-differ',
      'The approval does not carry the obligations of its plan, so not everything would be taken back.',
    );
  for (const undo of plan?.obligations ?? []) {
    const recorded = obligations.filter((fact) => fact.data.obligationId === undo.id);
    if (recorded.length === 0) waits.push({ waitsFor: `obligation ${undo.id}`, violation: 'obligation-missing' });
    if (recorded.some((fact) => crypto.canonical(fact.data.undo) !== crypto.canonical(undo)))
      refuse('obligation-differs', 'R6.1', 'obligations-differ', `What was recorded to be undone is not what was approved (${undo.id}).`);
  }

  const { requirements, ceiling, class: caseClass } = classified.data;
  if (proofs.complete && needsMet(requirements.evidence, proofs.used, new Date(grant.at)).some(({ met }) => !met))
    refuse(
      'evidence-missing',
      'R3.1',
      'evidence-missing',
      'The approval was granted without the proofs that the policy asks for, fresh when it was granted.',
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
      `The approval says it is good until ${grant.data.goodUntil}, longer than the policy allows.`,
    );
  if (new Date(grant.at) > plusSeconds(at, clockToleranceSeconds))
    refuse(
      'grant-outlives-policy',
      'R4.7',
      'granted-in-the-future',
      `The approval says that it is of ${grant.at}, which is still to come.`,
    );

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

/** Ends of a request that go before any grant: approval never says one of them and a grant. */
const endings = [
  ['readmit.approval.denied', 'approval-denied'],
  ['readmit.approval.withdrawn', 'approval-withdrawn'],
  ['readmit.approval.expired', 'approval-expired-before'],
] as const;

/** Why a decision cannot have been made when it says that it was, or undefined. The signed time is the approver's own clock. */
function decisionTimeRefusal(grant: Granted, plannedAt: string): Refusal | undefined {
  const explanations = {
    'no-instant': 'which is no instant.',
    'too-early': 'before there was a plan to decide about. Set the clock and sign anew.',
    'too-late': 'which is still to come. Set the clock and sign anew.',
  };
  for (const { statement } of grant.data.decisions) {
    const fault = signedTimeFault(statement.decidedAt, plannedAt, grant.at);
    if (fault)
      return {
        rule: 'R4.4',
        reason: 'decided-at-no-such-time',
        message: `The signed statement says that it is of ${statement.decidedAt}, ${explanations[fault]}`,
      };
  }
  return undefined;
}

/** A decision answers a request to decide. Where the requests of the case are known, it must be one of them. */
function nonceRefusal(facts: GrantFacts, grant: Granted): Refusal | undefined {
  const requests = facts.of('readmit.approval.requested');
  const asked = (nonce: string): boolean =>
    requests.some(
      ({ data }) => data.nonce === nonce && data.planDigest === grant.data.planDigest && data.evidenceDigest === grant.data.evidenceDigest,
    );
  return requests.length === 0 || grant.data.decisions.every(({ statement }) => asked(statement.nonce))
    ? undefined
    : { rule: 'R4.4', reason: 'nonce-unknown', message: 'A decision does not carry the nonce of a request to decide on exactly this.' };
}

/** A signed no of somebody who may decide, whatever it bound: it ends the request, as it does with approval (R4.3, R4.7). */
function denialRefusal(facts: GrantFacts, basis: DecisionBasis, attested: Attested, crypto: Crypto): Refusal | undefined {
  // Whoever was attested by now: a no needs no place in the grant.
  const who = { ...basis, people: attestedOf(facts)?.people ?? attested.people };
  const denial = facts
    .of('readmit.decision.recorded')
    .find(({ data: { decision } }) => decision.statement.decision === 'deny' && !checkDenial(decision, who, crypto));
  return (
    denial && {
      rule: 'R4.3',
      reason: 'decision-is-deny',
      message: `${denial.data.decision.statement.approver} said no to this request.`,
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
      message: `The plan seals a secret to a key that neither the request nor the directory names (${wrong.id}).`,
    };
  const unnamed = plan.steps.find((step) => step.recipients.some((one) => !plan.recipients.some(({ fingerprint }) => fingerprint === one)));
  return (
    unnamed && {
      rule: 'R2.6',
      reason: 'recipient-unknown',
      message: `The step ${unnamed.id} seals to a key that is not among the recipients that were approved.`,
    }
  );
}
