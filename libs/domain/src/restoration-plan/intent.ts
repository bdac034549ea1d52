import type { EventData, FactOf, Plan } from '@readmit/contracts';
import { checkDecisions } from '../decision-proof/decision-proof.js';
import { evidenceDigest, needsMet, refsOf } from '../evidence/evidence.js';
import type { Context } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { reached } from '../kernel/time.js';
import { aboveCeiling, ticketMissing } from './ceiling.js';
import { planGranted, stopped } from './execution.react.js';

export type Intent =
  | { readonly ok: true; readonly plan: Plan; readonly grant: FactOf<'readmit.approval.granted'> }
  | { readonly ok: 'wait'; readonly waitsFor: string }
  | { readonly ok: false; readonly rule: string; readonly reason: string; readonly says: string };

/**
 * Execution's own verification, in the transaction that stores the intent (DESIGN 3.7, R4.4). It believes nobody's summary:
 * people come from classification, requester and key from CaseOpened, evidence from EvidenceAdded, the plan from itself, and
 * every decision is verified again.
 */
export function verifyIntent(facts: Facts, context: Context): Intent {
  const no = (rule: string, reason: string, says: string): Intent => ({ ok: false, rule, reason, says });
  const grant = facts.first('readmit.approval.granted');
  const opened = facts.first('readmit.case.opened');
  const classified = facts.last('readmit.case.classified');
  const planned = planGranted(facts);
  if (!grant || !opened || !classified) return { ok: 'wait', waitsFor: 'the facts of the case' };
  if (facts.of('readmit.case.opened').length > 1)
    return no('R1.1', 'opened-twice', 'Another request was opened under the name of this case; nobody proved or approved that one.');
  if (stopped(facts)) return no('R6.4', 'ended-before-start', 'The case was ended, frozen or contained before anything began.');
  if (reached(grant.data.goodUntil, context.now))
    return no('R4.7', 'approval-expired', 'The approval was no longer good when execution came to it.');
  if (!planned || context.crypto.digest(planned.data.plan) !== planned.data.digest)
    return no('R4.4', 'plan-changed', 'The approval is for a plan that execution did not propose.');
  const attested = facts.of('readmit.people.attested').find((fact) => fact.id === grant.data.attestationId);
  if (!attested) return { ok: 'wait', waitsFor: 'the attestation of people' };

  const seen = new Map(facts.of('readmit.evidence.added').map((fact) => [fact.data.evidenceId, fact]));
  const used = grant.data.evidence.flatMap((ref) => seen.get(ref.id) ?? []);
  if (used.length < grant.data.evidence.length) return { ok: 'wait', waitsFor: 'the evidence that the approval rests on' };
  if (
    evidenceDigest(refsOf(used), context.crypto) !== grant.data.evidenceDigest ||
    grant.data.evidence.some((ref) => seen.get(ref.id)?.data.digest !== ref.digest)
  )
    return no('R4.4', 'evidence-changed', 'The evidence is not what was approved.');

  // Approval copies the obligations and the scheduler records them; what ends the grant is what was approved, or nothing begins.
  const { canonical } = context.crypto;
  const { obligations } = planned.data.plan;
  if (canonical(grant.data.obligations) !== canonical(obligations))
    return no(
      'R6.1',
      'obligations-differ',
      'The approval does not carry the obligations of its plan, so not everything would be taken back.',
    );
  for (const undo of obligations) {
    const recorded = facts.of('readmit.obligation.recorded').find((fact) => fact.data.obligationId === undo.id);
    if (!recorded) return { ok: 'wait', waitsFor: `obligation ${undo.id}` };
    if (canonical(recorded.data.undo) !== canonical(undo))
      return no('R6.1', 'obligations-differ', `What was recorded to be undone is not what was approved (${undo.id}).`);
  }
  if (needsMet(classified.data.requirements.evidence, used, new Date(grant.at)).some(({ met }) => !met))
    return no('R3.1', 'evidence-missing', 'The approval was granted without the proofs that the policy asks for.');

  const unasked = ticketMissing(opened.data, classified.data.requirements);
  if (unasked) return no(unasked.rule, unasked.reason, unasked.says);
  const above = aboveCeiling(planned.data.plan, classified.data.class, classified.data.ceiling);
  if (above) return no(above.rule, above.reason, above.says);
  const wrongRecipient = planned.data.plan.recipients.find(
    (recipient) => !recipientsOf(facts).some((known) => known.key.fingerprint === recipient.fingerprint),
  );
  if (wrongRecipient)
    return no(
      'R2.6',
      'recipient-unknown',
      `The plan seals a secret to a key that neither the request nor the directory names (${wrongRecipient.id}).`,
    );

  const wrong = checkDecisions(
    grant.data.decisions,
    {
      caseId: context.key,
      planDigest: planned.data.digest,
      evidenceDigest: grant.data.evidenceDigest,
      policyDigest: classified.data.policy.digest,
      requester: opened.data.requester.id,
      subject: opened.data.subject.id,
      collectors: used.map((fact) => fact.data.collectedBy),
      people: attested.data.people,
      quorum: classified.data.requirements.quorum,
    },
    context.crypto,
  );
  if (wrong) return no(wrong.rule, wrong.reason, wrong.says);
  return { ok: true, plan: planned.data.plan, grant };
}

/** Whose keys a secret of this case may be sealed to: the requester's one-time key, or a machine's consumers as attested. */
export function recipientsOf(facts: Facts): EventData<'readmit.people.attested'>['consumers'] {
  const opened = facts.first('readmit.case.opened');
  // What the directory makes of the case counts too: calling a machine a person must not bring its secret to whoever asked.
  const machine = opened?.data.subject.kind === 'machine' || facts.last('readmit.case.classified')?.data.class === 'nhi-secret-restoration';
  if (machine) return facts.last('readmit.people.attested')?.data.consumers ?? [];
  return opened?.data.caseKey ? [{ id: 'requester', key: opened.data.caseKey }] : [];
}
