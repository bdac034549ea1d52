import type { Candidate } from './work-run.js';

/** Beyond so many nothing more is remembered: the database's own look finds it. */
const mostRemembered = 20_000;

interface Remembered {
  readonly candidate: Candidate;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Who came first is served first. */
  readonly turn: number;
}
const objectOf = ({ connector, object }: Pick<Candidate, 'connector' | 'object'>): string => `${connector}\n${object}`;

/**
 * Work that this process has just asked for or put off, so that it can be claimed when it is due without a search. Only a memory: a claim
 * asks the database whether it is so, and what is forgotten here is found by the next sweep.
 */
export class WorkAhead {
  /** By instant and turn, the first last. */
  private readonly later: Remembered[] = [];
  private sorted = true;
  private turns = 0;
  private readonly known = new Set<string>();
  /** What was handed out for each object, and who waits until it is over. */
  private readonly busy = new Map<string, Remembered[]>();

  constructor(private readonly most = mostRemembered) {}

  add(candidate: Candidate, at: number): void {
    if (this.known.size >= this.most || this.known.has(candidate.id)) return;
    this.known.add(candidate.id);
    this.push({ candidate, at, turn: this.turns++ });
  }

  /** When the earliest is due that waits for nobody, in milliseconds since 1970. */
  next(): number | undefined {
    this.sort();
    return this.later.at(-1)?.at;
  }

  /** Takes out at most `most` that are due: one for each object, and none whose object is busy. Say `over` of each. */
  due(now: number, most: number): readonly Candidate[] {
    this.sort();
    const taken: Candidate[] = [];
    for (let first = this.later.at(-1); first && first.at <= now && taken.length < most; first = this.later.at(-1)) {
      this.later.pop();
      const object = objectOf(first.candidate);
      const waiting = this.busy.get(object);
      if (waiting) {
        waiting.push(first);
        continue;
      }
      this.known.delete(first.candidate.id);
      this.busy.set(object, []);
      taken.push(first.candidate);
    }
    return taken;
  }

  /** Claimed by a search: who else wants the object waits. */
  began(candidate: Pick<Candidate, 'connector' | 'object'>): void {
    const object = objectOf(candidate);
    if (!this.busy.has(object)) this.busy.set(object, []);
  }

  /** Its call is over, or it was not claimed. */
  over(candidate: Pick<Candidate, 'connector' | 'object'>): void {
    const object = objectOf(candidate);
    const waiting = this.busy.get(object) ?? [];
    this.busy.delete(object);
    for (const one of waiting) this.push(one);
  }

  private push(one: Remembered): void {
    const last = this.later.at(-1);
    if (last && last.at <= one.at) this.sorted = false;
    this.later.push(one);
  }

  private sort(): void {
    if (this.sorted) return;
    this.later.sort((a, b) => b.at - a.at || b.turn - a.turn);
    this.sorted = true;
  }
}
