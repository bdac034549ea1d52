/** `connector check` at a real Keycloak: rights of the executor, settings of the realm and weaker paths; no admin event is written by it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testKeycloak, type TestRealm } from '@readmit/testing';
import { keycloakConnector } from '../src/index.js';
import { behindOwnCertificate, checked, faultsIn, toldBy } from './checked.js';

const clientId = 'readmit-execution';
let realm: TestRealm;
let folder: string;
let credentialsFile: string;
let mapped: string;
let realmManagement: string;

beforeAll(async () => {
  realm = await (await testKeycloak()).realm();
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
  credentialsFile = path.join(folder, 'credentials.json');
  await writeCredentials();
  const [account] = (await realm.admin('GET', `/users?username=service-account-${clientId}&exact=true`)) as { id: string }[];
  realmManagement = await clientUuid('realm-management');
  mapped = `/users/${account?.id}/role-mappings`;
});
afterAll(async () => {
  await realm?.remove();
  if (folder) await rm(folder, { recursive: true });
});

const clientUuid = async (name: string): Promise<string> =>
  ((await realm.admin('GET', `/clients?clientId=${name}`)) as { id: string }[])[0]?.id ?? '';
const writeCredentials = (clientSecret = realm.secrets[clientId] ?? ''): Promise<void> =>
  writeFile(credentialsFile, JSON.stringify({ clientId, clientSecret }), { mode: 0o600 });
const at = (url = realm.issuer, accessTokenSeconds = 300) =>
  keycloakConnector({ name: 'sso', url, credentialsFile, accessTokenSeconds, callTimeoutMs: 30_000 });
const managementRole = (name: string) => realm.admin('GET', `/clients/${realmManagement}/roles/${name}`);
const give = async (name: string) => realm.admin('POST', `${mapped}/clients/${realmManagement}`, [await managementRole(name)]);
const take = async (name: string) => realm.admin('DELETE', `${mapped}/clients/${realmManagement}`, [await managementRole(name)]);

describe('connector check at Keycloak', () => {
  it('finds nothing wrong with the documented realm and rights, and changes nothing', async () => {
    const state = async () => ({
      // Every change by the admin API, with its author.
      events: await realm.admin('GET', '/admin-events?max=1000'),
      users: await realm.admin('GET', '/users?max=1000'),
      realm: await realm.admin('GET', ''),
    });
    // Control: changes are recorded.
    await realm.admin('PUT', '', { registrationAllowed: false });
    const before = await state();
    expect((before.events as unknown[]).length).toBeGreaterThan(0);
    const results = await checked(at());
    expect(faultsIn(results)).toEqual([]);
    expect(results.map(({ check }) => check)).toEqual([
      'connection',
      'credentials',
      'version',
      'clock',
      'canary',
      'users',
      'other rights',
      'realm',
      'access tokens',
      'second factor',
      'one-time codes',
      'weaker paths',
    ]);
    expect(toldBy(results, 'version')).toContain('run 26.7.5 or newer');
    expect(await state()).toEqual(before);
  });

  it.each<[role: string, faults: readonly string[], check: string, told: string]>([
    ['manage-users', ['canary: missing', 'users: missing'], 'users', 'Give the service account manage-users of realm-management.'],
    [
      'view-realm',
      [
        'realm: missing',
        'access tokens: not checked',
        'second factor: not checked',
        'one-time codes: not checked',
        'weaker paths: not checked',
      ],
      'realm',
      'Give the service account view-realm of realm-management.',
    ],
  ])('finds that %s is missing', async (role, faults, check, told) => {
    await take(role);
    const results = await checked(at());
    await give(role);
    expect(faultsIn(results)).toEqual(faults);
    expect(toldBy(results, check)).toContain(told);
    expect(faultsIn(await checked(at()))).toEqual([]);
  });

  it.each<[role: string, told: string]>([
    ['manage-clients', 'the executor has manage-clients Take manage-clients of realm-management from its service account.'],
    ['view-events', 'the executor has view-events'],
    ['realm-admin', 'the executor has manage-clients'],
    ['impersonation', 'the executor has impersonation'],
  ])('finds that %s is too much', async (role, told) => {
    await give(role);
    const results = await checked(at());
    await take(role);
    expect(new Set(faultsIn(results).filter((one) => !one.startsWith('users')))).toEqual(new Set(['other rights: too much']));
    expect(toldBy(results, 'other rights')).toContain(told);
    expect(faultsIn(results).includes('users: too much')).toBe(role === 'impersonation' || role === 'realm-admin');
    expect(faultsIn(await checked(at()))).toEqual([]);
  });

  it('finds too much also where the token does not list it', async () => {
    const uuid = await clientUuid(clientId);
    const client = (await realm.admin('GET', `/clients/${uuid}`)) as { attributes?: Record<string, string> };
    const lightweight = (on: boolean) =>
      realm.admin('PUT', `/clients/${uuid}`, {
        ...client,
        attributes: { ...client.attributes, 'client.use.lightweight.access.token.enabled': String(on) },
      });
    await lightweight(true);
    const clean = await checked(at());
    expect(faultsIn(clean)).toEqual([]);
    expect(toldBy(clean, 'other rights')).toContain('the token does not list roles');
    await give('manage-clients');
    await give('view-events');
    const results = await checked(at());
    await take('manage-clients');
    await take('view-events');
    await lightweight(false);
    expect(faultsIn(results)).toEqual(['other rights: too much', 'other rights: too much']);
    expect(toldBy(results, 'other rights')).toMatch(/reads clients Take view-clients or manage-clients.*\n.*reads events/);
  });

  it.each<[what: string, change: Readonly<Record<string, unknown>>, back: Readonly<Record<string, unknown>>, fault: string, told: string]>([
    [
      'a browser flow with a password alone',
      { browserFlow: 'browser' },
      { browserFlow: 'acme browser' },
      'second factor: missing',
      'the browser flow "browser" lets a password alone in',
    ],
    [
      'a direct grant with a password alone',
      { directGrantFlow: 'direct grant' },
      { directGrantFlow: 'no direct grant' },
      'second factor: missing',
      'the direct grant flow "direct grant" gives tokens for a password alone',
    ],
    [
      'access tokens that live longer',
      { accessTokenLifespan: 900 },
      { accessTokenLifespan: 300 },
      'access tokens: wrong',
      'access tokens are valid for 900 s, and accessTokenSeconds is 300',
    ],
  ])('N18 finds %s', async (_what, change, back, fault, told) => {
    await realm.admin('PUT', '', change);
    const results = await checked(at());
    await realm.admin('PUT', '', back);
    expect(faultsIn(results).filter((one) => !one.startsWith('one-time codes'))).toEqual([fault]);
    expect(toldBy(results, fault.split(':')[0] ?? '')).toContain(told);
    expect(faultsIn(await checked(at()))).toEqual([]);
  });

  it('finds that nobody could enrol, and names weaker paths that are not refused', async () => {
    const action = '/authentication/required-actions/CONFIGURE_TOTP';
    const configured = (await realm.admin('GET', action)) as Record<string, unknown>;
    await realm.admin('PUT', action, { ...configured, enabled: false });
    await realm.admin('PUT', '', { resetPasswordAllowed: true });
    const results = await checked(at());
    await realm.admin('PUT', action, configured);
    await realm.admin('PUT', '', { resetPasswordAllowed: false });
    expect(faultsIn(results)).toEqual(['one-time codes: missing']);
    expect(toldBy(results, 'one-time codes')).toContain('CONFIGURE_TOTP is disabled');
    expect(toldBy(results, 'weaker paths')).toContain('reset their password by mail');
    expect(toldBy(await checked(at()), 'weaker paths')).not.toContain('reset their password by mail');
  });

  it('finds a wrong secret, a realm that is not there, and a clock that differs', async () => {
    await writeCredentials('a-wrong-secret');
    const results = await checked(at());
    await writeCredentials();
    expect(faultsIn(results).slice(0, 2)).toEqual(['credentials: wrong', 'version: not checked']);
    expect(JSON.stringify(results)).not.toContain('a-wrong-secret');
    const nowhere = await checked(at(`${realm.issuer}-2`));
    expect(toldBy(nowhere, 'credentials')).toMatch(/\(404\).*the realm in url/);
    expect(faultsIn(await checked(at(), () => new Date(Date.now() + 60_000)))).toEqual(['clock: wrong']);
    expect(faultsIn(await checked(at()))).toEqual([]);
  });

  it('finds a certificate of an unknown authority before the secret is sent, and a Keycloak that is down', async () => {
    await behindOwnCertificate(async (origin, requests) => {
      const results = await checked(at(`${origin}/realms/acme`));
      expect(faultsIn(results).slice(0, 2)).toEqual(['connection: wrong', 'credentials: not checked']);
      expect(toldBy(results, 'connection')).toMatch(/SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS/);
      expect(requests()).toBe(0);
    });
    const [first] = await checked(at('http://127.0.0.1:1/realms/acme'));
    expect(first).toMatchObject({ check: 'connection', result: 'wrong', unreachable: true });
  });
});
