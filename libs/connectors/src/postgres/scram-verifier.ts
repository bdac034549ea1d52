import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** PostgreSQL's own default; pg refuses servers with more than 100000. A random 192-bit secret gains nothing from more. */
const iterations = 4096;

/**
 * What PostgreSQL stores for a password, so that the password itself never travels to the server. A malformed verifier is
 * silently taken as the plain password: whoever sets one MUST prove it by a login.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const key = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`;
}
