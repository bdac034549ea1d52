/** A target in memory: one facet for each kind of ask at each object. Its plans have the same shapes as those of real connectors. */
import { askKinds, capabilities, type Ask, type AskKind, type Facet, type Step, type Undo } from '@readmit/contracts';
import { secretHold, type AskParts } from '../src/index.js';
import { crypto } from './cast.js';

export class SimulatedTarget {
  /** What was given, by object and facet. */
  private readonly given = new Set<string>();

  private facet(object: string, name: string): Facet {
    return { name, value: this.given.has(`${object} ${name}`) ? 'given' : 'lost' };
  }
  read = ({ kind, object }: Ask): Facet[] => [this.facet(object, `${kind}:state`)];
  execute = ({ object, touches = [] }: Step): Facet[] =>
    touches.map((name) => {
      this.given.add(`${object} ${name}`);
      return this.facet(object, name);
    });
  undo = ({ kind, object }: Undo): Facet[] => {
    const ask = askOf[kind];
    if (ask === undefined) throw new Error(`the simulated target knows no ${kind}`);
    const name = `${ask}:state`;
    this.given.delete(`${object} ${name}`);
    return [this.facet(object, name)];
  };
  /** Its proposal for the ask in the current state. */
  partsFor = (ask: Ask, durationSeconds: number, recipients: string[]): AskParts => ({
    ...partsFor(ask, durationSeconds, recipients),
    before: this.read(ask),
  });
}
/** The ask that an undo reverses, of the asks used here. */
const askOf: Readonly<Partial<Record<Undo['kind'], AskKind>>> = {
  'role.revoke': 'role.restore',
  'secret.destroy': 'secret.reissue',
  'bypass.close': 'factor.bypass',
  'enrolment.withdraw': 'factor.replace',
};

function partsFor(ask: Ask, durationSeconds: number, recipients: string[]): Omit<AskParts, 'before'> {
  const { kind } = ask;
  const at = { connector: ask.connector, object: ask.object, recipients };
  const touches = [`${kind}:state`];
  const none = {
    capabilities: { asks: askKinds, can: capabilities, residualSeconds: 0 },
    removes: [],
    restores: [],
    untouched: ['password'],
  };
  if (kind === 'role.restore') {
    const hold = `${ask.connector}/role.grant/${ask.object}/${ask.entitlement ?? 'none'}`;
    return {
      ask,
      ...none,
      steps: [{ ...at, kind: 'role.grant' as const, entitlement: ask.entitlement ?? 'none', hold, touches, says: 'grant' }],
      obligations: [
        {
          ...at,
          recipients: undefined,
          kind: 'role.revoke' as const,
          entitlement: ask.entitlement ?? 'none',
          hold,
          armedBy: 'start' as const,
          unlessTakenOver: false,
          afterSeconds: durationSeconds,
          says: 'revoke',
        },
      ].map(({ recipients: _, ...undo }) => undo),
    };
  }
  if (kind === 'secret.reissue') {
    const hold = secretHold(crypto, ask.connector, ask.object);
    const undo = (object: string, armedBy: 'start' | 'success', unlessTakenOver: boolean) => ({
      connector: ask.connector,
      object,
      kind: 'secret.destroy' as const,
      armedBy,
      unlessTakenOver,
      afterSeconds: 120,
      hold,
      says: `destroy ${object}`,
    });
    return {
      ask,
      ...none,
      steps: [{ ...at, kind: 'secret.issue' as const, hold, touches, says: 'issue' }],
      obligations: [undo('payroll_b', 'start', true), undo('payroll_a', 'success', false)],
    };
  }
  if (kind === 'factor.replace')
    return { ask, ...none, steps: [{ ...at, kind: 'factor.remove' as const, touches, says: 'remove' }], obligations: [] };
  return {
    ask,
    ...none,
    steps: [{ ...at, kind: 'bypass.issue' as const, touches, says: 'issue' }],
    obligations: [
      {
        connector: ask.connector,
        object: ask.object,
        kind: 'bypass.close' as const,
        armedBy: 'start' as const,
        unlessTakenOver: false,
        afterSeconds: durationSeconds,
        says: 'close',
      },
    ],
  };
}
