/** What a simulated target would propose for an ask: the same shapes as real connectors, nothing behind them. */
import type { AskKind } from '@readmit/contracts';

export function partsFor(
  kind: AskKind,
  ask: { id: string; kind: AskKind; connector: string; object: string; entitlement?: string },
  durationSeconds: number,
  recipients: string[],
) {
  const at = { connector: ask.connector, object: ask.object, recipients };
  const none = { removes: [], restores: [], untouched: ['password'], before: [{ name: `${kind}:state`, value: 'lost' }] };
  if (kind === 'role.restore')
    return {
      ask,
      ...none,
      steps: [{ ...at, kind: 'role.grant' as const, entitlement: ask.entitlement ?? 'none', says: 'grant' }],
      obligations: [
        {
          ...at,
          recipients: undefined,
          kind: 'role.revoke' as const,
          armedBy: 'start' as const,
          unlessTakenOver: false,
          afterSeconds: durationSeconds,
          says: 'revoke',
        },
      ].map(({ recipients: _, ...undo }) => undo),
    };
  if (kind === 'secret.reissue') {
    const undo = (object: string, armedBy: 'start' | 'success', unlessTakenOver: boolean) => ({
      connector: ask.connector,
      object,
      kind: 'secret.destroy' as const,
      armedBy,
      unlessTakenOver,
      afterSeconds: 120,
      says: `destroy ${object}`,
    });
    return {
      ask,
      ...none,
      steps: [{ ...at, kind: 'secret.issue' as const, says: 'issue' }],
      obligations: [undo('payroll_b', 'start', true), undo('payroll_a', 'success', false)],
    };
  }
  if (kind === 'factor.replace')
    return { ask, ...none, steps: [{ ...at, kind: 'factor.remove' as const, says: 'remove' }], obligations: [] };
  return {
    ask,
    ...none,
    steps: [{ ...at, kind: 'bypass.issue' as const, says: 'issue' }],
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
