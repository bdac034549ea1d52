/** All services in one process: the database dies under them, comes back on its port, and they go on. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { notEnded } from './ends.js';
import { drive, makeLogins, open, type Recovery } from './recoveries.js';
import { startWorld } from './stand.js';

let world: Awaited<ReturnType<typeof startWorld>>;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  world = await startWorld({ processes: false, logins: ['fault_before', 'fault_after'] });
}, 120_000);
afterAll(async () => {
  await world?.stop();
  process.off('unhandledRejection', onUnhandled);
}, 120_000);

describe('SIGKILL of the database under six services in one process', () => {
  it('R6.2 R8.1 what was granted before it is taken back after it, and new cases go the whole way', async () => {
    const { system, witness, lines } = world;
    const before: Recovery = { kind: 'role', object: 'fault_before', caseId: '' };
    const after: Recovery = { kind: 'role', object: 'fault_after', caseId: '' };
    await makeLogins(world, [before.object, after.object]);
    await open(world, before, '5s');
    await drive(world, before);
    const pid = system.pidOf('database');
    if (!pid) throw new Error('the database is no process');
    process.kill(pid, 'SIGKILL');
    await until(() => system.pidOf('database') !== pid, { what: 'the database runs again', timeoutMs: 30_000 });
    expect(lines).toContain('PostgreSQL again in 0.2 s: it ended by itself (by a signal)');
    await witness.until(before.caseId, 'readmit.case.closed', 40_000);
    await open(world, after, '3s');
    await drive(world, after);
    await witness.until(after.caseId, 'readmit.case.closed', 40_000);
    expect(await notEnded(world, before)).toEqual([]);
    expect(await notEnded(world, after)).toEqual([]);
    expect(unhandled).toEqual([]);
    expect(await Promise.race([system.broken, Promise.resolve('nothing is broken')])).toBe('nothing is broken');
  }, 110_000);
});
