import { createHash } from 'node:crypto';
import type { Calls } from '@readmit/runtime';
import type { Facet } from '@readmit/contracts';
import {
  madeFor,
  planGranted,
  questionOf,
  reached,
  recipientsOf,
  targetChange,
  type AskParts,
  type ExecutionReports,
  type Made,
  type Restored,
  type SealedSecret,
} from '@readmit/domain';
import { connectorOf, type Connectors } from './connectors.js';

/** Execution's calls to target systems. What to do, and what follows from the result, is decided in the domain. */
export const targetCalls = (connectors: Connectors): Omit<Calls<ExecutionReports>, 'sweep'> => ({
  /** Reads the targets, before anyone approves (R2.2). */
  async plan(_work, facts, signal) {
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    if (!opened || !classified) throw new Error('this is a bug: planning before classification');
    const options = {
      ceiling: classified.data.ceiling,
      durationSeconds: opened.data.durationSeconds,
      overlapSeconds: classified.data.requirements.overlapSeconds,
      recipients: recipientsOf(facts).map((recipient) => recipient.key),
    };
    const parts: AskParts[] = [];
    for (const ask of opened.data.asks) {
      const connector = connectorOf(connectors, ask.connector);
      parts.push({ ask, capabilities: connector.capabilities, ...(await connector.plan(ask, options, signal)) });
    }
    return parts;
  },

  /** Compares the targets with the approved plan, then executes it step by step; each step is idempotent. */
  async restore(work, facts, signal, still): Promise<Restored> {
    const plan = planGranted(facts)?.data.plan;
    const started = facts.first('readmit.execution.started');
    if (!plan || !started) throw new Error('this is a bug: restoring without a plan or a start');
    const now: Facet[] = [];
    for (const ask of plan.asks) now.push(...(await connectorOf(connectors, ask.connector).read(ask, signal)));
    const difference = targetChange(work, plan, now);
    if (difference !== undefined) return { kind: 'changed', difference };
    const after: Facet[] = [];
    const sealed: SealedSecret[] = [];
    const made: Made = [];
    const { endsAt } = started.data;
    const recipients = recipientsOf(facts).map((recipient) => recipient.key);
    for (const step of plan.steps) {
      if (reached(endsAt, work.now())) return { kind: 'late' };
      if (!(await still({ began: true }))) return { kind: 'stopped' };
      const options = { caseId: work.key, recipients, expiresAt: new Date(endsAt), plan };
      const result = await connectorOf(connectors, step.connector).execute(step, options, signal);
      after.push(...result.after);
      sealed.push(...result.sealed.map((one) => ({ ...one, ciphertextDigest: sha256(one.jwe) })));
      if (result.made && result.made.length > 0) made.push({ stepId: step.id, identity: [...result.made] });
    }
    return { kind: 'done', after, sealed, made };
  },

  /** Revokes, ends sessions, and reads the target back. */
  async undo(work, facts, signal) {
    const plan = planGranted(facts)?.data.plan;
    const undo = questionOf(work, facts)?.undo;
    if (!plan || !undo) throw new Error('this is a bug: undoing without a plan');
    return connectorOf(connectors, undo.connector).undo(undo, { caseId: work.key, plan, made: madeFor(undo, plan, facts) }, signal);
  },

  async watch(work, facts, signal) {
    const plan = planGranted(facts)?.data.plan;
    if (!plan) throw new Error('this is a bug: watching without a plan');
    const names = [...new Set(plan.asks.map((ask) => ask.connector))];
    const seen = await Promise.all(
      names.map(async (connector) =>
        (await connectorOf(connectors, connector).observe(plan, { caseId: work.key }, signal)).map((one) => ({ connector, ...one })),
      ),
    );
    return seen.flat();
  },
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
