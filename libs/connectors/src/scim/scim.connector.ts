import type { Capabilities } from '@readmit/domain';
import { Bounded } from '../bounded.js';
import { mustBeBelow, mustSupport, TargetError, type Connector } from '../connector.js';
import { pairOf } from '../group-pair.js';
import { checkScim } from './check.js';
import { facetsOf, readByName, type Canary } from './group-state.js';
import { addMember, removeMember } from './membership.js';
import { planGroup } from './plan-group.js';
import { ScimClient, type Call, type ScimClientOptions } from './scim-client.js';

export interface ScimConnectorOptions extends ScimClientOptions {
  readonly canary: Canary;
  /** How long applications go on with a membership that is gone at the target. */
  readonly cacheSeconds: number;
}

/** Calls at once to one target, whatever is asked. */
const mostCalls = 8;

/**
 * Restores memberships of groups at a SCIM 2.0 service provider. It lifts no locks: SCIM knows only `active`, which says that an
 * administrator deactivated the account, for example because the person left.
 */
export function scimConnector(options: ScimConnectorOptions): Connector {
  const { name, canary, cacheSeconds } = options;
  const client = new ScimClient(options);
  const capabilities: Capabilities = { asks: ['group.restore'], can: ['read-back'], residualSeconds: cacheSeconds };
  const calls = new Bounded(mostCalls);
  const call = <T>(signal: AbortSignal, work: (call: Call) => Promise<T>): Promise<T> => calls.run(signal, () => work(client.call(signal)));

  return {
    name,
    capabilities,

    async plan(ask, { ceiling, durationSeconds }, signal) {
      mustSupport({ name, capabilities }, ask);
      mustBeBelow(ceiling, ask, { kinds: ['role.grant'], durationSeconds });
      return call(signal, (own) => planGroup(own, canary, ask, durationSeconds));
    },

    async read(ask, signal) {
      mustSupport({ name, capabilities }, ask);
      const pair = pairOf(ask);
      return call(signal, async (own) => facetsOf(pair, await readByName(own, canary, pair)));
    },

    async execute(step, { plan }, signal) {
      if (step.kind !== 'role.grant') throw new TargetError(`${name} does not support ${step.kind}`, 'none', 'unsupported');
      return call(signal, (own) => addMember(own, canary, step, plan));
    },

    async undo(undo, { plan }, signal) {
      if (undo.kind !== 'role.revoke') throw new TargetError(`${name} does not support ${undo.kind}`, 'none', 'unsupported');
      return call(signal, (own) => removeMember(own, canary, undo, plan));
    },

    // SCIM tells neither when a membership was used nor when somebody signed in.
    observe: () => Promise.resolve([]),

    check: ({ now }, signal) => call(signal, (own) => checkScim(own, canary, options.url.startsWith('https:'), now)),

    close: () => Promise.resolve(),
  };
}
