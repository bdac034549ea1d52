import { idFault } from '@readmit/contracts';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Actor } from './call.js';
import { ProblemError, unavailable } from './problem.js';

export interface BearerOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly now: () => Date;
  /** Milliseconds that the issuer may take to answer. */
  readonly timeoutMs?: number;
}
/** Seconds by which the issuer's clock may differ from ours. */
const toleranceSeconds = 5;
const algorithms = ['EdDSA', 'Ed25519', 'ES256', 'RS256'];

const refusedToken = (reason: string, detail: string) =>
  new ProblemError(401, reason, detail, {
    headers: { 'www-authenticate': `Bearer realm="readmit", error="invalid_token", error_description="${reason}"` },
  });

/**
 * Verifies access tokens (RFC 9068) of one issuer. Its keys are found through the discovery document, fetched when the first
 * token comes and cached by jose. An issuer that cannot be asked is 503 `issuer-unavailable`, never 401: the person did nothing wrong.
 */
export class BearerVerifier {
  private keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(private readonly options: BearerOptions) {}

  async verify(authorization: string): Promise<Actor> {
    const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
    if (token === undefined) throw refusedToken('token-malformed', 'The Authorization header is not "Bearer <token>".');
    const { issuer, audience, now } = this.options;
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.keyOf(header, jws), {
        issuer,
        audience,
        algorithms,
        typ: 'at+jwt',
        clockTolerance: toleranceSeconds,
        currentDate: now(),
        requiredClaims: ['sub', 'exp', 'iat'],
      });
      return this.actorOf(payload);
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      throw problemOfToken(error);
    }
  }

  private async keyOf(...[header, jws]: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    this.keys ??= this.discover().catch((error: unknown) => {
      this.keys = undefined;
      throw error;
    });
    const keys = await this.keys;
    try {
      return await keys(header, jws);
    } catch (error) {
      if (
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported
      )
        throw error;
      throw issuerUnavailable(error);
    }
  }

  private async discover(): Promise<JWTVerifyGetKey> {
    const { issuer, timeoutMs = 3000 } = this.options;
    let document: { issuer?: unknown; jwks_uri?: unknown };
    try {
      // A slash at the end of the name is not part of the address (OpenID Connect Discovery 1.0, section 4).
      const response = await fetch(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`, {
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'error',
      });
      if (!response.ok) throw new Error(`the issuer answered ${response.status} for its discovery document`);
      document = (await response.json()) as typeof document;
    } catch (error) {
      throw issuerUnavailable(error);
    }
    if (document.issuer !== issuer || typeof document.jwks_uri !== 'string' || !URL.canParse(document.jwks_uri)) {
      throw issuerUnavailable(new Error(`the discovery document of ${issuer} names another issuer or no jwks_uri`));
    }
    const url = new URL(document.jwks_uri);
    if (url.protocol !== 'https:' && url.origin !== new URL(issuer).origin)
      throw issuerUnavailable(new Error('the jwks_uri of the issuer is not https'));
    return createRemoteJWKSet(url, { timeoutDuration: timeoutMs });
  }

  private actorOf(payload: JWTPayload): Actor {
    const { sub, iat, teams = [], client_id: clientId, auth_time: authTime, acr } = payload;
    const seconds = this.options.now().getTime() / 1000;
    if (iat === undefined || iat > seconds + toleranceSeconds)
      throw refusedToken('token-issued-in-future', 'The token was issued in the future.');
    const fault = sub === undefined ? 'it is missing' : idFault(sub);
    if (sub === undefined || fault !== undefined)
      throw refusedToken('token-claims', `The claim sub of the token is not an id that is taken: ${fault}.`);
    if (!Array.isArray(teams) || !teams.every((team) => typeof team === 'string'))
      throw refusedToken('token-claims', 'The claim teams of the token is not a list of names.');
    if (clientId !== undefined && typeof clientId !== 'string')
      throw refusedToken('token-claims', 'The claim client_id of the token is not text.');
    if (authTime !== undefined && (typeof authTime !== 'number' || authTime > seconds + toleranceSeconds))
      throw refusedToken('token-claims', 'The claim auth_time of the token is not a past instant.');
    if (acr !== undefined && typeof acr !== 'string') throw refusedToken('token-claims', 'The claim acr of the token is not text.');
    return {
      id: sub,
      teams: teams as string[],
      ...(authTime === undefined ? {} : { authTime }),
      ...(acr === undefined ? {} : { acr }),
      ...(clientId === undefined ? {} : { clientId }),
    };
  }
}

const issuerUnavailable = (cause: unknown) =>
  unavailable('issuer-unavailable', 'The identity provider cannot be asked for its keys. Try again.', cause, 5);

function problemOfToken(error: unknown): ProblemError {
  if (error instanceof errors.JWTExpired) return refusedToken('token-expired', 'The token has expired. Sign in again.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const reasons: Readonly<Record<string, string>> = {
      iss: 'token-issuer',
      aud: 'token-audience',
      typ: 'token-type',
      nbf: 'token-not-yet-valid',
    };
    return refusedToken(reasons[error.claim] ?? 'token-claims', `The claim ${error.claim} of the token is not what this service takes.`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refusedToken('token-algorithm', 'The token is signed with an algorithm that is not allowed.');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refusedToken('token-signature', 'The signature of the token is wrong.');
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return refusedToken('token-key-unknown', 'The issuer has no such key.');
  if (error instanceof errors.JOSEError || error instanceof TypeError) return refusedToken('token-malformed', 'The token cannot be read.');
  throw error;
}
