import { randomUUID } from 'node:crypto';
import type { Ask, Plan, RecipientKey, Step } from '@readmit/contracts';
import {
  TargetError,
  type Capabilities,
  type Connector,
  type Observed,
  type PlanParts,
  type StepResult,
  type UndoResult,
} from '../capability.js';
import { AdminClient, type Call, type DemoIdpOptions, type PersonState } from './admin-client.js';
import { newSealedCode } from './bypass-code.js';
import { recipientsOf } from '../seal-secret.js';
import { facetsOf, factorsBefore, untouchedBy } from './facets.js';

const capabilities: Capabilities = {
  steps: ['factor.remove', 'sessions.end', 'account.unlock', 'bypass.issue'],
  readBack: true,
  endSessions: true,
  oneTimeCredential: true,
  // The session that a bypass opens is asked for at each request and gets no token that could outlive it.
  residualSeconds: 0,
  nativeExpiry: true,
};

type PlannedStep = PlanParts['steps'][number];

/** The demo identity provider as a target: removes factors, ends sessions, issues and closes one-time bypasses. */
export function demoIdpConnector(options: DemoIdpOptions): Connector {
  const { name } = options;
  const client = new AdminClient(options);

  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds, recipients }, signal) {
      const state = await client.call(signal).personWithProof(ask.object);
      const parts = partsOf(name, ask, state, durationSeconds, recipients);
      const above = parts.steps.find((step) => !ceiling.steps.includes(step.kind));
      if (above) throw new TargetError(`${ask.kind} needs ${above.kind}, which the ceiling of the case does not allow`, 'none', 'refused');
      if (durationSeconds > ceiling.maxDurationSeconds)
        throw new TargetError(`${durationSeconds} s are asked for, the ceiling allows ${ceiling.maxDurationSeconds} s`, 'none', 'refused');
      return parts;
    },

    async read(ask, signal) {
      return facetsOf(name, ask.object, await client.call(signal).personWithProof(ask.object));
    },

    async execute(step, { caseId, recipients, expiresAt, plan }, signal): Promise<StepResult> {
      const call = client.call(signal);
      const operation = `${caseId}/${step.id}`;
      switch (step.kind) {
        case 'factor.remove':
          await removeFactors(call, name, step, plan, operation);
          return { after: await facets(call, name, step.object), sealed: [] };
        case 'sessions.end':
          // Sessions that a bypass opened are the bypass's own and end with it.
          await call.change(step.object, () => ({ path: 'sessions/end', body: { operation, openedBy: 'factor' } }));
          return { after: await facets(call, name, step.object), sealed: [] };
        case 'account.unlock':
          await call.change(step.object, (state) => (state.locked ? { path: 'unlock', body: { operation } } : undefined));
          return { after: await facets(call, name, step.object), sealed: [] };
        case 'bypass.issue': {
          const sealed = await issueBypass(call, name, step, { caseId, recipients, expiresAt });
          return { after: await facets(call, name, step.object), sealed };
        }
        default:
          throw new TargetError(`${name} cannot ${step.kind}`, 'none', 'unsupported');
      }
    },

    async undo(undo, { caseId }, signal): Promise<UndoResult> {
      if (undo.kind !== 'bypass.close') throw new TargetError(`${name} cannot undo ${undo.kind}`, 'none', 'unsupported');
      const call = client.call(signal);
      // Also when no bypass is there: the target then refuses one that is still on its way to it.
      const closed = await call.change(undo.object, (state) =>
        isOver(state, caseId) ? undefined : { path: 'bypass/close', body: { operation: `${caseId}/${undo.id}/close`, for: caseId } },
      );
      const state = await call.personWithProof(undo.object);
      if (!isOver(state, caseId) && state.bypass.for === caseId)
        throw new TargetError(`the bypass of ${caseId} is still ${state.bypass.state} at ${name}`, 'unknown', 'changed');
      const left =
        state.bypass.for === caseId || state.bypass.state === 'none'
          ? state.sessions.filter((session) => session.openedBy === 'bypass')
          : [];
      if (left.length > 0)
        throw new TargetError(`${left.length} session(s) opened by a bypass are still open at ${name}`, 'unknown', 'changed');
      const sessionsEnded = (state.bypass.for === caseId ? state.bypass.sessionsEnded : closed.result.sessionsEnded) ?? 0;
      return { readBack: facetsOf(name, undo.object, state), sessionsEnded };
    },

    async observe(plan, { caseId }, signal): Promise<Observed> {
      const objects = new Set(plan.steps.filter((step) => step.connector === name).map((step) => step.object));
      const call = client.call(signal);
      let observed: Observed = {};
      for (const object of objects) {
        const state = await call.person(object);
        const before = factorsBefore(plan, name, object);
        const enrolled = before && state.factors.find((factor) => !before.has(factor.id));
        observed = {
          ...observed,
          ...(state.bypass.for === caseId && state.bypass.usedAt ? { used: { at: state.bypass.usedAt } } : {}),
          ...(enrolled ? { enrolled: { factor: enrolled.id } } : {}),
        };
      }
      return observed;
    },

    close: () => Promise.resolve(),
  };
}

