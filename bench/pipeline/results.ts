/** What the rounds of a run gave, and how figures are picked from them. */
import type { Slice } from './arena.js';
import type { Measured } from './load.js';

/** One slice of every program, of the same round. */
export type Round = Readonly<Record<string, Slice>>;
export interface Results {
  readonly bus: string;
  readonly programs: readonly string[];
  readonly saturated: readonly Round[];
  /** The chains of synthetic rules, saturated. */
  readonly hops: readonly Round[];
  /** 20 cases a second, open loop. */
  readonly calm: readonly Round[];
  /** Half of what each program reached, open loop. */
  readonly half: readonly Round[];
  readonly machine: string;
}
/** The first row is the head. */
export type Table = readonly (readonly string[])[];

export const rate = ({ cases, seconds }: Measured): number => cases / seconds;
export const cpu = ({ nodeCpu, databaseCpu, brokerCpu, cases }: Measured): number => ((nodeCpu + databaseCpu + brokerCpu) * 1000) / cases;

/** Of a slice that scores; nothing of one that failed its check. */
export const measuredOf = (slice: Slice | undefined): Measured | undefined =>
  slice && slice.failed === undefined ? slice.measured : undefined;

export const fixed = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');
