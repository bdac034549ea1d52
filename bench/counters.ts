/** What a program counts by itself, whatever the machine. */
export interface Counters {
  statements: number;
  commits: number;
  batches: number;
  messages: number;
}

export function sumOf(all: Iterable<Counters>): Counters {
  const sum: Counters = { statements: 0, commits: 0, batches: 0, messages: 0 };
  for (const one of all) for (const name of Object.keys(sum) as (keyof Counters)[]) sum[name] += one[name];
  return sum;
}
