/** Keycloak as a live source of the directory: a real realm, classification's tables in PostgreSQL, and the directory that a case gets. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Directory } from '@readmit/contracts';
import type { Store } from '@readmit/store';
import { blockOf, testDatabase, testKeycloak, type TestDatabase, type TestRealm } from '@readmit/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { keycloakSource } from '../../apps/classification/src/outbound/keycloak-source.js';
import { parseSource, type KeycloakSourceSettings } from '../../apps/classification/src/outbound/source-settings.js';
import { person } from '../../apps/classification/test/people.js';
import { counted, sourceRig, whoIs, type Rig } from '../../apps/classification/test/source-rig.js';
import { startProxy, type Proxy } from '../../libs/connectors/test/target-proxy.js';
import { failsAndRemovesNobody, type Instead } from './bad-answers.js';

const clientId = 'readmit-directory';
/** More than two pages, together with the people of the realm file. */
const many = Array.from({ length: 1_100 }, (_, n) => `many-${String(n).padStart(4, '0')}`);

let database: TestDatabase;
let store: Store;
let realm: TestRealm;
let proxy: Proxy;
let folder: string;
let credentialsFile: string;
let clock: Date;
const ids: Record<string, string> = {};
const secret = 'a-secret-of-the-reader';
const withSecret = (clientSecret: string): Promise<void> =>
  writeFile(credentialsFile, JSON.stringify({ clientId, clientSecret }), { mode: 0o600 });

const attributesOf = (name: string) => ({ employeeNumber: [`h-${name}`], employeeType: ['employee'] });
async function user(username: string, more: object = {}, attributes: object = {}): Promise<string> {
  await realm.admin('POST', '/users', { username, enabled: true, attributes: { ...attributesOf(username), ...attributes }, ...more });
  const [made] = (await realm.admin('GET', `/users?exact=true&username=${username}`)) as { id: string }[];
  return (ids[username] = made?.id ?? '');
}
const groupId = async (name: string): Promise<string> =>
  ((await realm.admin('GET', `/groups?exact=true&search=${encodeURIComponent(name)}`)) as { id: string }[])[0]?.id ?? '';
const join = async (name: string, group: string): Promise<void> =>
  void (await realm.admin('PUT', `/users/${ids[name]}/groups/${await groupId(group)}`, {}));

