import type { Capabilities } from '@readmit/domain';
import { mustBeBelow, mustSupport, TargetError, type Connector } from '../connector.js';
import { Bounded } from '../bounded.js';
import { checkLdap } from './check.js';
import { pairOf } from '../group-pair.js';
import type { Directory } from './entries.js';
import { facetsOf, readByName } from './group-state.js';
import { ldapAddress } from './ldap-address.js';
import { withSession, type LdapSession, type SessionOptions } from './ldap-session.js';
import { addMember, removeMember } from './membership.js';
import { planGroup } from './plan-group.js';
import { lockForGood, planUnlock, readPerson, unlock } from './unlock.js';

export interface LdapConnectorOptions extends Directory {
  /** Name of the target in asks, e.g. `directory`. */
  readonly name: string;
  /** `ldaps://host:port`, or `ldap://` on loopback. */
  readonly url: string;
  /** CA certificates to trust instead of the system's (PEM). */
  readonly caFile?: string;
  /** File with the password of `bindDn`, mode 0600; read at each bind. */
  readonly passwordFile: string;
  /** How long applications may use a membership that was removed from the directory. */
  readonly cacheSeconds: number;
  /** Timeout in milliseconds of the connection and of each operation. */
  readonly callTimeoutMs?: number;
}

/** Concurrent connections to one directory. */
const maxConnections = 8;

/** Restores group memberships and unlocks accounts in one LDAP directory. A directory has no sessions, so those of applications stay open. */
export function ldapConnector(given: LdapConnectorOptions): Connector {
  const { name, callTimeoutMs = 10_000 } = given;
  const capabilities: Capabilities = { asks: ['account.unlock', 'group.restore'], can: ['read-back'], residualSeconds: given.cacheSeconds };
  const options: SessionOptions = {
    address: ldapAddress(given.url, given.caFile),
    bindDn: given.bindDn,
    passwordFile: given.passwordFile,
    callTimeoutMs,
    connections: new Bounded(maxConnections),
  };
  const call = <T>(signal: AbortSignal, work: (session: LdapSession) => Promise<T>): Promise<T> => withSession(options, signal, work);
  const mustBeThisTarget = ({ connector }: { readonly connector: string }): void => {
    if (connector !== name) throw new TargetError(`this is a bug: a call for ${connector} was sent to ${name}`, 'none', 'unsupported');
  };
  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds }, signal) {
      mustBeThisTarget(ask);
      mustSupport({ name, capabilities }, ask);
      if (ask.kind === 'account.unlock') {
        mustBeBelow(ceiling, ask, { kinds: ['account.unlock'], durationSeconds });
        return call(signal, (session) => planUnlock(session, given, ask));
      }
      mustBeBelow(ceiling, ask, { kinds: ['role.grant'], durationSeconds });
      return call(signal, (session) => planGroup(session, given, ask, durationSeconds));
    },

    async read(ask, signal) {
      mustBeThisTarget(ask);
      mustSupport({ name, capabilities }, ask);
      return call(signal, async (session) =>
        ask.kind === 'account.unlock'
          ? readPerson(session, given, ask)
          : facetsOf(pairOf(ask), await readByName(session, given, pairOf(ask))),
      );
    },

    async execute(step, { plan }, signal) {
      mustBeThisTarget(step);
      if (step.kind === 'role.grant') return call(signal, (session) => addMember(session, given, step, plan));
      if (step.kind === 'account.unlock') return call(signal, (session) => unlock(session, given, step, plan));
      throw new TargetError(`${name} does not support ${step.kind}`, 'none', 'unsupported');
    },

    async undo(undo, { plan }, signal) {
      mustBeThisTarget(undo);
      if (undo.kind === 'role.revoke') return call(signal, (session) => removeMember(session, given, undo, plan));
      if (undo.kind === 'enrolment.withdraw') return call(signal, (session) => lockForGood(session, given, undo));
      throw new TargetError(`${name} does not support ${undo.kind}`, 'none', 'unsupported');
    },

    // A directory does not record that a membership was used, and the time of a sign-in only with an overlay that is rarely installed.
    observe: () => Promise.resolve([]),

    check: (_options, signal) => checkLdap(options, given, signal),

    async close() {
      // Every call closes its own connection.
    },
  };
}
