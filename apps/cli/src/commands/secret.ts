import path from 'node:path';
import { example, type Register } from '../act.js';
import type { Answer, Credential } from '../client.js';
import type { Context } from '../context.js';
import { CliError, saidBy, usage } from '../errors.js';
import { readPrivate, writePrivate } from '../files.js';
import { group } from '../group.js';
import { readRecipientKey, type RecipientKeyPair } from '../keys.js';
import { unseal } from '../unseal.js';

interface PickUpOptions {
  readonly key?: string;
  readonly out?: string;
  readonly print?: true;
}

export const registerSecret: Register = (program, act) => {
  example(
    group(program, 'secret')
      .command('pick-up')
      .description("fetch the sealed secret, open it with the case's or consumer's key, store it, then acknowledge it")
      .argument('<case>')
      .option('--key <file>', "a consumer's key file (default: the key of the case on this machine)")
      .option('--out <file>', 'where to write the secret, mode 0600 (default: secrets/ in the config folder)')
      .option('--print', 'print the secret to stdout instead of writing a file'),
    'readmit secret pick-up <case>',
    'readmit secret pick-up <case> --key payroll-key.json --out db-password',
  ).action(act((context: Context, options: PickUpOptions, caseId) => pickUp(context, options, caseId ?? '')));
};

async function pickUp(context: Context, options: PickUpOptions, caseId: string): Promise<void> {
  if (options.print && options.out !== undefined) throw usage('--print and --out are mutually exclusive');
  const key = await keyFor(context, options.key, caseId);
  const credential: Credential = { kind: 'key', key };
  const params = { caseId };
  const sealed = await context.client.call('pickUpSecret', { params }, credential);
  const secret = await unseal(sealed.jwe, key);
  const file = options.print ? undefined : path.resolve(options.out ?? defaultFile(context, caseId, sealed));
  if (file === undefined) await printed(context, secret);
  else await kept(file, secret);
  // Only now: after the acknowledgement the ciphertext is destroyed and nobody can open it again.
  const { acknowledged } = await context.client.call(
    'acknowledgeSecret',
    { params, body: { ciphertextDigest: sealed.ciphertextDigest } },
    credential,
  );
  if (file === undefined) {
    context.out.note(acknowledged ? 'Acknowledged: the sealed copy is destroyed.' : 'Not acknowledged: pick it up again.');
    return;
  }
  context.out.result({ caseId, file, acknowledged }, () =>
    context.out.fields([
      ['secret in', file],
      ['acknowledged', acknowledged ? 'yes: the sealed copy is destroyed' : 'no: pick it up again'],
    ]),
  );
  // A consumer's secret is a password that a program keeps using, so it must not be deleted.
  if (options.key === undefined && acknowledged)
    context.out.note('Use the secret to sign in, then delete the file. A bypass works once; enrol a new factor with it.');
}

async function keyFor({ vault }: Context, file: string | undefined, caseId: string): Promise<RecipientKeyPair> {
  if (file !== undefined) return readRecipientKey(file);
  const key = await vault.caseKey(caseId);
  if (key) return key;
  throw new CliError('notSignedIn', 'The key of this case is not on this machine', {
    where: vault.caseKeyFile(caseId),
    next: "Run it where the case was opened, or name the consumer's key file with --key.",
  });
}

const defaultFile = ({ vault }: Context, caseId: string, { ciphertextDigest }: Answer<'pickUpSecret'>): string =>
  path.join(vault.home, 'secrets', `${path.basename(vault.caseKeyFile(caseId), '.json')}-${ciphertextDigest.slice(0, 8)}`);

/** A repeat after a lost acknowledgement finds its own file and continues; any other file is left alone. */
async function kept(file: string, secret: Uint8Array): Promise<void> {
  const there = await readPrivate(file);
  if (there !== undefined && Buffer.from(there).equals(Buffer.from(secret))) return;
  await writePrivate(file, secret, { exclusive: true });
}

/** The secret as it is: cleaned, it would be another one. Returns once the bytes were taken. */
function printed({ io, out }: Context, secret: Uint8Array): Promise<void> {
  const text = Buffer.from(secret).toString('utf8');
  const whole = out.json ? `${JSON.stringify({ secret: text })}\n` : io.stdout.isTTY ? `${text}\n` : text;
  return io.stdout.deliver(whole).catch((cause: unknown) => {
    throw new CliError('usage', `The secret could not be printed: ${saidBy(cause)}`, {
      where: 'standard output',
      next: 'Nothing was acknowledged: pick it up again, into a file with --out.',
      cause,
    });
  });
}
