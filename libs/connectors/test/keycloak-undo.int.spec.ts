/** Ends at a real Keycloak that find something else than the step left: a new lock, or an account, role or group that was deleted. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Plan } from '@readmit/contracts';
import type { TestRealm } from '@readmit/testing';
import type { Connector } from '../src/index.js';
import { consumer } from './consumer.js';
import { askFor, caseId, execute, keycloakTarget, never, partsOf, planOf, undo, type KeycloakTarget } from './keycloak-target.js';
import { startProxy, type Proxy } from './target-proxy.js';

const { key } = consumer();
let target: KeycloakTarget;
let realm: TestRealm;
let connector: Connector;
let proxy: Proxy;
let count = 0;
const someone = (): Promise<string> => target.person(`person-${++count}`);

beforeAll(async () => {
  target = await keycloakTarget();
  realm = target.realm;
  connector = target.connector();
  proxy = await startProxy(realm.issuer);
});
afterAll(async () => {
  await proxy?.stop();
  await target?.stop();
});

describe('an account that was unlocked and is repudiated', () => {
  const isEnabled = async (id: string) => ((await realm.admin('GET', `/users/${id}`)) as { readonly enabled: boolean }).enabled;
  const lockOf = async (id: string) =>
    (await realm.admin('GET', `/attack-detection/brute-force/users/${id}`)) as { readonly disabled: boolean };
  const unlocked = async (): Promise<{ readonly id: string; readonly name: string; readonly plan: Plan }> => {
    const id = await someone();
    const name = `person-${count}`;
    await target.lock(name, 'temporary');
    const plan = await planOf(connector, askFor('account.unlock', id));
    await execute(connector, plan);
    expect([await isEnabled(id), (await lockOf(id)).disabled]).toEqual([true, false]);
    return { id, name, plan };
  };

  it('R5.4 is disabled, also when a temporary lock would let it sign in again after a while', async () => {
    const open = await unlocked();
    const { readBack } = await undo(connector, open.plan, 'enrolment.withdraw');
    expect(readBack).toContainEqual({ name: `keycloak/${open.id}/enabled`, value: 'no' });
    expect(await isEnabled(open.id)).toBe(false);

    const locked = await unlocked();
    await target.lock(locked.name, 'temporary');
    expect(await isEnabled(locked.id)).toBe(true);
    await undo(connector, locked.plan, 'enrolment.withdraw');
    expect(await isEnabled(locked.id)).toBe(false);
    // What the end of the lock leaves behind.
    await realm.admin('DELETE', `/attack-detection/brute-force/users/${locked.id}`);
    expect(await isEnabled(locked.id)).toBe(false);
  });

  it('R5.4 stays locked as it is where the lock never lapses', async () => {
    const { id, name, plan } = await unlocked();
    await target.lock(name, 'permanent');
    await undo(connector, plan, 'enrolment.withdraw');
    const after = (await realm.admin('GET', `/users/${id}`)) as { readonly enabled: boolean; readonly attributes?: object };
    expect(after).toMatchObject({ enabled: false, attributes: { disabledReason: ['permanentLockout'] } });
  });

  it('R5.4 is not undone as long as Keycloak shows that it is enabled', async () => {
    const { id, plan } = await unlocked();
    // Keycloak, or a user store behind it, accepts the change and keeps the account enabled.
    proxy.use(({ method, path }, response) => {
      if (method !== 'PUT' || !path.endsWith(`/users/${id}`)) return false;
      response.writeHead(204).end();
      return true;
    });
    const atProxy = target.connector(proxy.url);
    await expect(undo(atProxy, plan, 'enrolment.withdraw')).rejects.toMatchObject({
      code: 'changed',
      effect: 'unknown',
      message: expect.stringContaining('still has an open sign-in'),
    });
    proxy.use(() => false);
    await undo(atProxy, plan, 'enrolment.withdraw');
    expect(await isEnabled(id)).toBe(false);
  });
});

describe('an account that was deleted meanwhile', () => {
  const remove = (id: string) => realm.admin('DELETE', `/users/${id}`);
  const gone = (id: string) => ({ readBack: [{ name: `keycloak/${id}/enabled`, value: 'deleted' }], sessionsEnded: 0 });

  it('R6.3 counts as undone, for a bypass, an enrolment, a role and a group', async () => {
    const role = (await realm.admin('GET', '/roles/helpdesk')) as { readonly id: string };
    const [group] = (await realm.admin('GET', '/groups?search=finance-admins')) as { readonly id: string }[];
    const id = await someone();
    const reset = await planOf(connector, askFor('factor.reset', id), [key]);
    await execute(connector, reset, [key]);
    const given = await planOf(connector, askFor('role.restore', id, role.id));
    await execute(connector, given);
    const joined = await planOf(connector, askFor('group.restore', id, group?.id));
    await execute(connector, joined);
    // The control: what is there is undone and read back.
    const other = await someone();
    const otherGiven = await planOf(connector, askFor('role.restore', other, role.id));
    await execute(connector, otherGiven);
    expect((await undo(connector, otherGiven, 'role.revoke')).readBack).toContainEqual({
      name: `keycloak/${other}/entitlement/${role.id}`,
      value: 'absent',
    });
    await remove(id);
    expect(await undo(connector, reset, 'bypass.close')).toEqual(gone(id));
    expect(await undo(connector, reset, 'enrolment.withdraw')).toEqual(gone(id));
    expect(await undo(connector, given, 'role.revoke')).toEqual(gone(id));
    expect(await undo(connector, joined, 'role.revoke')).toEqual(gone(id));
    expect(await connector.observe(reset, { caseId }, never)).toEqual([]);
    // Nothing is planned or given to it.
    await expect(planOf(connector, askFor('factor.reset', id), [key])).rejects.toMatchObject({ code: 'not-found', effect: 'none' });
    await expect(execute(connector, given)).rejects.toMatchObject({ code: 'not-found', effect: 'none' });
  });

  it.each<[string, number, string]>([
    ['a page of a gateway', 404, '<html>not found</html>'],
    ['an empty answer', 404, ''],
  ])('R6.3 is not concluded from %s', async (_what, status, text) => {
    const id = await someone();
    const plan = await planOf(connector, askFor('factor.reset', id), [key]);
    await execute(connector, plan, [key]);
    proxy.use(({ path }, response) => {
      if (!path.endsWith(`/users/${id}`)) return false;
      response.writeHead(status, { 'content-type': 'text/html' }).end(text);
      return true;
    });
    const atProxy = target.connector(proxy.url);
    await expect(undo(atProxy, plan, 'bypass.close')).rejects.toMatchObject({ code: 'unreachable', effect: 'none' });
    proxy.use(() => false);
    expect((await undo(atProxy, plan, 'bypass.close')).readBack).toContainEqual({ name: `keycloak/${id}/bypass`, value: 'none' });
  });

  it('R6.3 is not concluded where the executor does not see its own roles', async () => {
    const id = await someone();
    const plan = await planOf(connector, askFor('factor.reset', id), [key]);
    await remove(id);
    proxy.use(({ path }, response) => {
      if (!path.endsWith('/role-mappings/realm/composite')) return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
      return true;
    });
    const atProxy = target.connector(proxy.url);
    await expect(undo(atProxy, plan, 'bypass.close')).rejects.toMatchObject({ code: 'refused', effect: 'none' });
    proxy.use(() => false);
    expect(await undo(atProxy, plan, 'bypass.close')).toEqual(gone(id));
  });
});

describe('a role or group that was deleted meanwhile', () => {
  const kinds = {
    role: {
      ask: 'role.restore' as const,
      add: async (name: string): Promise<string> => {
        await realm.admin('POST', '/roles', { name });
        return ((await realm.admin('GET', `/roles/${name}`)) as { readonly id: string }).id;
      },
      remove: (id: string) => realm.admin('DELETE', `/roles-by-id/${id}`),
      give: (person: string, id: string, name: string) => realm.admin('POST', `/users/${person}/role-mappings/realm`, [{ id, name }]),
      take: (person: string, id: string, name: string) => realm.admin('DELETE', `/users/${person}/role-mappings/realm`, [{ id, name }]),
    },
    group: {
      ask: 'group.restore' as const,
      add: async (name: string): Promise<string> => {
        await realm.admin('POST', '/groups', { name });
        return ((await realm.admin('GET', `/groups?search=${name}`)) as { readonly id: string }[])[0]?.id ?? '';
      },
      remove: (id: string) => realm.admin('DELETE', `/groups/${id}`),
      give: (person: string, id: string) => realm.admin('PUT', `/users/${person}/groups/${id}`),
      take: (person: string, id: string) => realm.admin('DELETE', `/users/${person}/groups/${id}`),
    },
  };

  it.each(['role', 'group'] as const)('R6.3 counts as taken away, unless the %s was made again and is held again', async (kind) => {
    const { ask, add, remove, give, take } = kinds[kind];
    const [person, name] = [await someone(), `${kind}-${count}`];
    const id = await add(name);
    const plan = await planOf(connector, askFor(ask, person, id));
    await execute(connector, plan);
    await remove(id);
    const { readBack } = await undo(connector, plan, 'role.revoke');
    expect(readBack).toEqual([
      { name: `keycloak/${person}/entitlement/${id}`, value: 'absent' },
      { name: `keycloak/${person}/entitlement/${id}/name`, value: 'deleted' },
    ]);
    const again = await add(name);
    await undo(connector, plan, 'role.revoke');
    await give(person, again, name);
    await expect(undo(connector, plan, 'role.revoke')).rejects.toMatchObject({
      code: 'changed',
      message: expect.stringContaining(`${name} was deleted and made again`),
    });
    await take(person, again, name);
    await undo(connector, plan, 'role.revoke');
  });
});

it('R6.5 gives each account its own hold, also where ids are so long that a hold names only their beginning', async () => {
  const role = (await realm.admin('GET', '/roles/helpdesk')) as { readonly id: string };
  const id = await someone();
  // Ids of accounts from a user store may be as long; the proxy gives the account such an id.
  const long = (end: string) => `f:store:${'x'.repeat(230)}${end}`;
  proxy.use(async ({ method, path, headers }, response) => {
    const [, given] = /\/users\/(f%3A[^/?]+)/.exec(path) ?? [];
    if (given === undefined) return false;
    const { origin } = new URL(realm.issuer);
    const answer = await fetch(`${origin}${path.replace(given, id)}`, { method, headers: { authorization: headers.authorization ?? '' } });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end((await answer.text()).replaceAll(id, decodeURIComponent(given)));
    return true;
  });
  const holdOf = async (object: string) =>
    (await partsOf(target.connector(proxy.url), askFor('role.restore', object, role.id))).steps[0]?.hold;
  const [one, other, short] = [await holdOf(long('1')), await holdOf(long('2')), await holdOf(id)];
  expect([one?.startsWith(`keycloak/role/${role.id}/f:store:x`), one?.length]).toEqual([true, 255]);
  expect(other).not.toBe(one);
  expect(short).toBe(`keycloak/role/${role.id}/${id}`);
});
