import type { Context } from './context.js';
import { CliError, type StepUpChallenge } from './errors.js';
import type { Session } from './session.js';
import { browserSignIn, deviceSignIn, personaSignIn, type Flow, type SignInOptions } from './sign-in.js';

const fiveMinutes = 300_000;

/** One sign-in, by the way that was chosen at `readmit login`. It is not stored here. */
export function signIn(
  { io, out }: Context,
  flow: Flow,
  options: SignInOptions,
  { persona = '', timeoutMs = fiveMinutes }: { readonly persona?: string | undefined; readonly timeoutMs?: number } = {},
): Promise<Session> {
  switch (flow) {
    case 'persona':
      return personaSignIn(options, persona, io);
    case 'device':
      return deviceSignIn(options, io, (uri, code, complete) => {
        out.note(`Open ${uri} and enter the code ${code}`);
        if (complete !== undefined) out.note(`or open ${complete} and compare the code.`);
        out.note('Waiting for confirmation ...');
      });
    case 'browser':
      return browserSignIn(options, io, timeoutMs, (url) => {
        out.note(`${io.openBrowser ? 'Your browser should open. If it does not, open' : 'Open'} this address on this machine:`);
        out.note(url);
      });
  }
}

/**
 * A call that may need a fresher sign-in (RFC 9470): then the person signs in again, as the service asks, and the call is made once more.
 * `call` makes what it sends each time, because a signed time must not be older than the sign-in.
 */
export async function steppedUp<T>(context: Context, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof CliError) || !error.stepUp) throw error;
    context.out.note(error.problem?.detail ?? error.message);
    await signInAgain(context, error.stepUp);
  }
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof CliError) || !error.stepUp) throw error;
    throw new CliError('notSignedIn', 'The new sign-in is still not enough', {
      ...(error.where === undefined ? {} : { where: error.where }),
      next: `${nextBy(error.problem?.reason, error.stepUp)} See what the token says: readmit doctor --token <file>.`,
      ...(error.problem === undefined ? {} : { problem: error.problem }),
      cause: error,
    });
  }
}

async function signInAgain(context: Context, stepUp: StepUpChallenge): Promise<void> {
  const before = await context.signedIn();
  const options: SignInOptions = { audience: 'readmit-api', scope: 'openid', ...before, allowHttp: context.allowHttp, stepUp };
  const after = await signIn(context, before.flow ?? 'browser', options, { persona: before.person });
  if (after.person !== before.person)
    throw new CliError('notSignedIn', `You signed in as ${after.person}, and the command was begun by ${before.person}`, {
      where: before.issuer,
      next: 'Nothing was sent. Sign out at the issuer, or sign in as the other person (readmit login) and run the command again.',
    });
  await context.vault.saveSession(after);
}

function nextBy(reason: string | undefined, { acrValues = '' }: StepUpChallenge): string {
  if (reason === 'auth-time-missing') return 'The issuer must put auth_time into access tokens.';
  if (reason === 'sign-in-too-old')
    return 'The issuer did not ask you to sign in again; in the device flow many cannot. Use readmit login without --device.';
  return `The issuer must sign you in with one of acr_values=${acrValues}; in the device flow many cannot. Use readmit login without --device.`;
}
