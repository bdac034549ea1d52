import type * as Contracts from '@readmit/contracts';
import type { Fact } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';

/** A record as on its topic and in the log: what the event's signature covers, and the signature. */
export interface LoggedRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

export type CheckedEvent = { readonly fact: Fact } | { readonly reason: string; readonly message: string };

/** Checks of one event, bound to the environment and to the services' public keys by the caller. */
export interface EventChecks {
  /** When the list of service keys was issued; absent: the keys are not from a list. */
  readonly keyListIssuedAt?: string;
  /** The bytes that the event's batch signature covers: environment, topic, key, attributes and value. */
  signedBytes(record: LoggedRecord): Uint8Array;
  /**
   * Checks signature, owner of the type and schema: the fact, or a named reason. MUST not throw for any bytes. `loggedAfter`:
   * time of the log's last checkpoint before the entry; a key that was revoked by then is refused, whatever time the event has.
   */
  check(record: LoggedRecord, loggedAfter: Date): CheckedEvent;
}

export interface Base64 {
  encode(bytes: Uint8Array): string;
  /** Standard alphabet; `undefined` unless the text is what `encode` gives for some bytes. */
  decode(text: string): Uint8Array | undefined;
}

/** What the log needs from outside the domain. `contracts` is the module `@readmit/contracts`. */
export interface LogTools {
  readonly contracts: Pick<typeof Contracts, 'Frontier' | 'leafHash' | 'sameBytes' | 'isEventType' | 'entryOf' | 'isId'>;
  readonly base64: Base64;
  sha256(bytes: Uint8Array): Uint8Array;
  /** Plain Ed25519 over the bytes; `publicKey` is the 32 raw bytes. MUST not throw for any bytes. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  readonly crypto: Crypto;
}

export const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** `undefined` if the bytes are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
