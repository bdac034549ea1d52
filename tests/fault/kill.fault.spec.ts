/**
 * Real processes are killed with SIGKILL while twenty recoveries are in progress: each of the six services and the database once, in an order
 * from a seed. Not tested here: a target that crashes, two crashes at the same moment, a machine that loses power.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { services, type ServiceName } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { loginRefused, notEnded } from './ends.js';
import { seeded, shuffled } from './random.js';
import { asTargetOwner, drive, enrol, makeLogins, open, takeOver, type Recovery } from './recoveries.js';
import { startWorld } from './world.js';

const seed = Number(process.env['READMIT_FAULT_SEED'] ?? 1);
/** The last grants end at their set time, which leaves enough time for a killed worker's lease (10 s) and the start of its successor. */
const roleDuration = '25s';
const endMs = 100_000;

const roles = Array.from({ length: 15 }, (_, index): Recovery => ({ kind: 'role', object: `fault_${index + 1}`, caseId: '' }));
const bypasses = ['ada', 'pat', 'dana', 'mallory'].map((object): Recovery => ({ kind: 'bypass', object, caseId: '' }));
const secret: Recovery = { kind: 'secret', object: 'payroll', caseId: '' };
const all = [...bypasses, secret, ...roles];

type Victim = ServiceName | 'database';
interface Kill {
  readonly victim: Victim;
  readonly when: string;
  readonly inFlight: number;
  readonly downMs: number;
}

let world: Awaited<ReturnType<typeof startWorld>>;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  world = await startWorld({ processes: true, logins: [...roles.map(({ object }) => object), 'fault_held'] });
});
afterAll(async () => {
  await world?.stop();
  process.off('unhandledRejection', onUnhandled);
});

const openCount = async (): Promise<number> => all.length - (await world.witness.count('readmit.case.closed'));

async function kill(victim: Victim, when: string): Promise<Kill> {
  const inFlight = await openCount();
  const pid = world.system.pidOf(victim);
  if (!pid) throw new Error(`${victim} is not a process`);
  const began = performance.now();
  process.kill(pid, 'SIGKILL');
  await until(() => world.system.pidOf(victim) !== pid, { what: `${victim} runs again` });
  return { victim, when, inFlight, downMs: Math.round(performance.now() - began) };
}

/** One after another, each when the cases have reached a certain point. */
async function killEachOnce(): Promise<readonly Kill[]> {
  const { witness } = world;
  const [a, b, c, d, e, f, g] = shuffled<Victim>([...services, 'database'], seeded(seed));
  const moments: readonly (readonly [Victim | undefined, string, () => Promise<boolean>])[] = [
    [a, 'eight cases are open', async () => (await witness.count('readmit.case.opened')) >= 8],
    [b, 'there are ten plans', async () => (await witness.count('readmit.plan.proposed')) >= 10],
    [c, 'two are granted', async () => (await witness.count('readmit.execution.started')) >= 2],
    [d, 'seven are granted', async () => (await witness.count('readmit.execution.started')) >= 7],
    [e, 'thirteen are granted', async () => (await witness.count('readmit.execution.started')) >= 13],
    [f, 'a second end is due', async () => (await witness.count('readmit.revocation.due')) >= 2],
    [g, 'six are undone', async () => (await witness.count('readmit.revocation.confirmed')) >= 6],
  ];
  const kills: Kill[] = [];
  for (const [victim, when, reached] of moments) {
    await until(reached, { what: when, timeoutMs: endMs });
    if (victim) kills.push(await kill(victim, when));
  }
  return kills;
}

/** At most `atOnce` at the same time, because the machine is small. */
async function each<T>(things: readonly T[], atOnce: number, work: (thing: T) => Promise<void>): Promise<void> {
  const queue = [...things];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
    }),
  );
}

