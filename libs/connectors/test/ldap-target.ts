/** What specs do in a directory without the connector: as its administrator, and as the people in it. */
import { openldap, ldapConnector, type Connector, type LdapConnectorOptions } from '../src/index.js';
import type { Ask, Facet, Plan } from '@readmit/contracts';
import type { TestOpenLdap } from '@readmit/testing';
import { Client, ResultCodeError } from 'ldapts';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { planFrom } from './postgres-target.js';

export const suffix = 'dc=acme,dc=test';
export const dnOf = (uid: string): string => `uid=${uid},ou=people,${suffix}`;
export const financeAdmins = `cn=finance-admins,ou=groups,${suffix}`;
export const placeholder = `uid=nobody,ou=services,${suffix}`;
export const signal = new AbortController().signal;

export function connectorAt(directory: TestOpenLdap, more: Partial<LdapConnectorOptions> = {}): Connector {
  return ldapConnector({
    name: 'directory',
    profile: openldap,
    url: directory.url,
    bindDn: `cn=readmit,ou=services,${suffix}`,
    passwordFile: directory.passwordFile,
    base: suffix,
    people: { base: `ou=people,${suffix}`, name: 'uid' },
    groups: { base: `ou=groups,${suffix}`, name: 'cn', placeholder },
    cacheSeconds: 0,
    callTimeoutMs: 5_000,
    ...more,
  });
}

export const groupAsk = (object = 'erin', entitlement = 'finance-admins'): Ask => ({
  id: 'ask-1',
  kind: 'group.restore',
  connector: 'directory',
  object,
  entitlement,
});
export const unlockAsk = (object = 'erin'): Ask => ({ id: 'ask-1', kind: 'account.unlock', connector: 'directory', object });

export async function planned(connector: Connector, ask: Ask): Promise<Plan> {
  const parts = await connector.plan(
    ask,
    {
      ceiling: {
        steps: ['role.grant', 'account.unlock'],
        entitlements: ask.entitlement === undefined ? [] : [ask.entitlement],
        maxDurationSeconds: 900,
      },
      durationSeconds: 900,
      overlapSeconds: 0,
      recipients: [],
    },
    signal,
  );
  return planFrom(ask, parts);
}

export async function executed(connector: Connector, plan: Plan): Promise<readonly Facet[]> {
  const after: Facet[] = [];
  for (const step of plan.steps)
    after.push(...(await connector.execute(step, { caseId: 'case_1', recipients: [], expiresAt: new Date(), plan }, signal)).after);
  return after;
}

export async function undone(connector: Connector, plan: Plan): Promise<readonly Facet[]> {
  const read: Facet[] = [];
  for (const undo of plan.obligations) read.push(...(await connector.undo(undo, { caseId: 'case_1', plan }, signal)).readBack);
  return read;
}

/** Members of the group, spelled as by the server. */
export async function membersOf(directory: TestOpenLdap, group = financeAdmins): Promise<string[]> {
  return asAdmin(directory, async (client) => {
    const { searchEntries } = await client.search(group, { scope: 'base', attributes: ['member'] });
    return [searchEntries[0]?.['member'] ?? []].flat().map(String).toSorted();
  });
}

export async function asAdmin<T>(directory: TestOpenLdap, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ url: directory.url, timeout: 5_000, connectTimeout: 5_000 });
  try {
    await client.bind(directory.admin.dn, directory.admin.password);
    return await work(client);
  } finally {
    await client.unbind();
  }
}

/** Whether a bind with the password succeeds: LDAP returns the same code for a wrong password and a locked account. */
export async function mayBind(directory: TestOpenLdap, dn: string, password: string): Promise<boolean> {
  const client = new Client({ url: directory.url, timeout: 5_000, connectTimeout: 5_000 });
  try {
    await client.bind(dn, password);
    return true;
  } catch (error) {
    if (error instanceof ResultCodeError && error.code === 49) return false;
    throw error;
  } finally {
    await client.unbind();
  }
}

/** Enough to lock the account. */
export async function badPasswords(directory: TestOpenLdap, dn: string): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) await mayBind(directory, dn, 'a wrong password');
}

/** A proxy between connector and directory: `join` connects the two sides. Counts connections. */
export async function throughProxy<T>(
  directory: TestOpenLdap,
  join: (sides: { readonly client: Socket; readonly server: Socket }) => void,
  work: (url: string, connections: () => number) => Promise<T>,
): Promise<T> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    connections += 1;
    const server = createConnection(directory.port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('close', () => server.end());
    server.on('close', () => client.end());
    join({ client, server });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  try {
    return await work(`ldap://127.0.0.1:${(proxy.address() as AddressInfo).port}`, () => connections);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  }
}

/** Only changes carry the assertion control, and all of them do. */
export const isChange = (bytes: Buffer): boolean => bytes.includes('1.3.6.1.1.12');

/** The error, or an object whose message says that there was none. */
export const refusal = (what: Promise<unknown>): Promise<unknown> =>
  what.then(
    () => ({ message: 'it was not refused' }),
    (error: unknown) => error,
  );
