import { Secret, TOTP } from 'otpauth';
import type { Factor } from './account.js';

const totpOf = (secret: string, label: string) =>
  new TOTP({ issuer: 'Readmit demo', label, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 });

/** A new secret of 160 bits with the URI that an authenticator app reads. */
export function newTotp(username: string): { readonly secret: string; readonly uri: string } {
  const secret = new Secret({ size: 20 }).base32;
  return { secret, uri: totpOf(secret, username).toString() };
}

/** The time step of a valid code (one step of clock difference is forgiven), or undefined. */
export function stepOf(secret: string, code: string, now: Date): number | undefined {
  const totp = totpOf(secret, 'check');
  const delta = totp.validate({ token: code, timestamp: now.getTime(), window: 1 });
  return delta === null ? undefined : totp.counter({ timestamp: now.getTime() }) + delta;
}

/** The factor that the code is from; a code that was accepted before opens nothing again. */
export function factorOf(
  factors: readonly Factor[],
  code: string,
  now: Date,
): { readonly factor: Factor; readonly step: number } | undefined {
  for (const factor of factors) {
    const step = stepOf(factor.secret, code, now);
    if (step !== undefined && step > factor.lastStep) return { factor, step };
  }
  return undefined;
}
