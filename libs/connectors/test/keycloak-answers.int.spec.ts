/** Bad answers of Keycloak, or of something in front of it: a proxy stands before the real one and answers some requests itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Plan } from '@readmit/contracts';
import type { TestRealm } from '@readmit/testing';
import type { Connector } from '../src/index.js';
import { askFor, execute, keycloakTarget, never, partsOf, planOf, undo, type KeycloakTarget } from './keycloak-target.js';
import { answer, startProxy, type Passing, type Proxy } from './target-proxy.js';

let target: KeycloakTarget;
let realm: TestRealm;
let proxy: Proxy;
let connector: Connector;
let role: { readonly id: string };
let person: string;
let plan: Plan;
let count = 0;

beforeAll(async () => {
  target = await keycloakTarget();
  realm = target.realm;
  proxy = await startProxy(realm.issuer);
  role = (await realm.admin('GET', '/roles/helpdesk')) as { readonly id: string };
});
afterAll(async () => {
  await proxy?.stop();
  await target?.stop();
});
beforeEach(async () => {
  proxy.use(() => false);
  connector = target.connector(proxy.url);
  person = await target.person(`person-${++count}`);
  plan = await planOf(connector, askFor('role.restore', person, role.id));
  proxy.seen.splice(0);
});

const isGrant = ({ method, path }: Passing): boolean => method === 'POST' && path.endsWith('/role-mappings/realm');
const isRevoke = ({ method, path }: Passing): boolean => method === 'DELETE' && path.endsWith('/role-mappings/realm');
const isLook = ({ method, path }: Passing): boolean => method === 'GET' && path.endsWith(`/users/${person}`);
const holds = async (): Promise<boolean> =>
  ((await realm.admin('GET', `/users/${person}/role-mappings/realm`)) as { readonly id: string }[]).some(({ id }) => id === role.id);
const times = (which: (passing: Passing) => boolean): number => proxy.seen.filter(which).length;

describe('a change that is refused', () => {
  it.each([
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'not-found'],
    [409, 'changed'],
    [413, 'refused'],
  ])('R5.5 by %i has no effect', async (status, code) => {
    proxy.use((passing, response) => isGrant(passing) && answer(response, status, '{"error":"no"}'));
    await expect(execute(connector, plan)).rejects.toMatchObject({ code, effect: 'none' });
    expect(await holds()).toBe(false);
    proxy.use(() => false);
    await execute(connector, plan);
    expect(await holds()).toBe(true);
  });
});

describe('an answer that leaves open what happened', () => {
  const broken: readonly (readonly [string, string, (response: ServerResponse) => void])[] = [
    ['500', 'unreachable', (response) => void answer(response, 500, 'oops')],
    ['502 of a gateway', 'unreachable', (response) => void answer(response, 502, '<html>')],
    ['408 of a gateway', 'unreachable', (response) => void answer(response, 408)],
    ['nothing', 'unreachable', (response) => void response.destroy()],
    [
      'half of it',
      'unreachable',
      (response) => void response.writeHead(200, { 'content-length': '100' }).write('{"id', () => response.destroy()),
    ],
    ['garbage', 'unreachable', (response) => void answer(response, 200, '<html>welcome', { 'content-type': 'text/html' })],
    ['a redirect', 'unreachable', (response) => void answer(response, 302, '', { location: '/elsewhere' })],
    ['more than the limit', 'refused', (response) => void answer(response, 200, `"${'x'.repeat(17 * 1024 * 1024)}"`)],
  ];
  it.each(broken)('R5.5 has an unknown effect, and the next try finds what was done: %s', async (_what, code, reply) => {
    proxy.use(async (passing, response) => {
      if (!isGrant(passing)) return false;
      await passing.forward();
      reply(response);
      return true;
    });
    await expect(execute(connector, plan)).rejects.toMatchObject({ code, effect: 'unknown' });
    expect([await holds(), times(({ path }) => path.includes('elsewhere'))]).toEqual([true, 0]);
    // It is there already, so nothing is sent that could break.
    await execute(connector, plan);
    expect(times(isGrant)).toBe(1);
    await undo(connector, plan, 'role.revoke');
    expect(await holds()).toBe(false);
  });

  it.each(broken)('R6.3 is no undo: %s', async (_what, code, reply) => {
    await execute(connector, plan);
    proxy.use((passing, response) => {
      if (!isRevoke(passing)) return false;
      reply(response);
      return true;
    });
    await expect(undo(connector, plan, 'role.revoke')).rejects.toMatchObject({ code, effect: 'unknown' });
    expect(await holds()).toBe(true);
    proxy.use(() => false);
    await undo(connector, plan, 'role.revoke');
    expect(await holds()).toBe(false);
  });

  it.each(broken)('R5.5 has no effect where it is the answer to a look: %s', async (_what, code, reply) => {
    proxy.use((passing, response) => {
      if (!isLook(passing)) return false;
      reply(response);
      return true;
    });
    await expect(execute(connector, plan)).rejects.toMatchObject({ code, effect: 'none' });
    expect(await holds()).toBe(false);
  });

  it('R5.5 is unknown after a time-out, and the success that came too late is found', async () => {
    const quick = target.connector(proxy.url, 2_000);
    proxy.use(async (passing) => {
      if (isGrant(passing)) await passing.forward();
      return isGrant(passing);
    });
    await expect(execute(quick, plan)).rejects.toMatchObject({ code: 'timeout', effect: 'unknown' });
    expect(await holds()).toBe(true);
    await execute(connector, plan);
    expect(times(isGrant)).toBe(1);
    await undo(connector, plan, 'role.revoke');
    expect(await holds()).toBe(false);
  });

  it('R5.5 is unknown if the credentials are lost after the change was sent', async () => {
    proxy.use(async (passing) => {
      if (isGrant(passing)) await rm(target.credentialsFile);
      return false;
    });
    await expect(execute(connector, plan)).rejects.toMatchObject({
      code: 'refused',
      effect: 'unknown',
      message: expect.stringContaining('credentials.json cannot be read (ENOENT)'),
    });
    await target.writeCredentials();
    expect(await holds()).toBe(true);
    await execute(connector, plan);
  });

  it('R6.3 is not believed where "done" is answered and nothing was done', async () => {
    proxy.use((passing, response) => isGrant(passing) && answer(response, 204));
    await expect(execute(connector, plan)).rejects.toMatchObject({
      code: 'changed',
      effect: 'unknown',
      message: expect.stringContaining('does not show helpdesk'),
    });
    proxy.use(() => false);
    await execute(connector, plan);
    proxy.use((passing, response) => isRevoke(passing) && answer(response, 204));
    await expect(undo(connector, plan, 'role.revoke')).rejects.toMatchObject({
      code: 'changed',
      effect: 'unknown',
      message: expect.stringContaining('still holds helpdesk'),
    });
  });
});

describe('a Keycloak that is busy', () => {
  it.each([
    [429, { 'retry-after': '0' }],
    [503, { 'retry-after': 'Sun, 29 Nov 2020 12:00:00 GMT' }],
  ])('is asked again after the time in Retry-After: %i %j', async (status, headers) => {
    const put: boolean[] = [];
    proxy.use((passing, response) => isGrant(passing) && put.length < 2 && put.push(true) > 0 && answer(response, status, '', headers));
    await execute(connector, plan);
    expect([await holds(), times(isGrant)]).toEqual([true, 3]);
  });

  it('is left alone after three more tries, without Retry-After, or when it asks for more than a minute', async () => {
    const refuse = (status: number, headers: Readonly<Record<string, string>>): void =>
      proxy.use((passing, response) => isGrant(passing) && answer(response, status, '', headers));
    const tries = async (effect: 'none' | 'unknown'): Promise<number> => {
      proxy.seen.splice(0);
      await expect(execute(connector, plan)).rejects.toMatchObject({ code: 'unreachable', effect });
      return times(isGrant);
    };
    refuse(429, { 'retry-after': '0' });
    expect(await tries('none')).toBe(4);
    refuse(429, {});
    expect(await tries('none')).toBe(1);
    refuse(429, { 'retry-after': '61' });
    expect(await tries('none')).toBe(1);
    // A server that stopped half-way answers 503 too.
    refuse(503, {});
    expect(await tries('unknown')).toBe(1);
    expect(await holds()).toBe(false);
  });
});

it('plans nothing above the ceiling of the case', async () => {
  const ask = askFor('role.restore', person, role.id);
  const at = (ceiling: object) =>
    connector.plan(
      ask,
      {
        ceiling: { steps: ['role.grant'], entitlements: [role.id], maxDurationSeconds: 900, ...ceiling },
        ...{ durationSeconds: 900, overlapSeconds: 0, recipients: [] },
      },
      never,
    );
  expect((await at({})).steps.length).toBe(1);
  for (const [ceiling, why] of [
    [{ steps: [] }, 'does not allow role.grant'],
    [{ entitlements: ['another'] }, `does not allow ${role.id}`],
    [{ maxDurationSeconds: 899 }, 'allows 899 s, not 900 s'],
  ] as const)
    await expect(at(ceiling)).rejects.toMatchObject({ code: 'refused', effect: 'none', message: `the ceiling of this case ${why}` });
  expect((await partsOf(connector, ask)).steps.length).toBe(1);
});
