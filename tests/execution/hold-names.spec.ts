/** The rules name the hold of a secret before there is a plan, the connector names it in the plan. Different names would count as two accounts. */
import { describe, expect, it } from '@jest/globals';
import { engineCrypto } from '@readmit/signing';
import { secretHold } from '@readmit/domain';
import { holdId } from '../../libs/connectors/src/plan-identity.js';

describe('the hold of a secret', () => {
  it.each(['payroll', 'a/b', 'a%2Fb', 'x, y', 'é"\\', 'x'.repeat(240), 'x'.repeat(241), `${'x'.repeat(254)}a`, `${'/'.repeat(254)}b`])(
    'R6.5 has the same name in rules and connector (%s)',
    (object) => {
      expect(secretHold(engineCrypto, 'target', object)).toBe(holdId('target', 'secret', object));
    },
  );
});
