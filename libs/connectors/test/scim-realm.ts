/** A realm of a real Keycloak that serves SCIM as docs/targets.md says, with an executor and a canary. */
import { testKeycloak, type TestRealm } from '@readmit/testing';
import { adminOf, canaryAsDocumented, type Admin } from './scim-target.js';

export interface ScimRealm extends TestRealm {
  /** Base URL of SCIM. */
  readonly url: string;
  readonly credentials: { readonly clientId: string; readonly clientSecret: string };
  /** SCIM with the executor's token. */
  readonly scim: Admin;
  /** Ids of groups by name. */
  groupId(name: string): Promise<string>;
  readonly canary: { readonly group: string; readonly member: string };
}

const clientId = 'readmit-scim';

export async function scimRealm(): Promise<ScimRealm> {
  const keycloak = await testKeycloak();
  const realm = await keycloak.realm((file) => {
    file['scimApiEnabled'] = true;
    const audience = {
      ...{ name: 'audience scim', protocol: 'openid-connect', protocolMapper: 'oidc-audience-mapper' },
      config: { 'included.custom.audience': `${keycloak.url}/realms/${file.realm}/scim/v2`, 'access.token.claim': 'true' },
    };
    const client = { clientId, publicClient: false, secret: 'a-secret-of-the-scim-client', serviceAccountsEnabled: true };
    file.clients.push(Object.assign(client, { standardFlowEnabled: false, protocolMappers: [audience] }));
    const account = { username: `service-account-${clientId}`, enabled: true, serviceAccountClientId: clientId };
    file.users.push(Object.assign(account, { clientRoles: { 'realm-management': ['manage-users'] } }));
  });
  const url = `${realm.issuer}/scim/v2`;
  const credentials = { clientId, clientSecret: 'a-secret-of-the-scim-client' };
  const token = async (): Promise<string> => {
    const answer = await fetch(`${realm.issuer}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: credentials.clientSecret }),
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const scim = adminOf(url, token);
  const groupId = async (name: string): Promise<string> => {
    const [found] = (await realm.admin('GET', `/groups?exact=true&search=${encodeURIComponent(name)}`)) as { readonly id: string }[];
    return found?.id ?? '';
  };
  const canary = canaryAsDocumented(url, await token());
  return { ...realm, url, credentials, scim, groupId, canary };
}
