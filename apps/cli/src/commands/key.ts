import path from 'node:path';
import { services, type ServiceName } from '@readmit/contracts';
import { Option } from 'commander';
import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import { CliError, saidBy, usage } from '../errors.js';
import { writePrivate } from '../files.js';
import { group } from '../group.js';
import { newRecipientKey, newSigningKey, publicPart, publicSigning } from '../keys.js';
import { wouldDo } from './operate.js';

interface CreateOptions {
  readonly for: 'approver' | 'consumer' | 'directory';
  readonly id: string;
  readonly out?: string;
}

interface RotateOptions {
  readonly service: ServiceName;
  readonly keysDir: string;
  readonly rootKey?: string;
  readonly overlap: string;
  readonly revoke?: true;
  readonly apply?: true;
}

export const registerKey: Register = (program, act) => {
  example(
    group(program, 'key')
      .command('create')
      .description('create a key file and print the public key for the directory')
      .addOption(
        new Option('--for <who>', "an approver, a consumer that picks up secrets, or the directory's signer")
          .choices(['approver', 'consumer', 'directory'])
          .makeOptionMandatory(),
      )
      .requiredOption('--id <id>', "the key's id, or the consumer's")
      .option('--out <file>', 'file for the private key, mode 0600 (default for approvers: approver-key.json in the config folder)'),
    'readmit key create --for approver --id dana-2026',
    'readmit key create --for consumer --id payroll --out payroll-key.json',
    'readmit key create --for directory --id directory-2026 --out directory-key.json',
  ).action(act(create));
  example(
    group(program, 'key')
      .command('rotate')
      .description("operator: rotate a service's signing key in the signed list; needs the root key")
      .addOption(new Option('--service <name>', 'service whose key to rotate').choices(services).makeOptionMandatory())
      .requiredOption('--keys-dir <folder>', 'key folder of readmit setup')
      .option('--root-key <file>', 'the private root key (default: root-belongs-offline.jwk in that folder)')
      .option('--overlap <hours>', 'how long the current key stays valid; restart the service before then', '24')
      .option('--revoke', 'the current key was stolen: reject everything signed with it that arrives from now on')
      .option('--apply', 'apply it; otherwise nothing is written'),
    'readmit key rotate --service approval --keys-dir /etc/readmit/keys --root-key /media/usb/root-belongs-offline.jwk --apply',
  ).action(act(rotate));
};

async function rotate(context: Context, options: RotateOptions): Promise<void> {
  const { service, rootKey, overlap, revoke = false, apply = false } = options;
  const hours = Number(overlap);
  if (!/^\d{1,4}$/.test(overlap) || hours < 1 || hours > 2160)
    throw usage(`--overlap is ${JSON.stringify(overlap)}`, 'Use whole hours, from 1 to 2160.');
  const { rotateServiceKey } = await import('@readmit/signing');
  const folder = path.resolve(options.keysDir);
  const rotation = await rotateServiceKey({
    folder,
    service,
    ...(rootKey === undefined ? {} : { rootFile: path.resolve(rootKey) }),
    overlapMs: hours * 3_600_000,
    revoke,
    now: context.io.now(),
    apply,
  }).catch((cause: unknown) => {
    throw new CliError('usage', `The key cannot be rotated: ${saidBy(cause)}`, {
      where: folder,
      next: 'Correct the error above.',
      cause,
    });
  });
  const ends = revoke ? `revoke key ${rotation.retired} now` : `end key ${rotation.retired} at ${rotation.until}`;
  if (!apply)
    return wouldDo(context, [
      `create a signing key for ${service} and add it to ${rotation.keyListFile}`,
      `${ends}, in the same list`,
      `replace the private key in ${rotation.keyFile}`,
    ]);
  context.out.result({ applied: true, ...rotation }, () => {
    context.out.fields([
      ['new key', rotation.made],
      [revoke ? 'revoked' : 'ends', `${rotation.retired} at ${rotation.until}`],
      ['key file', rotation.keyFile],
      ['key list', rotation.keyListFile],
    ]);
    context.out.note(`Running services reload the list. Restart ${service}${revoke ? ' now' : ' before the current key expires'}.`);
  });
}

/** The printed half is what two people put into the signed directory; the other half never leaves this machine. */
async function create(context: Context, options: CreateOptions): Promise<void> {
  if (options.for === 'approver') {
    const key = newSigningKey();
    const file = path.resolve(options.out ?? context.vault.approverKeyFile);
    await writePrivate(file, `${JSON.stringify({ ...key, kid: options.id })}\n`, { exclusive: true });
    return shown(context, file, { kid: options.id, type: 'software-key', key: publicSigning(key) });
  }
  if (options.out === undefined) throw usage('No file for the key', 'Add --out <file>.');
  const file = path.resolve(options.out);
  if (options.for === 'directory') {
    const key = newSigningKey();
    await writePrivate(file, `${JSON.stringify({ ...key, kid: options.id })}\n`, { exclusive: true });
    context.out.note(`The private key is in ${file}. Set READMIT_DIRECTORY_KEY of classification to:`);
    return context.out.result({ kid: options.id, directoryKey: key.x }, () => context.out.line(key.x));
  }
  const pair = newRecipientKey();
  await writePrivate(file, `${JSON.stringify(pair)}\n`, { exclusive: true });
  return shown(context, file, { id: options.id, key: publicPart(pair) });
}

function shown({ out }: Context, file: string, entry: object): void {
  out.note(`The private key is in ${file}.`);
  out.result(entry, () => out.line(JSON.stringify(entry)));
}
