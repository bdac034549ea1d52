import type { Command } from 'commander';
import { cefOf, type OcsfEvent } from '@readmit/domain';
import { example, type Act } from '../act.js';
import type { Context } from '../context.js';
import { CliError } from '../errors.js';
import { exportLines } from '../given-file.js';

export function registerCef(audit: Command, act: Act): void {
  example(
    audit
      .command('cef')
      .description('convert records for SIEMs (OCSF, one per line) to Common Event Format, for a SIEM without OCSF support')
      .argument('<records>', 'file with the records; /dev/stdin for a pipe'),
    'readmit audit ocsf log.ndjson --keys trust.json | readmit audit cef /dev/stdin',
  ).action(act((context: Context, _options, file) => convert(context, file ?? '')));
}

/** Nothing is checked here: the records are what a broker or `audit ocsf` gave. */
async function convert(context: Context, file: string): Promise<void> {
  let number = 0;
  for await (const text of exportLines(file)) {
    number += 1;
    if (text.trim() !== '') context.out.line(cefOf(recordIn(text, number)));
  }
}

/** What a line cannot do without; every record has it. The rest is read where it is there. */
function recordIn(text: string, number: number): OcsfEvent {
  try {
    const value = JSON.parse(text) as Partial<OcsfEvent> | null;
    const { metadata, severity_id = 0, unmapped, message } = value ?? {};
    const { name, vendor_name, version, feature } = metadata?.product ?? {};
    const texts: readonly unknown[] = [name, vendor_name, version, feature?.name, metadata?.event_code, unmapped?.['type'], message];
    if (texts.every((one) => typeof one === 'string') && [1, 2, 3, 4, 5].includes(severity_id)) return value as OcsfEvent;
  } catch {
    // Not JSON: the same answer.
  }
  throw new CliError('usage', `Line ${number} is not a record for SIEMs`, {
    next: 'Use records from the topic readmit.audit.ocsf.v1 or from readmit audit ocsf, one per line. The output before this line is valid.',
  });
}
