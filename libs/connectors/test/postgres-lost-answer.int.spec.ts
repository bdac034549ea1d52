/** What is certain about the target when the connection is cut: a proxy cuts it before or after a chosen statement reached the server. */
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { postgresConnector } from '../src/index.js';
import type { Ask } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { first, planFrom, startTestTarget, type Target } from './postgres-target.js';

const ask: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
const signal = new AbortController().signal;
let target: Target;

beforeAll(async () => {
  target = await startTestTarget();
});
afterAll(() => target.stop());

/** Grants through a proxy that lets the statement through to the server (or not) and never its answer back. */
async function grantCutAt(statement: string, delivered: boolean) {
  const { port } = new URL(target.executorUrl);
  const proxy = createServer((down) => {
    const up = createConnection(Number(port), '127.0.0.1');
    for (const socket of [up, down]) socket.on('error', () => {});
    up.on('data', (bytes) => down.writable && down.write(bytes));
    down.on('data', (bytes) => {
      if (!bytes.includes(statement)) return void up.write(bytes);
      down.destroy();
      if (delivered) up.write(bytes);
      else up.destroy();
    });
    up.on('close', () => down.destroy());
    down.on('close', () => up.end());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = new URL(target.executorUrl);
  url.port = String((proxy.address() as AddressInfo).port);
  try {
    const options = {
      ceiling: { steps: ['role.grant' as const], entitlements: ['app_admin'], maxDurationSeconds: 900 },
      durationSeconds: 900,
      overlapSeconds: 0,
      recipients: [],
    };
    const plan = planFrom(ask, await target.connector.plan(ask, options, signal));
    const cut = postgresConnector({ name: 'target-postgres', url: url.href, roles: [] });
    return await cut
      .execute(first(plan.steps), { caseId: 'case_1', recipients: [], expiresAt: new Date(), plan }, signal)
      .catch((error: unknown) => error);
  } finally {
    await new Promise((resolve) => proxy.close(resolve));
  }
}
const holding = async () => (await target.connector.read(ask, signal)).find(({ name }) => name === 'erin/role/app_admin')?.value;

it('R5.5 knows that nothing happened when the connection broke before COMMIT', async () => {
  expect(await grantCutAt('GRANT "app_admin"', true)).toMatchObject({ code: 'unreachable', effect: 'none' });
  expect(await holding()).toBe('absent');
});

it('R5.5 calls the effect unknown when COMMIT was sent and not answered, and reading the target settles it', async () => {
  expect(await grantCutAt('COMMIT', false)).toMatchObject({ code: 'unreachable', effect: 'unknown' });
  expect(await holding()).toBe('absent');
  expect(await grantCutAt('COMMIT', true)).toMatchObject({ code: 'unreachable', effect: 'unknown' });
  await until(async () => (await holding()) === 'granted-by-us', { what: 'the commit whose answer was lost shows at the target' });
});
