import type { Draft, FactOf } from '@readmit/contracts';
import { checkDecisions, quorumMet, checkDecision, type DecisionBasis } from '../decision-proof/decision-proof.js';
import { evidenceDigest, fresh, needsMet, refsOf } from '../evidence/evidence.js';
import { say, type Context, type Crypto, type Reaction } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { earliest, instant, plusSeconds, reached } from '../kernel/time.js';
import { aboveCeiling } from '../restoration-plan/ceiling.js';

export type ApprovalState =
  | { readonly name: 'waiting-for-plan' | 'granted' | 'denied' | 'expired' | 'withdrawn' | 'frozen' }
  | { readonly name: 'waiting-for-evidence' | 'waiting-for-decisions'; readonly basis: DecisionBasis; readonly decideBefore: Date };

type Planned = FactOf<'readmit.plan.proposed'>;

/** The plan that a decision would be about: the latest that keeps under the ceiling. Others were refused and count for nothing. */
export function planOf(facts: Facts): Planned | undefined {
  const classified = facts.last('readmit.case.classified');
  if (!classified) return undefined;
  return facts
    .of('readmit.plan.proposed')
    .findLast((fact) => !aboveCeiling(fact.data.plan, classified.data.class, classified.data.ceiling));
}

/** Where an approval stands: a function of the set of facts and the clock. */
export function approvalState(facts: Facts, now: Date, crypto: Crypto): ApprovalState {
  if (facts.has('readmit.approval.granted')) return { name: 'granted' };
  if (facts.has('readmit.approval.withdrawn')) return { name: 'withdrawn' };
  if (facts.has('readmit.approval.denied')) return { name: 'denied' };
  if (facts.has('readmit.approval.expired')) return { name: 'expired' };
  if (facts.has('readmit.case.frozen') || facts.has('readmit.containment.ordered')) return { name: 'frozen' };
  const opened = facts.first('readmit.case.opened');
  const classified = facts.last('readmit.case.classified');
  const attested = facts.last('readmit.people.attested');
  const planned = planOf(facts);
  if (!opened || !classified || !attested || !planned) return { name: 'waiting-for-plan' };

  const evidence = facts.of('readmit.evidence.added');
  const basis: DecisionBasis = {
    caseId: opened.data.caseId,
    planDigest: planned.data.digest,
    evidenceDigest: evidenceDigest(refsOf(evidence), crypto),
    policyDigest: classified.data.policy.digest,
    requester: opened.data.requester.id,
    subject: opened.data.subject.id,
    collectors: [...new Set(evidence.map((item) => item.data.collectedBy))],
    people: attested.data.people,
    quorum: classified.data.requirements.quorum,
  };
  const decideBefore = plusSeconds(planned.at, classified.data.requirements.decideWithinSeconds);
  const enough = needsMet(classified.data.requirements.evidence, evidence, now).every(({ met }) => met);
  return { name: enough ? 'waiting-for-decisions' : 'waiting-for-evidence', basis, decideBefore };
}

/** Decisions that bind exactly what is on the table; earlier ones that bound something else are void (R4.4). */
export const decisionsFor = (facts: Facts, basis: DecisionBasis): readonly FactOf<'readmit.decision.recorded'>[] =>
  facts.of('readmit.decision.recorded').filter(
    ({
      data: {
        decision: { statement },
      },
    }) => statement.planDigest === basis.planDigest && statement.evidenceDigest === basis.evidenceDigest,
  );

