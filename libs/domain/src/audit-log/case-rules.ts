import type { EventType } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';
import { plusSeconds } from '../kernel/time.js';
import { CaseLog, deliverySeconds, type Logged, type LoggedFact, type Report } from './case-log.js';
import type { CaseRule, Finding } from './finding.js';
import { judgeGrantOfLog } from './grant-rules.js';
import { pendingFindings } from './obligation-rules.js';
import { stillHeldUnproved } from './still-held.js';

export interface CaseJudge {
  readonly crypto: Crypto;
  /** How long after its hard bound an obligation may still be open, since retries and the undo take time. */
  readonly graceSeconds: number;
}
export const defaultGraceSeconds = 300;

const before: readonly EventType[] = [
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.plan.proposed',
  'readmit.approval.granted',
];
/** After any of these execution must not start (R6.4, R6.6). */
const stops = ['readmit.case.frozen', 'readmit.containment.ordered', 'readmit.revocation.due'] as const;

/**
 * What is wrong with a case, by the order and content of its log entries alone, trusting no service, not even audit. `at`:
 * time of the last entry of the log; what may still be in progress then is not wrong. `whole`: false if earlier entries of
 * the case were judged and dropped.
 */
export function judgeCase(caseId: string, entries: readonly LoggedFact[], at: Date, judge: CaseJudge, whole = true): readonly Finding[] {
  const findings: Finding[] = [];
  const report: Report = (rule, entry, why) => findings.push(findingOf(caseId, rule, entry, why));
  const log = new CaseLog(entries, whole);

  for (const entry of entries) {
    const first = entries.find((other) => other.fact.id === entry.fact.id);
    if (first && first !== entry)
      report('event-repeated', entry, `The event ${entry.fact.id} is already in the log at entry ${first.index}.`);
  }
  judgeOnce(log, 'readmit.case.opened', 'opened-twice', report);
  judgeOnce(log, 'readmit.approval.granted', 'granted-twice', report);
  for (const started of log.of('readmit.execution.started')) judgeStart(log, started, report, judge.crypto);
  for (const entry of entries)
    if (entry.fact.type === 'readmit.execution.succeeded' || entry.fact.type === 'readmit.secret.picked-up')
      if (!log.of('readmit.execution.started').some((started) => started.index < entry.index))
        report('ended-without-start', entry, 'No execution of this case was started before this entry.');
  for (const { rule, entry, why, from } of pendingFindings(log, judge.crypto, judge.graceSeconds)) if (at > from) report(rule, entry, why);
  return findings;
}

/** What `judgeCase` will find if no further entry arrives, and from when on: when to judge the case again. */
export function findingsAhead(
  caseId: string,
  entries: readonly LoggedFact[],
  at: Date,
  judge: CaseJudge,
  whole = true,
): readonly { readonly finding: Finding; readonly from: Date }[] {
  return pendingFindings(new CaseLog(entries, whole), judge.crypto, judge.graceSeconds)
    .filter(({ from }) => at <= from)
    .map(({ rule, entry, why, from }) => ({ finding: findingOf(caseId, rule, entry, why), from }));
}

/**
 * What is wrong with discharges that depend on another case. `otherOf`: the entries of a case, if the log has any. Call it
 * once everything that was emitted by then has reached the log.
 */
export function judgeStillHeld(
  caseId: string,
  entries: readonly LoggedFact[],
  otherOf: (caseId: string) => readonly LoggedFact[] | undefined,
  only?: LoggedFact,
): readonly Finding[] {
  const log = new CaseLog(entries);
  return log.of('readmit.obligation.discharged').flatMap((discharged) => {
    if (only && discharged.index !== only.index) return [];
    const why = stillHeldUnproved(log, discharged, (other) => {
      const found = otherOf(other);
      return found && new CaseLog(found);
    });
    const { obligationId } = discharged.fact.data;
    return why === undefined
      ? []
      : [findingOf(caseId, 'still-held-unproved', discharged, `The obligation ${obligationId} was discharged as still held; ${why}`)];
  });
}

const findingOf = (caseId: string, rule: CaseRule, entry: LoggedFact, why: string): Finding => ({
  rule,
  index: entry.index,
  where: `case ${caseId}, ${entry.fact.type} at entry ${entry.index}`,
  why,
});

/** A case is opened once and granted once: a second request or grant with its id would use what was approved for the first. */
function judgeOnce(log: CaseLog, type: 'readmit.case.opened' | 'readmit.approval.granted', rule: CaseRule, report: Report): void {
  const [first, ...more] = log.entries.filter(({ fact }) => fact.type === type);
  for (const entry of more)
    if (first && entry.fact.id !== first.fact.id) report(rule, entry, `The case already has a ${type} at entry ${first.index}.`);
}

function judgeStart(log: CaseLog, started: Logged<'readmit.execution.started'>, report: Report, crypto: Crypto): void {
  const stop = log.entries.find(
    ({ fact }) =>
      // By signed time: the order in the log is up to audit.
      stops.some((type) => type === fact.type) && plusSeconds(fact.at, deliverySeconds) < new Date(started.fact.at),
  );
  if (stop)
    report(
      'started-after-stop',
      started,
      `Execution started although ${stop.fact.type} (entry ${stop.index}) had been emitted before, at ${stop.fact.at}.`,
    );
  const missing = before.filter((type) => !log.lastBefore(type, started.index));
  for (const type of missing) report('started-before-record', started, `Execution started although ${type} was not in the log yet.`);
  const granted = log
    .of('readmit.approval.granted')
    .find((entry) => entry.fact.data.grantId === started.fact.data.grantId && entry.index < started.index);
  if (missing.length > 0) return;
  if (!granted) {
    report('started-before-record', started, `Execution started for the grant ${started.fact.data.grantId}, which was not in the log yet.`);
    return;
  }
  const grant = granted.fact.data;
  for (const undo of grant.obligations) {
    const recorded = log.of('readmit.obligation.recorded').find((entry) => entry.fact.data.obligationId === undo.id);
    if (!recorded)
      report('obligation-missing', started, `Execution started although the obligation ${undo.id} of its grant was never recorded.`);
    else if (recorded.index > started.index)
      report(
        'obligation-after-start',
        started,
        `Execution started before the obligation ${undo.id} was in the log (entry ${recorded.index}).`,
      );
  }
  judgeGrantOfLog(log, granted, started, report, crypto);
}
