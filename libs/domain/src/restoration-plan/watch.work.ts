import type { Draft } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import { say } from '../kernel/behaviour.js';
import { retryAfter, type Finished, type WorkRules } from '../kernel/work.js';
import { planGranted, watched } from './execution.react.js';
import type { Observed } from './target.js';
import type { ExecutionEvents } from './execution.facts.js';

/** Looks at the target until what was granted was used, a new factor is enrolled, or every consumer has taken over; then stops. */
export const watchWork = (everyMs: number): WorkRules<readonly Observed[], ExecutionEvents> => ({
  begin: (_work, facts) => ({ go: watched(facts), emit: [] }),
  finish(work, outcome, facts, context): Finished {
    if ('error' in outcome) return { emit: [], retryAt: retryAfter(context.now, work.tries) };
    const caseId = work.key;
    const plan = planGranted(facts)?.data.plan;
    const ask = plan?.asks[0];
    if (!plan || !ask) return { emit: [] };
    const emit: Draft[] = [];
    const used = outcome.find((seen) => seen.used)?.used;
    if (used && !facts.has('readmit.credential.used'))
      emit.push(say('readmit.credential.used', caseId, { caseId, connector: ask.connector, object: ask.object, usedAt: used.at }));
    const enrolled = outcome.find((seen) => seen.enrolled)?.enrolled;
    if (enrolled && !facts.has('readmit.enrolment.confirmed'))
      emit.push(
        say('readmit.enrolment.confirmed', caseId, { caseId, connector: ask.connector, object: ask.object, factor: enrolled.factor }),
      );
    const taking = plan.obligations.find((undo) => undo.unlessTakenOver);
    if (taking && outcome.some((seen) => (seen.consumers ?? []).includes(ask.object)))
      // The target shows that the new login is used, not by whom: every consumer that holds its secret counts as one.
      for (const consumer of attestedOf(facts)?.consumers ?? [])
        if (!facts.of('readmit.consumer.confirmed').some((fact) => fact.data.consumer === consumer.id))
          emit.push(say('readmit.consumer.confirmed', caseId, { caseId, consumer: consumer.id, object: taking.object }));
    const over = enrolled !== undefined || emit.some((draft) => draft.type === 'readmit.consumer.confirmed');
    return over ? { emit } : { emit, retryAt: new Date(context.now.getTime() + everyMs) };
  },
});
