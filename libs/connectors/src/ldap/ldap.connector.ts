import type { Capabilities } from '@readmit/domain';
import { mustSupport, TargetError, type Connector } from '../connector.js';
import { Bounded } from '../bounded.js';
import { pairOf } from '../group-pair.js';
import type { Directory } from './entries.js';
import { facetsOf, readByName } from './group-state.js';
import { ldapAddress } from './ldap-address.js';
import { withSession, type LdapSession, type SessionOptions } from './ldap-session.js';
import { addMember, removeMember } from './membership.js';
import { planGroup } from './plan-group.js';
import { lockForGood, planUnlock, readPerson, unlock } from './unlock.js';

export interface LdapConnectorOptions extends Directory {
  /** As asks name it, e.g. `directory`. */
  readonly name: string;
  /** `ldaps://host:port`, or `ldap://` on loopback. */
  readonly url: string;
  /** Authorities to trust instead of the system's (PEM). */
  readonly caFile?: string;
  /** Holds the password of `bindDn`, mode 0600; read at every bind. */
  readonly passwordFile: string;
  /** How long applications go on with a membership that is gone from the directory. */
  readonly cacheSeconds: number;
  /** Bound of the connection and of each operation. Milliseconds. */
  readonly callTimeoutMs?: number;
}

/** Connections at once to one directory, whatever is asked. */
const mostConnections = 8;

/** Restores memberships of groups, and lifts locks, in one LDAP directory. It has no sessions to end: what is open stays open. */
export function ldapConnector(given: LdapConnectorOptions): Connector {
  const { name, callTimeoutMs = 10_000 } = given;
  const capabilities: Capabilities = { asks: ['account.unlock', 'group.restore'], can: ['read-back'], residualSeconds: given.cacheSeconds };
  const options: SessionOptions = {
    address: ldapAddress(given.url, given.caFile),
    bindDn: given.bindDn,
    passwordFile: given.passwordFile,
    callTimeoutMs,
    connections: new Bounded(mostConnections),
  };
  const call = <T>(signal: AbortSignal, work: (session: LdapSession) => Promise<T>): Promise<T> => withSession(options, signal, work);
  const mustBeOurs = ({ connector }: { readonly connector: string }): void => {
    if (connector !== name) throw new TargetError(`this is a bug: ${connector} was asked of ${name}`, 'none', 'unsupported');
  };
  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds }, signal) {
      mustBeOurs(ask);
      mustSupport({ name, capabilities }, ask);
      const step = ask.kind === 'group.restore' ? 'role.grant' : 'account.unlock';
      if (!ceiling.steps.includes(step)) throw new TargetError(`the ceiling of this case does not allow ${step}`, 'none', 'refused');
      if (step === 'account.unlock') return call(signal, (session) => planUnlock(session, given, ask));
      if (ask.entitlement !== undefined && !ceiling.entitlements.includes(ask.entitlement))
        throw new TargetError(`the ceiling of this case does not allow ${ask.entitlement}`, 'none', 'refused');
      if (durationSeconds > ceiling.maxDurationSeconds)
        throw new TargetError(
          `the ceiling of this case allows ${ceiling.maxDurationSeconds} s, not ${durationSeconds} s`,
          'none',
          'refused',
        );
      return call(signal, (session) => planGroup(session, given, ask, durationSeconds));
    },

    async read(ask, signal) {
      mustBeOurs(ask);
      mustSupport({ name, capabilities }, ask);
      return call(signal, async (session) =>
        ask.kind === 'account.unlock'
          ? readPerson(session, given, ask)
          : facetsOf(pairOf(ask), await readByName(session, given, pairOf(ask))),
      );
    },

    async execute(step, { plan }, signal) {
      mustBeOurs(step);
      if (step.kind === 'role.grant') return call(signal, (session) => addMember(session, given, step, plan));
      if (step.kind === 'account.unlock') return call(signal, (session) => unlock(session, given, step, plan));
      throw new TargetError(`${name} does not support ${step.kind}`, 'none', 'unsupported');
    },

    async undo(undo, { plan }, signal) {
      mustBeOurs(undo);
      if (undo.kind === 'role.revoke') return call(signal, (session) => removeMember(session, given, undo, plan));
      if (undo.kind === 'enrolment.withdraw') return call(signal, (session) => lockForGood(session, given, undo));
      throw new TargetError(`${name} does not support ${undo.kind}`, 'none', 'unsupported');
    },

    // The directory records neither the use of a membership nor, without an overlay that few have, the time of a sign-in.
    observe: () => Promise.resolve([]),

    async close() {
      // Every call closes its own connection.
    },
  };
}
