/** What the SCIM connector meets at Keycloak alone: groups below groups, which its searches do not find, and tokens by client credentials. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Ask } from '@readmit/contracts';
import { scimConnector, type Connector } from '../src/index.js';
import { executed, planned, signal, undone } from './ldap-target.js';
import { scimRealm, type ScimRealm } from './scim-realm.js';
import { connectorName, createUser, membersOf } from './scim-target.js';

let realm: ScimRealm;
let connector: Connector;
let folder: string;
let credentialsFile: string;
let finance: string;

beforeAll(async () => {
  realm = await scimRealm();
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
  credentialsFile = path.join(folder, 'scim.json');
  await writeFile(credentialsFile, JSON.stringify(realm.credentials), { mode: 0o600 });
  finance = await realm.groupId('finance-admins');
  const token = { tokenUrl: `${realm.issuer}/protocol/openid-connect/token`, credentialsFile };
  connector = scimConnector({
    ...{ name: connectorName, url: realm.url, token, canary: realm.canary },
    ...{ cacheSeconds: 300, callTimeoutMs: 60_000 },
  });
});
afterAll(async () => {
  await realm?.remove();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const ask = (object: string): Ask => ({
  ...{ id: 'ask-1', kind: 'group.restore', connector: connectorName, object, entitlement: 'finance-admins' },
});
const valueOf = (facets: readonly { readonly name: string; readonly value: string }[], end: string): string | undefined =>
  facets.find(({ name }) => name.endsWith(end))?.value;

describe('a group at Keycloak', () => {
  it('is found to be effective through a group below it, in the plan and after the undo', async () => {
    const person = await createUser(realm.scim, 'below');
    const { id: below } = (await realm.admin('POST', `/groups/${finance}/children`, { name: 'below' })) as { id: string };
    await realm.admin('PUT', `/users/${person}/groups/${below}`);
    const plan = await planned(connector, ask(person));
    expect(plan.warnings?.join('\n')).toContain('in finance-admins through another group already, and stays so after the end');
    await executed(connector, plan);
    expect(await membersOf(realm.scim, finance)).toContain(person);
    expect(valueOf(await undone(connector, plan), '/indirect')).toBe('yes');
    expect([(await membersOf(realm.scim, finance)).includes(person), await membersOf(realm.scim, below)]).toEqual([false, [person]]);
  });

  it('R6.3 is read by its list of members once it is below another group, where no search finds it', async () => {
    const person = await createUser(realm.scim, 'moved');
    const plan = await planned(connector, ask(person));
    await executed(connector, plan);
    const { name } = (await realm.admin('GET', `/groups/${finance}`)) as { name: string };
    const other = await realm.groupId('help-desk');
    await realm.admin('POST', `/groups/${other}/children`, { id: finance, name });
    // The control: the search that does not find it finds the canary.
    await expect(connector.read(ask(person), signal)).resolves.toContainEqual(expect.objectContaining({ value: 'none' }));
    expect(await membersOf(realm.scim, finance)).toContain(person);
    expect(valueOf(await undone(connector, plan), '/through')).toBe('not visible');
    expect(await membersOf(realm.scim, finance)).not.toContain(person);
    await realm.admin('POST', '/groups', { id: finance, name });
  });

  it('refuses a member that is gone, and takes out who was deleted', async () => {
    const person = await createUser(realm.scim, 'deleted');
    const plan = await planned(connector, ask(person));
    await executed(connector, plan);
    await realm.admin('DELETE', `/users/${person}`);
    await expect(executed(connector, plan)).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    expect(valueOf(await undone(connector, plan), '/id')).toBe('none');
  });
});

it('reads the credentials again when their file changes, and quotes nothing of it', async () => {
  const person = await createUser(realm.scim, 'reader');
  const refused = async (text: string, message: string): Promise<void> => {
    await writeFile(credentialsFile, text);
    await expect(connector.read(ask(person), signal)).rejects.toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining(message),
    });
  };
  await refused(JSON.stringify({ ...realm.credentials, clientSecret: 'a-wrong-secret' }), 'gives the client readmit-scim no token (401)');
  await refused('{"clientSecret": a-wrong-secret', 'must contain a JSON object with "clientId" and "clientSecret"');
  await writeFile(credentialsFile, JSON.stringify(realm.credentials));
  expect(valueOf(await connector.read(ask(person), signal), '/active')).toBe('yes');
});

it('has enough with the rights of docs/targets.md, and not with fewer', async () => {
  const [account] = (await realm.admin('GET', '/users?username=service-account-readmit-scim&exact=true')) as { id: string }[];
  const [management] = (await realm.admin('GET', '/clients?clientId=realm-management')) as { id: string }[];
  const mapped = `/users/${account?.id}/role-mappings/clients/${management?.id}`;
  const roles = (await realm.admin('GET', mapped)) as { name: string }[];
  expect(roles.map(({ name }) => name)).toEqual(['manage-users']);
  const person = await createUser(realm.scim, 'rights');
  await realm.admin('DELETE', mapped, roles);
  await writeFile(credentialsFile, JSON.stringify(realm.credentials));
  const fresh = scimConnector({
    ...{ name: connectorName, url: realm.url, canary: realm.canary, cacheSeconds: 300, callTimeoutMs: 60_000 },
    token: { tokenUrl: `${realm.issuer}/protocol/openid-connect/token`, credentialsFile },
  });
  await expect(fresh.read(ask(person), signal)).rejects.toMatchObject({ effect: 'none' });
  await realm.admin('POST', mapped, roles);
});
