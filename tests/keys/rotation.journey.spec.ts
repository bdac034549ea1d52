/**
 * The signing keys of two services are rotated while recoveries are in progress in six real processes, with the operator's command and in the
 * order of docs/operations.md. A message that is signed before the new list arrives is tested in libs/runtime/test/key-rotation.int.spec.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeBatchSignature, services, topicOf, type ServiceName } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { notEnded } from '../fault/ends.js';
import { drive, makeLogins, open, type Recovery } from '../fault/recoveries.js';
import { startWorld } from '../fault/world.js';

const roles = Array.from({ length: 10 }, (_, index): Recovery => ({ kind: 'role', object: `fault_${index + 1}`, caseId: '' }));
/** The service that gets commands from people, and the one for which execution's gate waits. */
const rotated: readonly ServiceName[] = ['approval', 'audit'];

let world: Awaited<ReturnType<typeof startWorld>>;
beforeAll(async () => {
  world = await startWorld({ processes: true, logins: roles.map(({ object }) => object) });
});
afterAll(() => world?.stop(), 60_000);

const keysDir = (): string => path.dirname(world.system.keys.keyListFile);
const rootKey = (): string => path.join(keysDir(), 'root-belongs-offline.jwk');
const kidOf = async (service: ServiceName): Promise<string> =>
  (JSON.parse(await readFile(world.system.keys.serviceKeyFile[service], 'utf8')) as { kid: string }).kid;
const openCases = async (): Promise<number> => roles.length - (await world.witness.count('readmit.case.closed'));

/** Ids of the keys that signed the service's events, in order of time. */
async function signersOf(service: ServiceName): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: world.system.ownerUrl });
  await client.connect();
  try {
    const table = topicOf(service).replaceAll(/[.-]/g, '_');
    const { rows } = await client.query<{ signature: string }>(
      `SELECT headers ->> 'readmit-signature' AS signature FROM bus.${table} ORDER BY headers ->> 'ce_time'`,
    );
    const kids = rows.map(({ signature }) =>
      Buffer.from(decodeBatchSignature(Buffer.from(signature, 'base64'))?.keyId ?? []).toString('hex'),
    );
    return [...new Set(kids)];
  } finally {
    await client.end();
  }
}

/** How often each service logged that it loaded a key list. */
const loadCounts = async (): Promise<readonly number[]> =>
  Promise.all(
    services.map(async (service) => {
      const text = await readFile(path.join(world.system.stateDir, 'logs', `${service}.log`), 'utf8');
      return text.split('\n').filter((line) => line.includes('loaded a newer key list')).length;
    }),
  );

async function rotate(service: ServiceName): Promise<{ readonly retired: string; readonly created: string; readonly inFlight: number }> {
  const { stage, system } = world;
  const retired = await kidOf(service);
  const before = await loadCounts();
  await stage.done('gita', ['key', 'rotate', '--service', service, '--keys-dir', keysDir(), '--root-key', rootKey(), '--apply']);
  await until(async () => (await loadCounts()).every((count, at) => count > (before[at] ?? 0)), {
    what: 'every service has loaded the list',
  });
  const inFlight = await openCases();
  const pid = system.pidOf(service);
  if (!pid) throw new Error(`${service} is not a process`);
  process.kill(pid, 'SIGTERM');
  await until(() => system.pidOf(service) !== pid, { what: `${service} runs again` });
  return { retired, created: await kidOf(service), inFlight };
}

describe('rotating the keys of two services under load', () => {
  it('R8.1 R8.3 every case ends, nothing is parked, and the events of each service change once from the old to the new key', async () => {
    const { witness } = world;
    await makeLogins(
      world,
      roles.map(({ object }) => object),
    );
    const driving = Promise.all(
      [0, 1].map(async (half) => {
        for (const recovery of roles.filter((_, at) => at % 2 === half)) {
          await open(world, recovery, '20s');
          await drive(world, recovery);
        }
      }),
    );
    const rotating = (async () => {
      const done = [];
      for (const [at, service] of rotated.entries()) {
        await until(async () => (await witness.count('readmit.execution.started')) > at * 2, {
          what: 'cases are in progress',
        });
        done.push(await rotate(service));
      }
      return done;
    })();
    const [rotations] = await Promise.all([rotating, driving]);
    for (const { inFlight } of rotations) expect(inFlight).toBeGreaterThanOrEqual(3);
    await until(async () => (await openCases()) === 0, { what: 'all cases are closed' });
    for (const recovery of roles) expect([recovery.object, await notEnded(world, recovery)]).toEqual([recovery.object, []]);
    expect(await witness.parked()).toBe(0);
    expect(await witness.count('readmit.violation.found')).toBe(0);
    for (const [at, service] of rotated.entries()) {
      const { retired, created } = rotations[at] ?? {};
      expect(retired).not.toBe(created);
      expect([service, await signersOf(service)]).toEqual([service, [retired, created]]);
    }
    expect(await signersOf('intake')).toEqual([await kidOf('intake')]);
  });

  it('R7.2 the log verifies across the rotation, with the key list that it contains', async () => {
    const { stage, system } = world;
    const file = path.join(system.stateDir, 'log.ndjson');
    await stage.done('gita', ['audit', 'export', '--out', file], { quiet: true });
    const verified = await stage.cli('gita', ['audit', 'verify', file, '--keys', system.keys.trustFile, '--json'], { quiet: true });
    expect([verified.code, verified.stderr]).toEqual([0, '']);
    expect(verified.json).toMatchObject({ ok: true });
    const signed = new Set<string>();
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      if (!line.includes('"readmit-signature"')) continue;
      const { topic, headers } = JSON.parse(line) as { topic: string; headers: Record<string, string> };
      if (topic !== topicOf('approval')) continue;
      signed.add(Buffer.from(decodeBatchSignature(Buffer.from(headers['readmit-signature'] ?? '', 'base64'))?.keyId ?? []).toString('hex'));
    }
    expect(signed.size).toBe(2);
  });
});
