/** `connector check` at Keycloak: only GET requests, and one for a token. */
import { CheckList, clockResult, encryption, missing, note, ok, tooMuch, wrong, type CheckResult, type Found } from '../check.js';
import { TargetError } from '../connector.js';
import { readAccount, userPath } from './account.js';
import type { Call } from './admin-client.js';
import { managementRolesIn, needlessRoles } from './management-roles.js';
import { readPaths, versionNotChecked, type RealmPaths } from './weaker-paths.js';

const see = 'See "Connect your Keycloak" in docs/targets.md.';
const checks = [
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
];
/** What the executor needs, and what these include. */
const needed = ['manage-users', 'view-realm', 'view-users', 'query-users', 'query-groups'];

export async function checkKeycloak(
  call: Call,
  settings: { readonly accessTokenSeconds: number; readonly encrypted: boolean },
  now: () => Date,
): Promise<readonly CheckResult[]> {
  const list = new CheckList();
  const before = now();
  let [own, claims]: [string, Readonly<Record<string, unknown>>] = ['', {}];
  try {
    claims = await call.claims(true);
    own = await call.ownId();
  } catch (error) {
    list.notConnected(error, {
      credentials: `Check clientId and clientSecret in credentialsFile, that the client has a service account, and the realm in url. ${see}`,
      tls: 'Use a certificate for the host name in url, and name its authority with NODE_EXTRA_CA_CERTS.',
      isCredentials: error instanceof TargetError && error.code === 'refused',
    });
    list.skip(checks);
    return list.results;
  }
  const after = now();
  list.add('connection', encryption(settings.encrypted));
  list.add('credentials', ok(typeof claims['azp'] === 'string' ? `client ${claims['azp']}` : undefined));
  list.add('version', note(versionNotChecked));
  const { iat } = claims;
  list.add('clock', typeof iat === 'number' ? clockResult(new Date(iat * 1000), before, after, 1000) : note('the token has no iat'));
  await list.run(
    'canary',
    `Give the service account manage-users of realm-management, and the default roles of the realm. ${see}`,
    async () => {
      await readAccount(call, own);
      return ok('sees its own account with a role');
    },
  );
  await list.run('users', `Give the service account manage-users of realm-management. ${see}`, () => userRights(call, own));
  await list.run('other rights', see, () => otherRights(call, claims));
  const paths = await list.value('realm', `Give the service account view-realm of realm-management. ${see}`, () => readPaths(call));
  if (paths) realmResults(list, paths, settings.accessTokenSeconds);
  else list.skip(checks.slice(checks.indexOf('realm') + 1));
  return list.results;
}

/** Keycloak shows with each account what the caller may do with it. */
async function userRights(call: Call, own: string): Promise<readonly Found[]> {
  const { access = {} } = await call.get<{ access?: Readonly<Record<string, boolean>> }>(userPath(own));
  const lacks = ['view', 'manage', 'mapRoles', 'manageGroupMembership'].filter((right) => access[right] !== true);
  const faults = [
    ...(lacks.length > 0
      ? [
          missing(
            `the executor lacks ${lacks.join(', ')} for accounts`,
            `Give the service account manage-users of realm-management. ${see}`,
          ),
        ]
      : []),
    ...(access['impersonate'] === true
      ? [tooMuch('the executor may sign in as anybody', 'Take the role impersonation from its service account.')]
      : []),
  ];
  return faults.length > 0 ? faults : [ok()];
}

async function otherRights(call: Call, claims: Readonly<Record<string, unknown>>): Promise<readonly Found[]> {
  const roles = managementRolesIn(claims);
  const faults = needlessRoles(claims, needed);
  for (const [what, role] of [
    ['clients', 'view-clients or manage-clients'],
    ['events', 'view-events'],
  ] as const) {
    const named = faults.some(({ message = '' }) => message.includes(what) || message.includes('admin'));
    if (!named && (await reads(call, `/${what}?max=1`)))
      faults.push(tooMuch(`the executor reads ${what}`, `Take ${role} of realm-management from its service account.`));
  }
  if (faults.length > 0) return faults;
  return [roles === undefined ? note('the token does not list roles: only what was tried here is known') : ok('none found')];
}

const reads = (call: Call, path: string): Promise<boolean> =>
  call.get<unknown>(path).then(
    (answer) => Array.isArray(answer) && answer.length > 0,
    (error: unknown) => {
      if (error instanceof TargetError && error.code === 'refused') return false;
      throw error;
    },
  );

function realmResults(list: CheckList, paths: RealmPaths, accessTokenSeconds: number): void {
  const settings = `See the settings of the realm under "Connect your Keycloak" in docs/targets.md.`;
  list.add('realm', ok('sees its settings and flows'));
  list.add(
    'access tokens',
    paths.accessTokenSeconds <= accessTokenSeconds
      ? ok(`valid for ${paths.accessTokenSeconds} s`)
      : wrong(
          `access tokens are valid for ${paths.accessTokenSeconds} s, and accessTokenSeconds is ${accessTokenSeconds}`,
          'Shorten the access token lifespan of the realm, or raise accessTokenSeconds: it is how long a grant lives on.',
        ),
  );
  list.add(
    'second factor',
    ...(paths.refuse.length > 0
      ? paths.refuse.map((one) => missing(`${one}: nothing about factors is planned`, settings))
      : [ok('needed in the browser flow and the direct grant flow')]),
  );
  const codes = [
    ...(paths.acceptsCodes
      ? []
      : [missing('the browser flow does not accept recovery codes', `Enable "Recovery Authentication Code Form" in it. ${settings}`)]),
    ...(paths.canEnrol ? [] : [missing('the required action CONFIGURE_TOTP is disabled', `Enable it. ${settings}`)]),
  ];
  list.add('one-time codes', ...(codes.length > 0 ? codes : [ok()]));
  const warnings = paths.warn.filter((one) => one !== versionNotChecked);
  list.add('weaker paths', ...(warnings.length > 0 ? warnings.map(note) : [ok('none found')]));
}
