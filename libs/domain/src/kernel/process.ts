import type { EventType, Fact, ServiceName } from '@readmit/contracts';
import type { React } from './behaviour.js';
import type { WorkRules } from './work.js';

/**
 * All rules of a service: which event types it consumes, which aggregates keep them, what follows from them, and the rules
 * of its slow work. Commands are in `*.commands.ts` next to it. The app of the service adds calls to other systems and
 * tables; the simulation in `test/` runs the same processes.
 *
 * `Reports`: what the call of each kind of work reports. `T`: the event types that its rules may read, which are those that
 * it consumes and its own.
 */
export interface ServiceProcess<Reports extends object = Record<string, unknown>, out T extends EventType = EventType> {
  readonly name: ServiceName;
  /** May include types of its own: they come back through the service's own topic and are kept in every aggregate of `keysOf`. */
  readonly consumes: readonly EventType[];
  /** The aggregates that keep the fact. `key`: the one that the catalogue names for the type, and the default. */
  keysOf?(fact: Fact, key: string): readonly string[];
  readonly react: React<T>;
  readonly work: { readonly [Kind in keyof Reports]: WorkRules<Reports[Kind], T> };
  /**
   * `timer`: the scheduler keeps its own wakes. `deadline`: the others announce theirs with a deadline-set event, and the
   * scheduler reminds them. A reminder only runs `react` again and needs no entry in `consumes`.
   */
  readonly wakes: 'timer' | 'deadline';
}
