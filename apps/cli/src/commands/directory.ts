import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DirectorySource, type Directory } from '@readmit/contracts';
import { parseDocument } from 'yaml';
import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import { directoryExample } from '../directory-example.js';
import { CliError, codeOf, saidBy, type ExitName } from '../errors.js';
import { fileFailure, writePrivate } from '../files.js';
import { group } from '../group.js';
import { readApproverKey, type ApproverKey } from '../keys.js';

interface CheckOptions {
  readonly signedBy?: string;
}
interface SignOptions {
  readonly key: string;
  readonly out: string;
}

export const registerDirectory: Register = (program, act) => {
  const directory = group(program, 'directory');
  example(
    directory
      .command('init')
      .description('write an example directory (directory.yaml) and its schema for editors')
      .argument('[folder]', 'target folder; nothing is overwritten', '.'),
    'readmit directory init',
  ).action(act((context: Context, _options: object, folder) => init(context, folder ?? '.')));
  example(
    directory
      .command('check')
      .description('report every error for which classification would refuse a directory')
      .argument('<file>', 'YAML or JSON; a signed file with --signed-by')
      .option('--signed-by <key>', 'READMIT_DIRECTORY_KEY: check a signed file, which must be signed by this key'),
    'readmit directory check directory.yaml',
    'readmit directory check directory.jws --signed-by 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  ).action(
    act((context: Context, { signedBy }: CheckOptions, file) =>
      signedBy === undefined ? check(context, file ?? '') : checkSigned(context, file ?? '', signedBy),
    ),
  );
  example(
    directory
      .command('sign')
      .description('check a directory and sign it with the current time; the policy limits how long it is valid')
      .argument('<file>', 'YAML or JSON')
      .requiredOption('--key <file>', 'private key of the directory: readmit key create --for directory')
      .requiredOption('--out <file>', 'output file; replaces an older directory signed by the same key'),
    'readmit directory sign directory.yaml --key directory-key.json --out directory.jws',
  ).action(act((context: Context, options: SignOptions, file) => sign(context, options, file ?? '')));
};

async function init({ out }: Context, folder: string): Promise<void> {
  const files = [
    { file: path.resolve(folder, 'directory.yaml'), text: directoryExample },
    { file: path.resolve(folder, 'directory.schema.json'), text: `${JSON.stringify(DirectorySource, null, 2)}\n` },
  ];
  for (const { file, text } of files) await writePrivate(file, text, { exclusive: true });
  out.result({ made: files.map(({ file }) => file) }, () => {
    for (const { file } of files) out.line(`created ${file}`);
    out.note('Add your people, then run: readmit directory check directory.yaml');
  });
}

async function check(context: Context, file: string): Promise<ExitName> {
  const directory = await readSource(context, file);
  if (!directory) return 'usage';
  context.out.result({ ok: true, ...figuresOf(directory), remarks: remarksOn(directory) }, () => {
    context.out.line('No errors: it can be signed.');
    shown(context, directory);
  });
  return 'ok';
}

async function checkSigned({ out }: Context, file: string, signedBy: string): Promise<void> {
  const text = (await textOf(file)).trim();
  const { directoryKey, openDirectory } = await import('@readmit/signing');
  try {
    const { directory, digest, issuedAt } = await openDirectory(text, await directoryKey(signedBy));
    out.result({ ok: true, issuedAt, digest, ...figuresOf(directory) }, () => {
      out.line('Valid, and signed by that key.');
      out.fields([['issued', issuedAt], ['digest', digest], ...Object.entries(figuresOf(directory))]);
    });
  } catch (cause) {
    throw new CliError('verificationFailed', `Classification would refuse this: ${saidBy(cause)}`, {
      where: file,
      next: 'Check that the key matches READMIT_DIRECTORY_KEY, and sign the directory again: readmit directory sign --help',
      cause,
    });
  }
}

