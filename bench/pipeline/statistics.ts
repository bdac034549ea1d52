/** Ratios of pairs: the median, and an interval from resampling the pairs. */

export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

export interface Ratio {
  readonly median: number;
  /** Bounds of the bootstrap 90 % interval of the median. */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

/** Of paired ratios. The resampling is seeded, so that the same pairs give the same interval. */
export function ratioOf(ratios: readonly number[], resamplings = 5_000): Ratio | undefined {
  if (ratios.length === 0) return undefined;
  let seed = 0x9e3779b9;
  const next = (): number => {
    // mulberry32
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const medians = Array.from({ length: resamplings }, () => median(ratios.map(() => ratios[Math.floor(next() * ratios.length)] ?? NaN)));
  medians.sort((a, b) => a - b);
  return { median: median(ratios), low: quantile(medians, 0.05), high: quantile(medians, 0.95), pairs: ratios.length };
}
