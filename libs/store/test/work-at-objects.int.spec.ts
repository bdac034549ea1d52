/** What becomes of work that an earlier release asked for, when work is alone at every object of its case. */
import { expect, it } from '@jest/globals';
import { WorkAtObjects1 } from '../src/migrations/work-at-objects.js';
import { asOwnerOf, owner, runner } from './schema-owner.js';

asOwnerOf('execution');

it('R6.5 a restoration that has not ended gets the further accounts of its case, each once, and stands at them from its next claim', async () => {
  const migration = new WorkAtObjects1();
  await migration.down(runner);
  for (const [id, objects] of [
    ['case_several', ['erin', 'ada', 'zoe', 'ada']],
    ['case_one', ['erin', 'erin']],
  ] as const) {
    const asks = objects.map((object) => ({
      kind: 'role.grant',
      connector: 'target',
      object: `${id} ${object}`,
      name: 'second ask',
    }));
    await owner.query(`INSERT INTO fact (key, id, type, at, data) VALUES ($1, 'e', 'readmit.case.opened', '2026', $2)`, [id, { asks }]);
  }
  for (const [key, kind, state] of [
    ['case_several', 'restore', 'waiting'],
    ['case_several', 'undo', 'waiting'],
    ['case_several', 'restore', 'done'],
    ['case_one', 'restore', 'waiting'],
  ] as const)
    await owner.query(
      `INSERT INTO work (id, key, kind, connector, object, also_keys, input, not_before, state, lane)
       VALUES ($1, $2, $3, 'target', $2 || ' erin', '{}', '{}', now(), $4, CASE $3 WHEN 'undo' THEN 'urgent' ELSE 'ordinary' END)`,
      [`${key} ${kind} ${state}`, key, kind, state],
    );
  await migration.up(runner);
  const { rows } = await owner.query<{ id: string; further: string[] }>(
    `SELECT id, ARRAY(SELECT a ->> 'object' FROM jsonb_array_elements(also_at) AS a) AS further FROM work ORDER BY id`,
  );
  expect(rows).toEqual([
    { id: 'case_one restore waiting', further: [] },
    { id: 'case_several restore done', further: [] },
    { id: 'case_several restore waiting', further: ['case_several ada', 'case_several zoe'] },
    { id: 'case_several undo waiting', further: [] },
  ]);
  await owner.query(`UPDATE work SET state = 'running', lease_until = now() WHERE kind = 'restore' AND state = 'waiting'`);
  const standIns = await owner.query('SELECT object, stands_in_for AS of FROM work WHERE stands_in_for IS NOT NULL ORDER BY 1');
  expect(standIns.rows).toEqual(['ada', 'zoe'].map((one) => ({ object: `case_several ${one}`, of: 'case_several restore waiting' })));
});
