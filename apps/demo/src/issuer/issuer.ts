import Provider, { errors, interactionPolicy, type AdapterFactory, type KoaContextWithOIDC } from 'oidc-provider';
import type { People } from '../people/people.js';
import { confirmDevicePage, donePage, errorPage, pageHeaders, userCodePage } from '../http/pages.js';
import { adminResource, apiResource, clientMetadata, defaultResourceOf, deviceGrant, personaGrant, resourceServerFor } from './clients.js';
import type { IssuerKeys } from '../state/keys.js';

/** The one level of assurance that the demo knows: password and factor. */
export const demoAcr = 'aal2';

export interface IssuerOptions {
  readonly issuer: string;
  readonly keys: IssuerKeys;
  readonly adapter: AdapterFactory;
  readonly people: People;
  readonly teamsOf: (id: string) => readonly string[];
  readonly log: (entry: Readonly<Record<string, unknown>>) => void;
}

interface PersonaSignIn {
  readonly authTime: number;
  readonly acr: string;
  readonly amr: readonly string[];
}

/** Every sign-in requires proof again: a page session is never reused, so a recovery has none to end. */
function alwaysSignIn() {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy
    .get('login')
    ?.checks.add(
      new Check('fresh_sign_in', 'the demo asks for a sign-in each time', (ctx) =>
        ctx.oidc.result?.login ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT,
      ),
    );
  return policy;
}

/** The demo's OpenID provider: oidc-provider with an authorization code flow, a device flow, client credentials and the persona grant. */
export function makeIssuer(options: IssuerOptions): Provider {
  const personas = new WeakMap<object, PersonaSignIn>();
  const page = (ctx: KoaContextWithOIDC, html: string) => {
    ctx.set(pageHeaders);
    ctx.type = 'html';
    ctx.body = html;
  };
  const provider = new Provider(options.issuer, {
    adapter: options.adapter,
    clients: clientMetadata(options.keys.clients),
    jwks: options.keys.jwks as never, // its type wants a fixed member set per key type; the keys are our own ES256 keys
    cookies: { keys: options.keys.cookies, names: { session: 'demo_session', interaction: 'demo_interaction', resume: 'demo_resume' } },
    acrValues: [demoAcr],
    scopes: ['openid'],
    claims: { openid: ['sub'], acr: null, auth_time: null, iss: null },
    responseTypes: ['code'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    clientBasedCORS: () => false,
    interactions: { policy: alwaysSignIn(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    expiresWithSession: () => false,
    issueRefreshToken: () => false,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      ClientCredentials: 600,
      DeviceCode: 600,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      Session: 600,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, _out, error) => page(ctx, userCodePage(form, error !== undefined)),
        userCodeConfirmSource: (ctx, form, client, _device, userCode) =>
          page(ctx, confirmDevicePage(form, client.clientName ?? client.clientId, userCode)),
        successSource: (ctx) => page(ctx, donePage()),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, client, oneOf) => (oneOf ?? defaultResourceOf(client.clientId)) as string,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource, client) => {
          const info = resourceServerFor(resource, client.clientId);
          if (!info) throw new errors.InvalidTarget(`resource must be ${apiResource} or ${adminResource}, as the client may ask for`);
          return info;
        },
      },
    },
    findAccount: (_ctx, id) => {
      const account = options.people.find(id);
      return account && !account.lockedAt ? { accountId: id, claims: () => ({ sub: id }) } : undefined;
    },
    extraTokenClaims: (ctx, token) => {
      if (!('accountId' in token) || typeof token.accountId !== 'string') return undefined;
      const code = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.DeviceCode;
      const signIn = personas.get(ctx) ?? (code && { authTime: code.authTime, acr: code.acr, amr: code.amr });
      return {
        teams: [...options.teamsOf(token.accountId)],
        ...(signIn && { auth_time: signIn.authTime, acr: signIn.acr, amr: signIn.amr && [...signIn.amr] }),
      };
    },
    renderError: (ctx, out) => page(ctx, errorPage(out.error, out.error_description ?? 'The request could not be used.')),
  });

  provider.registerGrantType<{ persona?: string }>(
    personaGrant,
    async (ctx) => {
      const { client, params } = ctx.oidc;
      const account = params.persona === undefined ? undefined : options.people.find(params.persona);
      if (!account?.password) throw new errors.InvalidGrant('no such persona in this demo');
      if (account.lockedAt) throw new errors.InvalidGrant('the account of this persona is locked');
      const info = resourceServerFor(apiResource, client.clientId);
      if (!info) throw new errors.InvalidTarget();
      personas.set(ctx, { authTime: Math.floor(Date.now() / 1000), acr: demoAcr, amr: ['demo-persona'] });
      const token = new provider.AccessToken({
        accountId: account.id,
        client,
        gty: 'demo_persona',
        scope: info.scope,
        grantId: 'demo-persona',
      });
      token.resourceServer = new provider.ResourceServer(apiResource, info);
      ctx.oidc.entity('AccessToken', token);
      const accessToken = await token.save();
      options.log({ what: 'persona token issued', account: account.id });
      ctx.body = { access_token: accessToken, token_type: 'Bearer', expires_in: token.expiration, scope: token.scope };
    },
    ['persona'],
  );

  provider.on('server_error', (_ctx, error) => options.log({ what: 'issuer error', name: error.name, says: error.message }));
  return provider;
}

export { deviceGrant, personaGrant };
