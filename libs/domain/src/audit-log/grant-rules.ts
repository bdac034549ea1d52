import { checkDecisions } from '../decision-proof/decision-proof.js';
import { evidenceDigest, needsMet } from '../evidence/evidence.js';
import type { Crypto } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { aboveCeiling, ticketMissing } from '../restoration-plan/ceiling.js';
import type { CaseLog, Logged, Report } from './case-log.js';

/** Whether the grant that an execution rests on could be given at all: by its plan, its proofs, the policy and its decisions. */
export function judgeGrant(
  log: CaseLog,
  granted: Logged<'readmit.approval.granted'>,
  started: Logged<'readmit.execution.started'>,
  report: Report,
  crypto: Crypto,
): void {
  const grant = granted.fact.data;
  const planned = log
    .of('readmit.plan.proposed')
    .findLast((entry) => entry.fact.data.digest === grant.planDigest && entry.index < started.index);
  if (!planned) report('plan-not-approved', granted, 'The grant names a plan that the log does not have.');
  else if (crypto.digest(planned.fact.data.plan) !== planned.fact.data.digest)
    report('plan-not-approved', planned, 'The digest of the proposed plan is not that of its content.');
  else if (crypto.canonical(planned.fact.data.plan.obligations) !== crypto.canonical(grant.obligations))
    report('obligation-missing', granted, 'The obligations of the grant are not those of its plan.');
  if (started.fact.data.planDigest !== grant.planDigest)
    report('plan-not-approved', started, 'Execution names another plan than its grant.');
  if (evidenceDigest(grant.evidence, crypto) !== grant.evidenceDigest)
    report('evidence-differs', granted, 'The digest of the evidence is not that of the proofs that the grant names.');
  const added = log.of('readmit.evidence.added');
  const named = added.filter(({ fact }) => grant.evidence.some((proof) => proof.id === fact.data.evidenceId));
  for (const proof of grant.evidence)
    if (!added.some((entry) => entry.fact.data.evidenceId === proof.id && entry.fact.data.digest === proof.digest))
      report('evidence-differs', granted, `The grant names the proof ${proof.id}, which the log does not have with that digest.`);

  const opened = log.of('readmit.case.opened')[0];
  const classified = log.lastBefore('readmit.case.classified', started.index);
  if (classified) {
    const { class: caseClass, ceiling, requirements } = classified.fact.data;
    const above = planned && aboveCeiling(planned.fact.data.plan, caseClass, ceiling);
    if (above) report('plan-above-ceiling', granted, `${above.rule} ${above.reason}: ${above.says}`);
    const unasked = opened && ticketMissing(opened.fact.data, requirements);
    if (unasked) report('evidence-missing', granted, `${unasked.rule} ${unasked.reason}: ${unasked.says}`);
    // In the order in which approval looked at them.
    const proofs = new Facts(named.map(({ fact }) => fact)).of('readmit.evidence.added');
    for (const { need, met } of needsMet(requirements.evidence, proofs, new Date(granted.fact.at)))
      if (!met) report('evidence-missing', granted, `R3.1: no proof of the grant was a fresh ${need.kind} when it was granted.`);
  }

  const attested = log.of('readmit.people.attested').find((entry) => entry.fact.id === grant.attestationId && entry.index < started.index);
  if (!attested || !classified) {
    report('decisions-invalid', granted, `The grant rests on the attestation ${grant.attestationId}, which was not in the log yet.`);
    return;
  }
  if (!opened) {
    report('decisions-invalid', granted, 'The log does not say who asked: readmit.case.opened is missing.');
    return;
  }
  const problem = checkDecisions(
    grant.decisions,
    {
      caseId: grant.caseId,
      planDigest: grant.planDigest,
      evidenceDigest: grant.evidenceDigest,
      policyDigest: classified.fact.data.policy.digest,
      requester: opened.fact.data.requester.id,
      subject: opened.fact.data.subject.id,
      collectors: named.map((entry) => entry.fact.data.collectedBy),
      people: attested.fact.data.people,
      quorum: classified.fact.data.requirements.quorum,
    },
    crypto,
  );
  if (problem) report('decisions-invalid', granted, `${problem.rule} ${problem.reason}: ${problem.says}`);
}
