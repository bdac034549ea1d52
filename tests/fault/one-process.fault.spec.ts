/** All services in one process: the database is killed, starts again on its port, and the services continue. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { notEnded } from './ends.js';
import { drive, makeLogins, open, type Recovery } from './recoveries.js';
import { startWorld } from './world.js';

const logins = ['fault_before', 'fault_after', 'fault_again', 'fault_once_more'];
let world: Awaited<ReturnType<typeof startWorld>>;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  world = await startWorld({ processes: false, logins });
});
afterAll(async () => {
  await world?.stop();
  process.off('unhandledRejection', onUnhandled);
});

describe('SIGKILL of the database under six services in one process', () => {
  it('R6.2 R8.1 what was granted before is undone afterwards, and new cases are completed', async () => {
    const { system, witness, lines } = world;
    const [before, ...afterwards] = logins.map((object): Recovery => ({ kind: 'role', object, caseId: '' }));
    if (!before) throw new Error('there is no login');
    await makeLogins(world, logins);
    await open(world, before, '5s');
    await drive(world, before);
    const pid = system.pidOf('database');
    if (!pid) throw new Error('the database is not a process');
    process.kill(pid, 'SIGKILL');
    await until(() => system.pidOf('database') !== pid, { what: 'the database runs again' });
    expect(lines).toContain('restarting PostgreSQL in 0.2 s: it exited unexpectedly (by a signal)');
    await witness.until(before.caseId, 'readmit.case.closed', 40_000);
    // On a slow machine a call of the target may time out: the case fails, and the person opens another.
    const opened: { readonly recovery: Recovery; readonly outcome: string }[] = [];
    for (const recovery of afterwards) {
      await open(world, recovery, '3s');
      const outcome = await drive(world, recovery).then(
        () => 'completed',
        (error: unknown) => String(error),
      );
      opened.push({ recovery, outcome });
      const closed = async (): Promise<boolean> => (await witness.of(recovery.caseId)).some(({ type }) => type === 'readmit.case.closed');
      await until(closed, { what: `${recovery.caseId} is closed` });
      if (!outcome.includes('target-unreachable')) break;
    }
    expect(opened.at(-1)?.outcome).toBe('completed');
    for (const recovery of [before, ...opened.map((one) => one.recovery)]) expect(await notEnded(world, recovery)).toEqual([]);
    expect(unhandled).toEqual([]);
    expect(await Promise.race([system.broken, Promise.resolve('nothing is broken')])).toBe('nothing is broken');
  }, 300_000);
});
