import path from 'node:path';
import type { Command } from 'commander';
import { openCheckpoint, parseVkey, verifyExport, type LogKey, type LogReport } from '@readmit/domain';
import { example, type Act } from '../act.js';
import type { Context } from '../context.js';
import { CliError, saidBy, type ExitName } from '../errors.js';
import { openEvents } from '../event-checks.js';
import { exportLines, smallText } from '../given-file.js';
import { logTools } from '../log-tools.js';
import { readTrust, type Trust } from '../trust.js';

interface VerifyCommandOptions {
  readonly checkpoint?: string;
  readonly keys?: string;
}

export function registerVerify(audit: Command, act: Act): void {
  example(
    audit
      .command('verify')
      .description(
        'verify an export offline: no entry altered, cut, inserted or reordered; every event and decision genuine; every grant undone; no findings of audit',
      )
      .argument('<export>')
      .option('--checkpoint <file>', 'an earlier checkpoint: detects truncation and forks since then')
      .option('--keys <file>', "trust.json with the log's key and the offline root (default: trust.json in the config folder)"),
    'readmit audit verify log.ndjson --checkpoint seen.checkpoint --keys trust.json',
  ).action(act((context: Context, options: VerifyCommandOptions, file) => verify(context, options, file ?? '')));
}

async function verify(context: Context, { checkpoint, keys }: VerifyCommandOptions, file: string): Promise<ExitName> {
  const trust = await readTrust(keys ?? path.join(context.vault.home, 'trust.json'));
  const logKey = logKeyOf(trust);
  const trustedCheckpoint = checkpoint === undefined ? undefined : await checkpointIn(checkpoint, logKey);
  const report = await verifyExport(exportLines(file), logTools, {
    logKey: trust.logKey,
    events: (header) => openEvents(header, trust),
    ...(trustedCheckpoint === undefined ? {} : { trustedCheckpoint }),
  });
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
    out.line('Findings of audit at run time:');
    out.table(
      ['entry', 'at', 'case', 'rule', 'says'],
      report.violated.map(({ index, at, caseId, rule, says }) => [index, at, caseId, rule, says]),
    );
  }
  if (report.found > report.findings.length) out.line(`${report.found - report.findings.length} more findings are not shown.`);
}

function logKeyOf({ logKey, file }: Trust): LogKey {
  try {
    return parseVkey(logKey, logTools);
  } catch (cause) {
    throw new CliError('usage', saidBy(cause), {
      where: file,
      next: 'Correct "logKey": the verifier key of the log, from a source other than the export.',
      cause,
    });
  }
}

/** A checkpoint has three lines and a few signatures. */
const mostCheckpointBytes = 64 * 1024;

/** Text that is no checkpoint says nothing about the log; one that is a checkpoint and not as it was signed is the verifier's to judge. */
async function checkpointIn(file: string, key: LogKey): Promise<string> {
  const note = await smallText(file, mostCheckpointBytes);
  const says = note === undefined ? 'The file is too long for one.' : whyNone(note, key);
  if (note !== undefined && says === undefined) return note;
  throw new CliError('usage', `This is not a checkpoint. ${says}`, {
    where: file,
    next: 'Use the saved note unchanged, byte for byte: readmit audit checkpoint --save <file>',
  });
}
function whyNone(note: string, key: LogKey): string | undefined {
  if (note.trim() === '') return 'The file is empty.';
  if (note.includes('\r')) return 'Its lines end with a carriage return, which was added in transit.';
  const opened = openCheckpoint(note, key, logTools);
  return 'reason' in opened && /-malformed$/.test(opened.reason) ? opened.message : undefined;
}
