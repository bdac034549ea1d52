/**
 * The case-key proof: how a request without a sign-in proves possession of the one-time key of a case (or of a machine consumer's key). A
 * compact JWS (EdDSA) in the header `readmit-proof`, modelled on DPoP (RFC 9449). This file has only the format; the caller signs.
 */
import { Type, type Static } from 'typebox';
import { closed } from '../events/values.js';

export const proofHeader = 'readmit-proof';
export const proofType = 'readmit-proof+jwt';
/** A proof older than this many seconds is refused; clocks may be ahead by `proofSkewSeconds`. */
export const proofFreshSeconds = 60;
export const proofSkewSeconds = 5;

export const ProofClaims = closed({
  /** Method of the request. */
  htm: Type.String({ pattern: '^(GET|POST)$' }),
  /** Path with query, as sent: `/api/intake/cases/case_1?x=y`. Without the origin, which proxies change. */
  htu: Type.String({ minLength: 1, maxLength: 2000, pattern: '^/' }),
  /** Seconds since 1970. */
  iat: Type.Integer(),
  /** Single use. */
  jti: Type.String({ minLength: 16, maxLength: 64, pattern: '^[A-Za-z0-9._:-]+$' }),
  /** base64url SHA-256 of the body's bytes; required when there is a body. */
  bodyDigest: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })),
});
export type ProofClaims = Static<typeof ProofClaims>;

export interface ProofKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
}
export interface ProofHeader {
  readonly alg: 'EdDSA';
  readonly typ: typeof proofType;
  readonly jwk: ProofKey;
}

/** Creates the value of the header `readmit-proof`. `sign` returns a compact JWS over the UTF-8 of `payload` with the protected header. */
export async function makeProof(
  request: { readonly method: 'GET' | 'POST'; readonly path: string; readonly bodyDigest?: string },
  by: { readonly key: ProofKey; readonly now: Date; readonly jti: string; sign(header: ProofHeader, payload: string): Promise<string> },
): Promise<string> {
  const claims: ProofClaims = {
    htm: request.method,
    htu: request.path,
    iat: Math.floor(by.now.getTime() / 1000),
    jti: by.jti,
    ...(request.bodyDigest === undefined ? {} : { bodyDigest: request.bodyDigest }),
  };
  const { kty, crv, x } = by.key;
  return by.sign({ alg: 'EdDSA', typ: proofType, jwk: { kty, crv, x } }, JSON.stringify(claims));
}

export type ProofFault = 'proof-method' | 'proof-path' | 'proof-stale' | 'proof-from-future' | 'proof-body';

/** What is wrong with the claims of a proof for this request, or `undefined`. The caller checks signature and single use. */
export function proofFault(
  claims: ProofClaims,
  request: { readonly method: string; readonly path: string; readonly bodyDigest?: string },
  now: Date,
): ProofFault | undefined {
  const seconds = now.getTime() / 1000;
  if (claims.htm !== request.method) return 'proof-method';
  if (claims.htu !== request.path) return 'proof-path';
  if (claims.iat > seconds + proofSkewSeconds) return 'proof-from-future';
  if (seconds - claims.iat >= proofFreshSeconds) return 'proof-stale';
  if (claims.bodyDigest !== request.bodyDigest) return 'proof-body';
  return undefined;
}
