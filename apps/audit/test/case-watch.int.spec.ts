/** Violations that audit finds in its own log, on a real PostgreSQL, and when it checks a case. Not here: the rules over cases (libs/domain). */
import { describe, expect, it } from '@jest/globals';
import type { Draft } from '@readmit/contracts';
import { exported, judge, publish, record, recordsOf, started, storeOf, typesEmitted, useSignedLog, violations } from './signed-log.js';

useSignedLog();

describe('the watch over cases', () => {
  it('R7.1 finds an execution that started without its records, reports it once, and the verifier finds it too', async () => {
    await publish('execution', recordsOf('execution', [started('case_1')]));
    const engine = await record(1);
    await engine.watch();
    await engine.watch();
    expect((await typesEmitted()).filter((type) => type === 'readmit.violation.found')).toHaveLength(4);
    expect((await judge(await exported())).findings.map(({ rule, index }) => [rule, index])).toEqual(
      Array.from({ length: 4 }, () => ['started-before-record', 0]),
    );
  });

  it('R6.3 finds a discharge that only the scheduler vouches for once the log is quiet, reports it once, and finds none with the proof', async () => {
    const discharged = (caseId: string): Draft => ({
      type: 'readmit.obligation.discharged',
      key: caseId,
      data: { caseId, obligationId: 'obligation_1', kind: 'role.revoke', how: 'undone' },
    });
    const recorded = (caseId: string): Draft => ({
      type: 'readmit.obligation.recorded',
      key: caseId,
      data: {
        caseId,
        obligationId: 'obligation_1',
        grantId: 'grant_1',
        undo: {
          id: 'obligation_1',
          kind: 'role.revoke',
          connector: 'target-postgres',
          object: 'erin',
          entitlement: 'admin',
          armedBy: 'start',
          unlessTakenOver: false,
          afterSeconds: 60,
          says: 'take the role away',
        },
        hardBound: new Date(Date.now() + 3_600_000).toISOString(),
      },
    });
    const due: Draft = {
      type: 'readmit.revocation.due',
      key: 'case_2',
      data: { caseId: 'case_2', obligationId: 'obligation_1', cause: 'expiry' },
    };
    const proved: Draft = {
      type: 'readmit.revocation.confirmed',
      key: 'case_2',
      data: { caseId: 'case_2', obligationId: 'obligation_1', how: 'undone', readBack: [], sessionsEnded: 0 },
    };
    const minuteAgo = new Date(Date.now() - 60_000).toISOString();
    await publish(
      'revocation-scheduler',
      recordsOf(
        'revocation-scheduler',
        [recorded('case_1'), discharged('case_1'), recorded('case_2'), due, discharged('case_2')],
        minuteAgo,
      ),
    );
    await record(5);
    await publish('execution', recordsOf('execution', [proved], minuteAgo));
    const engine = await record(6);
    await engine.watch();
    await engine.watch();
    expect(await violations()).toEqual([['case_1', 'discharge-unproved']]);
    expect((await judge(await exported())).findings.map(({ rule, where }) => [rule, where.split(',')[0]])).toEqual([
      ['discharge-unproved', 'case case_1'],
    ]);
    const looks = await storeOf('audit').query<{ case_id: string; again: boolean }>(
      'SELECT case_id, look_at IS NOT NULL AS again FROM case_watch ORDER BY case_id',
    );
    expect(looks).toEqual([
      { case_id: 'case_1', again: true },
      { case_id: 'case_2', again: false },
    ]);
  });

  it('checks a case from 20 to 40 s after its last entry, and does not move the check with each entry', async () => {
    const frozen: Draft = { type: 'readmit.case.frozen', key: 'case_1', data: { caseId: 'case_1', by: 'ada', cause: 'repudiated' } };
    let leaves = 0;
    /** Adds an entry of the case; returns when its check is due, and in how many seconds. */
    const after = async (lookAt?: string): Promise<{ readonly at: string; readonly away: number }> => {
      if (lookAt !== undefined) await storeOf('audit').query(`UPDATE case_watch SET look_at = ${lookAt}`);
      await publish('intake', recordsOf('intake', [frozen]));
      // The second run makes the checkpoint of the first an entry.
      leaves += leaves === 1 ? 2 : 1;
      await record(leaves, { watchAfterSeconds: 20 });
      const [row] = await storeOf('audit').query<{ at: string; away: number }>(
        `SELECT look_at::text AS at, extract(epoch FROM look_at - (SELECT max(at) FROM checkpoint))::float8 AS away FROM case_watch`,
      );
      if (!row) throw new Error('the case is not watched');
      return row;
    };
    const first = await after();
    expect(first.away).toBe(40);
    expect((await after()).at).toBe(first.at);
    // Moved when it is too soon for events in transit, when there is none, or when it waits for a deadline that this entry may change.
    for (const lookAt of [`now() + interval '5 s'`, 'NULL', `now() + interval '1 h'`]) expect((await after(lookAt)).away).toBe(40);
  });
});
