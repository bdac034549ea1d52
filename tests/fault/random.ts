/** Random numbers between 0 and 1 that a seed determines (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A separate generator for one step: however many numbers it takes, the next step gets the same ones. */
export const forked = (random: () => number): (() => number) => seeded(Math.floor(random() * 2 ** 32));

/** Shuffled; the same order for the same random numbers. */
export const shuffled = <T>(things: readonly T[], random: () => number): T[] =>
  things
    .map((thing) => ({ thing, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ thing }) => thing);

export function pick<T>(things: readonly T[], random: () => number): T {
  const found = things[Math.floor(random() * things.length)];
  if (found === undefined) throw new Error('this is a bug: nothing to choose from');
  return found;
}
