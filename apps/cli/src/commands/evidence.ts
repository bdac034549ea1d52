import { AddEvidence } from '@readmit/contracts';
import { Option } from 'commander';
import { example, type Register } from '../act.js';
import type { Input } from '../client.js';
import type { Context } from '../context.js';
import { group } from '../group.js';

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
      .description('contact points on record of the subject, for the agent who calls back')
      .argument('<case>'),
    'readmit case contacts case_0190',
  ).action(act((context: Context, _: object, caseId) => contacts(context, caseId ?? '')));
  example(
    group(program, 'evidence')
      .command('add')
      .description('record a proof')
      .argument('<case>')
      .addOption(new Option('--kind <kind>', 'what was checked').choices(choicesOf(AddEvidence.properties.kind)).makeOptionMandatory())
      .addOption(new Option('--channel <channel>', 'how').choices(choicesOf(AddEvidence.properties.channel)).makeOptionMandatory())
      .addOption(new Option('--assurance <level>', 'how sure it makes').choices(Object.keys(levels)).makeOptionMandatory())
      .requiredOption('--note <text>', 'what was seen or heard; no personal data')
      .option('--fingerprint <digits>', 'call-back: the digits that the person read out, e.g. 3fa9-01bc')
      .option('--contact <digest>', 'call-back: digest of the contact point that was called (case contacts)'),
    'readmit evidence add case_0190 --kind call-back --channel phone --assurance substantial --note "called the desk line" --fingerprint 3fa9-01bc --contact <digest>',
  ).action(act((context: Context, options: EvidenceOptions, caseId) => add(context, options, caseId ?? '')));
};

async function contacts(context: Context, caseId: string): Promise<void> {
  const points = await context.client.call('deskContact', { params: { caseId } });
  context.out.result(points, () =>
    context.out.table(
      ['kind', 'value', 'digest'],
      points.map(({ kind, value, digest }) => [kind, value, digest]),
      'No contact point is on record.',
    ),
  );
}

async function add(context: Context, { assurance, ...options }: EvidenceOptions, caseId: string): Promise<void> {
  const answer = await context.client.call('addEvidence', { params: { caseId }, body: { ...options, assurance: levels[assurance] } });
  context.out.result(answer, () =>
    context.out.fields([
      ['case', answer.caseId],
      ['evidence', answer.evidenceId],
      ['link', answer.link],
    ]),
  );
}
