import type { Ask, Facet, Step } from '@readmit/contracts';
import type { Capabilities, PlanParts } from '@readmit/domain';
import { mustBeBelow, mustSupport, TargetError, type Connector, type Observed, type StepResult, type UndoResult } from '../connector.js';
import { facetsOf, findAccount, liftsLock, listBefore, readAccount } from './account.js';
import { AdminClient, type KeycloakOptions } from './admin-client.js';
import { issueBypass } from './bypass.js';
import { checkKeycloak } from './check.js';
import { endSessions } from './end-sessions.js';
import { grantEntitlement, planEntitlement, readEntitlement, revokeEntitlement } from './entitlement.js';
import { planAccount } from './plan-account.js';
import { closeBypass, removeFactors, unlock, withdrawEnrolment } from './take-back.js';
import { readPaths } from './weaker-paths.js';

export interface KeycloakConnectorOptions extends KeycloakOptions {
  /** Longest lifetime of an access token in the realm: resource servers that do not ask Keycloak accept a token for that long. */
  readonly accessTokenSeconds: number;
}

const ofEntitlement = ({ kind }: Pick<Ask, 'kind'>): boolean => kind === 'role.restore' || kind === 'group.restore';

/** A realm of Keycloak as a target: factors, one-time codes, locks, roles and groups of its users, all by id. */
export function keycloakConnector(options: KeycloakConnectorOptions): Connector {
  const { name, accessTokenSeconds } = options;
  const client = new AdminClient(options);
  const capabilities: Capabilities = {
    asks: ['factor.replace', 'factor.bypass', 'factor.reset', 'account.unlock', 'role.restore', 'group.restore'],
    can: ['read-back', 'end-sessions', 'one-time-credential'],
    residualSeconds: accessTokenSeconds,
  };

  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds, recipients }, signal) {
      mustSupport({ name, capabilities }, ask);
      const call = client.call(signal);
      const paths = await readPaths(call);
      if (paths.accessTokenSeconds > accessTokenSeconds)
        throw new TargetError(
          `access tokens of ${name} are valid for ${paths.accessTokenSeconds} s, but accessTokenSeconds of the target is ${accessTokenSeconds}: change one of them`,
          'none',
          'refused',
        );
      const parts: PlanParts = ofEntitlement(ask)
        ? await planEntitlement(call, ask, durationSeconds)
        : planAccount(ask, await readAccount(call, ask.object), paths, { durationSeconds, recipients });
      mustBeBelow(ceiling, ask, { kinds: parts.steps.map(({ kind }) => kind), durationSeconds });
      return parts;
    },

    async read(ask, signal) {
      const call = client.call(signal);
      return ofEntitlement(ask) ? readEntitlement(call, ask) : facetsOf(ask, await readAccount(call, ask.object));
    },

    async execute(step, { caseId, recipients, expiresAt, plan }, signal): Promise<StepResult> {
      const call = client.call(signal);
      const after = async (of: Step): Promise<Facet[]> => facetsOf(of, await readAccount(call, of.object), liftsLock(plan, of));
      switch (step.kind) {
        case 'factor.remove':
          await removeFactors(call, step, plan);
          return { after: await after(step), sealed: [] };
        case 'sessions.end':
          await readAccount(call, step.object);
          await endSessions(call, step.object);
          return { after: await after(step), sealed: [] };
        case 'account.unlock':
          await unlock(call, step.object);
          return { after: await after(step), sealed: [] };
        case 'bypass.issue': {
          const issued = await issueBypass(call, step, { caseId, recipients, expiresAt, plan });
          return { after: await after(step), ...issued };
        }
        case 'role.grant':
          return { after: await grantEntitlement(call, step), sealed: [] };
        default:
          throw new TargetError(`${name} does not support ${step.kind}`, 'none', 'unsupported');
      }
    },

    async undo(undo, { caseId, plan }, signal): Promise<UndoResult> {
      const call = client.call(signal);
      if (undo.kind === 'bypass.close') return closeBypass(call, undo, caseId, plan);
      if (undo.kind === 'enrolment.withdraw') return withdrawEnrolment(call, undo, caseId, plan);
      if (undo.kind === 'role.revoke') return revokeEntitlement(call, undo, plan);
      throw new TargetError(`${name} does not support ${undo.kind}`, 'none', 'unsupported');
    },

    /** Changes nothing, so that what was not stored because of a crash is seen again. `bypass.close`, due after an enrolment, deletes a used code. */
    async observe(plan, { caseId }, signal): Promise<readonly Observed[]> {
      const call = client.call(signal);
      const about = new Map(
        plan.steps.filter((step) => step.connector === name && step.kind !== 'role.grant').map((step) => [step.object, step] as const),
      );
      const seen: Observed[] = [];
      for (const [object, step] of about) {
        const account = await findAccount(call, object);
        if (!account) continue;
        const before = listBefore(plan, step, 'factors');
        const used = account.bypasses.find((one) => one.caseId === caseId && one.used);
        const enrolled = account.factors.find(({ id }) => !before.has(id));
        seen.push({
          object,
          ...(used ? { used: { at: new Date().toISOString() } } : {}),
          ...(enrolled ? { enrolled: { factor: enrolled.id } } : {}),
        });
      }
      return seen;
    },

    check: ({ now }, signal) =>
      checkKeycloak(client.call(signal), { accessTokenSeconds, encrypted: options.url.startsWith('https:') }, now),

    close: () => Promise.resolve(),
  };
}
