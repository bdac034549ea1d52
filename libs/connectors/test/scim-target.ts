/** A real SCIM 2.0 service provider for specs: scim2-server (tools/python/scim.txt), in memory, with an executor's token and a canary. */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '@readmit/servers';
import { blockOf, until } from '@readmit/testing';
import { scimConnector, type Connector } from '../src/index.js';

export interface ScimServer {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  stop(): Promise<void>;
}

/** A thread ends the server with its standard input: also when the process of the spec is killed. */
const untilInputEnds = [
  'import os, sys, threading',
  'threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()',
  'from scim2_server.testserver.cli import main',
  'main()',
].join('\n');

/** The Python that has scim2-server, which is installed by the first who asks. The tool prints what is missing if it cannot be. */
const pythonOfScim = (): string =>
  execFileSync(process.execPath, ['tools/python-tools.mjs', 'scim'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

/** Starts one on loopback: a second or two. */
export async function startScimServer(): Promise<ScimServer> {
  const [port, token] = [await freePort(), randomBytes(24).toString('base64url')];
  const child = spawn(pythonOfScim(), ['-c', untilInputEnds, '--port', String(port), '--bearer-token', token], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (bytes: Buffer) => (log = `${log}${bytes.toString()}`.slice(-2000)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  const url = `http://127.0.0.1:${port}/v2`;
  const ready = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`scim2-server ended while starting: ${log}`);
    return fetch(`${url}/ServiceProviderConfig`, { headers: { authorization: `Bearer ${token}` } }).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  try {
    await until(ready, { what: 'scim2-server answers' });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, token, stop };
}

/** Calls a service provider as its administrator. Throws for any answer but 2xx. */
export type Admin = (method: string, below: string, body?: unknown) => Promise<Readonly<Record<string, unknown>> & { readonly id: string }>;

export const adminOf =
  (url: string, token: () => Promise<string> | string): Admin =>
  async (method, below, body) => {
    const answer = await fetch(`${url}${below}`, {
      method,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/scim+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${below}: ${answer.status} ${text}`);
    return (text === '' ? { id: '' } : JSON.parse(text)) as Awaited<ReturnType<Admin>>;
  };

const schema = (kind: 'User' | 'Group') => [`urn:ietf:params:scim:schemas:core:2.0:${kind}`];
/** Name and address, because Keycloak demands them. */
export const createUser = async (admin: Admin, userName: string, active = true): Promise<string> => {
  const name = { givenName: 'Erin', familyName: 'Example' };
  const emails = [{ value: `${randomBytes(6).toString('hex')}@example.com`, primary: true }];
  return (await admin('POST', '/Users', { schemas: schema('User'), userName, active, name, emails })).id;
};
export const createGroup = async (admin: Admin, displayName: string, members: readonly string[] = []): Promise<string> => {
  const { id } = await admin('POST', '/Groups', { schemas: schema('Group'), displayName });
  // Keycloak takes no members when a group is made.
  for (const value of members) await patch(admin, id, { op: 'add', path: 'members', value: [{ value }] });
  return id;
};
export const patch = (admin: Admin, group: string, operation: unknown) =>
  admin('PATCH', `/Groups/${group}`, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] });
/** Ids, sorted. */
export async function membersOf(admin: Admin, group: string): Promise<readonly string[]> {
  const { members = [] } = (await admin('GET', `/Groups/${group}?attributes=members`)) as {
    members?: readonly { readonly value: string }[];
  };
  return members.map(({ value }) => value).toSorted();
}

export interface ScimTarget {
  readonly admin: Admin;
  readonly server: ScimServer;
  readonly canary: { readonly group: string; readonly member: string };
  readonly tokenFile: string;
  /** A connector for the server, or for another address in front of it. */
  at(url?: string): Connector;
  stop(): Promise<void>;
}

/** Made by the commands of docs/targets.md. */
export function canaryAsDocumented(url: string, token: string): ScimTarget['canary'] {
  const commands = blockOf('docs/targets.md', 'Connect a SCIM server', 1);
  const env = { ...process.env, SCIM_URL: url, SCIM_TOKEN: token };
  const [group = '', member = ''] = execFileSync('bash', ['-euo', 'pipefail', '-c', commands], { env, encoding: 'utf8' }).trim().split(' ');
  return { group, member };
}

export const connectorName = 'directory';

/** A server with the canary that docs/targets.md describes. */
export async function startScimTarget(): Promise<ScimTarget> {
  const server = await startScimServer();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
  const tokenFile = path.join(folder, 'token');
  await writeFile(tokenFile, `${server.token}\n`, { mode: 0o600 });
  const admin = adminOf(server.url, () => server.token);
  const canary = canaryAsDocumented(server.url, server.token);
  return {
    admin,
    server,
    canary,
    tokenFile,
    at: (url = server.url) =>
      scimConnector({ name: connectorName, url, token: { tokenFile }, canary, cacheSeconds: 300, callTimeoutMs: 10_000 }),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