async function sign(context: Context, { key: keyFile, out: target }: SignOptions, file: string): Promise<ExitName> {
  const directory = await readSource(context, file);
  if (!directory) {
    context.out.note('Nothing was signed.');
    return 'usage';
  }
  const key = await readApproverKey(path.resolve(keyFile), 'key of the directory');
  const signedFile = path.resolve(target);
  const { directoryKey, signDirectory, verifiedDirectory } = await import('@readmit/signing');
  await mustBeOlder(signedFile, directory, key, async (text) => verifiedDirectory(text, await directoryKey(key.x)));
  const text = await signDirectory(directory, key).catch((cause: unknown) => {
    throw new CliError('usage', `Nothing was signed: ${saidBy(cause)}`, {
      where: file,
      next: 'Remove people who do not need recovery.',
      cause,
    });
  });
  await writePrivate(signedFile, text);
  const { issuedAt } = directory;
  context.out.result({ file: signedFile, issuedAt, directoryKey: key.x, ...figuresOf(directory), remarks: remarksOn(directory) }, () => {
    context.out.fields([
      ['signed', signedFile],
      ['issued', issuedAt],
      ['READMIT_DIRECTORY_KEY', key.x],
    ]);
    shown(context, directory);
    context.out.note("Sign it again before it is older than the policy's directoryMaxAgeSeconds: an older one is not used.");
  });
  return 'ok';
}

/**
 * What stands where the signed directory goes: replacing a later one would bring back who has left, and one of another key is somebody else's.
 * An earlier one with faults may be replaced: that is how the faults end.
 */
async function mustBeOlder(
  file: string,
  { issuedAt }: Directory,
  { x }: ApproverKey,
  verified: (text: string) => Promise<unknown>,
): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw fileFailure('read', file, error);
  }
  let before: Date;
  try {
    before = issueOf(await verified(text.trim()));
  } catch (cause) {
    throw new CliError('usage', `The existing file is not a directory signed by the key ${x}: ${saidBy(cause)}`, {
      where: file,
      next: 'Choose another file with --out, or use the key that signed this one with --key.',
      cause,
    });
  }
  if (before > new Date(issuedAt))
    throw new CliError('usage', `The existing directory was issued at ${before.toISOString()}, later than now (${issuedAt})`, {
      where: file,
      next: 'Correct the clock of this machine, or of the one that signed it.',
    });
}

function issueOf(document: unknown): Date {
  const issuedAt = isObject(document) ? document['issuedAt'] : undefined;
  const at = new Date(typeof issuedAt === 'string' ? issuedAt : NaN);
  if (Number.isNaN(at.getTime())) throw new Error('it has no issuedAt');
  return at;
}

/** The directory that the file describes, as of now. `undefined`: it has faults, and they were told. */
async function readSource({ io, out }: Context, file: string): Promise<Directory | undefined> {
  const { checkDirectory } = await import('@readmit/signing');
  const source = parsed(await textOf(file));
  const checked = 'faults' in source ? source : checkDirectory(issued(source.document, io.now()));
  if ('directory' in checked) return checked.directory;
  const { faults } = checked;
  out.result({ ok: false, file, faults }, () => {
    for (const fault of faults) out.line(fault);
    out.note(`Correct ${faults.length === 1 ? 'this' : `these ${faults.length}`} in ${file}: a directory with errors is not used at all.`);
  });
  return undefined;
}

function parsed(text: string): { readonly document: unknown } | { readonly faults: readonly string[] } {
  const yaml = parseDocument(text, { strict: true, uniqueKeys: true, version: '1.2' });
  if (yaml.errors.length > 0) return { faults: yaml.errors.map(({ message }) => message) };
  let document: unknown;
  try {
    // An alias says less than it seems to, and many of them make a small file large.
    document = yaml.toJS({ maxAliasCount: 0 });
  } catch {
    return { faults: ['aliases (*name) are not allowed: write each entry out'] };
  }
  return isObject(document) && 'issuedAt' in document ? { faults: ['/issuedAt must be left out: signing sets it'] } : { document };
}

const issued = (document: unknown, now: Date): unknown => (isObject(document) ? { ...document, issuedAt: now.toISOString() } : document);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function shown({ out }: Context, directory: Directory): void {
  out.fields(Object.entries(figuresOf(directory)));
  for (const remark of remarksOn(directory)) out.note(remark);
}

const figuresOf = ({ people, machines, privileged }: Directory) => ({
  people: people.length,
  machines: machines.length,
  privileged: privileged.length,
});

/** What classification takes and nobody can have meant. */
function remarksOn({ people, machines }: Directory): readonly string[] {
  const teams = new Set(people.flatMap((person) => person.teams));
  return [
    ...(people.some(({ keys }) => keys.length > 0) ? [] : ['No one has a key, so no one can approve: readmit key create --for approver']),
    ...machines
      .filter(({ ownerTeam }) => !teams.has(ownerTeam))
      .map(({ id, ownerTeam }) => `${ownerTeam}, which owns ${id}, has no members.`),
  ];
}

const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: unknown) => {
    throw fileFailure('read', file, cause);
  });
