import type { EventType, Fact } from '@readmit/contracts';
import { plusSeconds } from '../kernel/time.js';
import type { LoggedFact } from './case-log.js';
import { judgeCase, type CaseJudge } from './case-rules.js';
import type { Finding } from './finding.js';

/** Only these begin to be watched, so that a late notice of a closed case costs nothing. */
const beginning: readonly EventType[] = [
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.plan.proposed',
  'readmit.approval.granted',
  'readmit.obligation.recorded',
  'readmit.evidence.added',
  'readmit.execution.started',
  'readmit.execution.succeeded',
  'readmit.secret.picked-up',
  // Containment is ordered of a case that the scheduler has not heard of, too.
  'readmit.containment.ordered',
];
const judged: ReadonlySet<EventType> = new Set<EventType>([
  ...beginning,
  'readmit.case.frozen',
  'readmit.revocation.due',
  'readmit.revocation.confirmed',
  'readmit.consumer.confirmed',
  'readmit.obligation.discharged',
  'readmit.case.closed',
]);
/** Topics reach the log one after the other: a case is judged when its end is this old, so that no late fact is missing. */
const settledAfterSeconds = 3600;

/** Follows every case of a log in one pass and judges each when it is settled. Memory grows with the cases that are open, not with the log. */
export class CaseWatch {
  private readonly cases = new Map<string, LoggedFact[]>();
  private readonly closed = new Map<string, string>();
  private latest = '';
  /** Cases that were judged. */
  count = 0;

  constructor(
    private readonly judge: CaseJudge,
    private readonly report: (finding: Finding) => void,
  ) {}

  add(index: number, fact: Fact): void {
    if (fact.at > this.latest) this.latest = fact.at;
    if (!judged.has(fact.type) || !('caseId' in fact.data) || typeof fact.data.caseId !== 'string') return;
    const { caseId } = fact.data;
    const entries = this.cases.get(caseId);
    if (entries) entries.push({ index, fact });
    else if (beginning.includes(fact.type)) this.cases.set(caseId, [{ index, fact }]);
    if (fact.type === 'readmit.case.closed') this.closed.set(caseId, fact.at);
    if (index % 1024 === 0) this.settle();
  }

  /** Judges what is left, as of the time of the last entry. */
  end(): void {
    for (const caseId of [...this.cases.keys()]) this.finish(caseId);
  }

  private settle(): void {
    for (const [caseId, at] of this.closed) {
      if (plusSeconds(at, settledAfterSeconds) > new Date(this.latest)) continue;
      this.finish(caseId);
      this.closed.delete(caseId);
    }
  }

  private finish(caseId: string): void {
    const entries = this.cases.get(caseId);
    if (!entries) return;
    this.cases.delete(caseId);
    if (entries.some(({ fact }) => fact.type !== 'readmit.containment.ordered')) this.count += 1;
    for (const finding of judgeCase(caseId, entries, new Date(this.latest), this.judge)) this.report(finding);
  }
}
