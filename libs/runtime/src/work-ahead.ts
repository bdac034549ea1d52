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

/** Who has a place for a call. */
export interface Places {
  /** When work at the connector may be taken, in milliseconds since 1970; infinite: not before something ends. */
  from(connector: string): number;
  held(connector: string): number;
  take(candidate: Pick<Candidate, 'id' | 'connector'>): void;
}

/**
 * Work that this process has just asked for or put off, so that it can be claimed when it is due without a search. Only a memory: a claim
 * asks the database whether it is so, and what is forgotten here is found by the next sweep.
 */
export class WorkAhead {
  /** By connector, then by instant and turn, the first last. */
  private readonly later = new Map<string, { readonly list: Remembered[]; sorted: boolean }>();
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

  /** When the earliest is due that waits for nobody and has a place, in milliseconds since 1970. */
  next(places: Pick<Places, 'from'>): number | undefined {
    let next = Infinity;
    for (const [connector, first] of this.firsts()) next = Math.min(next, Math.max(first.at, places.from(connector)));
    return next === Infinity ? undefined : next;
  }

  /**
   * Takes out what is due and has a place: one for each object, and none whose object is in use. The connector with the fewest places comes
   * first. Say `over` of each.
   */
  due(now: number, places: Places): readonly Candidate[] {
    const taken: Candidate[] = [];
    for (let first = this.firstDue(now, places); first; first = this.firstDue(now, places)) {
      this.pop(first);
      if (this.objects?.take(first.candidate) === false) {
        this.leaveUntilFree(this.objects, first);
        continue;
      }
      places.take(first.candidate);
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

  private firstDue(now: number, places: Places): Remembered | undefined {
    let best: Remembered | undefined;
    let fewest = Infinity;
    for (const [connector, first] of this.firsts()) {
      if (first.at > now || places.from(connector) > now) continue;
      const held = places.held(connector);
      if (best && (held > fewest || (held === fewest && before(best, first)))) continue;
      best = first;
      fewest = held;
    }
    return best;
  }

  private *firsts(): Generator<readonly [string, Remembered]> {
    for (const [connector, waiting] of this.later) {
      if (!waiting.sorted) waiting.list.sort((a, b) => (before(a, b) ? 1 : -1));
      waiting.sorted = true;
      const first = waiting.list.at(-1);
      if (first) yield [connector, first];
    }
  }

  private leaveUntilFree(objects: ObjectsInUse, one: Remembered): void {
    const again = (): void => {
      this.push(one);
      this.options.onFree?.();
    };
    objects.wait(one.candidate, again, this.options.urgent === true);
  }

  private push(one: Remembered): void {
    const { connector } = one.candidate;
    const waiting = this.later.get(connector);
    if (!waiting) return void this.later.set(connector, { list: [one], sorted: true });
    const last = waiting.list.at(-1);
    if (last && before(last, one)) waiting.sorted = false;
    waiting.list.push(one);
  }

  private pop({ candidate: { connector } }: Remembered): void {
    const list = this.later.get(connector)?.list;
    list?.pop();
    if (list?.length === 0) this.later.delete(connector);
  }
}
const before = (one: Remembered, other: Remembered): boolean => one.at < other.at || (one.at === other.at && one.turn < other.turn);
