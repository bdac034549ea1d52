/** What a scheduler with cases gets when its index of open cases is made: as if it had been kept from the beginning, or a row too much. */
import { expect, it } from '@jest/globals';
import { SubjectCases1 } from '../src/migrations/open-cases.js';
import { asOwnerOf, owner, runner } from './schema-owner.js';

asOwnerOf('revocation_scheduler');

it('R6.6 the index of open cases has what may still be open: granted and not executed or not taken back, or asked for within a month', async () => {
  const migration = new SubjectCases1();
  await migration.down(runner);
  let n = 0;
  const fact = (key: string, type: string, data: object, at = new Date().toISOString()) =>
    owner.query('INSERT INTO fact (key, id, type, at, data) VALUES ($1, $2, $3, $4, $5)', [key, `event_${n++}`, type, at, data]);
  const opened = (key: string, at?: string) => fact(key, 'readmit.case.opened', { subject: { kind: 'person', id: 'erin' } }, at);
  const longAgo = '2020-01-01T00:00:00.000Z';
  await opened('case_new');
  await opened('case_forgotten', longAgo);
  for (const [key, executed, discharged] of [
    ['case_begins', false, true],
    ['case_owes', true, false],
    ['case_over', true, true],
  ] as const) {
    await opened(key, longAgo);
    await fact(key, 'readmit.approval.granted', {});
    if (executed) await fact(key, 'readmit.execution.succeeded', {});
    for (const [obligationId, armedBy] of [
      ['o-1', 'start'],
      ['o-2', 'repudiation'],
    ])
      await fact(key, 'readmit.obligation.recorded', { obligationId, undo: { armedBy } });
    if (discharged) await fact(key, 'readmit.obligation.discharged', { obligationId: 'o-1' });
  }
  await migration.up(runner);
  const { rows } = await owner.query<{ case_id: string; subject: string }>('SELECT case_id, subject FROM subject_case ORDER BY 1');
  expect(rows).toEqual(['case_begins', 'case_new', 'case_owes'].map((case_id) => ({ case_id, subject: 'erin' })));
});
