import type { Ask } from '@readmit/contracts';
import { TargetError, type Connector } from '../capability.js';
import { grantRole, planRole, readRole, revokeRole } from './role-membership.js';
import { loginsOfPlan, observeAccount, planAccount, readAccount, type ServiceAccount } from './service-account.js';
import { destroySecret, issueSecret } from './service-secret.js';
import { withSession, type SessionOptions, type TargetSession } from './target-session.js';

export interface PostgresConnectorOptions {
  /** As asks name it, e.g. `target-postgres`. */
  readonly name: string;
  /** The executor's own login: CREATEROLE, ADMIN OPTION on what it may grant, pg_signal_backend, pg_read_all_stats, SET on three log parameters. */
  readonly url: string;
  /** Service accounts whose secrets may be made anew. */
  readonly roles: readonly ServiceAccount[];
  /** Bound of each statement, transaction and connection attempt, kept by the target too. Milliseconds. */
  readonly callTimeoutMs?: number;
}

/** Restores roles to logins and makes secrets of service accounts anew in one PostgreSQL cluster (17 or newer: grantors, transaction_timeout). */
export function postgresConnector({ name, url, roles, callTimeoutMs = 10_000 }: PostgresConnectorOptions): Connector {
  const options: SessionOptions = { url, callTimeoutMs, applicationName: 'readmit-executor' };
  const reserved = new Set(roles.flatMap((account) => [account.ownerRole, ...account.logins]));
  const call = <T>(signal: AbortSignal, work: (session: TargetSession) => Promise<T>): Promise<T> => withSession(options, signal, work);
  const accountOf = (object: string): ServiceAccount => {
    const account = roles.find((one) => one.object === object);
    if (!account) throw new TargetError(`${object} is not a configured service account of ${name}`, 'none', 'not-found');
    return account;
  };
  const mustBeOurs = ({ connector }: { readonly connector: string }): void => {
    if (connector !== name) throw new TargetError(`this is a bug: ${connector} was asked of ${name}`, 'none', 'unsupported');
  };
  const kindOf = (ask: Ask): 'role' | 'secret' => {
    mustBeOurs(ask);
    if (ask.kind === 'role.restore') return 'role';
    if (ask.kind === 'secret.reissue' || ask.kind === 'secret.rotate') return 'secret';
    throw new TargetError(`${name} cannot do ${ask.kind}`, 'none', 'unsupported');
  };
  return {
    name,
    // VALID UNTIL ends logins only, not a granted role, so native expiry cannot be promised for every grant (R5.6).
    capabilities: {
      steps: ['role.grant', 'secret.issue'],
      readBack: true,
      endSessions: true,
      oneTimeCredential: false,
      residualSeconds: 0,
      nativeExpiry: false,
    },

    async plan(ask, { ceiling, durationSeconds, overlapSeconds, recipients }, signal) {
      const kind = kindOf(ask);
      const step = kind === 'role' ? 'role.grant' : 'secret.issue';
      if (!ceiling.steps.includes(step)) throw new TargetError(`the ceiling of this case does not allow ${step}`, 'none', 'refused');
      if (kind === 'secret') {
        const account = accountOf(ask.object);
        return call(signal, (session) =>
          planAccount(session, ask, account, { overlapSeconds, recipients: recipients.map((key) => key.fingerprint) }),
        );
      }
      if (ask.entitlement !== undefined && !ceiling.entitlements.includes(ask.entitlement))
        throw new TargetError(`the ceiling of this case does not allow ${ask.entitlement}`, 'none', 'refused');
      if (durationSeconds > ceiling.maxDurationSeconds)
        throw new TargetError(
          `the ceiling of this case allows ${ceiling.maxDurationSeconds} s, not ${durationSeconds} s`,
          'none',
          'refused',
        );
      return call(signal, (session) => planRole(session, ask, { durationSeconds, reserved }));
    },

    async read(ask, signal) {
      if (kindOf(ask) === 'role') return call(signal, (session) => readRole(session, ask));
      const account = accountOf(ask.object);
      return call(signal, (session) => readAccount(session, account));
    },

    async execute(step, { plan, recipients }, signal) {
      mustBeOurs(step);
      if (step.kind === 'role.grant') return call(signal, (session) => grantRole(session, step, plan, reserved));
      if (step.kind === 'secret.issue') return issueSecret(options, accountOf(step.object), step, { plan, recipients }, signal);
      throw new TargetError(`${name} cannot do ${step.kind}`, 'none', 'unsupported');
    },

    async undo(undo, { plan }, signal) {
      mustBeOurs(undo);
      if (undo.kind === 'role.revoke') return call(signal, (session) => revokeRole(session, undo, plan, signal));
      const account = roles.find(({ logins }) => logins.includes(undo.object));
      if (undo.kind !== 'secret.destroy' || !account)
        throw new TargetError(`${name} cannot ${undo.kind} ${undo.object}`, 'none', 'unsupported');
      return call(signal, (session) => destroySecret(session, account, undo, signal));
    },

    async observe(plan, _options, signal) {
      // A use of a granted role leaves no trace at the target that could be read; only the take-over of a secret does.
      const ask = plan.asks.find((one) => one.connector === name && (one.kind === 'secret.reissue' || one.kind === 'secret.rotate'));
      if (!ask) return {};
      const account = accountOf(ask.object);
      const { next } = loginsOfPlan(plan, name, account);
      return call(signal, (session) => observeAccount(session, account, next));
    },

    async close() {
      // Every call closes its own connection.
    },
  };
}
