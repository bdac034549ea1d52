import { idFault } from '@readmit/contracts';
import { messageOf } from '@readmit/platform';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';

/** Who is signed in, as the access token says. */
export interface Bearer {
  readonly id: string;
  readonly teams: readonly string[];
  /** Seconds since 1970 when the person last proved who they are. */
  readonly authTime?: number;
  readonly acr?: string;
  readonly clientId?: string;
}

/** Signatures that a token may have: asymmetric ones, because with a shared secret every service could make tokens. */
export const tokenAlgorithms = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;
export const tokenTypes = ['at+jwt', 'JWT'] as const;

/** What a token must be to be accepted. */
export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  /** Values of the header `typ`, as in `tokenTypes`. */
  readonly types: readonly string[];
  readonly algorithms: readonly string[];
  readonly subjectClaim: string;
  readonly teamsClaim: string;
  readonly clientIdClaim: string;
}
/** What RFC 9068 says, and the claim `teams`. */
export const usualTokenRules = {
  types: ['at+jwt'],
  algorithms: ['EdDSA', 'Ed25519', 'ES256', 'RS256'],
  subjectClaim: 'sub',
  teamsClaim: 'teams',
  clientIdClaim: 'client_id',
} as const satisfies Omit<TokenRules, 'issuer' | 'audience'>;

/** Parts of a token that are checked, in the order of a report. */
export const tokenParts = [
  'form',
  'alg',
  'signature',
  'typ',
  'iss',
  'aud',
  'exp',
  'iat',
  'sub',
  'teams',
  'client_id',
  'auth_time',
  'acr',
] as const;
export type TokenPart = (typeof tokenParts)[number];

/** The token is not accepted. The message goes to the sender. */
export class TokenRefused extends Error {
  constructor(
    readonly part: TokenPart,
    /** In kebab case; programs go by it. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
    this.name = 'TokenRefused';
  }
}
/** The issuer cannot be asked for its keys: nothing that the person did. */
export class IssuerUnavailable extends Error {
  readonly reason = 'issuer-unavailable';
  constructor(cause: unknown) {
    super(`The identity provider cannot be asked for its keys: ${messageOf(cause)}`, { cause });
    this.name = 'IssuerUnavailable';
  }
}

export interface TokenReport {
  /** What was found wrong, by part. */
  readonly faults: ReadonlyMap<TokenPart, TokenRefused>;
  /** Parts behind a fault that ends the examination, e.g. all claims behind a wrong signature. */
  readonly unchecked: ReadonlySet<TokenPart>;
  /** Claims and header as they stand in the token, believed or not. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, unknown>>;
  /** There when nothing is wrong. */
  readonly bearer?: Bearer;
}

/** Rules that are not given are the usual ones. */
export interface BearerOptions extends Partial<Omit<TokenRules, 'issuer' | 'audience'>> {
  readonly issuer: string;
  readonly audience: string;
  readonly now: () => Date;
  /** Milliseconds that the issuer may take to answer. */
  readonly timeoutMs?: number;
}
/** Seconds by which the issuer's clock may differ from ours. */
const toleranceSeconds = 5;
const nothing: ReadonlySet<TokenPart> = new Set();

/**
 * Verifies access tokens (RFC 9068) of one issuer, for every service and for `readmit doctor`. Its keys are found through the discovery
 * document, fetched when the first token comes and cached by jose. Throws `TokenRefused`, or `IssuerUnavailable`.
 */
export class BearerVerifier {
  private keys: Promise<JWTVerifyGetKey> | undefined;
  private readonly rules: TokenRules;

  constructor(private readonly options: BearerOptions) {
    this.rules = { ...usualTokenRules, ...options };
  }

  async verify(authorization: string): Promise<Bearer> {
    const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
    if (token === undefined) throw new TokenRefused('form', 'token-malformed', 'The Authorization header is not "Bearer <token>".');
    const { payload, typ } = await this.signed(token, nothing);
    const [fault] = this.faultsOf(payload, typ);
    if (fault) throw fault;
    return this.bearerOf(payload);
  }

  /** Every fault of a token and not the first alone: a check that failed is left out, and the same verification continues. */
  async examine(token: string): Promise<TokenReport> {
    const faults = new Map<TokenPart, TokenRefused>();
    let read: Awaited<ReturnType<BearerVerifier['signed']>> | undefined;
    for (let stopped = false; !read && !stopped;) {
      try {
        read = await this.signed(token, new Set(faults.keys()));
      } catch (error) {
        if (!(error instanceof TokenRefused)) throw error;
        stopped = faults.has(error.part) || !leftOut.has(error.part);
        faults.set(error.part, error);
      }
    }
    const { header, claims } = decoded(token);
    if (!read) return { faults, unchecked: new Set(tokenParts.filter((part) => !faults.has(part) && part !== 'form')), header, claims };
    for (const fault of this.faultsOf(read.payload, read.typ)) if (!faults.has(fault.part)) faults.set(fault.part, fault);
    return { faults, unchecked: nothing, header, claims, ...(faults.size === 0 ? { bearer: this.bearerOf(read.payload) } : {}) };
  }

  private async signed(token: string, without: ReadonlySet<TokenPart>): Promise<{ readonly payload: JWTPayload; readonly typ: unknown }> {
    const { issuer, audience, algorithms } = this.rules;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, (header, jws) => this.keyOf(header, jws), {
        ...(without.has('iss') ? {} : { issuer }),
        ...(without.has('aud') ? {} : { audience }),
        ...(without.has('alg') ? {} : { algorithms: [...algorithms] }),
        clockTolerance: without.has('exp') ? Number.MAX_SAFE_INTEGER : toleranceSeconds,
        currentDate: this.options.now(),
        requiredClaims: (['exp', 'iat'] as const).filter((claim) => !without.has(claim)),
      });
      return { payload, typ: protectedHeader.typ };
    } catch (error) {
      if (error instanceof IssuerUnavailable) throw error;
      throw refusedBecause(error);
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
      throw new IssuerUnavailable(error);
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
      throw new IssuerUnavailable(error);
    }
    if (document.issuer !== issuer || typeof document.jwks_uri !== 'string' || !URL.canParse(document.jwks_uri)) {
      throw new IssuerUnavailable(new Error(`the discovery document of ${issuer} names another issuer or no jwks_uri`));
    }
    const url = new URL(document.jwks_uri);
    if (url.protocol !== 'https:' && url.origin !== new URL(issuer).origin)
      throw new IssuerUnavailable(new Error('the jwks_uri of the issuer is not https'));
    return createRemoteJWKSet(url, { timeoutDuration: timeoutMs });
  }

