import type { EventType, Fact, ServiceName } from '@readmit/contracts';
import type { React } from './behaviour.js';
import type { WorkRules } from './work.js';

/**
 * What a service concludes, and nothing of how it runs: what it consumes, where facts belong, what follows from them, and the rules of its slow
 * work. What people command is beside it, in `*.commands.ts`. A service adds its calls to the outside and its tables; the simulation of the
 * specs runs the same processes.
 * `Reports`: what the call of each kind of work reports. `T`: the types that its rules may read, those that it consumes and its own.
 */
export interface ServiceProcess<Reports extends object = Record<string, unknown>, out T extends EventType = EventType> {
  readonly name: ServiceName;
  /** Own types may stand here too: they come back by the own topic and are then kept in every aggregate of `keysOf`. */
  readonly consumes: readonly EventType[];
  /** The aggregates that keep the fact. `key`: the one that the catalogue names for its type, which is the default. */
  keysOf?(fact: Fact, key: string): readonly string[];
  readonly react: React<T>;
  readonly work: { readonly [Kind in keyof Reports]: WorkRules<Reports[Kind], T> };
  /** `timer`: the scheduler keeps its own wakes; `deadline`: the others announce theirs with a deadline-set event, and the scheduler reminds them.
   * Being reminded needs no entry in `consumes`: it only runs `react` again. */
  readonly wakes: 'timer' | 'deadline';
}
