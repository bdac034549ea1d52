import type { Fact, FactOf, EventType } from '@readmit/contracts';

/**
 * The set of facts that a service has of one aggregate. The order of arrival is not kept: every method gives the same
 * result for any order and any repetition (ADR 0003). A fact is identified by its type and id. A type belongs to one
 * service, so no service can replace a fact of another.
 *
 * `T`: the types that may be read. A set with more types can be passed where fewer are needed, never the other way round:
 * a rule names the types that it reads, and a service that does not consume them does not compile.
 */
export class Facts<in T extends EventType = EventType> {
  private readonly byType: ReadonlyMap<EventType, readonly Fact[]>;
  private inOrder: readonly Fact[] | undefined;
  /** How many facts there are. */
  readonly size: number;

  /** `known`: a set to extend. Lists of types that do not change are shared, since a set grows by one fact many times in a case. */
  constructor(facts: Iterable<Fact>, known?: Facts<T>) {
    const byType = new Map(known?.byType);
    let size = known?.size ?? 0;
    for (const [type, more] of Map.groupBy(facts, (fact) => fact.type)) {
      const before = byType.get(type) ?? [];
      const list = before.length === 0 && more.length === 1 ? more : joined(before, more);
      byType.set(type, list);
      size += list.length - before.length;
    }
    this.byType = byType;
    this.size = size;
  }

  /** Every fact, earliest first (by signed time, then id). */
  get all(): readonly Fact[] {
    return (this.inOrder ??= [...this.byType.values()].flat().sort(byTimeThenId));
  }
  /** Every fact of the type, earliest first (by signed time, then id). */
  of<K extends T>(type: K): readonly FactOf<K>[] {
    return (this.byType.get(type) ?? []) as unknown as readonly FactOf<K>[];
  }
  /** The earliest fact of the type. */
  first<K extends T>(type: K): FactOf<K> | undefined {
    return this.of(type)[0];
  }
  /** The latest fact of the type. */
  last<K extends T>(type: K): FactOf<K> | undefined {
    return this.of(type).at(-1);
  }
  /** Whether the fact is in the set. */
  includes(fact: Pick<Fact, 'id' | 'type'>): boolean {
    return this.byType.get(fact.type)?.some(({ id }) => id === fact.id) ?? false;
  }
  has(type: T): boolean {
    return this.byType.has(type);
  }
  with(more: Iterable<Fact>): Facts<T> {
    return new Facts<T>(more, this);
  }
}

/** One sorted list of a type. A fact that arrives again replaces the earlier copy. */
const joined = (before: readonly Fact[], more: readonly Fact[]): readonly Fact[] =>
  [...new Map([...before, ...more].map((fact) => [fact.id, fact])).values()].sort(byTimeThenId);

/** Computes the function once for each set of facts: a set never changes, and many rules need the same result. */
export function memoizeByFacts<T extends EventType, R>(of: (facts: Facts<T>) => R): (facts: Facts<T>) => R {
  const known = new WeakMap<Facts<T>, { readonly answer: R }>();
  return (facts) => {
    const before = known.get(facts);
    if (before) return before.answer;
    const answer = of(facts);
    known.set(facts, { answer });
    return answer;
  };
}

/** Whether `a` was emitted before `b`: by signed time, then by id, since the ids of one service ascend. */
export const isEarlier = (a: Pick<Fact, 'at' | 'id'>, b: Pick<Fact, 'at' | 'id'>): boolean => a.at < b.at || (a.at === b.at && a.id < b.id);

function byTimeThenId(a: Fact, b: Fact): number {
  if (isEarlier(a, b)) return -1;
  if (isEarlier(b, a)) return 1;
  return a.type < b.type ? -1 : a.type > b.type ? 1 : 0;
}