function partsOf(connector: string, ask: Ask, state: PersonState, durationSeconds: number, recipients: readonly RecipientKey[]): PlanParts {
  const { object } = ask;
  const removes = ask.kind === 'factor.replace' || ask.kind === 'factor.reset';
  const issues = ask.kind === 'factor.bypass' || ask.kind === 'factor.reset';
  const unlocks = ask.kind === 'account.unlock';
  if (!removes && !issues && !unlocks) throw new TargetError(`${connector} cannot ${ask.kind}`, 'none', 'unsupported');
  const step = (kind: PlannedStep['kind'], says: string, to: readonly RecipientKey[] = []): PlannedStep => ({
    kind,
    connector,
    object,
    recipients: to.map(({ fingerprint }) => fingerprint),
    says,
  });
  if (issues && recipients.length === 0)
    throw new TargetError('a bypass needs somebody to seal it to: the case has no key', 'none', 'refused');
  if (issues && state.bypass.state === 'active')
    throw new TargetError(
      `${object} already has an active bypass, issued for ${state.bypass.for ?? 'another case'}; close it first`,
      'none',
      'refused',
    );
  const factors = state.factors.map(({ id, kind }) => `${kind} factor ${id} of ${object}`);
  const minutes = Math.max(1, Math.round(durationSeconds / 60));
  return {
    steps: [
      ...(removes
        ? [
            step('factor.remove', factors.length === 0 ? `Make sure that ${object} has no factor left.` : `Remove ${factors.join(', ')}.`),
            step('sessions.end', `End every session of ${object} that a factor opened.`),
          ]
        : []),
      ...(unlocks && state.locked ? [step('account.unlock', `Lift the lock of ${object}.`)] : []),
      ...(issues
        ? [
            step(
              'bypass.issue',
              `Issue a one-time bypass for ${object}, sealed to the key of the case: it opens a session that can only enrol a new factor.`,
              recipients,
            ),
          ]
        : []),
    ],
    obligations: issues
      ? [
          {
            kind: 'bypass.close',
            connector,
            object,
            armedBy: 'start',
            unlessTakenOver: false,
            afterSeconds: durationSeconds,
            says: `Void the bypass of ${object} and end the session that it opened, after ${minutes} min at the latest.`,
          },
        ]
      : [],
    removes: removes ? [...factors, `open sessions of ${object}`] : [],
    restores:
      unlocks && state.locked
        ? [`sign-in of ${object}, which was locked after bad tries`]
        : issues
          ? [`the way for ${object} to enrol a new factor, once, with password and bypass`]
          : [],
    untouched: untouchedBy(ask),
    before: facetsOf(connector, object, state),
  };
}

const facets = async (call: Call, connector: string, object: string) => facetsOf(connector, object, await call.personWithProof(object));

/** Removes exactly the factors that the approved plan saw; one enrolled since then stays and makes the read-back differ. */
async function removeFactors(call: Call, connector: string, step: Step, plan: Plan, operation: string): Promise<void> {
  const planned = factorsBefore(plan, connector, step.object);
  if (!planned) throw new TargetError(`the plan does not say which factors ${step.object} had`, 'none', 'refused');
  for (const factor of planned) {
    await call.change(step.object, (state) =>
      state.factors.some(({ id }) => id === factor)
        ? { path: 'factors/remove', body: { operation: `${operation}/${factor}`, factor } }
        : undefined,
    );
  }
}

/**
 * Issues a bypass. A bypass of this case that is there already is from a call that crashed: its code may be lost, so it is voided and made anew
 * in one operation of the target. One that was used was not lost: then nothing is issued.
 */
async function issueBypass(
  call: Call,
  connector: string,
  step: Step,
  { caseId, recipients, expiresAt }: { caseId: string; recipients: readonly RecipientKey[]; expiresAt: Date },
): Promise<StepResult['sealed']> {
  const to = recipientsOf(step.recipients, recipients);
  const until = expiresAt.toISOString();
  const { salted, sealed } = await newSealedCode(to, { connector, object: step.object, expiresAt: until });
  // A fresh id per call: the same call repeats safely, another call has another code.
  const operation = `${caseId}/${step.id}/${randomUUID()}`;
  await call.change(step.object, ({ bypass }) => {
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
  return sealed;
}

/** Closed by us: expired or used alone does not count, a session could still be open. */
const isOver = (state: PersonState, caseId: string): boolean => state.bypass.for === caseId && state.bypass.state === 'closed';
