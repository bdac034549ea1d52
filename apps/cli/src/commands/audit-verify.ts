import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { parseVkey, verifyExport, type LogReport } from '@readmit/domain';
import { example, type Act } from '../act.js';
import type { Context } from '../context.js';
import { CliError, saidBy, type ExitName } from '../errors.js';
import { openEvents } from '../event-checks.js';
import { logTools } from '../log-tools.js';
import { readTrust } from '../trust.js';

interface VerifyCommandOptions {
  readonly checkpoint?: string;
  readonly keys?: string;
}

export function registerVerify(audit: Command, act: Act): void {
  example(
    audit
      .command('verify')
      .description(
        'check an export offline: no entry altered, cut, inserted or reordered, every event and decision genuine, every grant undone, nothing found by audit',
      )
      .argument('<export>')
      .option('--checkpoint <file>', 'a checkpoint that was seen before: finds a log that was cut or forked since')
      .option('--keys <file>', "trust.json with the log's key and the offline root (default: trust.json in the config folder)"),
    'readmit audit verify log.ndjson --checkpoint seen.checkpoint --keys trust.json',
  ).action(act((context: Context, options: VerifyCommandOptions, file) => verify(context, options, file ?? '')));
}

async function verify(context: Context, { checkpoint, keys }: VerifyCommandOptions, file: string): Promise<ExitName> {
  const trust = await readTrust(keys ?? path.join(context.vault.home, 'trust.json'));
  try {
    parseVkey(trust.logKey, logTools);
  } catch (cause) {
    throw new CliError('usage', saidBy(cause), {
      where: trust.file,
      next: 'Correct "logKey": the verifier key of the log, from a place that the export does not come from.',
      cause,
    });
  }
  const trustedCheckpoint = checkpoint === undefined ? undefined : await textOf(checkpoint);
  const handle = await opened(file);
  let report: LogReport;
  try {
    report = await verifyExport(handle.readLines({ encoding: 'utf8', autoClose: false }), logTools, {
      logKey: trust.logKey,
      events: (header) => openEvents(header, trust),
      ...(trustedCheckpoint === undefined ? {} : { trustedCheckpoint }),
    });
  } finally {
    await handle.close();
  }
  context.out.result(report, () => show(context, report));
  return report.ok ? 'ok' : 'verificationFailed';
}

function show({ out }: Context, report: LogReport): void {
  out.line(report.says, report.ok ? out.colour.green : out.colour.red);
  out.fields([
    ['entries', report.size],
    ['root', report.root],
    ['cases', report.cases],
    ['key list of', report.keyListIssuedAt],
    ['refusals', report.refusals],
    ['findings', report.found],
    ['found by audit', report.violations],
  ]);
  if (report.findings.length > 0)
    out.table(
      ['entry', 'rule', 'where', 'why'],
      report.findings.map(({ index, rule, where, why }) => [index, rule, where, why]),
    );
  if (report.violated.length > 0) {
    out.line('What audit found while it ran:');
    out.table(
      ['entry', 'at', 'case', 'rule', 'says'],
      report.violated.map(({ index, at, caseId, rule, says }) => [index, at, caseId, rule, says]),
    );
  }
  if (report.found > report.findings.length) out.line(`${report.found - report.findings.length} more findings are not shown.`);
}

async function opened(file: string) {
  try {
    return await open(file, 'r');
  } catch (cause) {
    throw new CliError('usage', 'The file cannot be read', { where: file, next: 'Check the path and its permissions.', cause });
  }
}
async function textOf(file: string): Promise<string> {
  const handle = await opened(file);
  return handle.readFile('utf8').finally(() => handle.close());
}