beforeAll(async () => {
  database = await testDatabase();
  store = await database.store('classification');
  const keycloak = await testKeycloak();
  realm = await keycloak.realm((file) => {
    const client = { clientId, publicClient: false, secret, serviceAccountsEnabled: true, standardFlowEnabled: false };
    file.clients.push(client);
    const account = { username: `service-account-${clientId}`, enabled: true, serviceAccountClientId: clientId };
    file.users.push(Object.assign(account, { clientRoles: { 'realm-management': ['view-users', 'view-realm'] } }));
    for (const username of many) file.users.push(Object.assign({ username, enabled: true }, { attributes: attributesOf(username) }));
    const kept = JSON.stringify({ attributes: [{ name: 'username' }, { name: 'email' }], unmanagedAttributePolicy: 'ADMIN_EDIT' });
    const provider = { providerId: 'declarative-user-profile', config: { 'kc.user.profile.config': [kept] } };
    file['components'] = { 'org.keycloak.userprofile.UserProfileProvider': [provider] };
  });
  proxy = await startProxy(realm.issuer);
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-keycloak-source-'));
  credentialsFile = path.join(folder, 'credentials.json');
});
beforeEach(async () => {
  clock = new Date();
  await withSecret(secret);
  proxy.use(() => false);
  await user('boss');
  await user('ada', {}, { phoneNumber: ['+44 20 7946 0101'], manager: ['Boss'] });
  for (const name of ['boris', 'chidi', 'mallory']) await user(name);
  await join('boris', 'help-desk');
  await join('chidi', 'security-oncall');
  await join('mallory', 'security-oncall');
});
afterEach(async () => {
  await store.query('DELETE FROM directory_person');
  await store.query('DELETE FROM directory_source');
  for (const id of Object.values(ids)) await realm.admin('DELETE', `/users/${id}`).catch(() => undefined);
});
afterAll(async () => {
  await proxy.stop();
  await realm.remove();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const later = (seconds: number): void => void (clock = new Date(clock.getTime() + seconds * 1000));
const listed = (name: string, team: string): Directory['people'][number] =>
  person(ids[name] ?? '', team, { human: `h-${name}`, accounts: [] });

const documented = (): KeycloakSourceSettings => parseSource(blockOf('docs/directory.md', 'From your Keycloak')) as KeycloakSourceSettings;
const people = () => documented().people;

function rig(listedPeople: Directory['people'], more: Partial<KeycloakSourceSettings> = {}): Rig {
  const settings: KeycloakSourceSettings = {
    ...documented(),
    url: proxy.url,
    credentialsFile,
    // Nobody in the realm file has the role of the example.
    groups: {
      map: [
        { group: '/help-desk', team: 'help-desk' },
        { group: '/security-oncall', team: 'security-oncall' },
        { group: '/security-oncall', authority: 5 },
      ],
    },
    ...more,
  };
  const [now, logged] = [() => clock, [] as string[]];
  const source = keycloakSource(settings, { callTimeoutMs: 30_000, now, unusable: (id, why) => void logged.push(`${id} ${why}`) });
  return sourceRig({ source, store, people: listedPeople, now, logged, reader: 'reader' });
}

describe('a realm of Keycloak as the live source', () => {
  it('R1.6 tells contacts, manager, accounts, employment and teams of people in several pages, each with its age', async () => {
    const { watch, of } = rig([listed('chidi', 'security-oncall')]);
    await expect(of(ids['ada'] ?? '')).rejects.toThrow('the directory source sso was never read completely');
    await watch.run();
    expect(watch.problem).toBeUndefined();
    expect(await counted(store)).toBe(await realm.admin('GET', '/users/count'));
    expect(await counted(store)).toBeGreaterThan(many.length);
    later(7);
    const reading = await of(ids['ada'] ?? '');
    expect(whoIs(reading, ids['ada'] ?? '')).toMatchObject({
      human: 'h-ada',
      employment: 'employee',
      teams: [],
      authority: 0,
      contacts: [{ kind: 'phone', value: '+44 20 7946 0101' }],
      accounts: [{ connector: 'sso', object: ids['ada'] }],
    });
    expect(reading.live?.facts).toContainEqual({ name: 'subject-manager:sso', value: ids['boss'], ageSeconds: 7 });
    expect(whoIs(reading, ids['boris'] ?? '')).toMatchObject({ teams: ['help-desk'], keys: [] });
    expect(whoIs(reading, ids['chidi'] ?? '')).toMatchObject({ teams: ['security-oncall'] });
    // In the group of security as well, through which only people of the file approve.
    expect(whoIs(reading, ids['mallory'] ?? '')?.teams ?? []).toEqual([]);
  });

  it('R1.6 takes over with the next run who was disabled, left a group or was renamed', async () => {
    const { watch, of } = rig([listed('chidi', 'security-oncall')]);
    await watch.run();
    expect(whoIs(await of(ids['mallory'] ?? ''), ids['mallory'] ?? '')).toBeDefined();
    await realm.admin('PUT', `/users/${ids['mallory']}`, { enabled: false });
    await realm.admin('DELETE', `/users/${ids['boris']}/groups/${await groupId('help-desk')}`);
    await realm.admin('PUT', '', { editUsernameAllowed: true });
    await realm.admin('PUT', `/users/${ids['boss']}`, { username: 'chief', attributes: attributesOf('boss') });
    later(30);
    await watch.run();
    expect(watch.problem).toBeUndefined();
    const reading = await of(ids['ada'] ?? '', { requester: ids['boris'] ?? '' });
    expect(whoIs(await of(ids['mallory'] ?? ''), ids['mallory'] ?? '')).toBeUndefined();
    expect(whoIs(reading, ids['boris'] ?? '')).toMatchObject({ teams: [] });
    // Her manager is named as before, and nobody has that name.
    expect(reading.live?.facts).toContainEqual({ name: 'subject-manager:sso', value: 'unknown', ageSeconds: 0 });
  });

  it('R1.6 gives what a group has to members of its subgroups, and what a role has through groups and other roles', async () => {
    const admins = await groupId('prod-admins');
    await realm.admin('POST', `/groups/${admins}/children`, { name: 'night shift' });
    const [child] = (await realm.admin('GET', `/groups/${admins}/children`)) as { id: string }[];
    await realm.admin('POST', '/roles', { name: 'root', composite: true });
    try {
      const role = await realm.admin('GET', '/roles/prod-admin');
      const root = (await realm.admin('GET', '/roles/root')) as { name: string };
      await realm.admin('POST', '/roles/root/composites', [role]);
      await realm.admin('PUT', `/users/${ids['mallory']}/groups/${child?.id}`, {});
      await realm.admin('POST', `/users/${ids['boss']}/role-mappings/realm`, [root]);
      const map = [
        { role: 'prod-admin', privileged: true as const },
        { group: '/prod-admins', team: 'admins' },
      ];
      const { watch, of } = rig([], { groups: { map } });
      await watch.run();
      expect(watch.problem).toBeUndefined();
      const privileged = async (name: string) => whoIs(await of(ids[name] ?? ''), ids[name] ?? '')?.privileged;
      expect([await privileged('mallory'), await privileged('boss'), await privileged('ada')]).toEqual([true, true, false]);
      const labels = await store.query<{ label: string }>('SELECT label FROM directory_member WHERE entry = $1 ORDER BY 1', [
        ids['mallory'],
      ]);
      expect(labels.map(({ label }) => label)).toEqual(['privileged', 'team:admins']);
    } finally {
      await realm.admin('DELETE', '/roles/root');
      await realm.admin('DELETE', `/groups/${child?.id}`);
    }
  });

  it.each<[string, KeycloakSourceSettings['groups']['map'], string]>([
    ['a group that is none', [{ group: '/none', team: 'x' }], 'the group /none of the mapping does not exist at sso'],
    ['a role that is none', [{ role: 'none', team: 'x' }], 'the role none of the mapping does not exist at sso'],
    ['a privileged group without members', [{ group: '/nobody', privileged: true }], 'the privileged group /nobody has no members'],
  ])('R1.6 a run fails by %s, and nobody is known', async (_what, map, message) => {
    if ((await groupId('nobody')) === '') await realm.admin('POST', '/groups', { name: 'nobody' });
    const { watch, of } = rig([], { groups: { map } });
    await watch.run();
    expect(watch.problem).toContain(message);
    await expect(of(ids['ada'] ?? '')).rejects.toThrow('was never read completely');
  });

  it('R1.6 a list that moves while it is read is read again: nobody is lost', async () => {
    let left = 1;
    proxy.use(async ({ path: asked }) => {
      // Everybody after ada moves up by one place.
      if (/users\?.*first=[1-9]/.test(asked) && left-- > 0) await realm.admin('DELETE', `/users/${ids['ada']}`);
      return false;
    });
    const { watch } = rig([]);
    await watch.run();
    expect(left).toBeLessThan(0);
    expect(watch.problem).toBeUndefined();
    const known = await store.query<{ id: string }>('SELECT id FROM directory_person');
    const all = (await realm.admin('GET', '/users?max=2000&briefRepresentation=true')) as { id: string }[];
    expect(known.map(({ id }) => id)).toEqual(expect.arrayContaining(all.map(({ id }) => id)));
  });

  it('R1.6 a list that moves all the time fails the run, and removes nobody', async () => {
    const { watch, of } = rig([]);
    await watch.run();
    const before = await counted(store);
    const extra: string[] = [];
    proxy.use(async ({ path: asked }) => {
      if (/users\?.*first=[1-9]/.test(asked)) extra.push(await user(`a-${extra.length}`));
      return false;
    });
    later(30);
    await watch.run();
    expect(watch.problem).toContain('the people of sso changed while they were read, 3 times');
    expect(await counted(store)).toBeGreaterThanOrEqual(before);
    expect((await of(ids['ada'] ?? '')).live?.doubts).toEqual([expect.stringContaining('The source sso could not be read')]);
    proxy.use(() => false);
    await watch.run();
    expect(watch.problem).toBeUndefined();
  });

  it.each<[string, Instead, RegExp]>([
    [
      'fewer people than it counts',
      (asked, body) => (asked.includes('/users/count') ? { status: 200, body: String(Number(body) + 1) } : undefined),
      /^sso counts \d+ people and shows \d+, 3 times: nobody is removed/,
    ],
    ['an error', (asked) => (asked.includes('/users?') ? { status: 500, body: '{}' } : undefined), /500/],
    ['a refusal', (asked) => (asked.includes('/members') ? { status: 403, body: '{"error":"HTTP 403 Forbidden"}' } : undefined), /403/],
    ['a page of a gateway', (asked) => (asked.includes('/users/count') ? { status: 200, body: '<html></html>' } : undefined), /JSON/],
    [
      'something else than a list',
      (asked) => (asked.includes('/users?') ? { status: 200, body: '{"error":"x"}' } : undefined),
      /something else than a list/,
    ],
    [
      'half an answer',
      (asked, body) => (asked.includes('/users?') ? { status: 200, body: body.slice(0, body.length / 2) } : undefined),
      /JSON/,
    ],
  ])('R1.6 %s fails the run and removes nobody', (_what, instead, message) =>
    failsAndRemovesNobody(rig([]), { store, proxy, instead, message, secret: secret, later: () => later(30) }),
  );

  it('R1.6 a page that was cut on the way loses nobody', async () => {
    proxy.use(async ({ path: asked, forward }, response) => {
      if (!/\/users\?|\/members\?/.test(asked)) return false;
      const entries = JSON.parse((await forward()).text) as unknown[];
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(entries.length > 400 ? entries.slice(0, -100) : entries));
      return true;
    });
    const { watch } = rig([]);
    await watch.run();
    expect([watch.problem, await counted(store)]).toEqual([undefined, await realm.admin('GET', '/users/count')]);
  });

  it('R1.6 a reader without view-users fails the run, with the right that is missing', async () => {
    const { watch } = rig([]);
    await watch.run();
    const before = await counted(store);
    const [client] = (await realm.admin('GET', '/clients?clientId=realm-management')) as { id: string }[];
    const [own] = (await realm.admin('GET', `/clients?clientId=${clientId}`)) as { id: string }[];
    const account = (await realm.admin('GET', `/clients/${own?.id}/service-account-user`)) as { id: string };
    const role = await realm.admin('GET', `/clients/${client?.id}/roles/view-users`);
    const other = await realm.admin('GET', `/clients/${client?.id}/roles/query-users`);
    const mappings = `/users/${account.id}/role-mappings/clients/${client?.id}`;
    await realm.admin('DELETE', mappings, [role]);
    await realm.admin('POST', mappings, [other]);
    try {
      const blind = rig([]);
      await blind.watch.run();
      expect(blind.watch.problem).toContain('the reader needs view-users');
      expect(await counted(store)).toBe(before);
    } finally {
      await realm.admin('POST', mappings, [role]);
    }
    const again = rig([]);
    await again.watch.run();
    expect([again.watch.problem, await counted(store)]).toEqual([undefined, before]);
  });

  it('R1.6 a mapping that names nobody fails the run', async () => {
    const { watch, of } = rig([], { people: { ...people(), id: 'badge' } });
    await watch.run();
    expect(watch.problem).toContain('sso shows nobody who has the id of the mapping');
    await expect(of(ids['ada'] ?? '')).rejects.toThrow('was never read completely');
  });

  it('uses a new secret without a restart, and says what is wrong with one that is refused', async () => {
    const { watch } = rig([]);
    await withSecret('another-secret');
    await watch.run();
    expect(watch.problem).toContain(
      'sso gives the client readmit-directory no token (401): check its secret and that it has a service account',
    );
    await withSecret(secret);
    await watch.run();
    expect(watch.problem).toBeUndefined();
  });
});
