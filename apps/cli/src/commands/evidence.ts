import { AddEvidence } from '@readmit/contracts';
import { Option } from 'commander';
import { example, type Register } from '../act.js';
import type { Answer, Input } from '../client.js';
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
      .description("list the subject's contact points, masked, for the agent who calls back")
      .argument('<case>')
      .option('--show <contact>', 'show one in full, by kind, number in the list, or digest; each look is recorded'),
    'readmit case contacts <case>',
    'readmit case contacts <case> --show 1',
  ).action(act((context: Context, options: { readonly show?: string }, caseId) => contacts(context, caseId ?? '', options.show)));
  example(
    group(program, 'evidence')
      .command('add')
      .description('record a proof')
      .argument('<case>')
      .addOption(new Option('--kind <kind>', 'what was checked').choices(choicesOf(AddEvidence.properties.kind)).makeOptionMandatory())
      .addOption(new Option('--channel <channel>', 'how').choices(choicesOf(AddEvidence.properties.channel)).makeOptionMandatory())
      .addOption(new Option('--assurance <level>', 'assurance level').choices(Object.keys(levels)).makeOptionMandatory())
      .requiredOption('--note <text>', 'what was seen or heard; no personal data')
      .option('--code <code>', 'call-back: the code that the person read out, e.g. 3fa9-01bc; only they can see it')
      .option('--contact <contact>', 'call-back: the contact point called, by kind, number in case contacts, or digest'),
    'readmit evidence add <case> --kind call-back --channel phone --assurance substantial --note "called the desk line" --code 3fa9-01bc --contact phone',
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
  const { digest } = chosen(points, show, caseId);
  const point = await context.client.call('showContact', { params: { caseId }, body: { digest } });
  context.out.result(point, () =>
    context.out.fields([
      ['kind', point.kind],
      ['value', point.value],
      ['digest', point.digest],
    ]),
  );
}

type Point = Answer<'deskContact'>[number];
/** By its number in the list, its digest, or its kind where the list has one of that kind. */
function chosen(points: readonly Point[], named: string, caseId: string): Point {
  const [one, ...more] = points.filter(({ digest, kind }, index) => [digest, String(index + 1), kind].includes(named));
  if (one && more.length === 0) return one;
  throw usage(
    one ? `There is more than one contact point ${named} on record` : `There is no contact point ${named} on record`,
    `List them: readmit case contacts ${caseId}. Use a number or a full digest from there.`,
  );
}
const digestText = /^[0-9a-f]{64}$/;

async function add(context: Context, { assurance, contact, ...options }: EvidenceOptions, caseId: string): Promise<void> {
  const { client, io } = context;
  const called =
    contact === undefined || digestText.test(contact)
      ? contact
      : chosen(await patiently(io, () => client.call('deskContact', { params: { caseId } })), contact, caseId).digest;
  const body = { ...options, assurance: levels[assurance], ...(called === undefined ? {} : { contact: called }) };
  const answer = await patiently(io, () => client.call('addEvidence', { params: { caseId }, body }));
  context.out.result(answer, () =>
    context.out.fields([
      ['case', answer.caseId],
      ['evidence', answer.evidenceId],
      ['link', answer.link],
    ]),
  );
}