describe('SIGKILL of each of the six processes in the middle of 20 cases, and of the database', () => {
  let kills: readonly Kill[] = [];
  const checkpoint = (): string => path.join(world.system.stateDir, 'before.checkpoint');
  const oldPassword = 'the-old-secret-of-payroll';
  let consumer: Awaited<ReturnType<typeof takeOver>> | undefined;

  it('R5.5 R6.2 R8.1 all 20 reach their end', async () => {
    const began = performance.now();
    await makeLogins(
      world,
      roles.map(({ object }) => object),
    );
    await asTargetOwner(world.system, (client) => client.query(`ALTER ROLE payroll_a PASSWORD '${oldPassword}'`));
    expect(await loginRefused(world, 'payroll_a', oldPassword)).toBe('open');
    // Before the first kill, because a lost response would also lose the keys of these cases.
    for (const recovery of bypasses) await open(world, recovery, '45s');
    await open(world, secret, '10m');
    await world.stage.done('gita', ['audit', 'checkpoint', '--save', checkpoint()], { quiet: true });

    const killing = killEachOnce();
    const driving = each([secret, ...bypasses, ...roles], 4, async (recovery) => {
      if (recovery.kind === 'role') await open(world, recovery, roleDuration);
      await drive(world, recovery);
      // One person enrols; the bypasses of the others end at their set time.
      if (recovery.object === 'ada') await enrol(world, recovery);
      if (recovery === secret) consumer = await takeOver(world, recovery);
    });
    [kills] = await Promise.all([killing, driving]);
    await until(async () => (await openCount()) === 0, { what: 'all cases are closed', timeoutMs: endMs }).catch(async (error: unknown) => {
      for (const recovery of all)
        if (!(await world.witness.of(recovery.caseId)).some(({ type }) => type === 'readmit.case.closed'))
          process.stdout.write(`${recovery.object}: ${(await world.witness.of(recovery.caseId)).map(({ type }) => type).join(' ')}\n`);
      throw error;
    });
    process.stdout.write(
      `seed ${seed}, ${((performance.now() - began) / 1000).toFixed(1)} s\n${kills.map(({ victim, when, inFlight, downMs }) => `  ${victim} killed when ${when}, ${inFlight} of 20 in progress, down for ${downMs} ms\n`).join('')}`,
    );
    expect(kills.map(({ victim }) => victim).sort()).toEqual([...services, 'database'].sort());
    for (const { inFlight } of kills) expect(inFlight).toBeGreaterThanOrEqual(5);
    for (const recovery of all) expect([recovery.object, await notEnded(world, recovery)]).toEqual([recovery.object, []]);
    expect(await loginRefused(world, 'payroll_a', oldPassword)).toMatch(/^(28000|28P01)$/);
    await consumer?.leave();
    expect(consumer?.username).toBe('payroll_b');
  });

  it('R8.1 no service parks a message, and audit finds no violation', async () => {
    expect(await world.witness.parked()).toBe(0);
    expect(await world.witness.count('readmit.violation.found')).toBe(0);
    expect(await world.witness.count('readmit.revocation.overdue')).toBe(0);
    expect(unhandled).toEqual([]);
  });

  it('R6.1 R7.2 the log verifies from a checkpoint that was saved before the kills, and contains every end', async () => {
    const file = path.join(world.system.stateDir, 'log.ndjson');
    const { stage, system } = world;
    const closedIn = async (): Promise<number> => {
      await rm(file, { force: true });
      await stage.done('gita', ['audit', 'export', '--out', file], { quiet: true });
      return (await readFile(file, 'utf8')).split('\n').filter((line) => line.includes('"ce_type":"readmit.case.closed"')).length;
    };
    await until(async () => (await closedIn()) === all.length, { what: 'the log has all twenty ends' });
    const verified = await stage.cli('gita', ['audit', 'verify', file, '--checkpoint', checkpoint(), '--keys', system.keys.trustFile], {
      quiet: true,
    });
    expect([verified.code, verified.stderr]).toEqual([0, '']);
  });

  it('R6.3 control: a case whose undo the target prevents is reported as not ended, until it is possible again', async () => {
    const held: Recovery = { kind: 'role', object: 'fault_held', caseId: '' };
    await makeLogins(world, [held.object]);
    await open(world, held, '4s');
    await drive(world, held);
    await asTargetOwner(world.system, (client) => client.query('ALTER ROLE readmit_exec NOLOGIN'));
    await world.witness.until(held.caseId, 'readmit.revocation.failed', 30_000);
    const obligation = `${held.caseId}/obligation-1`;
    expect(await notEnded(world, held)).toEqual([
      'the case is not closed',
      `${obligation} is open`,
      'the scheduler shows 1 open obligations',
      'fault_held is a member of app_admin',
    ]);
    await asTargetOwner(world.system, (client) => client.query('ALTER ROLE readmit_exec LOGIN'));
    await world.witness.until(held.caseId, 'readmit.case.closed', 40_000);
    expect(await notEnded(world, held)).toEqual([]);
  });
});
