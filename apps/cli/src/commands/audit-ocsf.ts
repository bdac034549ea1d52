import path from 'node:path';
import type { Command } from 'commander';
import { entryOf, product } from '@readmit/contracts';
import { entryBytes, foldCase, leafOf, ocsfOf, readLine, type EventChecks, type ExportHeader, type KnownCase } from '@readmit/domain';
import { example, type Act } from '../act.js';
import type { Context } from '../context.js';
import { CliError } from '../errors.js';
import { openEvents } from '../event-checks.js';
import { exportLines } from '../given-file.js';
import { logTools } from '../log-tools.js';
import { readTrust } from '../trust.js';
import { wholeNumber } from './case.js';

interface OcsfOptions {
  readonly from?: number;
  readonly keys?: string;
}

export function registerOcsf(audit: Command, act: Act): void {
  example(
    audit
      .command('ocsf')
      .description('print the entries of an export as OCSF events, one per line, as on the SIEM topic; for a SIEM that missed some')
      .argument('<export>')
      .option('--from <n>', 'only entries from this index on (metadata.sequence)', wholeNumber)
      .option('--keys <file>', 'trust.json with the offline root (default: trust.json in the config folder)'),
    'readmit audit ocsf log.ndjson --from 4200 --keys trust.json > missed.ndjson',
  ).action(act((context: Context, options: OcsfOptions, file) => convert(context, options, file ?? '')));
}

/** Each event is checked before it is shown. Whether the log is whole is another question, and `audit verify` answers it. */
async function convert(context: Context, { from = 0, keys }: OcsfOptions, file: string): Promise<void> {
  const trust = await readTrust(keys ?? path.join(context.vault.home, 'trust.json'));
  let log: { readonly header: ExportHeader; readonly events: EventChecks } | undefined;
  let shown = 0;
  const cases = new Map<string, KnownCase>();
  for await (const text of exportLines(file)) {
    // As the verifier does.
    if (text.trim() === '') continue;
    const line = readLine(text, logTools.base64);
    if ('checkpoint' in line) continue;
    if ('unreadable' in line) throw notGenuine(file, line.unreadable);
    if ('header' in line) {
      log = { header: line.header, events: await openEvents(line.header, trust) };
      continue;
    }
    if (!log) throw notGenuine(file, 'The first line is not the header of an export.');
    const { index, entry, record } = line.row;
    const checked = log.events.check(record, new Date(0));
    if ('reason' in checked) throw notGenuine(file, `Entry ${index}: ${checked.reason}: ${checked.message}`);
    const { fact } = checked;
    const leaf = leafOf(index, { fact, topic: record.topic, key: record.key, signedBytes: log.events.signedBytes(record) }, logTools);
    if (Buffer.compare(entryBytes(leaf, logTools), entry) !== 0) throw notGenuine(file, `Entry ${index} is not the one of its event.`);
    // Of those that are not shown as well: a record says what earlier entries of its case said.
    const known = foldCase(cases.get(record.key) ?? {}, fact);
    cases.set(record.key, known);
    if (index < from) continue;
    const { producer } = entryOf(fact.type);
    const { environment, origin } = log.header;
    context.out.jsonLine(ocsfOf({ leaf, fact, producer, known }, { product, environment, origin }));
    shown += 1;
  }
  if (!log) throw notGenuine(file, 'It is empty.');
  context.out.note(`${shown} entries. To check that none is missing: readmit audit verify ${file} --keys ${trust.file}`);
}

const notGenuine = (file: string, says: string): CliError =>
  new CliError('verificationFailed', `This is not a genuine export. ${says}`, {
    where: file,
    next: 'List all errors: readmit audit verify <export>. The output before this entry is genuine.',
  });
