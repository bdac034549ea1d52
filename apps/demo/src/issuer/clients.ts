import type { ClientMetadata, ResourceServer } from 'oidc-provider';

/** The grant that exists in the demo alone: `readmit login --as ada`. */
export const personaGrant = 'urn:readmit:demo:persona';
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** Resource indicators (RFC 8707) and the audience that stands in the tokens. */
export const apiResource = 'urn:readmit:api';
export const adminResource = 'urn:readmit:demo-admin';
export const apiAudience = 'readmit-api';
export const adminAudience = 'demo-admin';

/** Clients with a secret, the resource that each may ask for, and its scopes there. */
export const confidentialClients = {
  /** The demo itself, as it reports lockouts. */
  'demo-idp': { resource: apiResource, scope: 'signals:publish' },
  /** The connector of the execution service. */
  'readmit-execution': { resource: adminResource, scope: 'people:read people:recover' },
  /** Notices of the intake service. */
  'readmit-intake': { resource: adminResource, scope: 'mailbox:write' },
} as const;
export type ConfidentialClient = keyof typeof confidentialClients;
export const publicClient = 'readmit-cli';
const cli = { resource: apiResource, scope: 'readmit' };

const ofClient = (clientId: string): { readonly resource: string; readonly scope: string } | undefined =>
  clientId === publicClient
    ? cli
    : Object.hasOwn(confidentialClients, clientId)
      ? confidentialClients[clientId as ConfidentialClient]
      : undefined;

/** The resource of a client that names none. */
export const defaultResourceOf = (clientId: string): string | undefined => ofClient(clientId)?.resource;

/** What a client may have at a resource, or undefined. */
export function resourceServerFor(resource: string, clientId: string): ResourceServer | undefined {
  const client = ofClient(clientId);
  if (client?.resource !== resource) return undefined;
  return {
    audience: resource === apiResource ? apiAudience : adminAudience,
    scope: client.scope,
    accessTokenFormat: 'jwt',
    accessTokenTTL: clientId === publicClient ? 3600 : 600,
    jwt: { sign: { alg: 'ES256' } },
  };
}

export const clientMetadata = (secrets: Readonly<Record<string, string>>): ClientMetadata[] => [
  {
    client_id: publicClient,
    client_name: 'Readmit command line (demo)',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', deviceGrant, personaGrant],
    response_types: ['code'],
    // Of a native client, on any port (RFC 8252).
    redirect_uris: ['http://127.0.0.1/callback'],
    id_token_signed_response_alg: 'ES256',
  },
  ...Object.keys(confidentialClients).map((id): ClientMetadata => {
    const secret = secrets[id];
    if (!secret) throw new Error(`demo: the client ${id} has no secret in issuer-keys.json; remove the state folder to start from scratch`);
    return {
      client_id: id,
      client_secret: secret,
      client_name: `${id} (demo)`,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    };
  }),
];
