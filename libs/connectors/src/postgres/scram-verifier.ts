import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** PostgreSQL's default; pg refuses servers with more than 100000. More would not help a random 192-bit secret. */
const iterations = 4096;

/**
 * What PostgreSQL stores for a password, so that the password itself is never sent to the server. PostgreSQL silently accepts a malformed
 * verifier as a plain password: the caller MUST prove it by logging in.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const key = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`;
}
