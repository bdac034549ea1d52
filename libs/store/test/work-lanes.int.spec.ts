/** What becomes of work that an earlier release asked for: only what is not over gets its lane. */
import { expect, it } from '@jest/globals';
import { WorkAtObjects1 } from '../src/migrations/work-at-objects.js';
import { WorkLanes1 } from '../src/migrations/work-lanes.js';
import { asOwnerOf, owner, runner } from './schema-owner.js';

asOwnerOf('execution');

it('work that is not over gets the lane of its kind, and of a restoration that was tried nobody knows that nothing was done', async () => {
  const migration = new WorkLanes1();
  // Later ones go first: their trigger looks at the lane.
  await new WorkAtObjects1().down(runner);
  await migration.down(runner);
  for (const [kind, state, tries] of [
    ['undo', 'waiting', 0],
    ['undo', 'running', 1],
    ['undo', 'done', 1],
    ['plan', 'waiting', 0],
    ['plan', 'cancelled', 0],
    ['restore', 'waiting', 0],
    ['restore', 'running', 1],
    ['restore', 'done', 1],
  ] as const)
    await owner.query(
      `INSERT INTO work (id, key, kind, connector, object, also_keys, input, not_before, state, tries, lease_until)
       VALUES ($1, $1, $2, 'target', $1, '{}', '{}', now(), $3, $4, now())`,
      [`${kind} ${state}`, kind, state, tries],
    );
  await migration.up(runner);
  const { rows } = await owner.query<{ id: string; lane: string; began: boolean }>('SELECT id, lane, began FROM work ORDER BY id');
  expect(rows.map(({ id, lane, began }) => `${id}: ${lane}${began ? ', began' : ''}`)).toEqual([
    'plan cancelled: ordinary',
    'plan waiting: reading',
    'restore done: ordinary',
    'restore running: ordinary, began',
    'restore waiting: ordinary',
    'undo done: ordinary',
    'undo running: urgent',
    'undo waiting: urgent',
  ]);
});
