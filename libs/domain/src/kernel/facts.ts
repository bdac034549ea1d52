import type { Fact, FactOf, EventType } from '@readmit/contracts';

/**
 * The set of facts that a service has seen of one aggregate. A set: the order in which facts arrived is not kept, and
 * every answer below is the same for any order of arrival and any repetition (DESIGN 1, "Facts are a set"). A fact is known by
 * its type and id: a type belongs to one service, so no service can take the place of what another says.
 */
export class Facts {
  private readonly byType: ReadonlyMap<EventType, readonly Fact[]>;
  private readonly byName: ReadonlyMap<string, Fact>;
  readonly all: readonly Fact[];

  constructor(facts: Iterable<Fact>) {
    const byName = new Map<string, Fact>();
    for (const fact of facts) byName.set(nameOf(fact), fact);
    this.byName = byName;
    this.all = [...byName.values()].sort(byTimeThenId);
    const byType = new Map<EventType, Fact[]>();
    for (const fact of this.all) {
      const list = byType.get(fact.type);
      if (list) list.push(fact);
      else byType.set(fact.type, [fact]);
    }
    this.byType = byType;
  }

  /** Every fact of the type, earliest first (by signed time, then id). */
  of<T extends EventType>(type: T): readonly FactOf<T>[] {
    return (this.byType.get(type) ?? []) as unknown as readonly FactOf<T>[];
  }
  /** The earliest fact of the type. */
  first<T extends EventType>(type: T): FactOf<T> | undefined {
    return this.of(type)[0];
  }
  /** The latest fact of the type. */
  last<T extends EventType>(type: T): FactOf<T> | undefined {
    return this.of(type).at(-1);
  }
  /** Whether the fact is in the set. */
  holds(fact: Pick<Fact, 'id' | 'type'>): boolean {
    return this.byName.has(nameOf(fact));
  }
  has(type: EventType): boolean {
    return this.byType.has(type);
  }
  with(more: Iterable<Fact>): Facts {
    return new Facts([...this.all, ...more]);
  }
}

/** Which of two was said first: by signed time, then by id, since the ids of one service ascend. */
export const saidBefore = (a: Pick<Fact, 'at' | 'id'>, b: Pick<Fact, 'at' | 'id'>): boolean =>
  a.at < b.at || (a.at === b.at && a.id < b.id);

function byTimeThenId(a: Fact, b: Fact): number {
  if (saidBefore(a, b)) return -1;
  if (saidBefore(b, a)) return 1;
  return a.type < b.type ? -1 : a.type > b.type ? 1 : 0;
}
const nameOf = ({ id, type }: Pick<Fact, 'id' | 'type'>): string => `${id} ${type}`;
