/** What only a real Keycloak can show: a code that works once, realms with weaker paths, and a role that a group still gives. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Ask, Plan } from '@readmit/contracts';
import { blockOf, type TestRealm } from '@readmit/testing';
import { connectorKinds, type Connector } from '../src/index.js';
import { consumer, unsealed } from './consumer.js';
import { signIn as browserSignIn } from './keycloak-browser.js';
import {
  askFor as askOf,
  caseId,
  execute as executeAt,
  keycloakTarget,
  never,
  partsOf as partsAt,
  planOf as planAt,
  undo,
} from './keycloak-target.js';
import type { KeycloakTarget } from './keycloak-target.js';

const recipient = consumer();
const { key } = recipient;
let target: KeycloakTarget;
let realm: TestRealm;
let connector: Connector;

beforeAll(async () => {
  target = await keycloakTarget();
  realm = target.realm;
  connector = target.connector();
});
afterAll(() => target?.stop());

const askFor = (kind: Ask['kind'], person: string, entitlement?: string): Ask => askOf(kind, realm.people[person] ?? '', entitlement);
const partsOf = (ask: Ask) => partsAt(connector, ask, [key]);
const planOf = (ask: Ask) => planAt(connector, ask, [key]);
const execute = (plan: Plan) => executeAt(connector, plan, [key]);
const observe = async (plan: Plan) => (await connector.observe(plan, { caseId }, never))[0];
const closeBypass = (plan: Plan) => undo(connector, plan, 'bypass.close');
const credentialTypes = async (person: string) =>
  ((await realm.admin('GET', `/users/${realm.people[person]}/credentials`)) as { type: string }[]).map(({ type }) => type).toSorted();

const signIn = (person: string) => browserSignIn(realm, person);

describe('a bypass at Keycloak', () => {
  it('R2.6 R6.2 signs in once to the enrolment, is then seen as used and deleted', async () => {
    const plan = await planOf(askFor('factor.reset', 'erin'));
    const { code } = (await unsealed(await execute(plan), recipient)) as unknown as { readonly code: string };
    expect(await credentialTypes('erin')).toEqual(['password', 'recovery-authn-codes']);
    expect(await observe(plan)).toEqual({ object: realm.people['erin'] });
    const wrong = await signIn('erin');
    await wrong.post({ recoveryCodeInput: 'WRONGWRONGWRO' });
    expect(wrong.page()).toContain('recoveryCodeInput');
    const person = await signIn('erin');
    await person.post({ recoveryCodeInput: code });
    expect(person.page()).toContain('totpSecret');
    expect(await observe(plan)).toMatchObject({ used: { at: expect.any(String) } });
    // Observing changes nothing: what was not stored is seen again.
    expect(await observe(plan)).toMatchObject({ used: { at: expect.any(String) } });
    await closeBypass(plan);
    expect(await credentialTypes('erin')).toEqual(['password']);
    // The code no longer works, and the password alone is not enough.
    const again = await signIn('erin');
    expect(again.page()).not.toContain('recoveryCodeInput');
    expect(again.page()).not.toContain('code=');
  });
});

describe('weaker paths', () => {
  it('N18 refuses a realm where a password alone is enough to sign in or get tokens, and warns of other paths', async () => {
    const ask = askFor('factor.reset', 'dave');
    expect((await partsOf(ask)).warnings?.join('\n')).not.toContain('reset their password');
    await realm.admin('PUT', '', { resetPasswordAllowed: true });
    expect((await partsOf(ask)).warnings?.join('\n')).toContain('reset their password');
    await realm.admin('PUT', '', { browserFlow: 'browser' });
    await expect(partsOf(ask)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('browser flow "browser"') });
    await realm.admin('PUT', '', { browserFlow: 'acme browser', directGrantFlow: 'direct grant' });
    await expect(partsOf(ask)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('direct grant flow') });
    await realm.admin('PUT', '', { directGrantFlow: 'no direct grant', accessTokenLifespan: 3000 });
    await expect(partsOf(ask)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('valid for 3000 s') });
    await realm.admin('PUT', '', { accessTokenLifespan: 300 });
    expect((await partsOf(ask)).steps.map(({ kind }) => kind)).toEqual(['bypass.issue', 'factor.remove', 'sessions.end']);
  });
});

describe('a role at Keycloak', () => {
  it('R6.5 is removed only if given directly, and a group that still gives it is named', async () => {
    const role = (await realm.admin('GET', '/roles/prod-admin')) as { id: string };
    const [group] = (await realm.admin('GET', '/groups?search=prod-admins')) as { id: string }[];
    const carol = realm.people['carol'];
    const before = await realm.admin('GET', `/users/${carol}/role-mappings/realm`);
    const plan = await planOf(askFor('role.restore', 'carol', role.id));
    await execute(plan);
    await realm.admin('PUT', `/users/${carol}/groups/${group?.id}`);
    const { readBack } = await undo(connector, plan, 'role.revoke');
    expect(readBack.map(({ value }) => value)).toContain('effective through group /prod-admins');
    expect(await realm.admin('GET', `/users/${carol}/role-mappings/realm`)).toEqual(before);
    expect((await partsOf(askFor('role.restore', 'carol', role.id))).steps).toEqual([]);
  });
});

it('reads the credentials again when the file changes, and reports what is wrong with them', async () => {
  const ask = askFor('account.unlock', 'bob');
  await target.writeCredentials('a-wrong-secret');
  await expect(connector.read(ask, never)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('readmit-execution no token (401)'),
  });
  await target.writeCredentials();
  expect(await connector.read(ask, never)).toContainEqual({ name: `keycloak/${realm.people['bob']}/enabled`, value: 'yes' });
});

it('works with the settings and the rights of docs/targets.md, and with no fewer', async () => {
  const [entry] = JSON.parse(blockOf('docs/targets.md', 'Connect your Keycloak')) as { name: string; kind: string }[];
  const kind = connectorKinds.find((one) => one.kind === entry?.kind);
  if (!entry || !kind) throw new Error('docs/targets.md names no kind of connector');
  kind.mustBeSafe(entry);
  const unsafe = { ...entry, url: 'http://sso.example.com/realms/acme' };
  expect(() => kind.mustBeSafe(unsafe)).toThrow('must give sso a safe url');
  const documented = kind.open({ ...entry, ...{ url: realm.issuer, credentialsFile: target.credentialsFile } }, { callTimeoutMs: 10_000 });
  const ask = { ...askFor('account.unlock', 'bob'), connector: entry.name };
  expect((await documented.read(ask, never)).length).toBeGreaterThan(0);

  const [account] = (await realm.admin('GET', '/users?username=service-account-readmit-execution&exact=true')) as { id: string }[];
  const [management] = (await realm.admin('GET', '/clients?clientId=realm-management')) as { id: string }[];
  const mapped = `/users/${account?.id}/role-mappings/clients/${management?.id}`;
  const roles = (await realm.admin('GET', mapped)) as { name: string }[];
  expect(roles.map(({ name }) => name).toSorted()).toEqual(['manage-users', 'view-realm']);
  for (const missing of roles) {
    await realm.admin('DELETE', mapped, [missing]);
    // Another connector, so another token, without the right.
    await expect(partsAt(target.connector(), askFor('factor.reset', 'bob'), [key])).rejects.toMatchObject({
      code: 'refused',
      effect: 'none',
    });
    await realm.admin('POST', mapped, [missing]);
  }
  expect((await partsAt(target.connector(), askFor('factor.reset', 'bob'), [key])).steps.length).toBe(3);
});
