import type { EventType, Fact } from '@readmit/contracts';
import { plusSeconds } from '../kernel/time.js';
import { deliverySeconds, type LoggedFact } from './case-log.js';
import { findingsAhead, judgeCase, judgeStillHeld, type CaseJudge } from './case-rules.js';
import type { Finding } from './finding.js';

/** Only these start watching a case, so that late entries of a closed case use no memory. */
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
];
/**
 * These may be the first entries of a case, for example a containment before the scheduler received the case, or come long
 * after the case was closed and dropped. Then they are judged together with what follows them.
 */
const afterwards: readonly EventType[] = ['readmit.containment.ordered', 'readmit.case.frozen', 'readmit.revocation.due'];
const judged: ReadonlySet<EventType> = new Set<EventType>([
  ...beginning,
  ...afterwards,
  'readmit.approval.requested',
  'readmit.decision.recorded',
  'readmit.approval.denied',
  'readmit.approval.withdrawn',
  'readmit.approval.expired',
  'readmit.execution.failed',
  'readmit.revocation.confirmed',
  'readmit.consumer.confirmed',
  'readmit.obligation.discharged',
  'readmit.case.closed',
]);
/** Topics reach the log at different times: a case is judged when its end is this old, so that no late entry is missing. */
const settledAfterSeconds = 3600;

interface Watched {
  readonly entries: LoggedFact[];
  /** False while only entries that may come after the end of the case were seen. */
  whole: boolean;
  closed: boolean;
  /** Signed time of the latest entry. */
  latest: string;
}

/**
 * Follows every case of a log in one pass and judges each when it is settled. Needs memory for cases that are open, have open
 * obligations or ended within the last hour, not for the whole log.
 */
export class CaseWatch {
  private readonly cases = new Map<string, Watched>();
  /** Discharges that depend on another case: judged before either case may be dropped. */
  private held: { readonly caseId: string; readonly entry: LoggedFact }[] = [];
  private latest = '';
  /** Number of cases that were judged. */
  count = 0;

  constructor(
    private readonly judge: CaseJudge,
    private readonly report: (finding: Finding) => void,
  ) {}

  add(index: number, fact: Fact): void {
    if (fact.at > this.latest) this.latest = fact.at;
    if (index % 1024 === 0) this.settle();
    if (!judged.has(fact.type) || !('caseId' in fact.data) || typeof fact.data.caseId !== 'string') return;
    const { caseId } = fact.data;
    const begins = beginning.includes(fact.type);
    let watched = this.cases.get(caseId);
    if (!watched && (begins || afterwards.includes(fact.type))) {
      watched = { entries: [], whole: begins, closed: false, latest: fact.at };
      this.cases.set(caseId, watched);
    }
    if (watched) {
      watched.entries.push({ index, fact });
      if (begins) watched.whole = true;
      if (fact.type === 'readmit.case.closed') watched.closed = true;
      if (fact.at > watched.latest) watched.latest = fact.at;
      if (fact.type === 'readmit.obligation.discharged' && fact.data.how === 'still-held')
        this.held.push({ caseId, entry: { index, fact } });
    }
  }

  /** Judges all remaining cases, as of the time of the last entry. */
  end(): void {
    this.lookAtHeld(this.held);
    for (const caseId of [...this.cases.keys()]) this.finish(caseId);
  }

  private settle(): void {
    const now = new Date(this.latest);
    const settled = (at: string, earlierBy = 0): boolean => plusSeconds(at, settledAfterSeconds - earlierBy) <= now;
    // Two cases that end at the same moment may name each other, and the one that is named may have ended earlier by the delivery time,
    // so it is dropped earlier too.
    const due = this.held.filter(({ entry }) => settled(entry.fact.at, deliverySeconds));
    this.held = this.held.filter((claim) => !due.includes(claim));
    this.lookAtHeld(due);
    for (const [caseId, watched] of this.cases) {
      if (!(watched.closed || !watched.whole) || !settled(watched.latest)) continue;
      // A closed case with open obligations is kept until they are answered or overdue.
      if (findingsAhead(caseId, watched.entries, now, this.judge, watched.whole).length === 0) this.finish(caseId);
    }
  }

  private lookAtHeld(claims: readonly { readonly caseId: string; readonly entry: LoggedFact }[]): void {
    for (const { caseId, entry } of claims)
      for (const finding of judgeStillHeld(caseId, this.cases.get(caseId)?.entries ?? [], (other) => this.cases.get(other)?.entries, entry))
        this.report(finding);
  }

  private finish(caseId: string): void {
    const watched = this.cases.get(caseId);
    if (!watched) return;
    this.cases.delete(caseId);
    if (watched.whole) this.count += 1;
    for (const finding of judgeCase(caseId, watched.entries, new Date(this.latest), this.judge, watched.whole)) this.report(finding);
  }
}
