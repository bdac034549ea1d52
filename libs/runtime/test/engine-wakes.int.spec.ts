/** Time and people: wakes fire after a restart, deadlines are published and reminded of, commands are recorded whatever the answer. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../src/index.js';
import { refusal, type Facts } from '@readmit/domain';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

/** Closes a withdrawn case as expired once `afterMs` have passed since it was withdrawn. */
const patient = (afterMs: number, wakes: ServiceDefinition['wakes']): ServiceDefinition => ({
  ...toy,
  consumes: [...toy.consumes, 'readmit.deadline.reached'],
  wakes,
  react: (facts: Facts, { now }) => {
    const first = facts.first('readmit.approval.withdrawn');
    if (!first || facts.has('readmit.case.closed')) return { emit: [], wakeAt: null };
    const due = new Date(Date.parse(first.at) + afterMs);
    const { caseId } = first.data;
    return now >= due
      ? { emit: [{ type: 'readmit.case.closed', key: caseId, data: { caseId, outcome: 'expired' } }], wakeAt: null }
      : { emit: [], wakeAt: due };
  },
});
const saidOf = async (type: string) => (await house.said('intake')).filter((event) => event.type === type);

describe('a wake of a timer service', () => {
  it('R6.2 fires after a restart, once', async () => {
    const first = await house.engine(patient(3_600_000, 'timer'));
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-2')]);
    await first.start();
    await until(() => first.counters.messages === 2, { what: 'both are taken' });
    await first.stop();
    expect(await saidOf('readmit.case.closed')).toEqual([]);
    const store = await house.store('intake');
    expect(await store.query('SELECT 1 FROM aggregate WHERE wake_at > clock_timestamp()')).toHaveLength(2);
    await store.query('UPDATE aggregate SET wake_at = clock_timestamp()');
    const second = await house.engine(patient(0, 'timer'));
    await second.start();
    await until(async () => (await saidOf('readmit.case.closed')).length === 2, { what: 'both are closed' });
    expect(await store.query('SELECT 1 FROM aggregate WHERE wake_at IS NOT NULL')).toEqual([]);
  });

  it('is served in time although a later one is being slept for', async () => {
    const engine = await house.engine(patient(150, 'timer'));
    await engine.start();
    await house.send('approval', [withdrawn('case-1')]);
    const [closed] = await until(
      async () => ((await saidOf('readmit.case.closed')).length > 0 ? saidOf('readmit.case.closed') : undefined),
      { what: 'it is closed' },
    );
    const [fact] = (await engine.facts('case-1')).of('readmit.approval.withdrawn');
    const late = Date.parse(closed?.headers['ce_time'] ?? '') - Date.parse(fact?.at ?? '') - 150;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(900);
  });

  it('whose rule fails does not hold up the others', async () => {
    const engine = await house.engine({
      ...patient(0, 'timer'),
      react: (facts, context) => {
        if (context.key === 'case-bad') throw new Error('bad');
        return patient(0, 'timer').react(facts, context);
      },
    });
    const store = await house.store('intake');
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-2')]);
    const quiet = await house.engine(patient(3_600_000, 'timer'));
    await quiet.start();
    await until(() => quiet.counters.messages === 2, { what: 'both are taken' });
    await quiet.stop();
    await store.query(`INSERT INTO aggregate (key, wake_at) VALUES ('case-bad', clock_timestamp() - interval '1 hour')`);
    await store.query('UPDATE aggregate SET wake_at = clock_timestamp() WHERE wake_at > clock_timestamp()');
    await engine.start();
    await until(async () => (await saidOf('readmit.case.closed')).length === 2, { what: 'the good ones are closed' });
    expect(await store.query(`SELECT 1 FROM aggregate WHERE key = 'case-bad' AND wake_at > clock_timestamp()`)).toHaveLength(1);
  });
});

describe('a deadline of any other service', () => {
  it('is published once, is reminded of, and is published again when the reminder comes too early', async () => {
    const engine = await house.engine(patient(5_000, 'deadline'));
    await engine.start();
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-1', 'boris')]);
    const [set] = await until(
      async () => ((await saidOf('readmit.intake.deadline-set')).length > 0 ? saidOf('readmit.intake.deadline-set') : undefined),
      { what: 'the deadline is said' },
    );
    const deadline = (set?.data as { deadline: string }).deadline;
    const remind = () =>
      house.send('revocation-scheduler', [
        { type: 'readmit.deadline.reached', key: 'case-1', data: { key: 'case-1', owner: 'intake', deadline } },
      ]);
    await house.send('revocation-scheduler', [
      { type: 'readmit.deadline.reached', key: 'case-1', data: { key: 'case-1', owner: 'audit', deadline } },
    ]);
    await remind();
    await until(async () => (await saidOf('readmit.intake.deadline-set')).length === 2, { what: 'it is said again' });
    await until(() => Date.now() > Date.parse(deadline) + 5, { what: 'the deadline has passed' });
    await remind();
    await until(async () => (await saidOf('readmit.case.closed')).length === 1, { what: 'it is closed' });
    expect((await saidOf('readmit.intake.deadline-set')).map(({ data }) => (data as { deadline: string | null }).deadline)).toEqual([
      deadline,
      deadline,
      null,
    ]);
    expect((await engine.facts('case-1')).has('readmit.deadline.reached')).toBe(false);
  });
});

