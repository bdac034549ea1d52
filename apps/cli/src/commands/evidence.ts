import { AddEvidence } from '@readmit/contracts';
import { Option } from 'commander';
import { example, type Register } from '../act.js';
import type { Input } from '../client.js';
import type { Context } from '../context.js';
import { usage } from '../errors.js';
import { group } from '../group.js';
import { patiently } from '../patience.js';

type Body = Input<'addEvidence'>['body'];
const levels = { low: 1, substantial: 2, high: 3 } as const;
interface EvidenceOptions extends Omit<Body, 'assurance'> {
  readonly assurance: keyof typeof levels;
}
const choicesOf = (schema: unknown): readonly string[] => (schema as { readonly enum: readonly string[] }).enum;

export const registerEvidence: Register = (program, act) => {
  example(
    group(program, 'case')
      .command('contacts')
      .description('contact points on record of the subject, masked, for the agent who calls back')
      .argument('<case>')
      .option('--show <contact>', 'show one in full: its number in the list, or its digest; each look is on record'),
    'readmit case contacts case_0190',
    'readmit case contacts case_0190 --show 1',
  ).action(act((context: Context, options: { readonly show?: string }, caseId) => contacts(context, caseId ?? '', options.show)));
  example(
    group(program, 'evidence')
      .command('add')
      .description('record a proof')
      .argument('<case>')
      .addOption(new Option('--kind <kind>', 'what was checked').choices(choicesOf(AddEvidence.properties.kind)).makeOptionMandatory())
      .addOption(new Option('--channel <channel>', 'how').choices(choicesOf(AddEvidence.properties.channel)).makeOptionMandatory())
      .addOption(new Option('--assurance <level>', 'how sure it makes').choices(Object.keys(levels)).makeOptionMandatory())
      .requiredOption('--note <text>', 'what was seen or heard; no personal data')
      .option('--code <code>', 'call-back: what the person read out from their own client; nobody else is shown it, e.g. 3fa9-01bc')
      .option('--contact <digest>', 'call-back: digest of the contact point that was called (case contacts)'),
    'readmit evidence add case_0190 --kind call-back --channel phone --assurance substantial --note "called the desk line" --code 3fa9-01bc --contact <digest>',
  ).action(act((context: Context, options: EvidenceOptions, caseId) => add(context, options, caseId ?? '')));
};

async function contacts(context: Context, caseId: string, show: string | undefined): Promise<void> {
  const points = await context.client.call('deskContact', { params: { caseId } });
  if (show === undefined) {
    context.out.result(points, () =>
      context.out.table(
        ['#', 'kind', 'value', 'digest'],
        points.map(({ kind, value, digest }, index) => [String(index + 1), kind, value, digest]),
        'No contact point is on record.',
      ),
    );
    return;
  }
  const chosen = points.find(({ digest }, index) => digest === show || String(index + 1) === show);
  if (!chosen)
    throw usage(
      `There is no contact point ${show} on record`,
      `List them: readmit case contacts ${caseId}. Take a number or a whole digest from there.`,
    );
  const point = await context.client.call('showContact', { params: { caseId }, body: { digest: chosen.digest } });
  context.out.result(point, () =>
    context.out.fields([
      ['kind', point.kind],
      ['value', point.value],
      ['digest', point.digest],
    ]),
  );
}

async function add(context: Context, { assurance, ...options }: EvidenceOptions, caseId: string): Promise<void> {
  const body = { ...options, assurance: levels[assurance] };
  const answer = await patiently(context.io, () => context.client.call('addEvidence', { params: { caseId }, body }));
  context.out.result(answer, () =>
    context.out.fields([
      ['case', answer.caseId],
      ['evidence', answer.evidenceId],
      ['link', answer.link],
    ]),
  );
}
