/** The list of services' public keys: a compact JWS (EdDSA) by an offline root. It alone says which key speaks for whom, and when. */
import { Type, type Static } from 'typebox';
import { services } from '../events/entry.js';
import { closed, Instant, oneOf, SigningKey } from '../events/values.js';

export const keyListType = 'readmit-keys+jws';

export const ServiceKey = closed({
  /** First 8 bytes of the SHA-256 of the raw public key, hex. */
  kid: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  owner: oneOf(services),
  key: SigningKey,
  notBefore: Instant,
  /** Absent end: until a later list says otherwise. */
  notAfter: Type.Union([Instant, Type.Null()]),
  /** From when on nothing that arrives under this key is believed. */
  revokedAt: Type.Union([Instant, Type.Null()]),
});
export type ServiceKey = Static<typeof ServiceKey>;
export const KeyList = closed({
  version: Type.Literal(1),
  issuedAt: Instant,
  /** Where it holds. Lists of before this field have none and are worth something everywhere that their root is. */
  environment: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,63}$' })),
  keys: Type.Array(ServiceKey, { minItems: 1, maxItems: 1000 }),
});
export type KeyList = Static<typeof KeyList>;
