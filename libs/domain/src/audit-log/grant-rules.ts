import type { EventType, Fact } from '@readmit/contracts';
import { judgeGrant } from '../grant-judgement/judge-grant.js';
import type { Crypto } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import type { CaseLog, Logged, Report } from './case-log.js';

/** Execution does not start before audit has these, so their place in the log counts. Others may come to the log after what rests on them. */
const gated: readonly EventType[] = [
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.plan.proposed',
  'readmit.approval.granted',
];
/** Rules of their own about the same things, which say more: where in the log it stands. */
const reportedElsewhere: readonly string[] = ['opened-twice', 'obligation-differs'];

/** Whether the grant that an execution rests on could be given at all, by what the log had when it started. */
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
    if (violation !== 'obligation-missing') report(violation, granted, `The log does not have ${waitsFor}, which the grant rests on.`);
  if (started.fact.data.planDigest !== grant.data.planDigest)
    report('plan-not-approved', started, 'Execution names another plan than its grant.');
}

/** A plan whose digest is wrong is shown where it stands. */
const entryOf = (log: CaseLog, grant: Extract<Fact, { type: 'readmit.approval.granted' }>, finds: string) =>
  finds === 'plan-not-approved'
    ? log.of('readmit.plan.proposed').find(({ fact }) => fact.data.digest === grant.data.planDigest)
    : undefined;
