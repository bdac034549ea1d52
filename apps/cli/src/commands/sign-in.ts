import { example, type Register } from '../act.js';
import type { Answer } from '../client.js';
import { CliError, usage } from '../errors.js';
import { claimsOf, type Session } from '../session.js';
import { parseDuration } from '../duration.js';
import type { SignInOptions } from '../sign-in.js';
import { signIn } from '../sign-in-again.js';
import type { Context } from '../context.js';
import { sayHowManyWait } from './inbox.js';

interface LoginOptions {
  readonly issuer?: string;
  readonly clientId: string;
  readonly audience?: string;
  readonly scope: string;
  readonly as?: string;
  readonly device?: true;
  readonly timeout: number;
}

export const registerSignIn: Register = (program, act) => {
  example(
    program
      .command('login')
      .description('sign in with your browser; the address is always printed')
      .option('--issuer <url>', "OpenID issuer (READMIT_ISSUER; default: the services' issuer)")
      .option('--client-id <id>', 'client at the issuer', 'readmit-cli')
      .option('--audience <id>', "audience of the token (default: the services' audience for their issuer, otherwise readmit-api)")
      .option('--scope <scopes>', 'scopes to request', 'openid')
      .option('--device', 'on a machine without a browser: print an address and a code to confirm elsewhere')
      .option('--timeout <duration>', 'how long to wait for the browser', parseDuration, 300)
      .option('--as <persona>', "a persona of the demo's own issuer"),
    'readmit login',
    'readmit login --issuer https://id.example.org/realms/staff',
    'readmit login --device',
    'readmit login --issuer http://127.0.0.1:7401 --as dana',
  ).action(act(login));
  example(program.command('logout').description('forget the sign-in on this machine'), 'readmit logout').action(act(logout));
  example(program.command('whoami').description('show who is signed in, and until when'), 'readmit whoami --json').action(act(whoami));
};

async function login(context: Context, options: LoginOptions): Promise<void> {
  const given = options.issuer ?? context.io.env['READMIT_ISSUER'];
  const { issuer, audience, tokens } = given
    ? { issuer: given, audience: 'readmit-api', ...(await ofIssuer(context, given)) }
    : await named(context);
  const asked: SignInOptions = {
    url: context.origin.origin,
    issuer,
    clientId: options.clientId,
    audience: options.audience ?? audience,
    scope: options.scope,
    allowHttp: context.allowHttp,
    subjectClaim: tokens?.subjectClaim,
  };
  const flow = options.as !== undefined ? 'persona' : options.device ? 'device' : 'browser';
  const session = await signIn(context, flow, asked, { persona: options.as, timeoutMs: options.timeout * 1000 });
  await context.vault.saveSession(session);
  show(context, session);
  if (context.out.seen) await sayHowManyWait(context);
}

/** The issuer that the services take tokens of. It is said, so that nobody signs in anywhere without seeing where. */
async function named({ client, out, origin }: Context): Promise<Answer<'signInWith'>> {
  try {
    const found = await client.call('signInWith', {});
    out.note(`Signing in at ${found.issuer}, the issuer of ${origin.origin}.`);
    return found;
  } catch (error) {
    // Services of an older release do not have the route.
    if (error instanceof CliError && error.exit === 'notFound')
      throw usage('No issuer is configured, and the services do not name one', 'Use readmit login --issuer <url>, or set READMIT_ISSUER.');
    throw error;
  }
}

/** How the services read tokens of an issuer that was named here; nothing of older services and of those with another issuer. */
async function ofIssuer({ client }: Context, issuer: string): Promise<Pick<Answer<'signInWith'>, 'tokens'>> {
  try {
    const found = await client.call('signInWith', {});
    return found.issuer === issuer && found.tokens ? { tokens: found.tokens } : {};
  } catch (error) {
    if (error instanceof CliError) return {};
    throw error;
  }
}

async function logout(context: Context): Promise<void> {
  await context.vault.dropSession();
  context.out.result({ signedIn: false }, () => context.out.line('Signed out. Keys of cases stay on this machine.'));
}

async function whoami(context: Context): Promise<void> {
  const session = await context.session();
  if (session === undefined) {
    const other = await context.vault.session();
    throw new CliError('notSignedIn', other === undefined ? 'You are not signed in' : `You are signed in for ${other.url}, not here`, {
      where: context.origin.origin,
      next: 'Sign in: readmit login',
    });
  }
  show(context, session);
}

function show({ out }: Context, session: Session): void {
  const claims = claimsOf(session.accessToken);
  const authTime = typeof claims['auth_time'] === 'number' ? new Date(claims['auth_time'] * 1000).toISOString() : undefined;
  const { person, issuer, url, expiresAt } = session;
  out.result(
    {
      person,
      issuer,
      url,
      expiresAt,
      ...(authTime === undefined ? {} : { signedInAt: authTime }),
      renewable: session.refreshToken !== undefined,
    },
    () =>
      out.fields([
        ['person', person],
        ['issuer', issuer],
        ['for', url],
        ['signed in', authTime],
        ['until', `${expiresAt}${session.refreshToken === undefined ? '' : ' (renewed when needed)'}`],
      ]),
  );
}
