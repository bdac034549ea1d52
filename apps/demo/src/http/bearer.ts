import { createLocalJWKSet, errors, jwtVerify, type JWK } from 'jose';
import { adminAudience } from '../issuer/clients.js';
import { Refusal } from '../refusal.js';

export const tokenOf = (header: string | undefined): string | undefined => /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header ?? '')?.[1];

/** Says which client a bearer token of the admin audience is from; throws `no-token`, `token-not-valid` or `scope-missing`. */
export function bearerCheck(issuer: string, keys: readonly JWK[]): (header: string | undefined, scope: string) => Promise<string> {
  const jwks = createLocalJWKSet({ keys: keys.map(({ d: _private, ...jwk }) => jwk) });
  return async (header, scope) => {
    const token = tokenOf(header);
    if (!token) throw new Refusal(401, 'no-token', 'send a bearer token of the audience demo-admin');
    const { payload } = await jwtVerify(token, jwks, {
      issuer,
      audience: adminAudience,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['exp', 'client_id'],
    }).catch((error: unknown) => {
      if (error instanceof errors.JOSEError) throw new Refusal(401, 'token-not-valid', `the token is not valid here: ${error.code}`);
      throw error;
    });
    if (
      !String(payload['scope'] ?? '')
        .split(' ')
        .includes(scope)
    )
      throw new Refusal(403, 'scope-missing', `the token lacks the scope ${scope}`);
    return String(payload['client_id']);
  };
}
