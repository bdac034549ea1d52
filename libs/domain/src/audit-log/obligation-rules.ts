import type { EventType, FactOf, Undo } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { plusSeconds } from '../kernel/time.js';
import { deliverySeconds, type CaseLog, type Logged, type LoggedFact } from './case-log.js';
import type { CaseRule } from './finding.js';

/** What is wrong when `from` is over, unless more comes into the log until then. */
export interface Foreseen {
  readonly rule: CaseRule;
  readonly entry: LoggedFact;
  readonly why: string;
  readonly from: Date;
}

/**
 * Everything about the obligations of a case that is wrong or will be. The scheduler's word that an obligation is discharged ends
 * nothing: what ends it is what execution read back, what the target's consumers did, or that nothing ever began.
 */
export function foreseen(log: CaseLog, crypto: Crypto, graceSeconds: number): readonly Foreseen[] {
  return [
    ...log
      .of('readmit.obligation.recorded')
      .flatMap((recorded) => [...differs(log, recorded, crypto), ...overdue(log, recorded, graceSeconds)]),
    ...log.of('readmit.obligation.discharged').flatMap((discharged) => {
      const proof = proofOf(log, discharged);
      return 'lacks' in proof
        ? [
            {
              rule: 'discharge-unproved' as const,
              entry: discharged,
              why: `The scheduler says that the obligation ${discharged.fact.data.obligationId} is discharged (${discharged.fact.data.how}); ${proof.lacks}`,
              from: plusSeconds(discharged.fact.at, deliverySeconds),
            },
          ]
        : [];
    }),
  ];
}

/** The obligation as it was approved; as the scheduler recorded it only where no grant has it. */
function undoOf(log: CaseLog, obligationId: string): Undo | undefined {
  return (
    log.of('readmit.approval.granted').flatMap((entry) => entry.fact.data.obligations.filter((undo) => undo.id === obligationId))[0] ??
    log.of('readmit.obligation.recorded').find((entry) => entry.fact.data.obligationId === obligationId)?.fact.data.undo
  );
}

/** The scheduler records what was approved, bound by the grant that approved it; anything else would end it later or not at all. */
function differs(log: CaseLog, recorded: Logged<'readmit.obligation.recorded'>, crypto: Crypto): readonly Foreseen[] {
  const { obligationId, undo, hardBound } = recorded.fact.data;
  const granted = log
    .of('readmit.approval.granted')
    .flatMap(({ fact: { data } }) =>
      data.obligations
        .filter((one) => one.id === obligationId)
        .map((one) => ({ undo: one, until: plusSeconds(data.goodUntil, one.afterSeconds) })),
    );
  const same = granted.filter((one) => crypto.canonical(one.undo) === crypto.canonical(undo));
  if (granted.length === 0 || same.some(({ until }) => new Date(hardBound) <= until)) return [];
  return [
    {
      rule: 'obligation-differs',
      entry: recorded,
      why:
        same.length === 0
          ? `The obligation ${obligationId} was not recorded as it was approved.`
          : `The obligation ${obligationId} was recorded with the bound ${hardBound}, later than its grant allows.`,
      from: new Date(0),
    },
  ];
}

function overdue(log: CaseLog, recorded: Logged<'readmit.obligation.recorded'>, graceSeconds: number): readonly Foreseen[] {
  const { obligationId, hardBound } = recorded.fact.data;
  const undo = undoOf(log, obligationId) ?? recorded.fact.data.undo;
  const succeeded = log.of('readmit.execution.succeeded')[0];
  // An obligation that success arms counts from the success, which may come shortly before the grant ends.
  const armed = undo.armedBy === 'success' && succeeded ? plusSeconds(succeeded.fact.at, undo.afterSeconds) : new Date(hardBound);
  const from = plusSeconds(new Date(Math.max(armed.getTime(), Date.parse(hardBound))), graceSeconds);
  const ended = log
    .of('readmit.obligation.discharged')
    .flatMap((entry) => {
      if (entry.fact.data.obligationId !== obligationId) return [];
      const proof = proofOf(log, entry);
      return 'at' in proof ? [proof.at] : [];
    })
    .sort()[0];
  if (ended !== undefined && new Date(ended) <= from) return [];
  return [
    {
      rule: 'obligation-overdue',
      entry: recorded,
      why:
        ended === undefined
          ? `The obligation ${obligationId} is still open though its bound ${hardBound} and the grace are over.`
          : `The obligation ${obligationId} was discharged at ${ended}, after its bound ${hardBound} and the grace.`,
      from,
    },
  ];
}

/** When the obligation had ended by what the log has of others than the scheduler, or what it lacks for that. Where the proof stands in the log does not count. */
function proofOf(log: CaseLog, discharged: Logged<'readmit.obligation.discharged'>): { readonly at: string } | { readonly lacks: string } {
  const { obligationId, how } = discharged.fact.data;
  const { at } = discharged.fact;
  const undo = undoOf(log, obligationId);
  if (!undo) return { lacks: 'the log has no such obligation.' };
  const confirmed = log
    .of('readmit.revocation.confirmed')
    .find((entry) => entry.fact.data.obligationId === obligationId && entry.fact.data.how === how);
  // What execution confirmed after the scheduler had said so ended then.
  if (confirmed) return { at: later(at, confirmed.fact.at) };
  switch (how) {
    case 'undone':
    case 'still-held':
      return { lacks: 'execution never confirmed it.' };
    case 'never-began':
      if (!log.has('readmit.execution.started')) return { at };
      if (undo.armedBy === 'success' && !log.has('readmit.execution.succeeded')) return { at };
      return { lacks: `an execution ${undo.armedBy === 'success' ? 'succeeded' : 'was started'} and did not confirm that it never began.` };
    case 'taken-over':
      return takenOver(log, undo, at);
  }
}

function takenOver(log: CaseLog, undo: Undo, at: string): { readonly at: string } | { readonly lacks: string } {
  if (!undo.unlessTakenOver) return { lacks: 'the obligation binds whoever takes over.' };
  const consumers = new Facts(factsOf(log, 'readmit.people.attested')).last('readmit.people.attested')?.data.consumers ?? [];
  if (consumers.length === 0) return { lacks: 'the case has no consumer that could take over.' };
  const confirmations = log.of('readmit.consumer.confirmed').map((entry) => entry.fact);
  let ended = at;
  for (const { id } of consumers) {
    const confirmation = confirmations.find((fact) => fact.data.consumer === id);
    if (!confirmation) return { lacks: `the consumer ${id} never confirmed that it took over.` };
    ended = later(ended, confirmation.at);
  }
  return { at: ended };
}

const factsOf = <T extends EventType>(log: CaseLog, type: T): readonly FactOf<T>[] => log.of(type).map((entry) => entry.fact);
const later = (a: string, b: string): string => (a < b ? b : a);
