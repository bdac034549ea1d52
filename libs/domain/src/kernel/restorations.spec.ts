/** Consistency of the rows of the table of restorations. Rules that read them have their own specs. */
import { describe, expect, it } from '@jest/globals';
import type { AskKind, StepKind, UndoKind } from '@readmit/contracts';
import {
  askTable,
  claimsAccount,
  isExclusive,
  needsCaseKey,
  stepsOfClass,
  stepServesAsk,
  stepTable,
  undoTable,
  voidsSecret,
} from './restorations.js';

const asks = Object.entries(askTable) as [AskKind, (typeof askTable)[AskKind]][];
const steps = Object.entries(stepTable) as [StepKind, (typeof stepTable)[StepKind]][];
const undos = Object.entries(undoTable) as [UndoKind, (typeof undoTable)[UndoKind]][];

describe('the table of restorations', () => {
  it.each(asks)('R2.1 lets the class of %s take every step that serves it', (_kind, row) => {
    expect(row.steps.length).toBeGreaterThan(0);
    expect(row.steps.filter((step) => !stepsOfClass(row.class).includes(step))).toEqual([]);
  });

  it.each(steps)('R2.2 has an ask that is served by %s', (kind) => {
    expect(asks.some(([ask]) => stepServesAsk(kind, ask))).toBe(true);
  });

  it.each(undos)('R6.1 has a step that %s takes back, or an ask that owes it', (kind, row) => {
    expect(steps.some(([, step]) => step.undo === kind)).toBe(row.of === 'step');
  });

  it('R2.1 gives entitlements and secrets to the classes that two people decide, each to its own', () => {
    expect(stepsOfClass('mfa-recovery')).toEqual(['factor.remove', 'sessions.end', 'account.unlock', 'bypass.issue']);
    expect(stepsOfClass('privileged-restoration')).toEqual(expect.arrayContaining([...stepsOfClass('mfa-recovery'), 'role.grant']));
    expect(stepsOfClass('privileged-restoration')).not.toContain('secret.issue');
    expect(stepsOfClass('nhi-secret-restoration')).toEqual(['secret.issue']);
  });

  it('R2.2 serves an ask by its own steps, and any by the end of sessions', () => {
    expect(stepServesAsk('bypass.issue', 'factor.replace')).toBe(false);
    expect(stepServesAsk('bypass.issue', 'factor.reset')).toBe(true);
    expect(stepServesAsk('sessions.end', 'role.restore')).toBe(true);
  });

  it('R5.1 lets a bypass leave the factor, a replacement issue no bypass, and a reset do both', () => {
    const both = (ask: AskKind) => [stepServesAsk('factor.remove', ask), stepServesAsk('bypass.issue', ask)];
    expect(both('factor.bypass')).toEqual([false, true]);
    expect(both('factor.replace')).toEqual([true, false]);
    expect(both('factor.reset')).toEqual([true, true]);
  });

  it('R6.5 lets one case at a time hold a secret, by ask, step and undo, and no other thing', () => {
    expect(asks.filter(([kind]) => claimsAccount({ kind })).map(([kind]) => kind)).toEqual(['secret.rotate', 'secret.reissue']);
    expect(steps.filter(([kind]) => isExclusive({ kind })).map(([kind]) => kind)).toEqual(['secret.issue']);
    expect(undos.filter(([kind]) => isExclusive({ kind })).map(([kind]) => kind)).toEqual(['secret.destroy']);
  });

  it('R6.3 voids a sealed secret by the end of what it opens, and not by the end of a role', () => {
    expect(undos.filter(([kind]) => voidsSecret({ kind })).map(([kind]) => kind)).toEqual(['bypass.close', 'secret.destroy']);
  });

  it('R2.6 seals to the key of the case what a bypass opens, and nothing else', () => {
    expect(asks.filter(([kind]) => needsCaseKey({ kind })).map(([kind]) => kind)).toEqual([
      'factor.bypass',
      'factor.reset',
      'backup-method.activate',
      'breakglass.activate',
    ]);
  });
});
