/** The effect that is reported when the connection is cut: a proxy cuts it before or after a chosen statement reached the server. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { postgresConnector } from '../src/index.js';
import type { Ask } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { first, planFrom, startTestTarget, throughProxy, type Target } from './postgres-target.js';

const ask: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
const signal = new AbortController().signal;
let target: Target;

beforeAll(async () => {
  target = await startTestTarget();
});
afterAll(() => target.stop());

/** Grants through a proxy that passes the statement to the server (or not), and never the response. */
async function grantCutAt(statement: string, delivered: boolean) {
  const options = {
    ceiling: { steps: ['role.grant' as const], entitlements: ['app_admin'], maxDurationSeconds: 900 },
    durationSeconds: 900,
    overlapSeconds: 0,
    recipients: [],
  };
  const plan = planFrom(ask, await target.connector.plan(ask, options, signal));
  return throughProxy(
    target,
    ({ client, server }) => {
      server.on('data', (bytes) => client.writable && client.write(bytes));
      client.on('data', (bytes) => {
        if (!bytes.includes(statement)) return void server.write(bytes);
        client.destroy();
        if (delivered) server.write(bytes);
        else server.destroy();
      });
      server.on('close', () => client.destroy());
    },
    (url) =>
      postgresConnector({ name: 'target-postgres', url, roles: [] })
        .execute(first(plan.steps), { caseId: 'case_1', recipients: [], expiresAt: new Date(), plan }, signal)
        .catch((error: unknown) => error),
  );
}
const holding = async () => (await target.connector.read(ask, signal)).find(({ name }) => name === 'erin/role/app_admin')?.value;

it('R5.5 reports no effect when the connection broke before COMMIT', async () => {
  expect(await grantCutAt('GRANT "app_admin"', true)).toMatchObject({ code: 'unreachable', effect: 'none' });
  expect(await holding()).toBe('absent');
});

it('R5.5 reports an unknown effect when COMMIT was sent without a response; reading the target resolves it', async () => {
  expect(await grantCutAt('COMMIT', false)).toMatchObject({ code: 'unreachable', effect: 'unknown' });
  expect(await holding()).toBe('absent');
  expect(await grantCutAt('COMMIT', true)).toMatchObject({ code: 'unreachable', effect: 'unknown' });
  await until(async () => (await holding()) === 'granted-by-us', { what: 'the commit whose response was lost shows at the target' });
});
