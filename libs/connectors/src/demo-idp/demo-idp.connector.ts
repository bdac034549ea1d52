import { randomUUID } from 'node:crypto';
import type { Facet, Identity, Plan, RecipientKey, Step } from '@readmit/contracts';
import type { Capabilities } from '@readmit/domain';
import { mustBeBelow, mustSupport, TargetError, type Connector, type Observed, type StepResult, type UndoResult } from '../connector.js';
import { AdminClient, type Call, type DemoIdpOptions } from './admin-client.js';
import { checkDemoIdp } from './check.js';
import { newSealedCode } from './bypass-code.js';
import { recipientsOf } from '../seal-secret.js';
import { bypassOf, facetsOf, factorsBefore, liftsLock } from './facets.js';
import { partsOf } from './plan-parts.js';
import { closeBypass, withdrawEnrolment } from './take-back.js';

const capabilities: Capabilities = {
  asks: ['factor.replace', 'factor.bypass', 'factor.reset', 'account.unlock'],
  can: ['read-back', 'end-sessions', 'one-time-credential', 'native-expiry'],
  // The session that a bypass opens is checked at each request and gets no token that could outlive it.
  residualSeconds: 0,
};

/** The demo identity provider as a target: removes factors, ends sessions, issues and closes one-time bypasses. */
export function demoIdpConnector(options: DemoIdpOptions): Connector {
  const { name } = options;
  const client = new AdminClient(options);

  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds, recipients }, signal) {
      mustSupport({ name, capabilities }, ask);
      const state = await client.call(signal).personWithProof(ask.object);
      const parts = partsOf(name, ask, state, durationSeconds, recipients);
      mustBeBelow(ceiling, ask, { kinds: parts.steps.map(({ kind }) => kind), durationSeconds });
      return parts;
    },

    async read(ask, signal) {
      return facetsOf(name, ask.object, await client.call(signal).personWithProof(ask.object), false);
    },

    async execute(step, { caseId, recipients, expiresAt, plan }, signal): Promise<StepResult> {
      const call = client.call(signal);
      const operation = `${caseId}/${step.id}`;
      switch (step.kind) {
        case 'factor.remove':
          await removeFactors(call, name, step, plan, operation);
          return { after: await facets(call, step, plan), sealed: [] };
        case 'sessions.end':
          // Sessions that a bypass opened belong to the bypass and end with it.
          await call.change(step, () => ({ path: 'sessions/end', body: { operation, openedBy: 'factor' } }));
          return { after: await facets(call, step, plan), sealed: [] };
        case 'account.unlock':
          await call.change(step, (state) => (state.locked ? { path: 'unlock', body: { operation } } : undefined));
          return { after: await facets(call, step, plan), sealed: [] };
        case 'bypass.issue': {
          const { sealed, made } = await issueBypass(call, name, step, { caseId, recipients, expiresAt });
          return { after: await facets(call, step, plan), sealed, made };
        }
        default:
          throw new TargetError(`${name} does not support ${step.kind}`, 'none', 'unsupported');
      }
    },

    async undo(undo, { caseId, plan }, signal): Promise<UndoResult> {
      const about = { connector: name, caseId, plan };
      if (undo.kind === 'bypass.close') return closeBypass(client.call(signal), undo, about);
      if (undo.kind === 'enrolment.withdraw') return withdrawEnrolment(client.call(signal), undo, about);
      throw new TargetError(`${name} does not support ${undo.kind}`, 'none', 'unsupported');
    },

    async observe(plan, { caseId }, signal): Promise<readonly Observed[]> {
      const objects = new Set(plan.steps.filter((step) => step.connector === name).map((step) => step.object));
      const call = client.call(signal);
      const observed: Observed[] = [];
      for (const object of objects) {
        const state = await call.person(object);
        const before = factorsBefore(plan, name, object);
        const enrolled = before && state.factors.find((factor) => !before.has(factor.id));
        observed.push({
          object,
          ...(state.bypass.for === caseId && state.bypass.usedAt ? { used: { at: state.bypass.usedAt } } : {}),
          ...(enrolled ? { enrolled: { factor: enrolled.id } } : {}),
        });
      }
      return observed;
    },

    check: (_options, signal) => checkDemoIdp(client.call(signal), options),

    close: () => Promise.resolve(),
  };
}

async function facets(call: Call, step: Step, plan: Plan): Promise<Facet[]> {
  const { connector, object } = step;
  const state = await call.personWithProof(object);
  call.assertAccount(step, state);
  return facetsOf(connector, object, state, liftsLock(plan, connector, object));
}

/** Removes exactly the factors in the approved plan; one enrolled since then stays, and the read-back differs. */
async function removeFactors(call: Call, connector: string, step: Step, plan: Plan, operation: string): Promise<void> {
  const planned = factorsBefore(plan, connector, step.object);
  if (!planned) throw new TargetError(`the plan does not list the factors of ${step.object}`, 'none', 'refused');
  for (const factor of planned) {
    await call.change(step, (state) =>
      state.factors.some(({ id }) => id === factor)
        ? { path: 'factors/remove', body: { operation: `${operation}/${factor}`, factor } }
        : undefined,
    );
  }
}

/**
 * Issues a bypass. If this case already has one, an earlier call crashed and its code may be lost: it is replaced in one operation of the
 * target. If that one was used, it was not lost, and nothing is issued.
 */
async function issueBypass(
  call: Call,
  connector: string,
  step: Step,
  { caseId, recipients, expiresAt }: { caseId: string; recipients: readonly RecipientKey[]; expiresAt: Date },
): Promise<{ readonly sealed: StepResult['sealed']; readonly made: readonly Identity[] }> {
  const to = recipientsOf(step.recipients, recipients);
  const until = expiresAt.toISOString();
  const { salted, sealed } = await newSealedCode(to, { connector, object: step.object, expiresAt: until });
  // A new id per call: retrying the same call is safe, and another call has another code.
  const operation = `${caseId}/${step.id}/${randomUUID()}`;
  const { person } = await call.change(step, ({ bypass }) => {
    if (bypass.for === caseId && bypass.state === 'used')
      throw new TargetError(`the bypass of ${caseId} was used already`, 'unknown', 'changed');
    if (bypass.state === 'active' && bypass.for !== caseId)
      throw new TargetError(`${step.object} has an active bypass of another case`, call.effect, 'changed');
    return {
      path: 'bypass',
      body: {
        operation,
        for: caseId,
        code: salted,
        expiresAt: until,
        ...(bypass.state === 'active' && bypass.id ? { replaces: bypass.id } : {}),
      },
    };
  });
  return { sealed, made: person.bypass.id === undefined ? [] : [bypassOf(person.bypass.id)] };
}