describe('a command', () => {
  it('is answered after its facts and what follows are kept', async () => {
    const engine = await house.engine({
      ...toy,
      save: async (tx, changes) =>
        void (await tx.query('INSERT INTO case_words SELECT * FROM jsonb_to_recordset($1) AS w (case_id text, salt text, reason text)', [
          JSON.stringify(changes.flatMap(({ rows }) => rows)),
        ])),
    });
    const answer = await engine.command(
      { key: 'case-1', name: 'freeze', actor: 'ada', rows: [{ case_id: 'case-1', salt: 's', reason: 'r' }] },
      (_facts, { now }) => ({
        emit: [{ type: 'readmit.case.frozen', key: 'case-1', data: { caseId: 'case-1', by: 'ada', cause: 'repudiated' } }],
        reply: now.getTime() > 0,
      }),
    );
    expect(answer).toEqual({ reply: true });
    expect((await engine.facts('case-1')).has('readmit.case.frozen')).toBe(true);
    expect(await (await house.store('intake')).query('SELECT reason FROM case_words')).toEqual([{ reason: 'r' }]);
    expect(engine.counters.commits).toBe(1);
  });

  it('R7.1 that is refused is recorded in that transaction, without its rows', async () => {
    let saves = 0;
    const engine = await house.engine({ ...toy, save: async () => void saves++ });
    const no = refusal('forbidden', 'R4.2', 'approver-is-requester', 'You asked for it yourself; somebody else must decide.');
    expect(await engine.command({ key: 'case-1', name: 'approve', actor: 'mallory', rows: [{}] }, () => no)).toEqual({ refused: no });
    expect((await saidOf('readmit.intake.refused')).map(({ data }) => data)).toEqual([
      { key: 'case-1', command: 'approve', rule: 'R4.2', reason: 'approver-is-requester', actor: 'mallory', says: no.message },
    ]);
    expect(saves).toBe(0);
  });

  it('is refused as stale when something has happened since the version that the caller saw', async () => {
    const engine = await house.engine(toy);
    const freeze = (ifVersion: number) =>
      engine.command({ key: 'case-1', name: 'freeze', actor: 'ada', ifVersion }, () => ({
        emit: [{ type: 'readmit.case.frozen', key: 'case-1', data: { caseId: 'case-1', by: 'ada', cause: 'repudiated' } }],
        reply: 'frozen',
      }));
    expect(await freeze(0)).toEqual({ reply: 'frozen' });
    expect(await freeze(0)).toMatchObject({ refused: { as: 'conflict', reason: 'stale-version' } });
    expect((await engine.facts('case-1')).of('readmit.case.frozen')).toHaveLength(1);
    expect(await freeze(1)).toEqual({ reply: 'frozen' });
  });

  it('throws when the database cannot record, and nothing is kept', async () => {
    const engine = await house.engine(toy, { bus: { ...(await outage()) } });
    await expect(
      engine.command({ key: 'case-1', name: 'freeze', actor: 'ada' }, () => refusal('forbidden', 'R1.1', 'no', 'No.')),
    ).rejects.toThrow('the disk is full');
    expect(await (await house.store('intake')).query('SELECT key FROM aggregate')).toEqual([]);
  });

  it('run twenty times at once on one aggregate is run one after the other', async () => {
    const engine = await house.engine(toy);
    const once = () =>
      engine.command({ key: 'case-1', name: 'freeze', actor: 'ada' }, (facts) =>
        facts.has('readmit.case.frozen')
          ? { emit: [], reply: 'already' }
          : {
              emit: [{ type: 'readmit.case.frozen', key: 'case-1', data: { caseId: 'case-1', by: 'ada', cause: 'repudiated' } }],
              reply: 'frozen',
            },
      );
    const answers = await Promise.all(Array.from({ length: 20 }, once));
    expect(answers.filter((answer) => 'reply' in answer && answer.reply === 'frozen')).toHaveLength(1);
  });
});

/** A bus that cannot write. */
async function outage() {
  return {
    kind: 'embedded' as const,
    subscribe: () => Promise.reject(new Error('not used')),
    write: () => Promise.reject(Object.assign(new Error('the disk is full'), { code: '53100' })),
    publish: () => Promise.resolve(),
    read: () => Promise.resolve([]),
    outbox: () => Promise.resolve({ waiting: 0, oldestSeconds: 0 }),
    close: () => Promise.resolve(),
  };
}
