/** `connector check` at a SCIM server: only GET requests, and one for a token. */
import { CheckList, claimsOf, clockResult, encryption, missing, note, ok, type CheckResult, type Found } from '../check.js';
import { TargetError } from '../connector.js';
import { managementRolesIn, needlessRoles } from '../keycloak/management-roles.js';
import { canFilter, mustList, mustSee, type Canary } from './group-state.js';
import { groupBy, groupNamed } from './resources.js';
import type { Call } from './scim-client.js';

const see = 'See "Connect a SCIM server" in docs/targets.md.';
const checks = ['server', 'canary', 'search by name', 'search by member', 'clock', 'rights'];

interface ProviderConfig {
  readonly patch?: { readonly supported?: boolean };
  readonly filter?: { readonly supported?: boolean };
  readonly etag?: { readonly supported?: boolean };
}

export async function checkScim(call: Call, canary: Canary, encrypted: boolean, now: () => Date): Promise<readonly CheckResult[]> {
  const list = new CheckList();
  const before = now();
  let token: string;
  let config: ProviderConfig | undefined;
  try {
    token = await call.executorToken();
    // Some servers show their configuration to anybody, so the canary tries the credentials too.
    await call.send({ method: 'GET', path: `/Groups/${encodeURIComponent(canary.group)}?attributes=displayName`, also: [403, 404] });
    config = (await call.send({ method: 'GET', path: '/ServiceProviderConfig', also: [403, 404, 501] })).body as ProviderConfig | undefined;
  } catch (error) {
    list.notConnected(error, {
      credentials: `Check tokenFile, or tokenUrl and credentialsFile: a new token needs no restart. ${see}`,
      tls: 'Use a certificate for the host name in url, and name its authority with NODE_EXTRA_CA_CERTS.',
      isCredentials: error instanceof TargetError && error.code === 'refused',
    });
    list.skip(checks);
    return list.results;
  }
  const after = now();
  list.add('connection', encryption(encrypted));
  list.add('credentials', ok());
  list.add('server', ...serverResults(config));
  await list.run('canary', `Create the canary, or correct canary in the settings. ${see}`, async () => {
    await mustSee(call, canary);
    await mustList(call, canary);
    return ok('sees the canary group with its member');
  });
  const group = await list.value('search by name', see, () => groupBy(call, canary.group));
  await list.run('search by name', 'The connector needs searches for groups by displayName: turn filters on at the server.', async () => {
    if (!group) return { result: 'not checked' };
    const found = await groupNamed(call, group.name);
    return found?.id === group.id ? ok() : missing('a search for the canary by its displayName does not find it', see);
  });
  await list.run('search by member', see, async () => {
    if (!group) return { result: 'not checked' };
    return (await canFilter(call, canary, group))
      ? ok()
      : note('groups are not found by a member: lists of members are read, and nested groups are not seen');
  });
  const claims = claimsOf(token);
  const iat = claims?.['iat'];
  const fresh = call.issuesTokens && typeof iat === 'number';
  list.add('clock', fresh ? clockResult(new Date(iat * 1000), before, after, 1000) : note('the server does not show its clock'));
  list.add('rights', ...rightResults(claims));
  return list.results;
}

function serverResults(config: ProviderConfig | undefined): readonly Found[] {
  if (!config?.patch) return [note('the server shows no ServiceProviderConfig')];
  const faults: Found[] = [];
  if (config.patch.supported !== true)
    faults.push(missing('the server does not support PATCH', 'Use a server that changes members by PATCH.'));
  if (config.filter?.supported !== true) faults.push(missing('the server does not support filters', 'Turn filters on at the server.'));
  if (faults.length > 0) return faults;
  return config.etag?.supported === true
    ? [ok('PATCH, filters, ETags')]
    : [ok('PATCH, filters'), note('no ETags: a group that is renamed at the moment of a change is found only by the read-back')];
}

/** SCIM does not show what a token may do; a token of Keycloak lists it. */
function rightResults(claims: Readonly<Record<string, unknown>> | undefined): readonly Found[] {
  const roles = claims && managementRolesIn(claims);
  if (!claims || !roles)
    return [note('SCIM does not show whether the token may change groups, or more than that: only a restoration does')];
  const faults = needlessRoles(claims, ['manage-users', 'view-users', 'query-users', 'query-groups']);
  if (!roles.includes('manage-users') && faults.length === 0)
    faults.push(missing('the executor may not change groups', `Give the service account manage-users of realm-management. ${see}`));
  return faults.length > 0 ? faults : [ok('manage-users')];
}
