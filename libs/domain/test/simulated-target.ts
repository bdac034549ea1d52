/** What a simulated target would propose for an ask: the same shapes as real connectors, nothing behind them. */
import type { AskKind } from '@readmit/contracts';
import { secretHold } from '../src/index.js';
import { crypto } from './cast.js';

export function partsFor(
  kind: AskKind,
  ask: { id: string; kind: AskKind; connector: string; object: string; entitlement?: string },
  durationSeconds: number,
  recipients: string[],
) {
  const at = { connector: ask.connector, object: ask.object, recipients };
  const touches = [`${kind}:state`];
  const none = { removes: [], restores: [], untouched: ['password'], before: [{ name: `${kind}:state`, value: 'lost' }] };
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
