import { routes } from '@readmit/contracts';
import { example, type Register } from '../act.js';
import type { Input } from '../client.js';
import type { Context } from '../context.js';
import { accepted } from './case.js';

interface ContainOptions {
  readonly reason: string;
  readonly apply?: true;
}

export const registerOperate: Register = (program, act) => {
  example(
    program
      .command('contain')
      .description('operator: stop a case and undo what it granted, at any stage; waits for no quorum')
      .argument('<case>')
      .requiredOption('--reason <text>', 'why')
      .option('--apply', 'do it; without this nothing is sent'),
    'readmit contain <case> --reason "account taken over" --apply',
  ).action(act((context: Context, options: ContainOptions, caseId) => contain(context, options, caseId ?? '')));
};

async function contain(context: Context, { reason, apply }: ContainOptions, caseId: string): Promise<void> {
  const input: Input<'contain'> = { params: { caseId }, body: { reason } };
  if (!apply)
    return wouldDo(context, [
      `stop case ${caseId} at whatever stage it is, and undo what it granted (POST ${routes.contain.path.replace(':caseId', caseId)})`,
      `record the reason: ${reason}`,
    ]);
  const answer = await context.client.call('contain', input);
  accepted(context, answer, 'Contained');
  for (const what of answer.will ?? []) context.out.note(`- ${what}`);
}

/** What a dry run prints; nothing was asked of any service for it. */
export function wouldDo({ out }: Context, steps: readonly string[]): void {
  out.result({ applied: false, would: steps }, () => {
    out.line('This would:');
    for (const step of steps) out.line(`  - ${step}`);
    out.line('Nothing was done. Repeat it with --apply to do it.');
  });
}
