import type { Problem } from '@readmit/contracts';
import type { Static } from 'typebox';

/** What `readmit` exits with; documented in `readmit --help`, stable for scripts. */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  verificationFailed: 3,
  refused: 4,
  notSignedIn: 5,
  notFound: 6,
  notReady: 7,
  unreachable: 8,
  // What became of a case, of case watch and case open.
  failed: 10,
  denied: 11,
  expired: 12,
  withdrawn: 13,
  frozen: 14,
} as const;
export type ExitName = keyof typeof exitCodes;

export type ProblemDetails = Static<typeof Problem>;

/** What a sign-in must be, as parameters of the next one. */
export interface StepUpChallenge {
  readonly acrValues?: string;
  readonly maxAge?: number;
}

/** A failure that a person can act on: `message` says what, `where` names the file, field or address, `next` what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly where: string | undefined;
  readonly next: string | undefined;
  readonly problem: ProblemDetails | undefined;
  /** The sign-in is not fresh or strong enough (RFC 9470). */
  readonly stepUp: StepUpChallenge | undefined;
  /** Seconds after which the server said that asking again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly exit: ExitName,
    message: string,
    more: {
      readonly where?: string;
      readonly next?: string;
      readonly problem?: ProblemDetails;
      readonly stepUp?: StepUpChallenge | undefined;
      readonly retryAfter?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.where = more.where;
    this.next = more.next;
    this.problem = more.problem;
    this.stepUp = more.stepUp;
    this.retryAfter = more.retryAfter;
  }
}

/** What anything that was thrown says; told by its shape, since errors of the platform may be of another realm. */
export function saidBy(error: unknown): string {
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' && message !== '' ? message : String(error);
}
/** `ENOENT`, an SQLSTATE, ...; `undefined` where there is none. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

export const usage = (message: string, next?: string): CliError => new CliError('usage', message, next === undefined ? {} : { next });
