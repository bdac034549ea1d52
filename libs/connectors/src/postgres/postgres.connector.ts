import type { Ask } from '@readmit/contracts';
import type { Capabilities } from '@readmit/domain';
import { mustBeBelow, mustSupport, TargetError, type Connector, type Observed } from '../connector.js';
import { checkPostgres } from './check.js';
import { destroySecret } from './destroy-secret.js';
import { mustSee } from './end-sessions.js';
import { plannedValue } from '../plan-identity.js';
import { plannedOid } from './identity.js';
import { issueSecret } from './issue-secret.js';
import { planAccount } from './plan-account.js';
import { planRole } from './plan-role.js';
import { grantRole, revokeRole } from './role-grant.js';
import { readRole } from './role-state.js';
import { loginsOfPlan, observeAccount, readAccount, type ServiceAccount } from './service-account.js';
import { targetAddress } from './target-address.js';
import { withSession, type SessionOptions, type TargetSession } from './target-session.js';

export interface PostgresConnectorOptions {
  /** The name that asks use, e.g. `target-postgres`. */
  readonly name: string;
  /** URL of the executor's own login, whose privileges are described in docs/targets.md; secret. */
  readonly url: string;
  /** Service accounts whose secrets may be reissued. */
  readonly roles: readonly ServiceAccount[];
  /** Timeout in milliseconds of each statement, transaction and connection attempt, enforced by the target too. */
  readonly callTimeoutMs?: number;
}

// No native expiry: VALID UNTIL ends logins, not a granted role.
const capabilities: Capabilities = {
  asks: ['role.restore', 'secret.rotate', 'secret.reissue'],
  can: ['read-back', 'end-sessions'],
  residualSeconds: 0,
};

/** Grants roles to logins and reissues secrets of service accounts in one PostgreSQL cluster (17 or newer: grantors, transaction_timeout). */
export function postgresConnector({ name, url, roles, callTimeoutMs = 10_000 }: PostgresConnectorOptions): Connector {
  const options: SessionOptions = { address: targetAddress(url), callTimeoutMs, applicationName: 'readmit-executor' };
  const reserved = new Set(roles.flatMap((account) => [account.ownerRole, ...account.logins]));
  const call = <T>(signal: AbortSignal, work: (session: TargetSession) => Promise<T>): Promise<T> => withSession(options, signal, work);
  const accountOf = (object: string): ServiceAccount => {
    const account = roles.find((one) => one.object === object);
    if (!account) throw new TargetError(`${object} is not a configured service account of ${name}`, 'none', 'not-found');
    return account;
  };
  const mustBeOurs = ({ connector }: { readonly connector: string }): void => {
    if (connector !== name) throw new TargetError(`this is a bug: ${name} was called for ${connector}`, 'none', 'unsupported');
  };
  const kindOf = (ask: Ask): 'role' | 'secret' => {
    mustBeOurs(ask);
    mustSupport({ name, capabilities }, ask);
    return ask.kind === 'role.restore' ? 'role' : 'secret';
  };
  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds, overlapSeconds, recipients }, signal) {
      const kind = kindOf(ask);
      mustBeBelow(ceiling, ask, { kinds: [kind === 'role' ? 'role.grant' : 'secret.issue'], durationSeconds });
      if (kind === 'secret') {
        const account = accountOf(ask.object);
        return call(signal, (session) =>
          planAccount(session, ask, account, {
            overlapSeconds,
            durationSeconds,
            recipients: recipients.map((key) => key.fingerprint),
          }),
        );
      }
      return call(signal, (session) => planRole(session, ask, { durationSeconds, reserved }));
    },

    async read(ask, signal) {
      const account = kindOf(ask) === 'secret' ? accountOf(ask.object) : undefined;
      return call(signal, async (session) => {
        await mustSee(session);
        return account ? readAccount(session, account) : readRole(session, ask);
      });
    },

    async execute(step, { caseId, plan, recipients }, signal) {
      mustBeOurs(step);
      if (step.kind === 'role.grant') return call(signal, (session) => grantRole(session, step, plan, reserved));
      if (step.kind === 'secret.issue') return issueSecret(options, accountOf(step.object), step, { caseId, plan, recipients }, signal);
      throw new TargetError(`${name} does not support ${step.kind}`, 'none', 'unsupported');
    },

    async undo(undo, { caseId, plan, made = [] }, signal) {
      mustBeOurs(undo);
      if (undo.kind === 'role.revoke') return call(signal, (session) => revokeRole(session, undo, plan, signal));
      const account = roles.find(({ logins }) => logins.includes(undo.object));
      if (undo.kind !== 'secret.destroy' || !account)
        throw new TargetError(`${name} does not support ${undo.kind} of ${undo.object}`, 'none', 'unsupported');
      return call(signal, (session) => destroySecret(session, { account, undo, caseId, plan, made }, signal));
    },

    async observe(plan, { caseId }, signal) {
      // The use of a granted role leaves no trace that could be read; only the take-over of a secret does.
      const objects = new Set(
        plan.steps.filter((step) => step.connector === name && step.kind === 'secret.issue').map(({ object }) => object),
      );
      if (objects.size === 0) return [];
      return call(signal, async (session) => {
        const observed: Observed[] = [];
        for (const account of [...objects].map(accountOf)) {
          const { next, old } = loginsOfPlan(plan, name, account);
          observed.push(
            await observeAccount(session, account, {
              caseId,
              planned: plannedValue(next.identity, 'login'),
              oldOid: old && plannedOid(old.identity, 'login'),
            }),
          );
        }
        return observed;
      });
    },

    check: (about, signal) => checkPostgres(options, roles, about, signal),

    async close() {
      // Every call closes its own connection.
    },
  };
}
