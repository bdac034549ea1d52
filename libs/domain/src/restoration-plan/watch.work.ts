import type { Draft } from '@readmit/contracts';
import { draft } from '../kernel/behaviour.js';
import { retryAfter, type Finished, type WorkRules } from '../kernel/work.js';
import { awaitedAccounts, isSameAccount, notTakenOver, planGranted, needsWatching } from './execution.react.js';
import type { Seen } from './target.js';
import type { ExecutionEvents, ExecutionFacts } from './execution.facts.js';

/** Checks the targets until the grant was used, a new factor was enrolled, or every consumer has taken over. */
export const watchWork = (everyMs: number): WorkRules<readonly Seen[], ExecutionEvents> => ({
  begin: (_work, facts) => ({ go: needsWatching(facts), emit: [] }),
  finish(work, outcome, facts, context): Finished {
    if ('error' in outcome) return { emit: [], retryAt: retryAfter(context.now, work.tries) };
    const { emit, over } = observed(outcome, facts, work.key);
    return over ? { emit } : { emit, retryAt: new Date(context.now.getTime() + everyMs) };
  },
});

/** Events that follow from a check of the targets, each once, by account. `over`: nothing more is awaited. */
export function observed(
  seen: readonly Seen[],
  facts: ExecutionFacts,
  caseId: string,
): { readonly emit: readonly Draft[]; readonly over: boolean } {
  const emit: Draft[] = [];
  for (const { connector, object, used, enrolled } of seen) {
    const account = { connector, object };
    const isKnown = (type: 'readmit.credential.used' | 'readmit.enrolment.confirmed'): boolean =>
      facts.of(type).some(({ data }) => isSameAccount(data, account));
    if (used && !isKnown('readmit.credential.used'))
      emit.push(draft('readmit.credential.used', caseId, { caseId, ...account, usedAt: used.at }));
    if (enrolled && !isKnown('readmit.enrolment.confirmed'))
      emit.push(draft('readmit.enrolment.confirmed', caseId, { caseId, ...account, factor: enrolled.factor }));
  }
  const { enrolment, takeOver } = awaitedAccounts(facts);
  const taken = takeOver.filter((account) => seen.some((one) => one.takenOver === true && isSameAccount(one, account)));
  const login = planGranted(facts)?.data.plan.obligations.find((undo) => undo.unlessTakenOver)?.object;
  // The target shows that the new login is used, but not by whom: then every consumer counts as confirmed.
  if (taken.length > 0 && login !== undefined)
    for (const consumer of notTakenOver(facts)) emit.push(draft('readmit.consumer.confirmed', caseId, { caseId, consumer, object: login }));
  const left = enrolment.filter((account) => !seen.some((one) => one.enrolled && isSameAccount(one, account)));
  return { emit, over: left.length === 0 && taken.length === takeOver.length };
}
