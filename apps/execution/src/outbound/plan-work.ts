import type { Finished, WorkHandler } from '@readmit/bus';
import { TargetError, type Connector } from '@readmit/connectors';
import { buildPlan, planGranted, recipientsOf, say, type AskParts, type Facts } from '@readmit/domain';

export type Connectors = ReadonlyMap<string, Connector>;

/** The connector of that name, or an error that says what to configure. */
export function connectorOf(connectors: Connectors, name: string): Connector {
  const connector = connectors.get(name);
  if (!connector)
    throw new TargetError(`no connector is named ${name}; configured: ${[...connectors.keys()].join(', ')}`, 'none', 'unsupported');
  return connector;
}

/** Cases that hold this now: begun and not yet taken back. */
export function holders(facts: Facts, hold: string): readonly string[] {
  const over = new Set(
    facts
      .of('readmit.revocation.confirmed')
      .filter((fact) => fact.data.hold === hold)
      .map((fact) => fact.data.caseId),
  );
  return facts
    .of('readmit.execution.started')
    .filter((fact) => fact.data.holds.includes(hold) && !over.has(fact.data.caseId))
    .map((fact) => fact.data.caseId);
}

/** Backoff of work that could not reach its target: 1, 2, 4 ... 60 s. */
export const retryAt = (now: Date, tries: number): Date => new Date(now.getTime() + Math.min(60, 2 ** (tries - 1)) * 1000);

const final = (error: unknown): error is TargetError =>
  error instanceof TargetError && (error.code === 'not-found' || error.code === 'unsupported' || error.code === 'refused');

/** Reads the target and writes the plan, before anybody approves (R2.2). */
export const planWork = (connectors: Connectors): WorkHandler<readonly AskParts[]> => ({
  begin: (_work, facts) => ({ go: facts.has('readmit.plan.proposed') || facts.has('readmit.plan.refused') ? false : true, emit: [] }),
  async call(_work, facts, signal) {
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    if (!opened || !classified) throw new Error('this is a bug: planning before classification');
    const recipients = recipientsOf(facts).map((recipient) => recipient.key);
    const parts: AskParts[] = [];
    for (const ask of opened.data.asks) {
      const options = {
        ceiling: classified.data.ceiling,
        durationSeconds: opened.data.durationSeconds,
        overlapSeconds: classified.data.requirements.overlapSeconds,
        recipients,
      };
      parts.push({ ask, ...(await connectorOf(connectors, ask.connector).plan(ask, options, signal)) });
    }
    return parts;
  },
  finish(work, outcome, facts, context): Finished {
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    if (!opened || !classified || planGranted(facts)) return { emit: [] };
    const caseId = work.key;
    if ('error' in outcome) {
      if (!final(outcome.error)) return { emit: [], retryAt: retryAt(context.now, work.tries) };
      return {
        emit: [
          say('readmit.plan.refused', caseId, {
            caseId,
            rule: 'R2.2',
            reason: `target-${outcome.error.code}`,
            says: outcome.error.message.slice(0, 500),
          }),
        ],
      };
    }
    const recipients = recipientsOf(facts).map(({ id, key }) => ({ id, fingerprint: key.fingerprint }));
    const built = buildPlan(opened.data, classified, recipients, outcome, context.crypto);
    if ('refused' in built) return { emit: [say('readmit.plan.refused', caseId, { caseId, ...built.refused })] };
    return { emit: [say('readmit.plan.proposed', caseId, { caseId, planId: context.newId('plan'), ...built })] };
  },
});
