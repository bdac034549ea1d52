import { describe, expect, it } from '@jest/globals';
import type { Ceiling } from '@readmit/contracts';
import { mustBeBelow } from './connector.js';

const ceiling: Ceiling = { steps: ['role.grant'], entitlements: ['finance'], maxDurationSeconds: 900 };
const kinds = ['role.grant'] as const;
const check = (entitlement: string | undefined, planned: Parameters<typeof mustBeBelow>[2]) => () =>
  mustBeBelow(ceiling, entitlement === undefined ? {} : { entitlement }, planned);

describe('the ceiling of a case', () => {
  it('allows what it names, for at most its duration, and refuses everything else by name', () => {
    expect(check('finance', { kinds, durationSeconds: 900 })).not.toThrow();
    expect(check(undefined, { kinds: [], durationSeconds: 900 })).not.toThrow();
    expect(check('finance', { kinds: ['role.grant', 'account.unlock'], durationSeconds: 900 })).toThrow(
      expect.objectContaining({ message: 'the ceiling of this case does not allow account.unlock', code: 'refused', effect: 'none' }),
    );
    expect(check('admins', { kinds, durationSeconds: 900 })).toThrow('the ceiling of this case does not allow admins');
    expect(check('finance', { kinds, durationSeconds: 901 })).toThrow('the ceiling of this case allows 900 s, not 901 s');
  });
});
