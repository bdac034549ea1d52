import path from 'node:path';
import { Option } from 'commander';
import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import { usage } from '../errors.js';
import { writePrivate } from '../files.js';
import { group } from '../group.js';
import { newRecipientKey, newSigningKey, publicPart, publicSigning } from '../keys.js';

interface CreateOptions {
  readonly for: 'approver' | 'consumer';
  readonly id: string;
  readonly out?: string;
}

export const registerKey: Register = (program, act) => {
  example(
    group(program, 'key')
      .command('create')
      .description('make a key file and print its public half, as the directory lists it')
      .addOption(
        new Option('--for <who>', 'an approver who signs, or a consumer that picks up secrets')
          .choices(['approver', 'consumer'])
          .makeOptionMandatory(),
      )
      .requiredOption('--id <id>', "the approver's key id, or the consumer's id")
      .option('--out <file>', 'where the private half goes, mode 0600 (default for approvers: approver-key.json in the config folder)'),
    'readmit key create --for approver --id dana-2026',
    'readmit key create --for consumer --id payroll --out payroll-key.json',
  ).action(act(create));
};

/** The printed half is what two people put into the signed directory; the other half never leaves this machine. */
async function create(context: Context, options: CreateOptions): Promise<void> {
  if (options.for === 'approver') {
    const key = newSigningKey();
    const file = path.resolve(options.out ?? context.vault.approverKeyFile);
    await writePrivate(file, `${JSON.stringify({ ...key, kid: options.id })}\n`, { exclusive: true });
    return shown(context, file, { kid: options.id, type: 'software-key', key: publicSigning(key) });
  }
  if (options.out === undefined) throw usage('No file is named for the key', 'Add --out <file>.');
  const pair = newRecipientKey();
  const file = path.resolve(options.out);
  await writePrivate(file, `${JSON.stringify(pair)}\n`, { exclusive: true });
  return shown(context, file, { id: options.id, key: publicPart(pair) });
}

function shown({ out }: Context, file: string, entry: object): void {
  out.note(`The private half is in ${file}.`);
  out.result(entry, () => out.line(JSON.stringify(entry)));
}
