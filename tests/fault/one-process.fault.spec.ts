/** All services in one process: the database dies under them, comes back on its port, and they go on. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { notEnded } from './ends.js';
import { drive, makeLogins, open, type Recovery } from './recoveries.js';
import { startWorld } from './stand.js';

const logins = ['fault_before', 'fault_after', 'fault_again', 'fault_once_more'];
let world: Awaited<ReturnType<typeof startWorld>>;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  world = await startWorld({ processes: false, logins });
}, 120_000);
afterAll(async () => {
  await world?.stop();
  process.off('unhandledRejection', onUnhandled);
}, 120_000);

describe('SIGKILL of the database under six services in one process', () => {
  it('R6.2 R8.1 what was granted before it is taken back after it, and new cases go the whole way', async () => {
    const { system, witness, lines } = world;
    const [before, ...afterwards] = logins.map((object): Recovery => ({ kind: 'role', object, caseId: '' }));
    if (!before) throw new Error('no login');
    await makeLogins(world, logins);
    await open(world, before, '5s');
    await drive(world, before);
    const pid = system.pidOf('database');
    if (!pid) throw new Error('the database is no process');
    process.kill(pid, 'SIGKILL');
    await until(() => system.pidOf('database') !== pid, { what: 'the database runs again', timeoutMs: 30_000 });
    expect(lines).toContain('restarting PostgreSQL in 0.2 s: it exited unexpectedly (by a signal)');
    await witness.until(before.caseId, 'readmit.case.closed', 40_000);
    // On a slow machine the target may not answer within the time of a call: the case fails, and whoever needs it asks again.
    const asked: { readonly recovery: Recovery; readonly went: string }[] = [];
    for (const recovery of afterwards) {
      await open(world, recovery, '3s');
      const went = await drive(world, recovery).then(
        () => 'the whole way',
        (error: unknown) => String(error),
      );
      asked.push({ recovery, went });
      const closed = async (): Promise<boolean> => (await witness.of(recovery.caseId)).some(({ type }) => type === 'readmit.case.closed');
      await until(closed, { what: `${recovery.caseId} is closed`, timeoutMs: 60_000 });
      if (!went.includes('target-unreachable')) break;
    }
    expect(asked.at(-1)?.went).toBe('the whole way');
    for (const recovery of [before, ...asked.map((one) => one.recovery)]) expect(await notEnded(world, recovery)).toEqual([]);
    expect(unhandled).toEqual([]);
    expect(await Promise.race([system.broken, Promise.resolve('nothing is broken')])).toBe('nothing is broken');
  }, 300_000);
});
