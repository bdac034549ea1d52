import type * as Contracts from '@readmit/contracts';
import type { Fact } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';

/** A record as it lay on its topic and lies in the log: what the event's signature covers, and the signature. */
export interface LoggedRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

export type CheckedEvent = { readonly fact: Fact } | { readonly reason: string; readonly message: string };

/** What is asked about one event; bound to the environment and to the services' public keys by whoever opens the log. */
export interface EventChecks {
  /** When the list of services' keys that is believed here was issued; absent: not of a list. */
  readonly keyListIssuedAt?: string;
  /** The bytes that the event's batch signature covers: environment, topic, key, attributes and value. */
  signedBytes(record: LoggedRecord): Uint8Array;
  /**
   * Signature, ownership of the type, schema: the fact, or a named reason. MUST not throw for any bytes. `loggedAfter` is the
   * time of the log's last own checkpoint before the entry: a key that was revoked by then signs nothing any more, whatever time an event wears.
   */
  check(record: LoggedRecord, loggedAfter: Date): CheckedEvent;
}

export interface Base64 {
  encode(bytes: Uint8Array): string;
  /** Standard alphabet; `undefined` unless the text is exactly what `encode` gives for some bytes. */
  decode(text: string): Uint8Array | undefined;
}

/** Everything that the log computes with and does not own. `contracts` is the module `@readmit/contracts` itself. */
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
/** `undefined` when the bytes are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
