/** What an installation with cases gets when the tables of readers and open cases are made: as if they had been kept from the beginning. */
import { describe, expect, it } from '@jest/globals';
import { IntakeReaders1 } from '../src/migrations/intake-readers.js';
import { asOwnerOf, owner, runner } from './schema-owner.js';

asOwnerOf('intake');

const rows = async (sql: string) => (await owner.query<Record<string, string>>(sql)).rows.map((row) => Object.values(row).join(' '));

describe('the tables of readers and open cases', () => {
  it('are filled with the cases that are there: open ones under every bound, and everybody who has a part', async () => {
    const migration = new IntakeReaders1();
    await migration.down(runner);
    const view = (requester: object) => ({
      subject: { kind: 'person', id: 'ada' },
      requester,
      asks: [{ kind: 'factor.bypass', connector: 'demo-idp', object: 'ada"x' }],
    });
    const insert = (caseId: string, state: string, requester: object) =>
      owner.query(`INSERT INTO case_ledger (case_id, version, state, subject, opened_at, view) VALUES ($1, 1, $2, 'ada', now(), $3)`, [
        caseId,
        state,
        view(requester),
      ]);
    await insert('case_open', 'planned', { kind: 'person', id: 'erin' });
    await insert('case_anonymous', 'opened', { kind: 'anonymous' });
    await insert('case_closed', 'closed', { kind: 'person', id: 'erin' });
    const facts = [
      ['readmit.case.classified', { requirements: { verifiers: ['help-desk'], quorum: [{ teams: ['security-oncall'] }] } }],
      [
        'readmit.people.attested',
        {
          people: [
            { id: 'boris', teams: ['help-desk'], employment: 'employee' },
            { id: 'chidi', teams: ['security-oncall'], employment: 'employee' },
            { id: 'mallory', teams: ['help-desk'], employment: 'vendor' },
            { id: 'nora', teams: ['accounting'], employment: 'employee' },
          ],
        },
      ],
    ] as const;
    for (const [type, data] of facts)
      await owner.query(`INSERT INTO fact (key, id, type, at, data) VALUES ('case_open', $1, $1, '2026', $2)`, [type, data]);
    await migration.up(runner);
    expect(await rows('SELECT case_id, person FROM case_reader ORDER BY 1, 2')).toEqual([
      'case_anonymous ada',
      'case_closed ada',
      'case_closed erin',
      'case_open ada',
      'case_open boris',
      'case_open chidi',
      'case_open erin',
    ]);
    const of = (caseId: string, ...bounds: readonly (readonly string[])[]) =>
      bounds.map((bound) => `${caseId} ${JSON.stringify(bound)}`).sort();
    expect((await rows('SELECT case_id, bound FROM open_case')).sort()).toEqual([
      ...of(
        'case_anonymous',
        ['subject', 'ada'],
        ['anonymous-subject', 'ada'],
        ['object', 'demo-idp', 'ada"x'],
        ['anonymous-object', 'demo-idp', 'ada"x'],
      ),
      ...of('case_open', ['subject', 'ada'], ['requester', 'erin'], ['object', 'demo-idp', 'ada"x']),
    ]);
  });
});
