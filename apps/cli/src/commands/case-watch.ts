import { example, type Register } from '../act.js';
import { exitOf } from '../case-progress.js';
import { callBackCode, onlyOnACallBack } from '../call-back-code.js';
import type { Answer } from '../client.js';
import type { Context } from '../context.js';
import { parseDuration } from '../duration.js';
import { CliError, type ExitName } from '../errors.js';
import { outputFailure } from '../files.js';
import { group } from '../group.js';
import { readableTimes } from '../table.js';

interface WatchOptions {
  readonly every: string;
}
/** So many polls in a row may fail before the watch gives up: a service that restarts is not the end of a case. */
const patience = 10;

export const registerCaseWatch: Register = (program, act) => {
  example(
    group(program, 'case')
      .command('watch')
      .description('print events until the case is closed; the exit code gives the outcome (0 completed, 10 to 14: readmit --help)')
      .argument('<case>')
      .option('--every <duration>', 'poll interval', '2s'),
    'readmit case watch <case>',
    'readmit case watch <case> --json | jq .type',
  ).action(act((context: Context, { every }: WatchOptions, caseId) => watch(context, caseId ?? '', parseDuration(every))));
};

async function watch(context: Context, caseId: string, seconds: number): Promise<ExitName | void> {
  const seen = new Set<string>();
  const params = { caseId };
  let failures = 0;
  let codeShown = false;
  for (;;) {
    let pause = seconds;
    try {
      // The state is read before the timeline: a case seen closed has its last entry in the timeline read after it.
      const one = await context.client.call('showCase', { params });
      const entries = await context.client.call('caseTimeline', { params });
      failures = 0;
      if (!codeShown) codeShown = await showCode(context, one);
      for (const entry of entries) if (!seen.has(entry.id)) print(context, entry);
      for (const { id } of entries) seen.add(id);
      if (one.state === 'closed') return closed(context, one);
    } catch (error) {
      const passing = error instanceof CliError && (error.exit === 'unreachable' || error.exit === 'notReady');
      if (!passing || ++failures > patience) throw error;
      if (error.exit === 'unreachable') context.out.note(`${error.message}; retrying in ${seconds} s`);
      pause = Math.min(Math.max(seconds, error.retryAfter ?? 0), 60);
    }
    if (context.io.stdout.lost?.())
      throw (
        outputFailure(context.io) ??
        new CliError('notReady', 'The output was closed before the case was', {
          where: caseId,
          next: `Check the outcome: readmit case show ${caseId}`,
        })
      );
    await context.io.sleep(pause * 1000);
  }
}

/** The end in words, for people: the reason of a failure may be far above. */
function closed({ out }: Context, one: Answer<'showCase'>): ExitName {
  for (const sentence of one.ended ?? []) out.note(`${one.outcome}: ${sentence}`);
  return exitOf(one);
}

/** Once: the code that a requester with a key reads out to the help desk. */
async function showCode(context: Context, one: Answer<'showCase'>): Promise<boolean> {
  const code = await callBackCode(context, one);
  if (code !== undefined) context.out.note(onlyOnACallBack(code));
  return code !== undefined;
}

function print({ out }: Context, entry: Answer<'caseTimeline'>[number]): void {
  if (out.json) return out.jsonLine(entry);
  const { at, label, by, says } = entry;
  if (out.seen) return out.line(`${readableTimes(at)}  ${label.padEnd(22)}  ${by.padEnd(20)}  ${readableTimes(says)}`.trimEnd());
  out.line(`${at}  ${label}  (${by})${says === '' ? '' : `  ${says}`}`);
}
