/** The realm of the launcher's own Keycloak: the people of directory.yaml, with the flows and clients of deploy/keycloak. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeWhole } from '@readmit/platform';
import { Secret, TOTP, URI } from 'otpauth';
import { parse } from 'yaml';

const realmName = 'acme';

/** What a person signs in with. Secret. */
export interface Person {
  readonly username: string;
  readonly password: string;
  /** Key of the one-time-code device, as `otpauth://` for an authenticator. Changes when the person enrols another one. */
  device: string;
}

export interface Realm {
  readonly issuer: string;
  /** Entry of the file of targets. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly people: Readonly<Record<string, Person>>;
  /** File with what people sign in with, mode 0600. */
  readonly peopleFile: string;
  /** The person has exactly this one-time-code device and no other second factor, as if it had always been so. For the tour's beginning. */
  giveDevice(username: string): Promise<void>;
  /** After the person enrolled another device. */
  keepDevice(username: string, device: TOTP): Promise<void>;
  /** Types of the person's credentials, as the administrator sees them. */
  credentialsOf(username: string): Promise<readonly string[]>;
}

interface Seed {
  readonly people: readonly {
    readonly id: string;
    readonly name: string;
    readonly teams: readonly string[];
    readonly contacts: readonly { readonly kind: string; readonly value: string }[];
    readonly accounts: readonly { readonly connector: string; readonly object: string }[];
  }[];
}
interface RealmFile {
  realm: string;
  clients: { clientId: string; publicClient: boolean; secret?: string; redirectUris?: string[] }[];
  users: { username: string; serviceAccountClientId?: string; [more: string]: unknown }[];
  groups: { name: string }[];
}
interface Kept {
  readonly executorSecret: string;
  readonly people: Record<string, Person>;
}

/** Creates the realm if there is none; what was changed in it since stays. */
export async function openRealm(options: {
  readonly url: string;
  readonly admin: { readonly username: string; readonly password: string };
  readonly realmFile: string;
  readonly directoryFile: string;
  readonly secretsDir: string;
}): Promise<Realm> {
  const { url, admin } = options;
  const { people } = parse(await readFile(options.directoryFile, 'utf8')) as Seed;
  const idOf = (username: string): string =>
    people.find(({ id }) => id === username)?.accounts.find(({ connector }) => connector === 'sso')?.object ?? '';
  const peopleFile = path.join(options.secretsDir, 'keycloak-people.json');
  const kept = await keptIn(
    peopleFile,
    people.map(({ id }) => id),
  );
  const save = (): Promise<void> => writeWhole(peopleFile, JSON.stringify(kept, undefined, 2), 0o600);
  const call = adminCalls(url, admin);
  if ((await call('GET', '', undefined, [404])) === undefined)
    await call('POST', '/admin/realms', await representation(options.realmFile, people, kept));
  const credentialsFile = path.join(options.secretsDir, 'keycloak-executor.json');
  await writeWhole(credentialsFile, JSON.stringify({ clientId: 'readmit-execution', clientSecret: kept.executorSecret }), 0o600);
  const credentials = async (username: string): Promise<readonly { readonly id: string; readonly type: string }[]> =>
    (await call('GET', `/users/${idOf(username)}/credentials`)) as { id: string; type: string }[];
  const issuer = `${url}/realms/${realmName}`;
  return {
    issuer,
    entry: { kind: 'keycloak', name: 'sso', url: issuer, credentialsFile, accessTokenSeconds: 300 },
    people: kept.people,
    peopleFile,
    async giveDevice(username) {
      const person = kept.people[username];
      if (!person) throw new Error(`this is a bug: there is no ${username}`);
      for (const { id, type } of await credentials(username))
        if (type !== 'password') await call('DELETE', `/users/${idOf(username)}/credentials/${id}`);
      const device = newDevice(username);
      await call('PUT', `/users/${idOf(username)}`, { requiredActions: [], credentials: [otpCredential(device)] });
      person.device = device.toString();
      await save();
    },
    async keepDevice(username, device) {
      const person = kept.people[username];
      if (!person) throw new Error(`this is a bug: there is no ${username}`);
      person.device = device.toString();
      await save();
    },
    credentialsOf: async (username) => (await credentials(username)).map(({ type }) => type).toSorted(),
  };
}

