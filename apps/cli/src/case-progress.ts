import { assuranceName } from '@readmit/domain';
import type { Answer } from './client.js';
import type { Context } from './context.js';
import { CliError, type ExitName } from './errors.js';

type Case = Answer<'showCase'>;
type View = Answer<'showApproval'>;

/** Where a case stands beyond its state: what is missing and who must act, or why it came to nothing. */
export interface Progress {
  /** Who said no, and why. */
  readonly denied: readonly string[];
  /** What the case waits for, and from whom. */
  readonly waitsFor: readonly string[];
  /** The rule and the reason for which it failed. */
  readonly failure?: string;
}

/** What `case watch` ends with. A case that closed otherwise than it was asked for is not "done". */
const exitOfOutcome: Readonly<Record<string, ExitName>> = {
  completed: 'ok',
  failed: 'failed',
  denied: 'denied',
  expired: 'expired',
  withdrawn: 'withdrawn',
  frozen: 'frozen',
};
export const exitOf = ({ outcome }: Case): ExitName => exitOfOutcome[outcome ?? ''] ?? 'failed';

const failures: readonly string[] = ['readmit.plan.refused', 'readmit.execution.failed'];
const undecided: readonly Case['state'][] = ['classified', 'planned', 'awaiting-approval'];

/** What this person may see: the rest is left out, and what cannot be fetched now is reported. */
export async function progressOf(context: Context, one: Case): Promise<Progress> {
  const params = { caseId: one.caseId };
  const entries = one.outcome === 'failed' ? await seen(context, () => context.client.call('caseTimeline', { params })) : undefined;
  const failure = entries?.findLast(({ type }) => failures.includes(type))?.says;
  const asks = one.outcome === 'denied' || (one.outcome === null && undecided.includes(one.state));
  const person = asks ? await seen(context, () => context.session()) : undefined;
  const view = person && (await seen(context, () => context.client.call('showApproval', { params })));
  return {
    denied: (view?.decisions ?? [])
      .filter(({ statement }) => statement.decision === 'deny')
      .map(({ statement }) => `${statement.approver}: ${statement.reason}`),
    waitsFor: view && one.outcome === null ? missing(view) : [],
    ...(failure === undefined ? {} : { failure }),
  };
}

const missing = ({ plan, needs }: View): readonly string[] => [
  ...(plan === null ? ['a plan by execution'] : []),
  ...needs.evidence
    .filter(({ met }) => !met)
    .map(({ need }) => `a proof: ${need.kind} (${assuranceName(need.assurance)} or higher), recorded by an agent of the verifying team`),
  ...needs.quorum
    .filter(({ part, by }) => by.length < part.count)
    .map(({ part, by }) => `a decision: ${part.count - by.length} of ${part.teams.join(' or ')} (${part.name})`),
];

/** Undefined: it is not shown to this person, or cannot be asked now, which is said: one service that is away must not hide what the others know. */
export async function seen<T>({ out }: Context, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (error.exit === 'unreachable' || error.exit === 'unexpected') out.note(`Some details are unavailable: ${error.message}`);
    return undefined;
  }
}

/** Name and value pairs for people. */
export const progressFields = ({ denied, waitsFor, failure }: Progress): readonly (readonly [string, string | readonly string[]])[] => [
  ...(failure === undefined ? [] : [['failed', failure] as const]),
  ...(denied.length === 0 ? [] : [['denied by', denied] as const]),
  ...(waitsFor.length === 0 ? [] : [['waits for', waitsFor] as const]),
];
