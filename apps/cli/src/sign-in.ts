import * as oidc from 'openid-client';
import { CliError, saidBy, type StepUpChallenge } from './errors.js';
import type { Io } from './io.js';
import { openLoopback } from './loopback.js';
import { parseOrigin } from './origin.js';
import { claimsOf, type Session } from './session.js';

export interface SignInOptions {
  readonly url: string;
  readonly issuer: string;
  readonly clientId: string;
  /** The API that the token is for (RFC 8707 where it is a URI, `audience` otherwise). */
  readonly audience: string;
  readonly scope: string;
  readonly allowHttp: boolean;
  readonly subjectClaim?: string | undefined;
  /** What the services asked for when an earlier sign-in was not enough. */
  readonly stepUp?: StepUpChallenge;
}
export type Flow = NonNullable<Session['flow']>;
/** The demo issuer's own grant: named personas instead of people, never in production. */
export const personaGrant = 'urn:readmit:demo:persona';
type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

/** Where a token is asked for one API among several. */
const targetOf = ({ audience }: SignInOptions): Record<string, string> => (URL.canParse(audience) ? { resource: audience } : { audience });
const asked = ({ stepUp }: SignInOptions): Record<string, string> => ({
  ...(stepUp?.acrValues === undefined ? {} : { acr_values: stepUp.acrValues }),
  ...(stepUp?.maxAge === undefined ? {} : { max_age: String(stepUp.maxAge) }),
});

/** Authorization code with PKCE on a loopback port (RFC 8252): the person signs in with a browser on this machine. */
export async function browserSignIn(options: SignInOptions, io: Io, timeoutMs: number, show: (url: string) => void): Promise<Session> {
  const config = await discover(options, io);
  const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
  const loopback = await openLoopback(state);
  try {
    const parameters = {
      redirect_uri: loopback.redirectUri,
      scope: options.scope,
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...targetOf(options),
      ...asked(options),
    };
    if (config.serverMetadata().authorization_endpoint === undefined)
      throw new CliError('notSignedIn', 'The issuer has no page to sign in at', {
        where: options.issuer,
        next: 'Use readmit login --device.',
      });
    const { href } = oidc.buildAuthorizationUrl(config, parameters);
    show(href);
    io.openBrowser?.(href);
    const arrival = await loopback.arrival(timeoutMs);
    try {
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
      const tokens = await explained(options, () => oidc.authorizationCodeGrant(config, arrival.url, checks, targetOf(options)));
      const session = sessionOf(tokens, options, io, 'browser');
      arrival.answer('You are signed in. Close this page and return to your terminal.');
      return session;
    } catch (error) {
      arrival.answer('You are not signed in. Your terminal shows why.');
      throw error;
    }
  } finally {
    await loopback.close();
  }
}

/** Device flow (RFC 8628): the person opens a page anywhere, this program waits. */
export async function deviceSignIn(
  options: SignInOptions,
  io: Io,
  show: (uri: string, code: string, complete: string | undefined) => void,
): Promise<Session> {
  const config = await discover(options, io);
  const target = targetOf(options);
  const tokens = await explained(
    options,
    async () => {
      const device = await oidc.initiateDeviceAuthorization(config, { scope: options.scope, ...target, ...asked(options) });
      show(device.verification_uri, device.user_code, device.verification_uri_complete);
      return oidc.pollDeviceAuthorizationGrant(config, device, target);
    },
    'If it persists, allow the device flow for this client at the issuer.',
  );
  return sessionOf(tokens, options, io, 'device');
}

export async function personaSignIn(options: SignInOptions, persona: string, io: Io): Promise<Session> {
  const config = await discover(options, io);
  const tokens = await explained(
    options,
    () => oidc.genericGrantRequest(config, personaGrant, { persona, resource: options.audience, audience: options.audience }),
    undefined,
    persona,
  );
  return sessionOf(tokens, options, io, 'persona');
}

/** A new access token for a session that has run out, or `undefined` when there is nothing to refresh with. */
export async function refreshed(session: Session, allowHttp: boolean, io: Io): Promise<Session | undefined> {
  const { refreshToken } = session;
  if (refreshToken === undefined) return undefined;
  const options: SignInOptions = { audience: '', scope: '', ...session, allowHttp };
  const config = await discover(options, io);
  const tokens = await explained(options, () => oidc.refreshTokenGrant(config, refreshToken));
  return sessionOf(tokens, options, io, session.flow ?? 'browser', session);
}

async function discover({ issuer, clientId, allowHttp }: SignInOptions, io: Io): Promise<oidc.Configuration> {
  const url = parseOrigin(issuer, '--issuer', allowHttp, { withPath: true });
  try {
    return await oidc.discovery(url, clientId, undefined, oidc.None(), {
      // Plain http got past parseOrigin only for this machine or by the caller's word.
      execute: url.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
      [oidc.customFetch]: io.fetch as oidc.CustomFetch,
      timeout: 30,
    });
  } catch (cause) {
    throw new CliError('unreachable', `The issuer's OpenID configuration cannot be read: ${saidBy(cause)}`, {
      where: issuer,
      next: 'Check --issuer: <issuer>/.well-known/openid-configuration must answer.',
      cause,
    });
  }
}

async function explained(options: SignInOptions, request: () => Promise<Tokens>, next = '', persona?: string): Promise<Tokens> {
  try {
    return await request();
  } catch (cause) {
    const answered = cause instanceof oidc.ResponseBodyError || cause instanceof oidc.AuthorizationResponseError ? cause : undefined;
    const code = answered?.error;
    const detail = answered ? (answered.error_description ?? answered.error) : saidBy(cause);
    if (persona !== undefined && (code === 'unsupported_grant_type' || code === 'unauthorized_client' || code === 'invalid_client')) {
      throw new CliError('notSignedIn', `This issuer has no personas (${code}): only the demo's issuer does`, {
        where: options.issuer,
        next: 'Sign in as yourself: readmit login',
        cause,
      });
    }
    const network = code === undefined && /fetch failed|timed? ?out/i.test(detail);
    throw new CliError(
      network ? 'unreachable' : 'notSignedIn',
      `The issuer did not sign you in: ${detail}${code === undefined || detail === code ? '' : ` (${code})`}`,
      {
        where: options.issuer,
        next: persona === undefined ? `Try again: readmit login. ${next}`.trim() : `Check the persona's name ("${persona}").`,
        cause,
      },
    );
  }
}

function sessionOf(tokens: Tokens, options: SignInOptions, io: Io, flow: Flow, before?: Session): Session {
  const { subjectClaim = 'sub' } = options;
  const subject = claimsOf(tokens.access_token)[subjectClaim] ?? claimsOf(tokens.id_token)[subjectClaim] ?? before?.person;
  if (typeof subject !== 'string')
    throw new CliError('notSignedIn', "The issuer's tokens do not identify the user", {
      where: options.issuer,
      next: `Have the scope "openid" allowed for this client; the services take the claim ${subjectClaim}.`,
    });
  const refreshToken = tokens.refresh_token ?? before?.refreshToken;
  return {
    url: options.url,
    issuer: options.issuer,
    clientId: options.clientId,
    accessToken: tokens.access_token,
    person: subject,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    expiresAt: new Date(io.now().getTime() + (tokens.expires_in ?? 300) * 1000).toISOString(),
    flow,
    audience: options.audience,
    scope: options.scope,
    ...(options.subjectClaim === undefined ? {} : { subjectClaim: options.subjectClaim }),
  };
}
