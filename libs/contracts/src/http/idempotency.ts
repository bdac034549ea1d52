/**
 * The key with which a client repeats a request whose response was lost (IETF draft "The Idempotency-Key HTTP Header Field"). Keys are
 * scoped to the client: the same key of another client is another request.
 */
import { Type } from 'typebox';

export const idempotencyHeader = 'idempotency-key';
/** 16 to 64 characters, a UUID for instance; bare, or in quotes as a structured string (RFC 9651). */
const pattern = '^(?:[A-Za-z0-9_-]{16,64}|"[A-Za-z0-9_-]{16,64}")$';
export const IdempotencyKey = Type.String({ pattern });

/** @returns the key without its quotes; `undefined` if the header is not a valid key. */
export const idempotencyKeyOf = (header: string): string | undefined =>
  new RegExp(pattern).test(header) ? header.replaceAll('"', '') : undefined;
