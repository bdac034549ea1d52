/** What `readmit connector check` finds at a target: one result for each thing that the connector needs, must not have, or should know. */
import { TargetError } from '@readmit/domain';
import { failureCode } from './http-answers.js';

export interface CheckResult {
  /** What was looked at, e.g. `credentials`. */
  readonly check: string;
  /**
   * `missing`: something that the connector needs is not there. `too much`: the executor may do more than it needs. `wrong`: it is there and does
   * not work. `note`: works, and there is something to know. `not checked`: a check before it failed, or the target does not show it.
   */
  readonly result: 'ok' | 'missing' | 'too much' | 'wrong' | 'note' | 'not checked';
  readonly message?: string;
  /** What to do about it. */
  readonly next?: string;
  /** There was no answer, so nothing is known about the target. */
  readonly unreachable?: true;
}
export type Found = Omit<CheckResult, 'check'>;

export interface CheckOptions {
  /** Clock of this machine. */
  readonly now: () => Date;
}

/** Readmit's clock and that of a target may differ by this much: ends of grants are set and compared at both. */
const maxClockDifferenceMs = 5_000;
const maxLength = 500;

export const ok = (message?: string): Found => ({ result: 'ok', ...(message === undefined ? {} : { message }) });
export const missing = (message: string, next: string): Found => ({ result: 'missing', message, next });
export const tooMuch = (message: string, next: string): Found => ({ result: 'too much', message, next });
export const wrong = (message: string, next: string): Found => ({ result: 'wrong', message, next });
export const note = (message: string): Found => ({ result: 'note', message });
export const notChecked = (message: string): Found => ({ result: 'not checked', message });

/** Results in order. What a check throws becomes its result; the others go on. */
export class CheckList {
  readonly results: CheckResult[] = [];

  add(check: string, ...found: readonly Found[]): void {
    for (const one of found)
      this.results.push({ check, ...one, ...(one.message === undefined ? {} : { message: one.message.slice(0, maxLength) }) });
  }

  /** The value of `work`, or undefined if it failed. `next`: what to do if the target refuses, usually because of a missing right. */
  async value<T>(check: string, next: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const found = failure(error, next);
      const refused = error instanceof TargetError && ['refused', 'not-found', 'unsupported'].includes(error.code);
      this.add(check, refused ? { ...found, result: 'missing' } : found);
      return undefined;
    }
  }

  async run(check: string, next: string, work: () => Promise<Found | readonly Found[]>): Promise<void> {
    const found = await this.value(check, next, work);
    if (found !== undefined) this.add(check, ...[found].flat());
  }

  skip(checks: readonly string[]): void {
    for (const check of checks) this.add(check, { result: 'not checked' });
  }

  /** The first call to a target failed: at the connection, at its certificate, or at the credentials. */
  notConnected(error: unknown, { credentials, tls, isCredentials }: { credentials: string; tls: string; isCredentials: boolean }): void {
    if (isCredentials) {
      this.add('connection', ok());
      this.add('credentials', failure(error, credentials));
    } else {
      this.add(
        'connection',
        isCertificateError(error) ? failure(error, tls) : failure(error, 'Check the url, DNS, the firewall and that the target is up.'),
      );
      this.skip(['credentials']);
    }
  }
}

/** A TargetError as a result. Any other error is a bug and is thrown. */
function failure(error: unknown, next: string): Found {
  if (!(error instanceof TargetError)) throw error;
  const unreachable = (error.code === 'unreachable' || error.code === 'timeout') && !isCertificateError(error);
  return unreachable ? { ...wrong(error.message, next), unreachable } : wrong(error.message, next);
}

const certificateCodes = /\b(ERR_TLS_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_(GET|VERIFY|DECODE)\w*|certificate|does not support SSL)\b/;
/** Whether the target has no TLS, or its certificate was not accepted. Some connectors keep only the message. */
export function isCertificateError(error: unknown): boolean {
  const code = failureCode(error);
  return (code !== undefined && certificateCodes.test(code)) || (error instanceof Error && certificateCodes.test(error.message));
}

export const encryption = (encrypted: boolean): Found => ok(encrypted ? 'TLS, certificate verified' : 'not encrypted, on this machine');

/** `accuracyMs`: of the target's clock, e.g. 1000 if it shows whole seconds. */
export function clockResult(target: Date, before: Date, after: Date, accuracyMs = 0): Found {
  const ms = target.getTime();
  const behind = before.getTime() - (ms + accuracyMs);
  const ahead = ms - after.getTime();
  const off = Math.max(behind, ahead);
  if (off <= maxClockDifferenceMs) return ok();
  return wrong(
    `the clock of the target is ${Math.round(off / 1000)} s ${ahead > behind ? 'ahead of' : 'behind'} the clock of this machine`,
    'Synchronize both with NTP: grants would end too early or too late.',
  );
}

/** Claims of a JWT, unverified: only to see what the target issued to us. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
