/** Deciding in memory: what is said depends on the set of facts alone, never on how they arrived; and a rule that errs is named. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import type { Facts, Reaction } from '@readmit/domain';
import fc from 'fast-check';
import type { ServiceDefinition } from './service-definition.js';
import type { LockedRow } from './aggregate.js';
import { HandlerFailed } from './handler-errors.js';
import { Changeset } from './changeset.js';

const at = (second: number): string => `2026-11-22T09:30:${String(second).padStart(2, '0')}.000Z`;
const fact = (id: string, type: Fact['type'], data: object, second: number): Fact => ({ id, type, at: at(second), data }) as Fact;
const arrivals: readonly Fact[] = [
  fact('w1', 'readmit.approval.withdrawn', { caseId: 'c', by: 'ada' }, 1),
  fact('w2', 'readmit.approval.withdrawn', { caseId: 'c', by: 'boris' }, 1),
  fact('d1', 'readmit.approval.denied', { caseId: 'c', decisionId: 'd', by: 'dana' }, 3),
  fact('x1', 'readmit.approval.expired', { caseId: 'c', expiredAt: at(2) }, 2),
];

/** Needs two withdrawals and one of each other kind before it freezes, by who came first of those that withdrew; then notices; then closes. */
function react(facts: Facts): Reaction {
  const first = facts.first('readmit.approval.withdrawn');
  const denied = facts.first('readmit.approval.denied');
  if (!first || facts.of('readmit.approval.withdrawn').length < 2 || !denied || !facts.has('readmit.approval.expired')) return { emit: [] };
  if (!facts.has('readmit.case.frozen'))
    return { emit: [{ type: 'readmit.case.frozen', key: 'c', data: { caseId: 'c', by: first.data.by, cause: 'signal' } }] };
  if (!facts.has('readmit.case.closed'))
    return { emit: [{ type: 'readmit.case.closed', key: 'c', data: { caseId: 'c', outcome: 'frozen' } }] };
  return { emit: [] };
}
const definition: ServiceDefinition = { name: 'intake', consumes: [], react, work: {}, wakes: 'deadline' };
const now = new Date('2026-11-22T10:00:00.000Z');
const row = (key: string, facts: Fact[] = []): LockedRow => ({
  now: null,
  key,
  version: '0',
  wake_at: null,
  deadline_said: null,
  trace: null,
  facts,
  work: [],
});
const clock: LockedRow = { now, key: '', version: '', wake_at: null, deadline_said: null, trace: null, facts: null, work: null };

/** Takes the batches one after the other and gives everything that was said. */
function play(
  batches: readonly (readonly Fact[])[],
  one: ServiceDefinition = definition,
): { readonly type: string; readonly data: unknown }[] {
  let kept: Fact[] = [];
  let id = 0;
  const said: { type: string; data: unknown }[] = [];
  for (const batch of batches) {
    const changeset = new Changeset(one, () => `id-${++id}`, [clock, row('c', kept)]);
    for (const received of batch) changeset.receive('c', received, {});
    changeset.settle();
    kept = [...kept, ...changeset.aggregate('c').added];
    said.push(...changeset.emitted.map(({ draft: { type, data } }) => ({ type, data })));
  }
  return said;
}
const batchesOf = fc
  .tuple(fc.shuffledSubarray([...arrivals, ...arrivals], { minLength: 8 }), fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 4 }))
  .map(([order, cuts]) => {
    const places = [0, ...[...cuts].sort((a, b) => a - b), order.length];
    return places.slice(1).map((to, place) => order.slice(places[place], to));
  });

describe('a changeset', () => {
  it('says the same for any order, repetition and cut of the same facts', () => {
    const expected = play([arrivals]);
    expect(expected.map(({ type }) => type)).toEqual(['readmit.case.frozen', 'readmit.case.closed']);
    fc.assert(fc.property(batchesOf, (batches) => expect(play(batches)).toEqual(expected)));
  });
  it('R8.3 an id that another service has used too hides nothing, in any order', () => {
    const alike = arrivals.map((one) => ({ ...one, id: one.type === 'readmit.approval.withdrawn' ? one.id : 'w1' }));
    const said = play([arrivals]);
    for (const batches of [[alike], [alike.toReversed()], alike.map((one) => [one]), alike.toReversed().map((one) => [one])])
      expect(play(batches)).toEqual(said);
    // The control: the same fact again is no other one.
    expect(play([alike.filter(({ data }) => (data as { by?: string }).by !== 'boris'), alike.slice(0, 1)])).toEqual([]);
  });
  it('says nothing while a fact is missing', () => {
    for (const missing of ['w1', 'w2', 'd1', 'x1']) expect(play([arrivals.filter(({ id }) => id !== missing)])).toEqual([]);
  });
  it('brings what is said into every locked set that it belongs to', () => {
    const changeset = new Changeset({ ...definition, keysOf: () => ['c', 'subject:ada'] }, () => 'id', [
      clock,
      row('c', [...arrivals]),
      row('subject:ada'),
    ]);
    changeset.emit(changeset.aggregate('c'), [
      { type: 'readmit.case.frozen', key: 'c', data: { caseId: 'c', by: 'ada', cause: 'repudiated' } },
    ]);
    expect(changeset.aggregate('subject:ada').current().has('readmit.case.frozen')).toBe(true);
  });
  const failing: readonly [string, ServiceDefinition['react'], string][] = [
    [
      'throws',
      () => {
        throw new Error('oops');
      },
      'react: oops',
    ],
    [
      'never settles',
      () => ({ emit: [{ type: 'readmit.case.closed', key: 'c', data: { caseId: 'c', outcome: 'frozen' } }] }),
      'did not settle on c after 20 rounds',
    ],
    [
      'says what belongs to another service',
      () => ({ emit: [{ type: 'readmit.approval.withdrawn', key: 'c', data: { caseId: 'c', by: 'ada' } }] }),
      'which belongs to approval',
    ],
    [
      'says what breaks its schema',
      () => ({ emit: [{ type: 'readmit.case.closed', key: 'c', data: { caseId: '', outcome: 'frozen' } }] }),
      'breaks its schema: /caseId',
    ],
    [
      'asks for work that nobody does',
      () => ({ emit: [], work: [{ id: 'w', kind: 'dance', connector: 'x', object: 'y', notBefore: now, alsoKeys: [], input: {} }] }),
      'no worker for dance',
    ],
    ['wants to wake at no instant', () => ({ emit: [], wakeAt: new Date(NaN) }), 'returned an invalid wakeAt'],
  ];
  it.each(failing)('blames a rule that %s', (_what, rule, says) => {
    const run = () => play([arrivals], { ...definition, react: rule });
    expect(run).toThrow(HandlerFailed);
    expect(run).toThrow(says);
  });
});
