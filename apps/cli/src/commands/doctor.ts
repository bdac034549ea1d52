import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import { CliError, usage, type ExitName } from '../errors.js';
import { smallText } from '../given-file.js';
import { tokenChecks } from '../token-checks.js';

interface DoctorOptions {
  readonly token: string;
  readonly client?: boolean;
}
/** More than any header of a request may have. */
const mostTokenBytes = 64 * 1024;

export const registerDoctor: Register = (program, act) => {
  example(
    program
      .command('doctor')
      .description('check an access token as the services do, and say what to set at the provider')
      .requiredOption('--token <file>', 'file with the token; - reads standard input')
      .option('--client', 'the token is of a client (identity provider, SIEM), not of a person'),
    'readmit doctor --token access.jwt',
    'readmit doctor --token - --json < access.jwt',
  ).action(act(doctor));
};

async function doctor(context: Context, { token: from, client = false }: DoctorOptions): Promise<ExitName> {
  const { BearerVerifier, IssuerUnavailable, tokenParts, usualTokenRules } = await import('@readmit/signing');
  const token = await tokenIn(context, from);
  const signIn = await context.client.call('signInWith', {});
  const { issuer, audience, tokens, stepUp } = signIn;
  const verifier = new BearerVerifier({ issuer, audience, ...tokens, now: () => context.io.now(), timeoutMs: 30_000 });
  const report = await verifier.examine(token).catch((error: unknown) => {
    if (!(error instanceof IssuerUnavailable)) throw error;
    throw new CliError('unreachable', error.message, {
      where: issuer,
      next: 'Every service must reach it too: check READMIT_ISSUER, DNS, the proxy, and the CA (NODE_EXTRA_CA_CERTS).',
      cause: error,
    });
  });
  const checks = tokenChecks(report, tokenParts, { ...signIn, tokens: tokens ?? usualTokenRules, client, now: context.io.now() });
  const accepted = checks.every(({ result }) => result === 'ok' || result === 'note');
  context.out.result({ accepted, issuer, audience, ...(stepUp ? { stepUp } : {}), checks }, () => {
    context.out.fields([
      ['services', context.origin.origin],
      ['issuer', issuer],
      ['audience', audience],
    ]);
    context.out.table(
      ['check', 'result', 'in the token'],
      checks.map(({ check, result, value }) => [check, result, value]),
    );
    for (const { check, message, next } of checks)
      if (message !== undefined) context.out.line(`${check}: ${message}${next === undefined ? '' : ` ${next}`}`);
    context.out.line(accepted ? 'The services accept this token.' : 'The services do not accept this token, or not for what it is for.');
  });
  return accepted ? 'ok' : 'verificationFailed';
}

async function tokenIn({ io }: Context, from: string): Promise<string> {
  if (/^(Bearer\s+)?eyJ[\w-]*\./i.test(from))
    throw usage(
      'A token in an argument is visible to everybody on this machine, and stays in the history of the shell',
      'Put it into a file with mode 0600, or send it to standard input: readmit doctor --token - < access.jwt. End the session of this token at the provider.',
    );
  const text = from === '-' ? await io.stdin?.() : await smallText(from, mostTokenBytes);
  if (text === undefined || text.length > mostTokenBytes) throw usage('This is no token: it is too long', 'Give the access token alone.');
  const token = text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '');
  if (token === '') throw usage('There is no token', 'Give the access token: three parts with dots between them.');
  return token;
}
