/** A SCIM server as a live source of the directory: scim2-server and Keycloak's API, classification's tables, and the directory that a case gets. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Directory } from '@readmit/contracts';
import type { Store } from '@readmit/store';
import { blockOf, testDatabase, type TestDatabase } from '@readmit/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { scimSource } from '../../apps/classification/src/outbound/scim-source.js';
import { parseSource, type ScimSourceSettings } from '../../apps/classification/src/outbound/source-settings.js';
import { person } from '../../apps/classification/test/people.js';
import { counted, sourceRig, whoIs, type Rig } from '../../apps/classification/test/source-rig.js';
import { startProxy, type Proxy } from '../../libs/connectors/test/target-proxy.js';
import { scimRealm } from '../../libs/connectors/test/scim-realm.js';
import { createGroup, patch, startScimTarget, type ScimTarget } from '../../libs/connectors/test/scim-target.js';
import { failsAndRemovesNobody, type Instead } from './bad-answers.js';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const many = Array.from({ length: 120 }, (_, n) => `many-${n}`);

let database: TestDatabase;
let store: Store;
let target: ScimTarget;
let proxy: Proxy;
let clock: Date;
let ids: Record<string, string> = {};
const groups: Record<string, string> = {};

async function user(userName: string, more: object = {}, extension: object = {}): Promise<string> {
  const { id } = await target.admin('POST', '/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise],
    ...{ userName, active: true, userType: 'Employee', [enterprise]: { employeeNumber: `h-${userName}`, ...extension } },
    ...more,
  });
  return (ids[userName] = id);
}

beforeAll(async () => {
  database = await testDatabase();
  store = await database.store('classification');
  target = await startScimTarget();
  proxy = await startProxy(target.server.url);
  for (const name of many) await user(name);
  ids = {};
});
beforeEach(async () => {
  clock = new Date();
  proxy.use(() => false);
  const boss = await user('boss');
  const phoneNumbers = [
    { value: 'tel:+44-20-7946-0101', type: 'work' },
    { value: 'tel:+44-20-7946-0199', type: 'home' },
  ];
  await user('ada', { phoneNumbers }, { manager: { value: boss } });
  for (const name of ['boris', 'chidi', 'mallory']) await user(name);
  groups['inner'] = await createGroup(target.admin, 'Inner', [ids['mallory'] ?? '']);
  groups['desk'] = await createGroup(target.admin, 'Help Desk', [ids['boris'] ?? '', groups['inner'] ?? '']);
  groups['security'] = await createGroup(target.admin, 'Security On-Call', [ids['chidi'] ?? '']);
  groups['admins'] = await createGroup(target.admin, 'Administrators', [boss]);
});
afterEach(async () => {
  await store.query('DELETE FROM directory_person');
  await store.query('DELETE FROM directory_source');
  for (const id of Object.values(groups)) await target.admin('DELETE', `/Groups/${id}`).catch(() => undefined);
  for (const id of Object.values(ids)) await target.admin('DELETE', `/Users/${id}`).catch(() => undefined);
  ids = {};
});
afterAll(async () => {
  await proxy.stop();
  await target.stop();
  await database.drop();
});

const later = (seconds: number): void => void (clock = new Date(clock.getTime() + seconds * 1000));
const listed = (id: string, team: string): Directory['people'][number] => person(id, team, { human: `h-${id}`, accounts: [] });

function rig(people: Directory['people'], more: Partial<ScimSourceSettings> = {}): Rig {
  const documented = parseSource(blockOf('docs/directory.md', 'From your SCIM server')) as ScimSourceSettings;
  const settings: ScimSourceSettings = { ...documented, url: proxy.url, tokenFile: target.tokenFile, ...more };
  const [now, logged] = [() => clock, [] as string[]];
  const source = scimSource(settings, { callTimeoutMs: 30_000, now, unusable: (id, why) => void logged.push(`${id} ${why}`) });
  return sourceRig({ source, store, people, now, logged, reader: 'reader' });
}

const without = (body: string): string => {
  const list = JSON.parse(body) as { Resources: unknown[] };
  return JSON.stringify({ ...list, Resources: list.Resources.toSpliced(3, 1) });
};
const oneMore = (body: string): string => {
  const list = JSON.parse(body) as { totalResults: number };
  return JSON.stringify({ ...list, totalResults: list.totalResults + 1 });
};

describe('a SCIM server as the live source', () => {
  it('R1.6 tells contacts, manager, accounts, employment and teams, nested groups included, each with its age', async () => {
    const { watch, of } = rig([listed('chidi', 'security-oncall')]);
    await expect(of('ada')).rejects.toThrow('the directory source people was never read completely');
    await watch.run();
    expect(watch.problem).toBeUndefined();
    // The canary is not active.
    expect(await counted(store)).toBe(many.length + 5);
    later(7);
    const reading = await of('ada');
    expect(whoIs(reading, 'ada')).toMatchObject({
      human: 'h-ada',
      employment: 'employee',
      contacts: [{ kind: 'phone', value: 'tel:+44-20-7946-0101' }],
      accounts: [{ connector: 'directory', object: ids['ada'] }],
    });
    expect(reading.live?.facts).toContainEqual({ name: 'subject-manager:people', value: 'boss', ageSeconds: 7 });
    expect(whoIs(reading, 'boris')).toMatchObject({ teams: ['help-desk'], keys: [] });
    expect(whoIs(reading, 'mallory')).toMatchObject({ teams: ['help-desk'], keys: [] });
    expect(whoIs(await of('boss'), 'boss')).toMatchObject({ privileged: true });
    expect(whoIs(await of('chidi'), 'chidi')).toMatchObject({ authority: 5 });
  });

  it('R1.6 takes over with the next run who was deactivated, left a group or is no employee any more', async () => {
    const { watch, of } = rig([listed('chidi', 'security-oncall')]);
    await watch.run();
    expect(whoIs(await of('mallory'), 'mallory')).toBeDefined();
    const change = (id: string | undefined, value: object) =>
      target.admin('PATCH', `/Users/${id}`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', value }],
      });
    await change(ids['mallory'], { active: false });
    await change(ids['chidi'], { userType: 'Contractor' });
    await patch(target.admin, groups['desk'] ?? '', { op: 'remove', path: `members[value eq "${ids['boris']}"]` });
    later(30);
    await watch.run();
    expect(watch.problem).toBeUndefined();
    expect(whoIs(await of('mallory'), 'mallory')).toBeUndefined();
    expect(whoIs(await of('chidi'), 'chidi')).toMatchObject({ employment: 'vendor' });
    expect(whoIs(await of('ada', { requester: 'boris' }), 'boris')).toMatchObject({ teams: [] });
  });

  it.each<[string, ScimSourceSettings['groups']['map'], string]>([
    ['a group that is none', [{ group: 'None', team: 'x' }], 'the group None of the mapping does not exist at people'],
    ['a name in another case', [{ group: 'help desk', team: 'x' }], 'there is no group help desk at people, but Help Desk'],
    ['a privileged group without members', [{ group: 'Empty', privileged: true }], 'the privileged group Empty has no members'],
  ])('R1.6 a run fails by %s, and nobody is known', async (_what, map, message) => {
    groups['empty'] = await createGroup(target.admin, 'Empty');
    const { watch, of } = rig([], { groups: { map } });
    await watch.run();
    expect(watch.problem).toContain(message);
    await expect(of('ada')).rejects.toThrow('was never read completely');
  });

  it('R1.6 knows attributes of the core schema by its name, and refuses a mapping that names nobody', async () => {
    const documented = parseSource(blockOf('docs/directory.md', 'From your SCIM server')) as ScimSourceSettings;
    const wrong = rig([], { people: { ...documented.people, id: 'externalId' } });
    await wrong.watch.run();
    expect(wrong.watch.problem).toContain('people shows nobody who has the id of the mapping');
    const { watch, of } = rig([], { people: { ...documented.people, id: 'urn:ietf:params:scim:schemas:core:2.0:User:userName' } });
    await watch.run();
    expect(watch.problem).toBeUndefined();
    expect(whoIs(await of('ada'), 'ada')).toMatchObject({ human: 'h-ada' });
  });

  /** Answers pages of fifty from the real list. */
  const inSmallPages = (before: (first: number) => Promise<void> = () => Promise.resolve()): void =>
    proxy.use(async ({ path: asked }, response) => {
      const url = new URL(asked, proxy.url);
      if (!url.pathname.endsWith('/Users')) return false;
      const first = Number(url.searchParams.get('startIndex'));
      await before(first);
      const all = (await target.admin('GET', '/Users?count=1000')) as unknown as { Resources: unknown[]; totalResults: number };
      const Resources = all.Resources.slice(first - 1, first + 49);
      response.setHeader('content-type', 'application/scim+json');
      response.end(JSON.stringify({ ...all, startIndex: first, itemsPerPage: Resources.length, Resources }));
      return true;
    });

  it('R1.6 reads pages that the server makes smaller; a list that moves meanwhile is read again', async () => {
    inSmallPages();
    const { watch } = rig([]);
    await watch.run();
    expect([watch.problem, await counted(store)]).toEqual([undefined, many.length + 5]);
    let left = 1;
    inSmallPages(async (first) => {
      if (first > 1 && left-- > 0) await target.admin('DELETE', `/Users/${ids['boss']}`);
    });
    later(30);
    await watch.run();
    expect([left < 0, watch.problem]).toEqual([true, undefined]);
    // Who was read before being deleted is gone after the next run.
    inSmallPages();
    later(30);
    await watch.run();
    expect(await counted(store)).toBe(many.length + 4);
  });

  it.each<[string, Instead, RegExp]>([
    [
      'fewer users than it says',
      (asked, body) => (asked.includes('/Users?') ? { status: 200, body: without(body) } : undefined),
      /the users of people changed while they were read, 3 times/,
    ],
    [
      'a number that is too high',
      (asked, body) => (asked.includes('/Users?') ? { status: 200, body: oneMore(body) } : undefined),
      /^people says that it has 127 users and shows 126, 3 times: nobody is removed/,
    ],
    ['an error', (asked) => (asked.includes('/Users?') ? { status: 500, body: '{}' } : undefined), /answers 500 to GET \/Users/],
    ['a refusal', (asked) => (asked.includes('/Groups?') ? { status: 403, body: '{}' } : undefined), /answers 403 to GET \/Groups/],
    [
      'something else than a list',
      (asked) => (asked.includes('/Users?') ? { status: 200, body: '{"Resources":{}}' } : undefined),
      /something else than a list of users/,
    ],
    [
      'half an answer',
      (asked, body) => (asked.includes('/Users?') ? { status: 200, body: body.slice(0, body.length / 2) } : undefined),
      /JSON/,
    ],
  ])('R1.6 %s fails the run and removes nobody', (_what, instead, message) =>
    failsAndRemovesNobody(rig([]), { store, proxy, instead, message, secret: target.server.token, later: () => later(30) }),
  );

  it("R1.6 reads Keycloak's SCIM API with client credentials", async () => {
    const realm = await scimRealm();
    try {
      const credentialsFile = path.join(path.dirname(target.tokenFile), 'credentials.json');
      await writeFile(credentialsFile, JSON.stringify(realm.credentials), { mode: 0o600 });
      const documented = parseSource(blockOf('docs/directory.md', 'From your SCIM server')) as ScimSourceSettings;
      const settings: ScimSourceSettings = {
        ...documented,
        ...{ url: realm.url, tokenUrl: `${realm.issuer}/protocol/openid-connect/token`, credentialsFile },
        groups: { map: [{ group: 'help-desk', team: 'help-desk' }] },
      };
      delete settings.tokenFile;
      const [now, logged] = [() => clock, [] as string[]];
      const source = scimSource(settings, { callTimeoutMs: 30_000, now, unusable: (id, why) => void logged.push(`${id} ${why}`) });
      const { watch, of } = sourceRig({ source, store, people: [], now, logged, reader: 'reader' });
      await watch.run();
      expect(watch.problem).toBeUndefined();
      expect(whoIs(await of('alice'), 'alice')).toMatchObject({ accounts: [{ connector: 'directory', object: realm.people['alice'] }] });
    } finally {
      await realm.remove();
    }
  });
});
