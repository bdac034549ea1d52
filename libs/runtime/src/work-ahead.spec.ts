import { describe, expect, it } from '@jest/globals';
import { Shares } from './shares.js';
import { ObjectsInUse, WorkAhead, type Places } from './work-ahead.js';

const work = (id: string, object = id, connector = 'post') => ({ id, key: 'case-1', also_keys: [], connector, object });
/** So many places, and a quarter of them for others. */
function places(most: number): Places {
  const shares = new Shares(Math.max(1, Math.floor(most / 4)));
  return {
    from: (connector) => (shares.hasRoom(connector, most) ? 0 : Infinity),
    held: (connector) => shares.held(connector),
    take: ({ connector }) => shares.take(connector),
  };
}
const ids = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id);

describe('work that is remembered ahead', () => {
  it('is given when it is due, the earliest first, and once', () => {
    const ahead = new WorkAhead(new ObjectsInUse());
    for (const [id, at] of [
      ['late', 300],
      ['early', 100],
      ['middle', 200],
    ] as const)
      ahead.add(work(id), at);
    ahead.add(work('early'), 50);
    expect(ahead.next(places(10))).toBe(100);
    expect(ids(ahead.due(99, places(10)))).toEqual([]);
    expect(ids(ahead.due(200, places(10)))).toEqual(['early', 'middle']);
    expect(ids(ahead.due(200, places(10)))).toEqual([]);
    expect(ids(ahead.due(300, places(10)))).toEqual(['late']);
  });

  it('is given one at a time for an object: the next when the one before is over', () => {
    const ahead = new WorkAhead(new ObjectsInUse());
    ahead.add(work('first', 'ada'), 100);
    ahead.add(work('second', 'ada'), 100);
    ahead.add(work('other', 'erin'), 100);
    expect(ids(ahead.due(100, places(10)))).toEqual(['first', 'other']);
    // Nothing to wait for by the clock: the end of the first is what counts.
    expect(ahead.next(places(10))).toBeUndefined();
    ahead.over(work('first', 'ada'));
    expect(ids(ahead.due(100, places(10)))).toEqual(['second']);
  });

  it('waits for what a search has claimed for the object', () => {
    const ahead = new WorkAhead(new ObjectsInUse());
    ahead.began(work('found', 'ada'));
    ahead.add(work('mine', 'ada'), 100);
    expect(ids(ahead.due(100, places(10)))).toEqual([]);
    ahead.over(work('found', 'ada'));
    expect(ids(ahead.due(100, places(10)))).toEqual(['mine']);
  });

  it('stays with who has the object when a search of another lane found something for it and did not get it', () => {
    const objects = new ObjectsInUse();
    const ordinary = new WorkAhead(objects);
    const urgent = new WorkAhead(objects, { urgent: true });
    ordinary.add(work('restore-1', 'ada'), 100);
    ordinary.add(work('restore-2', 'ada'), 100);
    expect(ids(ordinary.due(100, places(10)))).toEqual(['restore-1']);
    urgent.began(work('undo', 'ada'));
    urgent.over(work('undo', 'ada'));
    expect(ids(ordinary.due(100, places(10)))).toEqual([]);
    ordinary.over(work('restore-1', 'ada'));
    expect(ids(ordinary.due(100, places(10)))).toEqual(['restore-2']);
  });

  it('gives no more than there are slots, and remembers no more than its bound', () => {
    const ahead = new WorkAhead(new ObjectsInUse(), { most: 3 });
    for (const id of ['a', 'b', 'c', 'd']) ahead.add(work(id), 100);
    expect(ids(ahead.due(100, places(2)))).toHaveLength(2);
    expect(ids(ahead.due(100, places(2)))).toHaveLength(1);
    expect(ids(ahead.due(100, places(2)))).toEqual([]);
  });

  it('R6.2 gives the object to an undo before all other work that waits for it, in any order of arrival', () => {
    const objects = new ObjectsInUse();
    const freed: string[] = [];
    const ordinary = new WorkAhead(objects, { onFree: () => freed.push('ordinary') });
    const urgent = new WorkAhead(objects, { urgent: true, onFree: () => freed.push('urgent') });
    ordinary.add(work('restore-1', 'ada'), 100);
    ordinary.add(work('restore-2', 'ada'), 100);
    urgent.add(work('undo', 'ada'), 100);
    expect(ids(ordinary.due(100, places(10)))).toEqual(['restore-1']);
    expect(ids(urgent.due(100, places(10)))).toEqual([]);
    ordinary.over(work('restore-1', 'ada'));
    expect(freed).toEqual(['urgent', 'ordinary']);
    expect(ids(urgent.due(100, places(10)))).toEqual(['undo']);
    expect(ids(ordinary.due(100, places(10)))).toEqual([]);
  });

  it('excludes nobody when it only reads', () => {
    const ahead = new WorkAhead(undefined);
    ahead.add(work('plan-1', 'ada'), 100);
    ahead.add(work('plan-2', 'ada'), 100);
    expect(ids(ahead.due(100, places(10)))).toEqual(['plan-1', 'plan-2']);
  });

  it('is given in turn to the connectors that have some, and leaves places to those that come later', () => {
    const ahead = new WorkAhead(new ObjectsInUse());
    const four = places(4);
    for (let at = 0; at < 9; at++) ahead.add(work(`first-${at}`, `${at}`, 'first'), 100);
    ahead.add(work('second-1', 'ada', 'second'), 200);
    expect(ids(ahead.due(100, four))).toEqual(['first-0', 'first-1', 'first-2', 'first-3']);
    // With a place it would be due since 100.
    expect(ahead.next(four)).toBe(200);
    expect(ids(ahead.due(200, four))).toEqual(['second-1']);
    ahead.add(work('second-2', 'erin', 'second'), 200);
    ahead.add(work('second-3', 'boris', 'second'), 200);
    expect(ids(ahead.due(200, places(4)))).toEqual(['first-4', 'second-2', 'first-5', 'second-3']);
  });
});
