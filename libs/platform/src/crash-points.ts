/**
 * The places where a process may die with something half done, by name. Tests kill it there and look at what the restart makes
 * of it. Nothing of production installs the hook and no setting reaches it: a point costs one look at a variable.
 */
import type { ServiceName } from '@readmit/contracts';

type BusKind = 'embedded' | 'kafka';
/** Who has a point: those that run the engine, do work outside, take commands or keep wakes; audit's own loop; all six. */
type Having = 'engine' | 'work' | 'commands' | 'wakes' | 'audit' | 'every';

interface Point {
  readonly of: Having;
  /** Only on this bus; absent: on both. */
  readonly on?: BusKind;
  /** What is durable there and what is not. */
  readonly says: string;
}

/** Closed: a name is here exactly when the code has its point. */
export const crashPoints = {
  'runner.before-transaction': { of: 'engine', says: 'messages were fetched, nothing is written' },
  'runner.after-touch': { of: 'engine', says: 'aggregates are locked and loaded, nothing is decided' },
  'runner.before-commit': { of: 'engine', says: 'facts, work, events and the position are written and not committed' },
  'runner.after-commit-before-publish': { of: 'engine', says: 'events are committed and not published' },
  'runner.after-publish': { of: 'engine', says: 'events are published and not marked as such' },
  'consumer.after-commit-before-position': { of: 'engine', says: 'a batch is committed, its position is not confirmed' },
  'work.after-claim-commit': { of: 'work', says: 'the intent is committed, the target was not called' },
  'work.after-call-before-finish': { of: 'work', says: 'the target was changed, the result is not recorded' },
  'work.after-finish-commit': { of: 'work', says: 'the result is committed, the worker is not notified' },
  'command.after-commit-before-answer': { of: 'commands', says: 'the command is committed, its caller gets no answer' },
  'wakes.before-due': { of: 'wakes', says: 'a deadline is due and not processed' },
  'audit.before-append': { of: 'audit', says: 'events were fetched and not logged' },
  'audit.before-commit': { of: 'audit', says: 'leaves, checkpoint, Recorded and the position are written and not committed' },
  'audit.after-commit-before-publish': { of: 'audit', says: 'Recorded is committed and not published' },
  'audit.after-position': { of: 'audit', says: 'a batch is committed and its position confirmed' },
  'publisher.after-send-before-confirm': { of: 'every', on: 'kafka', says: 'Kafka has the events, the process has no confirmation' },
  'outbox.before-settle': { of: 'every', on: 'kafka', says: 'Kafka has the events, the outbox lists them as unsent' },
  'relay.before-send': { of: 'every', on: 'kafka', says: 'events left by a dead process were read from the outbox and not sent' },
  'relay.after-send-before-remove': {
    of: 'every',
    on: 'kafka',
    says: 'Kafka has the events of a dead process, the outbox lists them as unsent',
  },
  'position.before-commit': { of: 'every', on: 'kafka', says: 'batches are committed, their offsets are not' },
  'drain.during': { of: 'every', says: 'stopping: nothing new is fetched, work in progress has not ended' },
} as const satisfies Record<string, Point>;

export type CrashPoint = keyof typeof crashPoints;

const having: Readonly<Record<Having, readonly ServiceName[]>> = {
  engine: ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler'],
  work: ['intake', 'classification', 'execution'],
  commands: ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler'],
  wakes: ['revocation-scheduler'],
  audit: ['audit'],
  every: ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit'],
};

/** The points that the service's process can reach on the bus. */
export const crashPointsOf = (service: ServiceName, bus: BusKind): readonly CrashPoint[] =>
  (Object.keys(crashPoints) as CrashPoint[]).filter((point) => {
    const { of, on = bus }: Point = crashPoints[point];
    return on === bus && having[of].includes(service);
  });

const hookName = Symbol.for('readmit.crash-points');
type Hook = (point: CrashPoint) => void;
/** Outside this module: the file of the tests and the bundle of a program each have a copy of it. */
const hooked = globalThis as { [hookName]?: Hook };

/** The process is at the point. */
export function crashPoint(point: CrashPoint): void {
  hooked[hookName]?.(point);
}

/** For tests alone, from a file that is loaded before the program: no package exports it. */
export function installCrashHook(hit: Hook): void {
  hooked[hookName] = hit;
}
