import type { EventType, Fact } from '@readmit/contracts';
import { judgeGrant } from '../grant-judgement/judge-grant.js';
import type { Crypto } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import type { CaseLog, Logged, Report } from './case-log.js';

/** Execution waits until audit has logged these, so their order in the log counts. Other types may be logged after an event that depends on them. */
const gated: readonly EventType[] = [
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.plan.proposed',
  'readmit.approval.granted',
];
/** Reported by other rules, which also name the entry. */
const reportedElsewhere: readonly string[] = ['opened-twice', 'obligation-differs'];

/** Judges the grant of an execution, by what the log had when it started. */
export function judgeGrantOfLog(
  log: CaseLog,
  granted: Logged<'readmit.approval.granted'>,
  started: Logged<'readmit.execution.started'>,
  report: Report,
  crypto: Crypto,
): void {
  const grant = granted.fact;
  const known = log.entries.filter(
    ({ index, fact }) => index < started.index || (!gated.includes(fact.type) && fact.at <= started.fact.at),
  );
  const facts = new Facts(known.map(({ fact }) => fact));
  const { refusals, waits } = judgeGrant(facts, new Date(started.fact.at), crypto, grant);
  for (const { violation, rule, reason, message } of refusals)
    if (!reportedElsewhere.includes(violation))
      report(violation, entryOf(log, grant, violation) ?? granted, `${rule} ${reason}: ${message}`);
  for (const { violation, waitsFor } of waits)
    if (violation !== 'obligation-missing') report(violation, granted, `The log does not have ${waitsFor}, which the grant needs.`);
  if (started.fact.data.planDigest !== grant.data.planDigest)
    report('plan-not-approved', started, 'Execution carried out another plan than the one granted.');
}

/** The entry of a plan with a wrong digest. */
const entryOf = (log: CaseLog, grant: Extract<Fact, { type: 'readmit.approval.granted' }>, finds: string) =>
  finds === 'plan-not-approved'
    ? log.of('readmit.plan.proposed').find(({ fact }) => fact.data.digest === grant.data.planDigest)
    : undefined;