/** What approval concludes. MUST NOT grant with stale evidence, an unmet quorum or a decision that does not verify. */
export function approvalReact(facts: Facts, context: Context): Reaction {
  const refused = refusePlans(facts, context);
  if (refused.length > 0) return { emit: refused };
  const state = approvalState(facts, context.now, context.crypto);
  if (state.name === 'waiting-for-plan') return expireUnplanned(facts, context);
  if (state.name !== 'waiting-for-evidence' && state.name !== 'waiting-for-decisions') return { emit: [], wakeAt: null };
  if (reached(state.decideBefore, context.now))
    return { emit: [say('readmit.approval.expired', context.key, { caseId: context.key, expiredAt: instant(context.now) })] };
  if (state.name === 'waiting-for-evidence') return { emit: [], wakeAt: state.decideBefore };

  const evidence = fresh(facts.of('readmit.evidence.added'), context.now);
  const wakeAt = earliest(state.decideBefore, ...evidence.map((item) => new Date(item.data.staleAt)));
  const { basis } = state;
  const requested = facts
    .of('readmit.approval.requested')
    .some((fact) => fact.data.planDigest === basis.planDigest && fact.data.evidenceDigest === basis.evidenceDigest);
  if (!requested)
    return {
      emit: [
        say('readmit.approval.requested', context.key, {
          caseId: context.key,
          planDigest: basis.planDigest,
          evidenceDigest: basis.evidenceDigest,
          decideBefore: instant(state.decideBefore),
          nonce: context.newId('nonce'),
        }),
      ],
    };
  const valid = decisionsFor(facts, basis).filter((fact) => !checkDecision(fact.data.decision, basis, context.crypto));
  const denied = valid.find((fact) => fact.data.decision.statement.decision === 'deny');
  if (denied)
    return {
      emit: [
        say('readmit.approval.denied', context.key, {
          caseId: context.key,
          decisionId: denied.data.decision.id,
          by: denied.data.decision.statement.approver,
        }),
      ],
    };
  const approvers = valid.map((fact) => fact.data.decision.statement.approver);
  if (!quorumMet(basis.quorum, approvers, basis.people)) return { emit: [], wakeAt };
  return { emit: [grant(facts, basis, valid, context)] };
}

/** A target that cannot be read gives no plan; the request does not wait for it longer than for its decisions. */
function expireUnplanned(facts: Facts, context: Context): Reaction {
  const classified = facts.last('readmit.case.classified');
  if (!classified || facts.has('readmit.plan.refused')) return { emit: [], wakeAt: null };
  const until = plusSeconds(classified.at, classified.data.requirements.decideWithinSeconds);
  if (!reached(until, context.now)) return { emit: [], wakeAt: until };
  return { emit: [say('readmit.approval.expired', context.key, { caseId: context.key, expiredAt: instant(context.now) })] };
}

function grant(facts: Facts, basis: DecisionBasis, valid: readonly FactOf<'readmit.decision.recorded'>[], context: Context): Draft {
  const planned = planOf(facts);
  const classified = facts.last('readmit.case.classified');
  const attested = facts.last('readmit.people.attested');
  const decisions = valid.map((fact) => fact.data.decision);
  const wrong = checkDecisions(decisions, basis, context.crypto);
  if (!planned || !classified || !attested || wrong)
    throw new Error(`this is a bug: granting ${context.key} with ${wrong?.reason ?? 'facts missing'}`);
  return say('readmit.approval.granted', context.key, {
    caseId: context.key,
    grantId: context.newId('grant'),
    planDigest: basis.planDigest,
    evidenceDigest: basis.evidenceDigest,
    evidence: refsOf(facts.of('readmit.evidence.added')),
    decisions,
    directory: { digest: attested.data.directory.digest, ageSeconds: attested.data.directory.ageSeconds },
    attestationId: attested.id,
    goodUntil: instant(plusSeconds(context.now, classified.data.requirements.executeWithinSeconds)),
    durationSeconds: planned.data.plan.durationSeconds,
    obligations: planned.data.plan.obligations,
  });
}

/** A plan beyond its ceiling is refused on record, once per plan, whoever proposed it (R2.1). */
function refusePlans(facts: Facts, context: Context): readonly Draft[] {
  const classified = facts.last('readmit.case.classified');
  if (!classified) return [];
  return facts.of('readmit.plan.proposed').flatMap((fact) => {
    const above = aboveCeiling(fact.data.plan, classified.data.class, classified.data.ceiling);
    const command = `plan/${fact.data.planId}`;
    if (!above || facts.of('readmit.approval.refused').some((past) => past.data.command === command)) return [];
    return [
      say('readmit.approval.refused', context.key, {
        key: context.key,
        command,
        rule: above.rule,
        reason: above.reason,
        actor: 'execution',
        says: above.says,
      }),
    ];
  });
}