const newDevice = (username: string): TOTP =>
  // Keycloak stores the key as text.
  new TOTP({ issuer: realmName, label: username, secret: Secret.fromUTF8(randomBytes(15).toString('base64url')) });

/** The one-time-code device of a person. */
export function deviceOf(person: Person | undefined): TOTP {
  const device = person && URI.parse(person.device);
  if (!(device instanceof TOTP)) throw new Error(`this is a bug: ${person?.username ?? 'nobody'} has no device`);
  return device;
}

const otpCredential = (device: TOTP) => ({
  type: 'otp',
  userLabel: 'phone',
  secretData: JSON.stringify({ value: device.secret.utf8 }),
  credentialData: JSON.stringify({ subType: 'totp', digits: 6, period: 30, algorithm: 'HmacSHA1', counter: 0 }),
});

async function keptIn(file: string, usernames: readonly string[]): Promise<Kept> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) return JSON.parse(text) as Kept;
  const random = (): string => randomBytes(24).toString('base64url');
  const people = usernames.map((username): Person => ({ username, password: random(), device: newDevice(username).toString() }));
  const kept = { executorSecret: random(), people: Object.fromEntries(people.map((person) => [person.username, person])) };
  // Before the realm is created: after a crash between the two, it is created with these.
  await writeWhole(file, JSON.stringify(kept, undefined, 2), 0o600);
  return kept;
}

async function representation(file: string, people: Seed['people'], kept: Kept): Promise<RealmFile> {
  const realm = JSON.parse(await readFile(file, 'utf8')) as RealmFile;
  for (const client of realm.clients)
    if (!client.publicClient)
      client.secret = client.clientId === 'readmit-execution' ? kept.executorSecret : randomBytes(24).toString('base64url');
  // The tour's application listens on a free port; Keycloak accepts any port of this address (RFC 8252).
  const application = realm.clients.find(({ clientId }) => clientId === 'app');
  if (application) application.redirectUris = ['http://127.0.0.1/*'];
  const teams = new Set([...realm.groups.map(({ name }) => name), ...people.flatMap((person) => person.teams)]);
  for (const name of teams) if (!realm.groups.some((group) => group.name === name)) realm.groups.push({ name });
  realm.users = [
    ...realm.users.filter(({ serviceAccountClientId }) => serviceAccountClientId !== undefined),
    ...people.map(({ id, name, teams, contacts, accounts }) => ({
      id: accounts.find(({ connector }) => connector === 'sso')?.object ?? '',
      username: id,
      enabled: true,
      email: contacts.find(({ kind }) => kind === 'email')?.value ?? `${id}@example.test`,
      emailVerified: true,
      // Keycloak refuses parentheses in names, and would ask the person for another one.
      firstName: name.replaceAll(/[^\p{L} -]/gu, ''),
      lastName: 'Example',
      groups: teams.map((team) => `/${team}`),
      realmRoles: [`default-roles-${realm.realm}`],
      credentials: [{ type: 'password', value: kept.people[id]?.password }, otpCredential(deviceOf(kept.people[id]))],
    })),
  ];
  return realm;
}

/** Calls the admin API; a path that does not begin with `/admin` is below the realm. `undefined` for an empty response and the statuses in `allowed`. */
function adminCalls(url: string, { username, password }: { readonly username: string; readonly password: string }) {
  return async (method: string, to: string, body?: unknown, allowed: readonly number[] = []): Promise<unknown> => {
    // An administrator's token is valid for a minute; these calls are rare.
    const signedIn = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username, password }),
    });
    if (!signedIn.ok) throw new Error(`Keycloak issued no token to its administrator (${signedIn.status})`);
    const { access_token: token } = (await signedIn.json()) as { access_token: string };
    const answer = await fetch(`${url}${to.startsWith('/admin') ? to : `/admin/realms/${realmName}${to}`}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (allowed.includes(answer.status)) return undefined;
    if (!answer.ok) throw new Error(`Keycloak answered ${answer.status} to ${method} ${to}: ${text.slice(0, 300)}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
}
