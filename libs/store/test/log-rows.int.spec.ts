/** What an installation with a log gets when leaf and event become one row: every leaf keeps its event, and one without stops the migration. */
import { describe, expect, it } from '@jest/globals';
import { LogRows1 } from '../src/migrations/log-rows.js';
import { asOwnerOf, owner, runner } from './schema-owner.js';

asOwnerOf('audit');

const leaves = async () => (await owner.query('SELECT index, entry, event_id, topic, key, headers, value FROM leaf ORDER BY index')).rows;

describe('one row for a leaf and its event', () => {
  it('R7.2 keeps every leaf with its event, there and back', async () => {
    await owner.query(
      `INSERT INTO leaf (index, entry, event_id, topic, key, headers, value)
       SELECT n, convert_to('e' || n, 'UTF8'), 'id' || n, 'topic', 'case_' || n, json_build_object('ce_id', 'id' || n), convert_to('v' || n, 'UTF8')
       FROM generate_series(0, 9) n`,
    );
    const before = await leaves();
    const migration = new LogRows1();
    await migration.down(runner);
    expect((await owner.query('SELECT count(*)::int AS n FROM event JOIN leaf USING (index)')).rows).toEqual([{ n: 10 }]);
    await migration.up(runner);
    expect(await leaves()).toEqual(before);
    expect(before).toHaveLength(10);
  });

  it('R7.2 stops at a leaf whose event is not there', async () => {
    const migration = new LogRows1();
    await migration.down(runner);
    await owner.query('BEGIN');
    await owner.query('DELETE FROM event WHERE index = 3');
    await expect(migration.up(runner)).rejects.toMatchObject({ code: '23502', message: expect.stringContaining('topic') });
    await owner.query('ROLLBACK');
    await migration.up(runner);
    expect(await leaves()).toHaveLength(10);
  });
});
