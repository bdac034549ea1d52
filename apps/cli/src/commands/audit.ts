import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import { CliError, usage } from '../errors.js';
import { keepExport, type Kept } from '../export-download.js';
import { fileFailure, writePrivate } from '../files.js';
import { group } from '../group.js';
import { registerCef } from './audit-cef.js';
import { registerOcsf } from './audit-ocsf.js';
import { registerVerify } from './audit-verify.js';
import { wholeNumber } from './case.js';

interface ExportOptions {
  readonly out: string;
  readonly size?: number;
}
interface CheckpointOptions {
  readonly save?: string | true;
}

export const registerAudit: Register = (program, act) => {
  const audit = group(program, 'audit');
  example(
    audit
      .command('export')
      .description('operator: export the log to a file that can be verified offline')
      .requiredOption('--out <file>', 'where to write it')
      .option('--size <n>', 'only the first n entries, to the last checkpoint among them', wholeNumber),
    'readmit audit export --out log.ndjson',
  ).action(act(exportLog));
  registerVerify(audit, act);
  registerOcsf(audit, act);
  registerCef(audit, act);
  example(
    audit
      .command('checkpoint')
      .description('print the latest signed checkpoint; store one elsewhere to detect truncation and forks later')
      .option('--save [file]', 'save it (default: checkpoints/ in the config folder)'),
    'readmit audit checkpoint --save seen.checkpoint',
  ).action(act(checkpoint));
};

/** Written to a temporary name and renamed when complete: a partial export would look like a truncated log. */
async function exportLog(context: Context, { out, size }: ExportOptions): Promise<void> {
  const file = path.resolve(out);
  if (await exists(file))
    throw new CliError('usage', 'The file already exists', { where: file, next: 'Choose another file; readmit does not overwrite files.' });
  const chunks = await context.client.download('exportLog', { query: size === undefined ? {} : { size } });
  const part = `${file}.${process.pid}.part`;
  let kept: Kept | undefined;
  const handle = await open(part, 'wx', 0o600).catch((cause: unknown) => {
    throw fileFailure('write', file, cause);
  });
  try {
    kept = await keepExport(chunks, handle, { file, origin: context.origin.origin });
  } finally {
    await handle.close();
    if (!kept) await rm(part, { force: true });
  }
  await rename(part, file);
  const { bytes, lines, entries, sha256 } = kept;
  const result = { file, bytes, lines, entries, sha256 };
  context.out.result(result, () => {
    context.out.fields([
      ['file', file],
      ['bytes', bytes],
      ['lines', lines],
      ['entries', entries],
      ['sha256', sha256],
    ]);
    if (size !== undefined && entries !== size)
      context.out.note(`${entries} entries, not ${size}: an export ends with a signed checkpoint, and this is the last one up to ${size}.`);
    context.out.note(`Check it: readmit audit verify ${out} --keys trust.json`);
  });
}

async function checkpoint(context: Context, { save }: CheckpointOptions): Promise<void> {
  const { size, note } = await context.client.call('checkpoint', {});
  if (note.split('\n')[1] !== String(size)) {
    throw new CliError('verificationFailed', `The checkpoint does not have the size that the service reports (${size})`, {
      where: context.origin.origin,
      next: 'Do not store it. Tell the security team.',
    });
  }
  if (save === undefined) return context.out.result({ size, note }, () => context.out.text(note));
  const file = save === true ? path.join(context.vault.checkpointFolder, `${size}.checkpoint`) : path.resolve(save);
  if (save === true && (await exists(file)))
    throw usage(`A checkpoint of size ${size} is already stored in ${file}`, 'Choose another file: --save <file>.');
  await writePrivate(file, note, { exclusive: true });
  context.out.result({ size, note, file }, () =>
    context.out.fields([
      ['size', size],
      ['saved to', file],
    ]),
  );
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw fileFailure('write', file, error);
    },
  );
