import type { EventType, FactOf, Undo } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import type { Crypto } from '../kernel/behaviour.js';
import { Facts, isEarlier } from '../kernel/facts.js';
import { plusSeconds } from '../kernel/time.js';
import { deliverySeconds, type CaseLog, type Logged, type LoggedFact } from './case-log.js';
import type { CaseRule } from './finding.js';

/** A finding that holds after `from`, unless further entries arrive. */
export interface PendingFinding {
  readonly rule: CaseRule;
  readonly entry: LoggedFact;
  readonly why: string;
  readonly from: Date;
}

/**
 * Findings about the obligations of a case, present and future. A discharge by the scheduler proves nothing by itself. The
 * proof is execution's answer to the latest question, confirmations by consumers, or that nothing ever started.
 */
export function pendingFindings(log: CaseLog, crypto: Crypto, graceSeconds: number): readonly PendingFinding[] {
  const asked = new Set(log.of('readmit.revocation.due').map(({ fact }) => fact.data.obligationId));
  return [
    ...log
      .of('readmit.obligation.recorded')
      .flatMap((recorded) => [...differs(log, recorded, crypto), ...overdue(log, recorded, graceSeconds)]),
    ...[...asked].flatMap((obligationId) => unanswered(log, obligationId, graceSeconds)),
    ...unasked(log, graceSeconds),
    ...log.of('readmit.revocation.confirmed').flatMap((confirmed) => withoutDue(log, confirmed)),
    ...log.of('readmit.obligation.discharged').flatMap((discharged) => {
      const proof = proofOf(log, discharged);
      return 'lacks' in proof
        ? [
            {
              rule: 'discharge-unproved' as const,
              entry: discharged,
              why: `The scheduler discharged the obligation ${discharged.fact.data.obligationId} (${discharged.fact.data.how}) without proof: ${proof.lacks}`,
              from: plusSeconds(discharged.fact.at, deliverySeconds),
            },
          ]
        : [];
    }),
  ];
}

/** The questions about an obligation, earliest first. */
const questionsAbout = (log: CaseLog, obligationId: string): readonly Logged<'readmit.revocation.due'>[] =>
  log
    .of('readmit.revocation.due')
    .filter(({ fact }) => fact.data.obligationId === obligationId)
    .sort((a, b) => (isEarlier(a.fact, b.fact) ? -1 : 1));

/** The latest question before a discharge. */
export const askedBefore = (
  log: CaseLog,
  { fact }: Logged<'readmit.obligation.discharged'>,
): Logged<'readmit.revocation.due'> | undefined => questionsAbout(log, fact.data.obligationId).findLast((due) => isEarlier(due.fact, fact));

/** Execution's answers to the question. Of an older release, which names no question, those after it was asked. */
export const answersTo = (
  log: CaseLog,
  { fact: due }: Logged<'readmit.revocation.due'>,
): readonly Logged<'readmit.revocation.confirmed'>[] =>
  log
    .of('readmit.revocation.confirmed')
    .filter(
      ({ fact: { at, data } }) =>
        data.obligationId === due.data.obligationId && (data.answers === undefined ? at >= due.at : data.answers === due.id),
    );

/** Execution only confirms what was due: a confirmation from before the question is no read-back for it. */
function withoutDue(log: CaseLog, confirmed: Logged<'readmit.revocation.confirmed'>): readonly PendingFinding[] {
  const { at, data } = confirmed.fact;
  const asked = questionsAbout(log, data.obligationId).some(
    ({ fact }) => (data.answers === undefined || data.answers === fact.id) && new Date(fact.at) <= plusSeconds(at, deliverySeconds),
  );
  return asked
    ? []
    : [
        {
          rule: 'confirmed-without-due',
          entry: confirmed,
          why: `Execution confirmed the end of the obligation ${data.obligationId} (${data.how}) although it was not due.`,
          from: plusSeconds(at, deliverySeconds),
        },
      ];
}

/** Questions that are bound by nothing else: asked again after a proved end (contained, frozen), or armed by repudiation. */
function unanswered(log: CaseLog, obligationId: string, graceSeconds: number): readonly PendingFinding[] {
  const due = questionsAbout(log, obligationId).at(-1);
  if (!due) return [];
  const ends = log.of('readmit.obligation.discharged').filter((entry) => entry.fact.data.obligationId === obligationId);
  const proved = ends.flatMap((entry) => {
    const proof = proofOf(log, entry);
    return 'at' in proof ? [{ entry, at: proof.at }] : [];
  });
  const byClock = log.whole && undoOf(log, obligationId)?.armedBy !== 'repudiation';
  // The first end is bound by the clock: see `overdue`.
  if (byClock && proved.every(({ entry }) => isEarlier(due.fact, entry.fact))) return [];
  const from = plusSeconds(due.fact.at, graceSeconds);
  if (proved.some(({ entry, at }) => isEarlier(due.fact, entry.fact) && new Date(at) <= from)) return [];
  return [
    {
      rule: 'obligation-overdue',
      entry: due,
      why: `The obligation ${obligationId} was due (${due.fact.data.cause}), and its end was not proved within the grace period.`,
      from,
    },
  ];
}

