import type { Candidate } from './work-row.js';

/** Beyond so many nothing more is remembered: the database's own look finds it. */
const mostRemembered = 20_000;

interface Remembered {
  readonly candidate: Candidate;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Who came first is served first. */
  readonly turn: number;
}
type AtObject = Pick<Candidate, 'id' | 'connector' | 'object'>;

/** Objects that a call is made for, and who waits until it is over. Lanes that exclude each other share one; who takes back comes first. */
export class ObjectsInUse {
  private readonly used = new Map<
    string,
    { readonly holder: string; readonly waiting: { readonly again: () => void; readonly urgent: boolean }[] }
  >();

  /** False: somebody else has it. */
  take(candidate: AtObject): boolean {
    const object = objectOf(candidate);
    if (this.used.has(object)) return false;
    this.used.set(object, { holder: candidate.id, waiting: [] });
    return true;
  }

  wait(candidate: AtObject, again: () => void, urgent: boolean): void {
    this.used.get(objectOf(candidate))?.waiting.push({ again, urgent });
  }

  /** Its call is over, or it was not claimed: who waits may try again. What a search found may never have had the object: then another keeps it. */
  over(candidate: AtObject): void {
    const object = objectOf(candidate);
    const used = this.used.get(object);
    if (used?.holder !== candidate.id) return;
    this.used.delete(object);
    const { waiting } = used;
    for (const { again, urgent } of waiting) if (urgent) again();
    for (const { again, urgent } of waiting) if (!urgent) again();
  }
}
const objectOf = ({ connector, object }: AtObject): string => `${connector}\n${object}`;

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

  constructor(
    /** Absent: the work only reads, and excludes nobody. */
    private readonly objects: ObjectsInUse | undefined,
    private readonly options: { readonly urgent?: boolean; readonly most?: number; readonly onFree?: () => void } = {},
  ) {}

  add(candidate: Candidate, at: number): void {
    if (this.known.size >= (this.options.most ?? mostRemembered) || this.known.has(candidate.id)) return;
    this.known.add(candidate.id);
    this.push({ candidate, at, turn: this.turns++ });
  }

  /** When the earliest is due that waits for nobody, in milliseconds since 1970. */
  next(): number | undefined {
    this.sort();
    return this.later.at(-1)?.at;
  }

  /** Takes out at most `most` that are due: one for each object, and none whose object is in use. Say `over` of each. */
  due(now: number, most: number): readonly Candidate[] {
    this.sort();
    const taken: Candidate[] = [];
    for (let first = this.later.at(-1); first && first.at <= now && taken.length < most; first = this.later.at(-1)) {
      this.later.pop();
      if (this.objects?.take(first.candidate) === false) {
        this.leaveUntilFree(this.objects, first);
        continue;
      }
      this.known.delete(first.candidate.id);
      taken.push(first.candidate);
    }
    return taken;
  }

  /** Found by a search: who else wants the object waits, unless another has it already. */
  began(candidate: AtObject): void {
    this.objects?.take(candidate);
  }

  /** Its call is over, or it was not claimed. */
  over(candidate: AtObject): void {
    this.objects?.over(candidate);
  }

  private leaveUntilFree(objects: ObjectsInUse, one: Remembered): void {
    const again = (): void => {
      this.push(one);
      this.options.onFree?.();
    };
    objects.wait(one.candidate, again, this.options.urgent === true);
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
