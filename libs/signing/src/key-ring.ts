import { KeyList, keyListType, services, type ServiceKey, type ServiceName } from '@readmit/contracts';
import { Ajv } from 'ajv';
import { compactVerify, CompactSign, importJWK } from 'jose';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { keyIdOf } from './hashing.js';
import type { PrivateJwk } from './signer.js';

export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
}

/** A public key of the list, ready to verify. Times are milliseconds since the epoch. */
export interface RingKey {
  readonly kid: string;
  readonly owner: ServiceName;
  readonly key: KeyObject;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly revokedAt: number;
}

/** Who may sign what, as the offline root said it. `adopt` takes a later list while the service runs. */
export class KeyRing {
  private keys: ReadonlyMap<string, RingKey>;
  private issued: string;

  constructor(list: KeyList) {
    this.keys = ringOf(list.keys);
    this.issued = list.issuedAt;
  }
  get issuedAt(): string {
    return this.issued;
  }
  get(kid: string): RingKey | undefined {
    return this.keys.get(kid);
  }
  /** Replaces the keys by those of a later list. @throws {Error} the list is older: it may have been put back to hide a revocation. */
  adopt(later: KeyRing): void {
    if (later.issued < this.issued) throw new Error(`the key list of ${later.issued} is older than the one in use (${this.issued})`);
    this.keys = later.keys;
    this.issued = later.issued;
  }
}

/** A key is not signed with any more when it ends as soon as this: the clocks of consumers may be ahead. */
const lastMs = 5 * 60_000;

/** Why events that the service signs with this key would be rejected now, as a sentence without a full stop; `undefined`: accepted. */
export function whyNotToSign(ring: KeyRing, service: ServiceName, kid: string, now: Date): string | undefined {
  const key = ring.get(kid);
  if (!key) return `key ${kid} is not in the key list of ${ring.issuedAt}`;
  if (key.owner !== service) return `key ${kid} belongs to ${key.owner}, not to ${service}`;
  if (now.getTime() < key.notBefore) return `key ${kid} is not valid before ${new Date(key.notBefore).toISOString()}`;
  if (now.getTime() >= key.revokedAt) return `key ${kid} was revoked at ${new Date(key.revokedAt).toISOString()}`;
  if (now.getTime() >= key.notAfter - lastMs) return `key ${kid} ends at ${new Date(key.notAfter).toISOString()}`;
  return undefined;
}

function ringOf(list: readonly ServiceKey[]): ReadonlyMap<string, RingKey> {
  const keys = new Map<string, RingKey>();
  for (const { kid, owner, key, notBefore, notAfter, revokedAt } of list) {
    if (keyIdOf(key.x) !== kid) throw new Error(`key ${kid} in the key list: its id is not that of its key (${keyIdOf(key.x)})`);
    if (keys.has(kid)) throw new Error(`key ${kid} appears twice in the key list`);
    keys.set(kid, {
      kid,
      owner,
      key: createPublicKey({ key: { ...key }, format: 'jwk' }),
      notBefore: Date.parse(notBefore),
      notAfter: notAfter === null ? Infinity : Date.parse(notAfter),
      revokedAt: revokedAt === null ? Infinity : Date.parse(revokedAt),
    });
  }
  return keys;
}

const isKeyList = new Ajv({ validateSchema: false }).compile<KeyList>(JSON.parse(JSON.stringify(KeyList)) as object);

/** Makes an Ed25519 key pair; the private half is a secret for a file with mode 0600. */
export function makeSigningKey(): { readonly kid: string; readonly private: PrivateJwk; readonly public: PublicJwk } {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  if (x === undefined || d === undefined) throw new Error('this is a bug: an Ed25519 key without x or d');
  return { kid: keyIdOf(x), private: { kty: 'OKP', crv: 'Ed25519', x, d }, public: { kty: 'OKP', crv: 'Ed25519', x } };
}

/** One key for each service, and the list (still unsigned) that names them, valid from `now` on. */
export function makeServiceKeys(
  now: Date,
  names: readonly ServiceName[] = services,
  environment?: string,
): { readonly keys: Readonly<Record<ServiceName, PrivateJwk>>; readonly list: KeyList } {
  const keys: Partial<Record<ServiceName, PrivateJwk>> = {};
  const entries = names.map((owner): ServiceKey => {
    const made = makeSigningKey();
    keys[owner] = made.private;
    return { kid: made.kid, owner, key: made.public, notBefore: now.toISOString(), notAfter: null, revokedAt: null };
  });
  return {
    keys: keys as Record<ServiceName, PrivateJwk>,
    list: {
      version: 1,
      issuedAt: now.toISOString(),
      ...(environment === undefined ? {} : { environment }),
      keys: entries,
    },
  };
}

/** The list as a compact JWS by the offline root. */
export async function signKeyList(list: KeyList, root: PrivateJwk): Promise<string> {
  if (!isKeyList(list)) throw new Error(`not a key list: ${where()}`);
  ringOf(list.keys);
  return new CompactSign(new TextEncoder().encode(JSON.stringify(list)))
    .setProtectedHeader({ alg: 'EdDSA', typ: keyListType })
    .sign(await importJWK({ ...root }, 'EdDSA'));
}

/**
 * Verifies the list by the root's public key and makes a ring of it. @throws {Error} not signed by this root, not a key list, or that of another
 * environment than the one that is named.
 */
export async function loadKeyRing(text: string, root: PublicJwk, environment?: string): Promise<KeyRing> {
  const list = await openKeyList(text, root);
  if (environment !== undefined && list.environment !== undefined && list.environment !== environment)
    throw new Error(
      `the key list of ${list.issuedAt} is that of the environment ${list.environment}, this is ${environment}: use the list of this environment`,
    );
  return new KeyRing(list);
}

/** The list itself, for callers that change it. @throws {Error} as `loadKeyRing`. */
export async function openKeyList(text: string, root: PublicJwk): Promise<KeyList> {
  let payload: unknown;
  try {
    const { payload: bytes, protectedHeader } = await compactVerify(
      text.trim(),
      await importJWK({ kty: root.kty, crv: root.crv, x: root.x }, 'EdDSA'),
      { algorithms: ['EdDSA'] },
    );
    if (protectedHeader.typ !== keyListType) throw new Error(`its type is ${JSON.stringify(protectedHeader.typ)}, not ${keyListType}`);
    payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error('the key list is not signed by the configured root key: check both files, or sign the list again', { cause });
  }
  if (!isKeyList(payload)) throw new Error(`the key list is signed but malformed: ${where()}`);
  return payload;
}

const where = (): string => isKeyList.errors?.map((error) => `${error.instancePath || '/'} ${error.message}`).join('; ') ?? '';