/** A containment or freeze makes everything due that may be at the target, whatever was discharged before (R6.6, R5.4). */
function unasked(log: CaseLog, graceSeconds: number): readonly PendingFinding[] {
  if (!log.has('readmit.execution.started')) return [];
  const succeeded = log.has('readmit.execution.succeeded');
  const orders: readonly LoggedFact[] = [...log.of('readmit.containment.ordered'), ...log.of('readmit.case.frozen')];
  return orders.flatMap((entry) =>
    log.of('readmit.obligation.recorded').flatMap(({ fact: { data } }): readonly PendingFinding[] => {
      const binds = data.undo.armedBy !== 'success' || succeeded;
      const asked = questionsAbout(log, data.obligationId).some(
        (due) => plusSeconds(due.fact.at, deliverySeconds) >= new Date(entry.fact.at),
      );
      return binds && !asked
        ? [
            {
              rule: 'obligation-overdue',
              entry,
              why: `The case was stopped, but the obligation ${data.obligationId} was not made due for it.`,
              from: plusSeconds(entry.fact.at, graceSeconds),
            },
          ]
        : [];
    }),
  );
}

/** The undo of an obligation as approved; as recorded by the scheduler only if no grant has it. */
export function undoOf(log: CaseLog, obligationId: string): Undo | undefined {
  return (
    log.of('readmit.approval.granted').flatMap((entry) => entry.fact.data.obligations.filter((undo) => undo.id === obligationId))[0] ??
    log.of('readmit.obligation.recorded').find((entry) => entry.fact.data.obligationId === obligationId)?.fact.data.undo
  );
}

/** A recorded obligation must be as approved and bound by its grant; otherwise it would end later or never. */
function differs(log: CaseLog, recorded: Logged<'readmit.obligation.recorded'>, crypto: Crypto): readonly PendingFinding[] {
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

function overdue(log: CaseLog, recorded: Logged<'readmit.obligation.recorded'>, graceSeconds: number): readonly PendingFinding[] {
  const { obligationId, hardBound } = recorded.fact.data;
  const undo = undoOf(log, obligationId) ?? recorded.fact.data.undo;
  if (undo.armedBy === 'repudiation') return [];
  const succeeded = log.of('readmit.execution.succeeded')[0];
  // If success arms it, the time counts from the success, which may be shortly before the grant ends.
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
          ? `The obligation ${obligationId} is still open after its bound ${hardBound} and the grace period.`
          : `The obligation ${obligationId} was discharged at ${ended}, after its bound ${hardBound} and the grace period.`,
      from,
    },
  ];
}

/** When the obligation had ended by entries of other services than the scheduler, or what is missing. The order in the log does not count. */
function proofOf(log: CaseLog, discharged: Logged<'readmit.obligation.discharged'>): { readonly at: string } | { readonly lacks: string } {
  const { obligationId, how } = discharged.fact.data;
  const { at } = discharged.fact;
  const due = askedBefore(log, discharged);
  if (due) {
    const answer = answersTo(log, due).find((entry) => entry.fact.data.how === how);
    if (!answer && how === 'never-began' && log.whole && !log.has('readmit.execution.started')) return { at };
    if (!answer) return { lacks: `execution gave no such answer to the question at entry ${due.index}.` };
    const effect =
      log.has('readmit.execution.succeeded') || log.of('readmit.execution.failed').some(({ fact }) => fact.data.effect !== 'none');
    if (how === 'never-began' && effect) return { lacks: 'execution reported an effect of the restoration.' };
    // If execution confirmed it after the discharge, it ended then.
    return { at: later(at, answer.fact.at) };
  }
  const undo = undoOf(log, obligationId);
  if (!undo) return log.whole ? { lacks: 'the log has no such obligation.' } : { at };
  switch (how) {
    case 'undone':
    case 'still-held':
      return { lacks: 'execution was never asked and never confirmed it.' };
    case 'never-began':
      if (!log.has('readmit.execution.started')) return { at };
      if (undo.armedBy === 'success' && !log.has('readmit.execution.succeeded')) return { at };
      return { lacks: `an execution ${undo.armedBy === 'success' ? 'succeeded' : 'was started'} and did not confirm that it never began.` };
    case 'taken-over':
      return takenOver(log, undo, at);
  }
}

function takenOver(log: CaseLog, undo: Undo, at: string): { readonly at: string } | { readonly lacks: string } {
  if (!undo.unlessTakenOver) return { lacks: 'a take-over does not end this obligation.' };
  const consumers = attestedOf(new Facts(factsOf(log, 'readmit.people.attested')))?.consumers ?? [];
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
