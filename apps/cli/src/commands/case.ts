import { stateFilters } from '@readmit/contracts';
import { InvalidArgumentError, Option } from 'commander';
import { example, type Register } from '../act.js';
import { askText, targetText } from '../asks.js';
import { progressFields } from '../case-progress.js';
import { callBackCode, onlyOnACallBack } from '../call-back-code.js';
import type { Answer, Credential, Input } from '../client.js';
import type { Context } from '../context.js';
import { sinceOrUntil } from '../duration.js';
import { CliError } from '../errors.js';
import { group } from '../group.js';
import { requesterOf } from '../plan-view.js';

type Case = Answer<'showCase'>;
type ListQuery = NonNullable<Input<'listCases'>['query']>;
type Accepted = Answer<'withdraw'>;
interface EndOptions {
  readonly reason?: string;
  readonly preview?: true;
}
interface Because {
  readonly reason: string;
}
interface Repudiated extends Because {
  readonly code?: string;
}
/** So many are listed when nobody says how many. */
const usualPage = 50;

export const registerCase: Register = (program, act) => {
  const cases = group(program, 'case');
  example(
    cases
      .command('list')
      .description('list cases, newest first')
      .addOption(new Option('--state <state>', 'only cases in this state; open: all that are not closed').choices(stateFilters))
      .option('--subject <id>', 'only cases of this subject')
      .option('--before <case>', 'only cases older than this one')
      .option('--limit <n>', `maximum number (1 to 200, default ${usualPage})`, wholeNumber),
    'readmit case list --state awaiting-approval',
    'readmit case list --subject erin --state open',
  ).action(act((context: Context, options: ListQuery) => list(context, options)));
  example(
    cases.command('show').description('show one case: what it waits for and from whom, why it failed, or who denied it').argument('<case>'),
    'readmit case show <case> --json',
  ).action(act((context: Context, _: object, caseId) => show(context, caseId ?? '')));
  example(cases.command('timeline').description('show what happened, in order').argument('<case>'), 'readmit case timeline <case>').action(
    act((context: Context, _: object, caseId) => timeline(context, caseId ?? '')),
  );
  example(
    cases.command('withdraw').description('withdraw the request before it is granted').argument('<case>'),
    'readmit case withdraw <case>',
  ).action(
    act(async (context: Context, _: object, caseId) =>
      accepted(context, await context.client.call('withdraw', { params: { caseId: caseId ?? '' } }), 'Withdrawn'),
    ),
  );
  example(
    cases
      .command('end')
      .description('end now what the case granted; for a reissued secret the old login ends and the new one stays')
      .argument('<case>')
      .option('--reason <text>', 'reason; stored and shown to the participants of the case')
      .option('--preview', 'show what would end and what would stay; change nothing'),
    'readmit case end <case> --reason "done early"',
  ).action(act((context: Context, options: EndOptions, caseId) => end(context, options, caseId ?? '')));
  example(
    cases
      .command('repudiate')
      .description('"this was not me": freeze the case and revoke what it gave, even after it has closed')
      .argument('<case>')
      .option('--code <code>', 'code from a notice; then no sign-in is needed')
      .requiredOption('--reason <text>', 'what you know'),
    'readmit case repudiate <case> --reason "I have not lost my phone"',
    'readmit case repudiate <case> --code 7Q2M-... --reason "I asked for nothing"',
  ).action(act((context: Context, options: Repudiated, caseId) => repudiate(context, caseId ?? '', options)));
  example(
    program.command('obligations').description('show what must be undone, by when, and whether it was').argument('<case>'),
    'readmit obligations <case>',
  ).action(act((context: Context, _: object, caseId) => obligations(context, caseId ?? '')));
  example(
    program.command('orders').description('show who ended or contained a case, when and why').argument('<case>'),
    'readmit orders <case>',
  ).action(act((context: Context, _: object, caseId) => orders(context, caseId ?? '')));
};

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a positive integer.');
  return Number(text);
}

/** What every command that was taken (202) prints: taken is not done. */
export function accepted({ out }: Context, answer: Accepted, done: string): void {
  out.result(answer, () => {
    out.fields([
      ['case', answer.caseId],
      ['link', answer.link],
    ]);
    out.note(`${done}: the request is recorded. Follow it: readmit case watch ${answer.caseId}`);
  });
}

/** With a code no sign-in is needed, since people who lost their only factor cannot sign in. A signed-in person is named. */
async function repudiate(context: Context, caseId: string, { reason, code }: Repudiated): Promise<void> {
  // A sign-in that has run out does not stand in the way of a code.
  const session = code === undefined ? await context.signedIn() : await context.session().catch(() => undefined);
  const credential: Credential = session ? { kind: 'bearer', token: session.accessToken } : { kind: 'none' };
  const body = { reason, ...(code === undefined ? {} : { code }) };
  accepted(context, await context.client.call('repudiate', { params: { caseId }, body }, credential), 'Frozen');
}

async function list(context: Context, options: ListQuery): Promise<void> {
  // Sent in any case: the note below is right only when the server took this limit and not one of its own.
  const limit = options.limit ?? usualPage;
  const cases = await context.client.call('listCases', { query: { ...options, limit } });
  const { out } = context;
  const last = cases.at(-1);
  if (last && cases.length >= limit) out.note(`For older ones add --before ${last.caseId}`);
  out.result(cases, () => {
    // A terminal gets the columns that fit next to a full id; the rest is in `case show`.
    if (out.seen)
      return out.table(
        ['case', 'state', 'class', 'subject', 'opened', 'ends'],
        cases.map((one) => [
          one.caseId,
          one.outcome ?? stateOf(one),
          one.class,
          one.subject.id,
          sinceOrUntil(one.openedAt, context.io.now()),
          endOf(one) && sinceOrUntil(endOf(one) ?? '', context.io.now()),
        ]),
        'No cases.',
      );
    out.table(
      ['case', 'state', 'class', 'tier', 'subject', 'opened', 'ends', 'open'],
      cases.map((one) => [
        one.caseId,
        one.outcome ?? stateOf(one),
        one.class,
        one.tier,
        one.subject.id,
        one.openedAt,
        one.endsAt,
        one.openObligations,
      ]),
    );
  });
}

