import type { Draft, EventData, FactOf } from '@readmit/contracts';
import { attestationIdsOf, attestedOf, maxAttestationRequests } from '../decision-proof/attested.js';
import { quorumMet, type DecisionBasis } from '../decision-proof/decision-proof.js';
import { fresh, refsOf } from '../evidence/evidence.js';
import { judgeNewGrant } from '../grant-judgement/judge-grant.js';
import { draft, type Refusal, type Reaction } from '../kernel/behaviour.js';
import { earliest, instant, plusSeconds, reached } from '../kernel/time.js';
import { aboveCeiling } from '../restoration-plan/ceiling.js';
import { approvalState, approvalsFor, denialIn, planOf, requestFor } from './approval.state.js';
import type { ApprovalContext, ApprovalFacts } from './approval.facts.js';

/** What follows for a request. MUST NOT grant with stale evidence, an unmet quorum or a decision that does not verify. */
export function approvalReact(facts: ApprovalFacts, context: ApprovalContext): Reaction {
  const refused = refusePlans(facts, context);
  if (refused.length > 0) return { emit: refused };
  const state = approvalState(facts, context.now, context.crypto);
  const who = state.name === 'waiting-for-plan' ? state.who : 'basis' in state ? state.basis : undefined;
  const denied = who && denialIn(facts, who, context.crypto);
  if (denied) {
    const { id, statement } = denied.data.decision;
    return { emit: [draft('readmit.approval.denied', context.key, { caseId: context.key, decisionId: id, by: statement.approver })] };
  }
  if (state.name === 'waiting-for-plan') return expireUnplanned(facts, context);
  if (state.name !== 'waiting-for-evidence' && state.name !== 'waiting-for-decisions') return { emit: [], wakeAt: null };
  if (reached(state.decideBefore, context.now))
    return { emit: [draft('readmit.approval.expired', context.key, { caseId: context.key, expiredAt: instant(context.now) })] };
  if (state.name === 'waiting-for-evidence') return { emit: [], wakeAt: state.decideBefore };

  const evidence = fresh(facts.of('readmit.evidence.added'), context.now);
  const wakeAt = earliest(state.decideBefore, ...evidence.map((item) => new Date(item.data.staleAt)));
  const { basis } = state;
  if (!requestFor(facts, basis))
    return {
      emit: [
        draft('readmit.approval.requested', context.key, {
          caseId: context.key,
          planDigest: basis.planDigest,
          evidenceDigest: basis.evidenceDigest,
          decideBefore: instant(state.decideBefore),
          nonce: context.newId('nonce'),
        }),
      ],
    };
  const valid = approvalsFor(facts, basis, context.crypto);
  const approvers = valid.map((fact) => fact.data.decision.statement.approver);
  if (!quorumMet(basis.quorum, approvers, basis.people)) return { emit: [], wakeAt };
  const data = grantData(facts, basis, valid, context);
  // The same judgement as in execution and audit: a grant that they would refuse is not emitted.
  const granted: FactOf<'readmit.approval.granted'> = {
    id: data.grantId,
    type: 'readmit.approval.granted',
    at: instant(context.now),
    data,
  };
  const wrong = tooManyAttestations(data) ?? judgeNewGrant(facts.with([granted]), context.now, context.crypto, granted).refusals[0];
  if (!wrong) return { emit: [draft('readmit.approval.granted', context.key, data)] };
  return {
    emit: refuseOnce(facts, context, `grant/${basis.planDigest}/${basis.evidenceDigest}/${wrong.reason}`, 'approval', wrong),
    wakeAt,
  };
}

/** Expires a request for which no plan arrives, for example because the target cannot be read, in the time that it has for decisions. */
function expireUnplanned(facts: ApprovalFacts, context: ApprovalContext): Reaction {
  const classified = facts.last('readmit.case.classified');
  if (!classified) return { emit: [], wakeAt: null };
  const until = plusSeconds(classified.at, classified.data.requirements.decideWithinSeconds);
  if (!reached(until, context.now)) return { emit: [], wakeAt: until };
  return { emit: [draft('readmit.approval.expired', context.key, { caseId: context.key, expiredAt: instant(context.now) })] };
}

function grantData(
  facts: ApprovalFacts,
  basis: DecisionBasis,
  valid: readonly FactOf<'readmit.decision.recorded'>[],
  context: ApprovalContext,
): EventData<'readmit.approval.granted'> {
  const planned = planOf(facts);
  const classified = facts.last('readmit.case.classified');
  const attested = attestedOf(facts);
  const decisions = valid.map((fact) => fact.data.decision);
  if (!planned || !classified || !attested) throw new Error(`this is a bug: granting ${context.key} with facts missing`);
  return {
    caseId: context.key,
    grantId: context.newId('grant'),
    planDigest: basis.planDigest,
    evidenceDigest: basis.evidenceDigest,
    evidence: refsOf(facts.of('readmit.evidence.added')),
    decisions,
    directory: { digest: attested.directory.digest, ageSeconds: attested.directory.ageSeconds },
    attestationId: attested.ids[0] ?? '',
    attestations: [...attested.ids],
    goodUntil: instant(plusSeconds(context.now, classified.data.requirements.executeWithinSeconds)),
    durationSeconds: planned.data.plan.durationSeconds,
    obligations: planned.data.plan.obligations,
  };
}

/** The schema of the grant limits them, and an event that violates its schema would be retried forever. Only a stolen service key leads to so many. */
const tooManyAttestations = (data: EventData<'readmit.approval.granted'>): Refusal | undefined =>
  attestationIdsOf(data).length > maxAttestationRequests + 1
    ? {
        rule: 'R4.2',
        reason: 'too-many-attestations',
        message: 'More people were attested for this case than a grant can name. Open a new request.',
      }
    : undefined;

/** Records the refusal of each plan above the ceiling, once (R2.1). */
function refusePlans(facts: ApprovalFacts, context: ApprovalContext): readonly Draft[] {
  const classified = facts.last('readmit.case.classified');
  if (!classified) return [];
  return facts.of('readmit.plan.proposed').flatMap((fact) => {
    const above = aboveCeiling(fact.data.plan, classified.data.class, classified.data.ceiling);
    return above ? refuseOnce(facts, context, `plan/${fact.data.planId}`, 'execution', above) : [];
  });
}

/** Records a refusal once, by its name. Every text is cut to the limits of the schema: an invalid event would be retried forever. */
function refuseOnce(
  facts: ApprovalFacts,
  { key }: ApprovalContext,
  name: string,
  actor: string,
  { rule, reason, message }: Refusal,
): readonly Draft[] {
  const command = name.slice(0, 255);
  if (facts.of('readmit.approval.refused').some((past) => past.data.command === command)) return [];
  return [draft('readmit.approval.refused', key, { key, command, rule, reason, actor, says: message.slice(0, 500) })];
}
