/** When targets are swept: from the success of a restoration until a time after its case was closed (R6.7). */
import type { Crypto } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { plusSeconds, reached } from '../kernel/time.js';

export interface SweepOptions {
  /** Between two readings of one account for one case. */
  readonly everySeconds: number;
  /** How long a case is swept after it was closed. */
  readonly afterCloseSeconds: number;
}

/** The aggregate with the restorations of every case at one account, so that their sweeps know of each other. */
export const accountKey = ({ connector, object }: { readonly connector: string; readonly object: string }): string =>
  `account:${[connector, object].map((name) => name.replace(/[%/]/g, encodeURIComponent)).join('/')}`;

export function sweepIsOver(facts: Facts<'readmit.case.closed'>, { afterCloseSeconds }: SweepOptions, now: Date): boolean {
  const closed = facts.last('readmit.case.closed');
  return closed !== undefined && reached(plusSeconds(closed.at, afterCloseSeconds), now);
}

/** First reading: within one interval, spread by key, so that the cases of one minute are not all read in the same second. */
export const firstSweep = (id: string, { everySeconds }: SweepOptions, now: Date, crypto: Pick<Crypto, 'digest'>): Date =>
  plusSeconds(now, (Number.parseInt(crypto.digest(id).slice(0, 8), 16) / 2 ** 32) * everySeconds);