const stateOf = ({ state, overdue }: Case): string => (overdue === true ? `${state}, overdue` : state);
/** What was closed before its time ended then. */
const endOf = ({ endsAt, closedAt }: Case): string | null => closedAt ?? endsAt;

async function show(context: Context, caseId: string): Promise<void> {
  const one = await context.client.call('showCase', { params: { caseId } });
  const code = await callBackCode(context, one);
  context.out.result({ ...one, ...(code === undefined ? {} : { code }) }, () => {
    context.out.fields([...caseFields(one), ...progressFields(one), ...(code === undefined ? [] : [['code', code] as const])]);
    if (code !== undefined) context.out.note(onlyOnACallBack(code));
  });
  const next = nextOf(one);
  if (context.out.seen && next !== undefined) context.out.note(next);
}

/** What usually comes next, by the state of the case; who may do it is decided by the services. */
function nextOf({ caseId, state }: Case): string | undefined {
  switch (state) {
    case 'closed':
      return `What happened: readmit case timeline ${caseId}`;
    case 'planned':
      return `Waiting for proofs. An agent records them: readmit evidence add ${caseId} --help`;
    case 'awaiting-approval':
      return `Waiting for decisions. An approver signs: readmit approve ${caseId} --reason "..."`;
    case 'granted':
      return `End it early: readmit case end ${caseId} --reason "..."`;
    default:
      return `Follow it: readmit case watch ${caseId}`;
  }
}

const caseFields = (one: Case): readonly (readonly [string, string | number | null | undefined | readonly string[]])[] => [
  ['case', one.caseId],
  ['state', one.outcome === null ? stateOf(one) : `${stateOf(one)} (${one.outcome})`],
  ['class', one.class],
  ['tier', one.tier],
  ['subject', `${one.subject.id} (${one.subject.kind})`],
  ['asked by', requesterOf(one)],
  ['asks', one.asks.map(askText)],
  ['reason', `${one.reasonCode}${one.reason === undefined ? '' : `: ${one.reason}`}`],
  ['ticket', one.ticket],
  ['opened', one.openedAt],
  ['ends', one.endsAt],
  ['closed', one.closedAt],
  ['because', one.why.map(({ rule, says }) => `${rule}: ${says}`)],
  ['to undo', one.openObligations],
  ...(one.repudiation === undefined
    ? []
    : [['repudiated', `${one.repudiation.at} by ${one.repudiation.by}: ${one.repudiation.reason}`] as const]),
];

async function timeline(context: Context, caseId: string): Promise<void> {
  const entries = await context.client.call('caseTimeline', { params: { caseId } });
  context.out.result(entries, () =>
    context.out.table(
      ['at', 'what', 'by', 'says'],
      entries.map(({ at, label, by, says }) => [at, label, by, says]),
      'Nothing has happened yet.',
    ),
  );
}

type Obligation = Answer<'showObligations'>[number];
const targetOf = ({ undo }: Obligation): string => targetText(undo);

async function end(context: Context, { reason, preview }: EndOptions, caseId: string): Promise<void> {
  if (preview) {
    const all = await context.client.call('showObligations', { params: { caseId } });
    const falls = all.filter(({ state, ifEnded }) => state !== 'discharged' && ifEnded === 'falls');
    const stays = all.filter(({ state, ifEnded }) => state !== 'discharged' && ifEnded !== 'falls');
    const { out } = context;
    return out.result({ falls, stays }, () =>
      out.table(
        ['if ended', 'target', 'effect of ending', 'otherwise due'],
        [
          ...falls.map((one) => ['ends now', targetOf(one), one.undo.says, one.dueAt]),
          ...stays.map((one) => ['stays', targetOf(one), one.undo.says, one.dueAt]),
        ],
        'There is nothing to end.',
      ),
    );
  }
  if (reason === undefined)
    throw new CliError('usage', 'A reason is required', { next: 'Add --reason <text>, or --preview to see what would end.' });
  accepted(context, await context.client.call('endEarly', { params: { caseId }, body: { reason } }), 'Ending');
}

async function orders(context: Context, caseId: string): Promise<void> {
  const all = await context.client.call('showOrders', { params: { caseId } });
  context.out.result(all, () =>
    context.out.table(
      ['at', 'order', 'by', 'why'],
      all.map(({ at, order, by, reason }) => [at, order, by, reason]),
      'It was not ended or contained.',
    ),
  );
}

async function obligations(context: Context, caseId: string): Promise<void> {
  const all = await context.client.call('showObligations', { params: { caseId } });
  const { out } = context;
  out.result(all, () => {
    // Eyes have the case's id before them already, and words that wrap come last.
    if (out.seen)
      return out.table(
        ['obligation', 'state', 'due', 'how', 'target', 'undo'],
        all.map((one) => [one.obligationId.replace(`${caseId}/`, ''), one.state, one.dueAt, one.how, targetOf(one), one.undo.says]),
        'There is nothing to undo.',
      );
    out.table(
      ['obligation', 'undo', 'target', 'state', 'due', 'how'],
      all.map((one) => [one.obligationId, one.undo.says, targetOf(one), one.state, one.dueAt, one.how]),
    );
  });
}
