import type { Ask, Facet, Plan, Step } from '@readmit/contracts';
import type { Capabilities } from '@readmit/domain';
import { decodeProtectedHeader } from 'jose';
import {
  mustBeBelow,
  mustSupport,
  TargetError,
  type Connector,
  type Observed,
  type Sealed,
  type StepResult,
  type UndoResult,
} from '../connector.js';
import { recipientsOf } from '../seal-secret.js';
import { checkWebhook } from './check.js';
import { WebhookClient, type Call, type WebhookOptions } from './client.js';
import { askFor, askOf, globalFacets, localFacets, partsOf } from './plan.js';

/**
 * A target behind a receiver that a user wrote: the connector interface over HTTP. Responses are checked, and the state is always taken from a
 * separate `read`, never from the response to a change.
 */
export function webhookConnector(options: WebhookOptions & { readonly capabilities: Capabilities }): Connector {
  const { name, capabilities } = options;
  const client = new WebhookClient(options);

  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds, overlapSeconds, recipients }, signal) {
      mustSupport({ name, capabilities }, ask);
      const planned = await client.call(signal).ask<'plan'>(name, { call: 'plan', ask: askFor(ask), durationSeconds, overlapSeconds });
      const parts = partsOf(ask, planned, { durationSeconds, overlapSeconds, recipients });
      mustBeBelow(ceiling, ask, { kinds: parts.steps.map(({ kind }) => kind), durationSeconds });
      return parts;
    },

    read: (ask, signal) => facetsOf(client.call(signal), ask),

    async execute(step, { caseId, recipients, expiresAt, plan }, signal): Promise<StepResult> {
      const ask = askOf(plan, step);
      const to = step.recipients.length === 0 ? [] : recipientsOf(step.recipients, recipients);
      const call = client.call(signal);
      // What cannot be read is not changed.
      await asPlanned(call, ask, plan);
      const { kind, object, entitlement, identity = [] } = step;
      const { made, sealed = [] } = await call.ask<'execute'>(name, {
        call: 'execute',
        caseId,
        operation: `${caseId}/${step.id}`,
        step: { kind, object, ...(entitlement === undefined ? {} : { entitlement }), identity },
        expiresAt: expiresAt.toISOString(),
        facets: localFacets(name, ask.object, plan.before.facets),
        recipients: to,
      });
      mustBeSealed(step, sealed, name);
      return { after: await asPlanned(call, ask, plan), sealed, ...(made ? { made } : {}) };
    },

    async undo(undo, { caseId, plan, made = [] }, signal): Promise<UndoResult> {
      const ask = askOf(plan, undo);
      const call = client.call(signal);
      await ifFound(asPlanned(call, ask, plan));
      const { kind, object, entitlement, identity = [] } = undo;
      const { sessionsEnded } = await call.ask<'undo'>(name, {
        call: 'undo',
        caseId,
        operation: undo.id,
        undo: { kind, object, ...(entitlement === undefined ? {} : { entitlement }), identity, made },
        facets: localFacets(name, ask.object, plan.before.facets),
      });
      const readBack = await ifFound(asPlanned(call, ask, plan));
      return { readBack: readBack ?? notFound(ask, plan), sessionsEnded };
    },

    async observe(plan, { caseId }, signal): Promise<readonly Observed[]> {
      const call = client.call(signal);
      const observed: Observed[] = [];
      for (const step of plan.steps.filter(({ connector, kind }) => connector === name && kind === 'secret.issue')) {
        const { takenOver } = await call.ask<'observe'>(name, { call: 'observe', caseId, ask: askFor(askOf(plan, step)) });
        observed.push({ object: step.object, ...(takenOver === undefined ? {} : { takenOver }) });
      }
      return observed;
    },

    check: (_options, signal) => checkWebhook(client.call(signal), options),

    close: () => Promise.resolve(),
  };

  async function facetsOf(call: Call, ask: Ask): Promise<readonly Facet[]> {
    const { facets } = await call.ask<'read'>(name, { call: 'read', ask: askFor(ask) });
    return globalFacets(name, ask.object, facets);
  }

  /** In the read-back of an undo: the receiver undid it by its ids, and has nothing by these names any more. */
  function notFound({ object }: Ask, plan: Plan): Facet[] {
    const facets = localFacets(name, object, plan.before.facets).map((facet) => ({ ...facet, value: 'not found' }));
    return globalFacets(name, object, facets);
  }

  /** The current state. It must contain every facet of the plan: something that is not shown may exist. */
  async function asPlanned(call: Call, ask: Ask, plan: Plan): Promise<readonly Facet[]> {
    const facets = await facetsOf(call, ask);
    const shown = new Set(facets.map((facet) => facet.name));
    const missing = localFacets(name, ask.object, plan.before.facets).filter((one) => !shown.has(`${name}/${ask.object}/${one.name}`));
    if (missing.length > 0 || shown.size < facets.length)
      throw new TargetError(
        `${name} does not show the same facets of ${ask.object} as when the plan was made (${missing.map((one) => one.name).join(', ') || 'one twice'})`,
        call.effect,
        'refused',
      );
    return facets;
  }
}

/**
 * Undefined if the receiver itself answers `not-found`: the account or the entitlement was deleted or renamed. Only for undos, which go by
 * ids: there the receiver says in another answer that it is undone.
 */
async function ifFound<T>(state: Promise<T>): Promise<T | undefined> {
  try {
    return await state;
  } catch (error) {
    if (error instanceof TargetError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Checks that the secret is sealed to exactly the keys in the plan. Only the header can be checked: the plain secret is never here. */
function mustBeSealed({ kind, recipients }: Step, sealed: readonly Sealed[], name: string): void {
  const to = sealed.map(({ recipient }) => recipient);
  if (to.length !== recipients.length || recipients.some((recipient) => !to.includes(recipient)))
    throw new TargetError(`${name} sealed the secret of ${kind} to other keys than the plan names`, 'unknown', 'refused');
  for (const { recipient, jwe } of sealed) {
    const { alg, enc, kid } = headerOf(jwe);
    if (alg !== 'ECDH-ES' || enc !== 'A256GCM' || kid !== recipient)
      throw new TargetError(
        `${name} did not seal the secret as a JWE with ECDH-ES, A256GCM and the fingerprint as kid`,
        'unknown',
        'refused',
      );
  }
}

function headerOf(jwe: string): { readonly alg?: unknown; readonly enc?: unknown; readonly kid?: unknown } {
  try {
    return jwe.split('.').length === 5 ? decodeProtectedHeader(jwe) : {};
  } catch {
    return {};
  }
}
