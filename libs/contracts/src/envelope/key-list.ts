/** The list of services' public keys: a compact JWS (EdDSA) signed by an offline root key. The only source of whose key is whose, and when. */
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
  /** Null: until a later list sets an end. */
  notAfter: Type.Union([Instant, Type.Null()]),
  /** From then on, no record signed with this key is accepted. */
  revokedAt: Type.Union([Instant, Type.Null()]),
});
export type ServiceKey = Static<typeof ServiceKey>;
export const KeyList = closed({
  version: Type.Literal(1),
  issuedAt: Instant,
  /** The environment in which it is valid. Older lists have none and are valid wherever their root key is. */
  environment: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,63}$' })),
  keys: Type.Array(ServiceKey, { minItems: 1, maxItems: 1000 }),
});
export type KeyList = Static<typeof KeyList>;
