import { routes } from '@readmit/contracts';
import { example, type Register } from '../act.js';
import { seen } from '../case-progress.js';
import type { Context } from '../context.js';
import { CliError, usage } from '../errors.js';
import { accepted } from './case.js';

interface ContainOptions {
  readonly reason: string;
  readonly subject?: string;
  readonly apply?: true;
}

export const registerOperate: Register = (program, act) => {
  example(
    program
      .command('contain')
      .description('operator: stop a case, or every open case of a subject, and undo what it granted, at any stage, without a quorum')
      .argument('[case]')
      .option('--subject <id>', 'every open case of this person or machine instead of one case')
      .requiredOption('--reason <text>', 'why')
      .option('--apply', 'apply it; otherwise nothing is changed'),
    'readmit contain <case> --reason "account taken over" --apply',
    'readmit contain --subject erin --reason "laptop stolen" --apply',
  ).action(
    act((context: Context, options: ContainOptions, caseId) => {
      if ((caseId === undefined) === (options.subject === undefined))
        throw usage('Name one case or a subject to contain', 'Name a case, or use --subject <id>, but not both.');
      return caseId === undefined ? containSubject(context, options, options.subject ?? '') : contain(context, options, caseId);
    }),
  );
};

async function contain(context: Context, { reason, apply }: ContainOptions, caseId: string): Promise<void> {
  if (!apply)
    return wouldDo(context, [`${stopOf(caseId)} (POST ${routes.contain.path.replace(':caseId', caseId)})`, `record the reason: ${reason}`]);
  const answer = await context.client.call('contain', { params: { caseId }, body: { reason } });
  accepted(context, answer, 'Contained');
  for (const what of answer.will ?? []) context.out.note(`- ${what}`);
}
const stopOf = (caseId: string): string => `stop case ${caseId} at any stage, and undo what it granted`;

async function containSubject(context: Context, { reason, apply }: ContainOptions, subject: string): Promise<void> {
  const { client, out } = context;
  const listOpen = () => client.call('listCases', { query: { subject, state: 'open', limit: mostListed } });
  if (!apply) {
    const open = await listOpen();
    // As with --apply: a misspelt id must not look like a containment.
    if (open.length === 0)
      throw new CliError('notFound', `There is no open case of ${subject}`, { next: 'Check the id: readmit case list --state open' });
    const sent = `send one request for all of them (POST ${routes.containSubject.path.replace(':subjectId', encodeURIComponent(subject))})`;
    return wouldDo(context, [...open.map(({ caseId }) => stopOf(caseId)), sent, `record the reason: ${reason}`]);
  }
  const { cases } = await client.call('containSubject', { params: { subjectId: subject }, body: { reason } });
  out.result({ subject, cases }, () =>
    out.table(
      ['case', 'what follows'],
      cases.flatMap(({ caseId, will = [] }) => will.map((what) => [caseId, what])),
    ),
  );
  out.note(
    `Contained: ${cases.length} open case${cases.length === 1 ? '' : 's'} of ${subject}. See what follows: readmit obligations <case>`,
  );
  // Intake knows a new case first. What the scheduler had not received yet is told, not left.
  const contained = new Set(cases.map(({ caseId }) => caseId));
  for (const { caseId } of (await seen(context, listOpen)) ?? [])
    if (!contained.has(caseId))
      out.note(`Not contained yet, since it was opened just now: readmit contain ${caseId} --reason "..." --apply`);
}
/** As many as the API lists at once. */
const mostListed = 200;

/** What a dry run prints; nothing was changed for it. */
export function wouldDo({ out }: Context, steps: readonly string[]): void {
  out.result({ applied: false, would: steps }, () => {
    out.line('This would:');
    for (const step of steps) out.line(`  - ${step}`);
    out.line('Nothing was changed. Repeat with --apply.');
  });
}
