/** `connector check` at two SCIM servers that differ: what they support, the canary, and what a token of Keycloak may do. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { scimConnector } from '../src/index.js';
import { behindOwnCertificate, checked, faultsIn, toldBy } from './checked.js';
import { scimRealm, type ScimRealm } from './scim-realm.js';
import { createGroup, createUser, patch, startScimTarget, type ScimTarget } from './scim-target.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('connector check at scim2-server', () => {
  let target: ScimTarget;
  beforeAll(async () => {
    target = await startScimTarget();
  });
  afterAll(() => target.stop());
  const at = (more: { url?: string; tokenFile?: string; canary?: ScimTarget['canary'] } = {}) =>
    scimConnector({
      name: 'directory',
      url: more.url ?? target.server.url,
      token: { tokenFile: more.tokenFile ?? target.tokenFile },
      canary: more.canary ?? target.canary,
      cacheSeconds: 300,
      callTimeoutMs: 10_000,
    });

  it('finds nothing wrong, says what SCIM does not show, and changes nothing', async () => {
    // With versions and times of the last change.
    const state = async () => [await target.admin('GET', '/Users'), await target.admin('GET', '/Groups')];
    const before = await state();
    expect(JSON.stringify(before)).toContain('lastModified');
    const results = await checked(at());
    expect(faultsIn(results)).toEqual([]);
    expect(results.map(({ check }) => check)).toEqual([
      'connection',
      'credentials',
      'server',
      'canary',
      'search by name',
      'search by member',
      'clock',
      'rights',
    ]);
    expect(toldBy(results, 'server')).toContain('PATCH, filters, ETags');
    expect(results.at(-1)).toMatchObject({ check: 'rights', result: 'note', message: expect.stringContaining('SCIM does not show') });
    expect(await state()).toEqual(before);
  });

  it('finds a wrong token and a wrong file', async () => {
    const tokenFile = path.join(folder, 'token');
    await writeFile(tokenFile, 'a-wrong-token\n', { mode: 0o600 });
    const results = await checked(at({ tokenFile }));
    expect(faultsIn(results).slice(0, 2)).toEqual(['credentials: wrong', 'server: not checked']);
    expect(JSON.stringify(results)).not.toContain('a-wrong-token');
    expect(toldBy(await checked(at({ tokenFile: path.join(folder, 'none') })), 'credentials')).toContain('ENOENT');
    await writeFile(tokenFile, target.server.token, { mode: 0o600 });
    expect(faultsIn(await checked(at({ tokenFile })))).toEqual([]);
  });

  it('finds a canary that is not there, or that lost its member', async () => {
    const nobody = await checked(at({ canary: { ...target.canary, group: 'no-such-group' } }));
    expect(faultsIn(nobody)).toEqual(['canary: missing', 'search by name: not checked', 'search by member: not checked']);
    expect(toldBy(nobody, 'canary')).toContain('Create the canary, or correct canary in the settings.');
    const group = await createGroup(target.admin, 'other-canary');
    const member = await createUser(target.admin, 'other-canary');
    expect(faultsIn(await checked(at({ canary: { group, member } })))).toEqual(['canary: missing']);
    await patch(target.admin, group, { op: 'add', path: 'members', value: [{ value: member }] });
    expect(faultsIn(await checked(at({ canary: { group, member } })))).toEqual([]);
  });

  it('finds two groups with the name of the canary', async () => {
    const again = await createGroup(target.admin, 'readmit-canary');
    const results = await checked(at());
    await target.admin('DELETE', `/Groups/${again}`);
    expect(faultsIn(results)).toEqual(['search by name: missing']);
    expect(toldBy(results, 'search by name')).toContain('has 2 groups with the display name readmit-canary');
    expect(faultsIn(await checked(at()))).toEqual([]);
  });

  it('finds a certificate of an unknown authority before the token is sent, and a server that is down', async () => {
    await behindOwnCertificate(async (origin, requests) => {
      const results = await checked(at({ url: `${origin}/v2` }));
      expect(faultsIn(results).slice(0, 2)).toEqual(['connection: wrong', 'credentials: not checked']);
      expect(toldBy(results, 'connection')).toMatch(/SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS/);
      expect(requests()).toBe(0);
    });
    const [first] = await checked(at({ url: 'http://127.0.0.1:1/v2' }));
    expect(first).toMatchObject({ check: 'connection', result: 'wrong', unreachable: true });
  });
});

describe('connector check at the SCIM API of Keycloak', () => {
  let realm: ScimRealm;
  let credentialsFile: string;
  beforeAll(async () => {
    realm = await scimRealm();
    credentialsFile = path.join(folder, 'credentials.json');
    await writeFile(credentialsFile, JSON.stringify(realm.credentials), { mode: 0o600 });
  });
  afterAll(() => realm?.remove());
  const at = () =>
    scimConnector({
      name: 'directory',
      url: realm.url,
      token: { tokenUrl: `${realm.issuer}/protocol/openid-connect/token`, credentialsFile },
      canary: realm.canary,
      cacheSeconds: 300,
      callTimeoutMs: 30_000,
    });
  const managementRole = async (name: string) => {
    const [account] = (await realm.admin('GET', '/users?username=service-account-readmit-scim&exact=true')) as { id: string }[];
    const [client] = (await realm.admin('GET', '/clients?clientId=realm-management')) as { id: string }[];
    const to = `/users/${account?.id}/role-mappings/clients/${client?.id}`;
    const role = await realm.admin('GET', `/clients/${client?.id}/roles/${name}`);
    return { give: () => realm.admin('POST', to, [role]), take: () => realm.admin('DELETE', to, [role]) };
  };

  it('finds nothing wrong, and writes no admin event', async () => {
    const events = () => realm.admin('GET', '/admin-events?max=1000');
    const before = await events();
    const results = await checked(at());
    expect(faultsIn(results)).toEqual([]);
    expect(toldBy(results, 'rights')).toContain('manage-users');
    expect(toldBy(results, 'server')).toContain('no ETags');
    expect(await events()).toEqual(before);
  });

  it('finds manage-clients too much, manage-users missing, and a clock that differs', async () => {
    const clients = await managementRole('manage-clients');
    await clients.give();
    const tooMuch = await checked(at());
    await clients.take();
    expect(faultsIn(tooMuch)).toEqual(['rights: too much']);
    expect(toldBy(tooMuch, 'rights')).toContain('Take manage-clients of realm-management');
    const [users, view] = [await managementRole('manage-users'), await managementRole('view-users')];
    await view.give();
    await users.take();
    const lacks = await checked(at());
    await users.give();
    await view.take();
    expect(faultsIn(lacks)).toContain('rights: missing');
    expect(toldBy(lacks, 'rights')).toContain('Give the service account manage-users');
    expect(faultsIn(await checked(at(), () => new Date(Date.now() + 60_000)))).toEqual(['clock: wrong']);
    expect(faultsIn(await checked(at()))).toEqual([]);
  });
});
