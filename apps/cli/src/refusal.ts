import { CliError, type ExitName, type ProblemDetails, type StepUpChallenge } from './errors.js';
import { nextByReason } from './what-next.js';

/** What each kind of answer means for the person at the keyboard. */
export function failureOf(status: number, problem: ProblemDetails | undefined, headers: Headers, where: string, target: string): CliError {
  const retryAfter = secondsOf(headers.get('retry-after'));
  const exit = exitOf(status);
  const stepUp = stepUpOf(headers.get('www-authenticate') ?? '');
  const message = problem?.title || problem?.detail || `The service responded with ${status}`;
  return new CliError(exit, stepUp ? 'This needs a fresher sign-in (step-up)' : message, {
    where: `${where} (HTTP ${status})`,
    next: nextByReason(problem?.reason, { target, later: laterOf(retryAfter) }) ?? nextOf(exit, status, problem?.reason, retryAfter),
    ...(problem === undefined ? {} : { problem }),
    stepUp,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

/** The challenge of RFC 9470; no service names two of a kind. */
function stepUpOf(challenge: string): StepUpChallenge | undefined {
  if (!/\berror="?insufficient_user_authentication\b/.test(challenge)) return undefined;
  const acrValues = /\bacr_values="([^"]{1,1000})"/.exec(challenge)?.[1];
  const maxAge = /\bmax_age="?(\d{1,9})\b/.exec(challenge)?.[1];
  return { ...(acrValues === undefined ? {} : { acrValues }), ...(maxAge === undefined ? {} : { maxAge: Number(maxAge) }) };
}

function exitOf(status: number): ExitName {
  if (status === 401) return 'notSignedIn';
  if (status === 404) return 'notFound';
  if (status === 409 || status === 425 || status === 429) return 'notReady';
  if (status === 400 || status === 413 || status === 415) return 'usage';
  if (status >= 502 && status <= 504) return 'unreachable';
  return status >= 400 && status < 500 ? 'refused' : 'unexpected';
}

const laterOf = (retryAfter: number | undefined): string => (retryAfter === undefined ? 'in a moment' : `in ${retryAfter} s`);

function nextOf(exit: ExitName, status: number, reason: string | undefined, retryAfter: number | undefined): string {
  const later = laterOf(retryAfter);
  switch (exit) {
    case 'notSignedIn':
      return reason?.startsWith('proof-') ? "Run it on the machine that has the case's key." : 'Sign in: readmit login';
    case 'notFound':
      return 'Check the id: readmit case list';
    case 'notReady':
      if (status === 429) return `Too many requests: try again ${later}.`;
      // A conflict that no service said will pass is not tried again: the state of the case has to be looked at.
      return retryAfter === undefined ? 'Look at the case: readmit case show <case>' : `Try again ${later}.`;
    case 'usage':
      return 'Correct the fields named above; see the example in --help.';
    case 'unreachable':
      return `A service is down or cannot record the request: try again ${later}.`;
    case 'refused':
      return 'The rule above cannot be overridden: change the request, or have someone else act.';
    default:
      return 'This is a bug in the service: report the time and the lines above to its operator.';
  }
}

function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}