  /** What is wrong with a token whose signature, issuer, audience and times are right. */
  private *faultsOf(payload: JWTPayload, typ: unknown): Generator<TokenRefused> {
    const { types, subjectClaim, teamsClaim, clientIdClaim } = this.rules;
    const { iat, auth_time: authTime, acr } = payload;
    const seconds = this.options.now().getTime() / 1000;
    const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined;
    if (!types.some((one) => one.toLowerCase() === type))
      yield new TokenRefused('typ', 'token-type', `The header typ of the token is not ${types.join(' or ')}.`);
    // Where plain JWTs are accepted, an ID token of the same issuer must not pass for an access token.
    else if (type === 'jwt' && ('nonce' in payload || 'at_hash' in payload || 'c_hash' in payload))
      yield new TokenRefused('typ', 'token-type', 'This is an ID token. Send the access token.');
    if (iat !== undefined && iat > seconds + toleranceSeconds)
      yield new TokenRefused('iat', 'token-issued-in-future', 'The token was issued in the future.');
    const claims = (part: TokenPart, message: string) => new TokenRefused(part, 'token-claims', message);
    const subject = payload[subjectClaim];
    const fault = typeof subject === 'string' ? idFault(subject) : subject === undefined ? 'it is missing' : 'it is not text';
    if (fault !== undefined) yield claims('sub', `The claim ${subjectClaim} of the token is not an id that is taken: ${fault}.`);
    const teams = payload[teamsClaim] ?? [];
    if (!Array.isArray(teams) || !teams.every((team) => typeof team === 'string'))
      yield claims('teams', `The claim ${teamsClaim} of the token is not a list of names.`);
    const clientId = payload[clientIdClaim];
    if (clientId !== undefined && typeof clientId !== 'string')
      yield claims('client_id', `The claim ${clientIdClaim} of the token is not text.`);
    if (authTime !== undefined && (typeof authTime !== 'number' || authTime > seconds + toleranceSeconds))
      yield claims('auth_time', 'The claim auth_time of the token is not a past instant.');
    if (acr !== undefined && typeof acr !== 'string') yield claims('acr', 'The claim acr of the token is not text.');
  }

  /** Only of claims without a fault. */
  private bearerOf(payload: JWTPayload): Bearer {
    const { subjectClaim, teamsClaim, clientIdClaim } = this.rules;
    const { auth_time: authTime, acr } = payload;
    const clientId = payload[clientIdClaim];
    return {
      id: String(payload[subjectClaim]),
      teams: (payload[teamsClaim] ?? []) as string[],
      ...(typeof authTime === 'number' ? { authTime } : {}),
      ...(typeof acr === 'string' ? { acr } : {}),
      ...(typeof clientId === 'string' ? { clientId } : {}),
    };
  }
}

/** Checks that can be left out, so that those behind them are made too. */
const leftOut: ReadonlySet<TokenPart> = new Set(['alg', 'iss', 'aud', 'exp', 'iat']);

function refusedBecause(error: unknown): TokenRefused {
  if (error instanceof errors.JWTExpired) return new TokenRefused('exp', 'token-expired', 'The token has expired. Sign in again.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const [part, reason] = byClaim[error.claim] ?? (['form', 'token-claims'] as const);
    return new TokenRefused(part, reason, `The claim ${error.claim} of the token is not what this service takes.`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new TokenRefused('alg', 'token-algorithm', 'The token is signed with an algorithm that is not allowed.');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new TokenRefused('signature', 'token-signature', 'The signature of the token is wrong.');
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return new TokenRefused('signature', 'token-key-unknown', 'The issuer has no such key.');
  if (error instanceof errors.JOSEError || error instanceof TypeError)
    return new TokenRefused('form', 'token-malformed', 'The token cannot be read.');
  throw error;
}
const byClaim: Readonly<Record<string, readonly [TokenPart, string]>> = {
  iss: ['iss', 'token-issuer'],
  aud: ['aud', 'token-audience'],
  nbf: ['exp', 'token-not-yet-valid'],
  exp: ['exp', 'token-claims'],
  iat: ['iat', 'token-claims'],
};

function decoded(token: string): Pick<TokenReport, 'header' | 'claims'> {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    // Its form is among the faults; there is nothing in it to show.
    return { header: {}, claims: {} };
  }
}
