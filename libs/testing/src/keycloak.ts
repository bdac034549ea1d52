/** Keycloak for specs: one server for the test run, and a realm for each spec. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The example realm with people, clients and flows (deploy/keycloak). */
const realmFile = fileURLToPath(new URL('../../../deploy/keycloak/acme-realm.json', import.meta.url));

export interface TestKeycloak {
  readonly url: string;
  /** A new realm, imported from the realm file; `change` may modify the representation first. */
  realm(change?: (realm: RealmRepresentation) => void): Promise<TestRealm>;
}

export interface TestRealm {
  readonly name: string;
  /** Issuer of its tokens: `<url>/realms/<name>`. */
  readonly issuer: string;
  /** Ids of the people by user name; the password of `alice` is `alice-pw`. */
  readonly people: Readonly<Record<string, string>>;
  /** Secrets of the confidential clients by client id. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Calls the admin API as the administrator; `path` begins below `/admin/realms/<name>`. Throws for any response but 2xx. */
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  remove(): Promise<void>;
}

/** The parts of the realm file that specs change. */
export interface RealmRepresentation {
  realm: string;
  clients: { clientId: string; publicClient: boolean; secret?: string }[];
  users: { id?: string; username: string; realmRoles?: string[] }[];
  authenticationFlows: { id?: string; alias: string }[];
  [more: string]: unknown;
}

interface Server {
  readonly url: string;
  readonly admin: { readonly username: string; readonly password: string };
}
let server: Promise<Server> | undefined;

/** The Keycloak of this test run, started by the first spec that needs it (tools/jest). */
export async function testKeycloak(): Promise<TestKeycloak> {
  const { url, admin } = await (server ??= askForServer());
  return { url, realm: (change) => importRealm(url, admin, change) };
}

async function askForServer(): Promise<Server> {
  const url = process.env['READMIT_TEST_KEYCLOAK'];
  if (url === undefined) throw new Error('no Keycloak for this run: start jest with its configuration');
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Server;
}

async function importRealm(
  url: string,
  admin: Server['admin'],
  change: (realm: RealmRepresentation) => void = () => {},
): Promise<TestRealm> {
  const name = `acme-${randomBytes(4).toString('hex')}`;
  const realm = await renamed(name);
  const secrets: Record<string, string> = {};
  for (const client of realm.clients.filter(({ publicClient }) => !publicClient))
    secrets[client.clientId] = client.secret = randomBytes(24).toString('base64url');
  change(realm);
  let token: Promise<string> | undefined;
  const call = async (method: string, to: string, body?: unknown): Promise<unknown> => {
    for (const again of [false, true]) {
      const answer = await fetch(`${url}/admin/realms${to}`, {
        method,
        headers: {
          authorization: `Bearer ${await (token ??= adminToken(url, admin))}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (answer.ok) return text === '' ? undefined : (JSON.parse(text) as unknown);
      // An administrator's token is valid for a minute.
      if (answer.status !== 401 || again)
        throw new Error(`Keycloak responded with ${answer.status} to ${method} ${to}: ${text.slice(0, 500)}`);
      token = undefined;
    }
    throw new Error('unreachable');
  };
  await call('POST', '', realm);
  const users = (await call('GET', `/${name}/users?max=1000`)) as { id: string; username: string }[];
  return {
    name,
    issuer: `${url}/realms/${name}`,
    people: Object.fromEntries(users.map(({ id, username }) => [username, id])),
    secrets,
    admin: (method, below, body) => call(method, `/${name}${below}`, body),
    remove: async () => void (await call('DELETE', `/${name}`)),
  };
}

/** With another name and other ids: ids of users and flows must be unique in the server, not only in their realm. */
async function renamed(name: string): Promise<RealmRepresentation> {
  let text = await readFile(path.resolve(realmFile), 'utf8');
  const file = JSON.parse(text) as RealmRepresentation;
  for (const { id } of file.authenticationFlows) if (id !== undefined) text = text.replaceAll(id, randomUUID());
  const realm = JSON.parse(text.replaceAll(`default-roles-${file.realm}`, `default-roles-${name}`)) as RealmRepresentation;
  realm.realm = name;
  for (const user of realm.users) delete user.id;
  return realm;
}

async function adminToken(url: string, { username, password }: Server['admin']): Promise<string> {
  const answer = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username, password }),
  });
  if (!answer.ok) throw new Error(`Keycloak issued no token to its administrator: ${await answer.text()}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}
