/** Roles of Keycloak's own administration, as the executor's token lists them. */
import { tooMuch, type Found } from '../check.js';

/** Administration of every realm, as realm roles of `master`. */
const serverRoles = ['admin', 'create-realm'];

/** Undefined: the token lists none. With lightweight or fine-grained rights that does not mean that there are none. */
export function managementRolesIn(claims: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const access = claims['resource_access'] as Readonly<Record<string, { readonly roles?: unknown }>> | undefined;
  const lists = Object.entries(access ?? {}).filter(([client]) => client === 'realm-management' || client.endsWith('-realm'));
  const realm = (claims['realm_access'] as { readonly roles?: unknown } | undefined)?.roles;
  const ofServer = Array.isArray(realm) ? realm.filter((role): role is string => serverRoles.includes(String(role))) : [];
  const ofRealm = lists.flatMap(([, { roles }]) => (Array.isArray(roles) ? roles.map(String) : []));
  return lists.length === 0 && ofServer.length === 0 ? undefined : [...ofServer, ...ofRealm];
}

export const needlessRoles = (claims: Readonly<Record<string, unknown>>, needed: readonly string[]): Found[] =>
  [...new Set(managementRolesIn(claims))]
    .filter((role) => !needed.includes(role))
    .toSorted()
    .map((role) => tooMuch(`the executor has ${role}`, `Take ${role} of realm-management from its service account.`));
