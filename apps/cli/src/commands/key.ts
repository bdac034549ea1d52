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
      .description('make a key file and print its public half, as the directory lists it')
      .addOption(
        new Option('--for <who>', 'an approver who signs, a consumer that picks up secrets, or the directory, which its key signs')
          .choices(['approver', 'consumer', 'directory'])
          .makeOptionMandatory(),
      )
      .requiredOption('--id <id>', "the key's id, or the consumer's")
      .option('--out <file>', 'where the private half goes, mode 0600 (default for approvers: approver-key.json in the config folder)'),
    'readmit key create --for approver --id dana-2026',
    'readmit key create --for consumer --id payroll --out payroll-key.json',
    'readmit key create --for directory --id directory-2026 --out directory-key.json',
  ).action(act(create));
  example(
    group(program, 'key')
      .command('rotate')
      .description('operator: give a service another signing key, and name it in the signed list; needs the root key')
      .addOption(new Option('--service <name>', 'whose key').choices(services).makeOptionMandatory())
      .requiredOption('--keys-dir <folder>', 'where readmit setup made the keys')
      .option('--root-key <file>', 'the private root key (default: root-belongs-offline.jwk in that folder)')
      .option('--overlap <hours>', 'for how long the present key still counts: the service must be started anew before', '24')
      .option('--revoke', 'the present key was stolen: nothing that arrives under it counts from now on')
      .option('--apply', 'do it; without this nothing is written'),
    'readmit key rotate --service approval --keys-dir /etc/readmit/keys --root-key /media/usb/root-belongs-offline.jwk --apply',
  ).action(act(rotate));
};

async function rotate(context: Context, options: RotateOptions): Promise<void> {
  const { service, rootKey, overlap, revoke = false, apply = false } = options;
  const hours = Number(overlap);
  if (!/^\d{1,4}$/.test(overlap) || hours < 1 || hours > 2160)
    throw usage(`--overlap is ${JSON.stringify(overlap)}`, 'Give whole hours, from 1 to 2160.');
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
      next: 'Correct what is named above.',
      cause,
    });
  });
  const ends = revoke ? `revoke key ${rotation.retired} now` : `end key ${rotation.retired} at ${rotation.until}`;
  if (!apply)
    return wouldDo(context, [
      `make a signing key for ${service} and name it in ${rotation.keyListFile}`,
      `${ends}, in the same list`,
      `put the new private key in the place of ${rotation.keyFile}`,
    ]);
  context.out.result({ applied: true, ...rotation }, () => {
    context.out.fields([
      ['new key', rotation.made],
      [revoke ? 'revoked' : 'ends', `${rotation.retired} at ${rotation.until}`],
      ['key file', rotation.keyFile],
      ['key list', rotation.keyListFile],
    ]);
    context.out.note(
      `Running services take the list by themselves. Start ${service} anew${revoke ? ' now' : ' before the present key ends'}.`,
    );
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
  if (options.out === undefined) throw usage('No file is named for the key', 'Add --out <file>.');
  const file = path.resolve(options.out);
  if (options.for === 'directory') {
    const key = newSigningKey();
    await writePrivate(file, `${JSON.stringify({ ...key, kid: options.id })}\n`, { exclusive: true });
    context.out.note(`The private half is in ${file}. Classification takes what it signs when READMIT_DIRECTORY_KEY is:`);
    return context.out.result({ kid: options.id, directoryKey: key.x }, () => context.out.line(key.x));
  }
  const pair = newRecipientKey();
  await writePrivate(file, `${JSON.stringify(pair)}\n`, { exclusive: true });
  return shown(context, file, { id: options.id, key: publicPart(pair) });
}

function shown({ out }: Context, file: string, entry: object): void {
  out.note(`The private half is in ${file}.`);
  out.result(entry, () => out.line(JSON.stringify(entry)));
}
