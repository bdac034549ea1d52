import type { Draft, Facet, Plan } from '@readmit/contracts';
import { draft } from '../kernel/behaviour.js';
import { openFindings } from '../kernel/findings.js';
import { openQuestions } from '../kernel/questions.js';
import { plusSeconds, reached } from '../kernel/time.js';
import type { Begun, Finished, Work, WorkRules } from '../kernel/work.js';
import { planGranted } from './execution.react.js';
import { differences, lastEffect, type Difference } from './expected-state.js';
import type { ExecutionContext, ExecutionEvents, ExecutionFacts } from './execution.facts.js';
import { retryWithKeys } from './other-cases.js';
import { sweepIsOver, type SweepOptions } from './sweep.js';

/** What a reading shows. `later`: the connector is read at its full rate, so this one was put off. */
export type Swept =
  | {
      readonly facets: readonly Facet[];
      /** Before the target was read. */
      readonly readAt: string;
      /** Since when every reading has shown the same, as far as this process knows. */
      readonly sameSince: string;
    }
  | { readonly later: Date };

/** A difference is raised when it is still there after so many seconds: what is in progress may not be on record yet. */
const settleSeconds = 5;
/** At most so many new findings of one reading. */
const mostAtOnce = 20;

/** Compares what a target shows with what the case left there, changes nothing, and raises what nobody asked for (R6.7). */
export const sweepWork = (options: SweepOptions | undefined): WorkRules<Swept, ExecutionEvents> => ({
  lane: 'reading',
  reached: (report) => !('later' in report),
  begin(work, facts, context) {
    if (!options || !facts.has('readmit.execution.succeeded') || sweepIsOver(facts, options, context.now)) return { go: false, emit: [] };
    const others = otherCases(work, facts, context);
    const unread = others.filter((caseId) => !work.alsoKeys.includes(caseId));
    if (unread.length > 0) return retryWithKeys(unread, work, context);
    if ([facts, ...others.map((caseId) => context.other(caseId))].some(isChanging)) return notNow(context);
    return { go: true, emit: [] };
  },
  finish(work, outcome, facts, context): Finished {
    if (!options || sweepIsOver(facts, options, context.now)) return { emit: [] };
    const next = plusSeconds(context.now, options.everySeconds);
    const plan = planGranted(facts)?.data.plan;
    if (!plan || 'error' in outcome) return { emit: [], retryAt: next };
    if ('later' in outcome) return { emit: [], retryAt: outcome.later };
    const others = otherCases(work, facts, context);
    const unread = others.some((caseId) => !work.alsoKeys.includes(caseId));
    const cases = [facts, ...others.map((caseId) => context.other(caseId))];
    if (unread || cases.some((one) => isChanging(one) || changedAfter(one, outcome.readAt)))
      return { emit: [], retryAt: plusSeconds(context.now, settleSeconds) };

    const left = changedLaterByOthers(plan, facts, others, context);
    const shown = differences(plan, facts, work, outcome.facets).filter(({ facet }) => !left(facet));
    const open = openFindings(facts).filter(({ data }) => data.connector === work.connector && data.object === work.object);
    const isSame = (one: Pick<Difference, 'facet' | 'is'>, { facet, is }: Pick<Difference, 'facet' | 'is'>): boolean =>
      one.facet === facet && one.is === is;
    const fresh = shown.filter((one) => !open.some(({ data }) => isSame(data, one)));
    const gone = open.filter(({ data }) => !shown.some((one) => isSame(one, data)));
    const settled = reached(plusSeconds(outcome.sameSince, settleSeconds), context.now);
    return {
      emit: [
        ...gone.map(({ data }) => clearedDraft(work, data.findingId, data.facet)),
        ...(settled ? fresh.slice(0, mostAtOnce).map((one) => raisedDraft(work, one, context)) : []),
      ],
      retryAt: fresh.length > 0 && !settled ? plusSeconds(context.now, settleSeconds) : next,
    };
  },
});

const notNow = (context: ExecutionContext): Begun => ({ go: 'later', notBefore: plusSeconds(context.now, settleSeconds) });

/** Whether something of the case is in progress at a target: its result is unknown until it is recorded. */
const isChanging = (facts: ExecutionFacts): boolean =>
  (facts.has('readmit.execution.started') && !facts.has('readmit.execution.succeeded') && !facts.has('readmit.execution.failed')) ||
  (facts.has('readmit.execution.started') && openQuestions(facts).length > 0);

const changedAfter = (facts: ExecutionFacts, readAt: string): boolean =>
  [
    ...facts.of('readmit.execution.succeeded'),
    ...facts.of('readmit.execution.failed'),
    ...facts.of('readmit.revocation.confirmed'),
    ...facts.of('readmit.enrolment.confirmed'),
  ].some(({ at }) => at >= readAt);

/** Cases with the same account or holds that did something after this one was planned. */
function otherCases(work: Pick<Work, 'key' | 'alsoKeys'>, facts: ExecutionFacts, context: ExecutionContext): readonly string[] {
  const since = planGranted(facts)?.at ?? '';
  const cases = work.alsoKeys
    .filter((key) => key.startsWith('account:') || key.startsWith('hold:'))
    .flatMap((key) => {
      const of = context.other(key);
      return [
        ...of.of('readmit.execution.started'),
        ...of.of('readmit.execution.succeeded'),
        ...of.of('readmit.revocation.due'),
        ...of.of('readmit.revocation.confirmed'),
      ];
    })
    .filter(({ at }) => at >= since)
    .map(({ data }) => data.caseId);
  return [...new Set(cases)].filter((caseId) => caseId !== work.key);
}

/** Facets that another case changed later than this one: that case knows what should be there, and its own sweep compares it. */
function changedLaterByOthers(
  plan: Plan,
  facts: ExecutionFacts,
  others: readonly string[],
  context: ExecutionContext,
): (facet: string) => boolean {
  const planned = planGranted(facts)?.at ?? '';
  const plans = others.flatMap((caseId) => {
    const of = context.other(caseId);
    const theirs = planGranted(of)?.data.plan;
    return theirs ? [{ of, theirs }] : [];
  });
  return (facet) => {
    const mine = lastEffect(plan, facts, facet) ?? planned;
    return plans.some(({ of, theirs }) => (lastEffect(theirs, of, facet) ?? '') > mine);
  };
}

function raisedDraft({ key, connector, object }: Work, { facet, was, is, power }: Difference, context: ExecutionContext): Draft {
  return draft('readmit.finding.raised', key, {
    caseId: key,
    findingId: context.newId('finding'),
    connector,
    object,
    facet,
    was,
    is,
    power,
  });
}
const clearedDraft = ({ key, connector, object }: Work, findingId: string, facet: string): Draft =>
  draft('readmit.finding.cleared', key, { caseId: key, findingId, connector, object, facet });
