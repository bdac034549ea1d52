import { describe, expect, it } from '@jest/globals';
import { parseAsk } from './asks.js';

describe('asks', () => {
  it('reads kind, connector, object and entitlement', () => {
    expect(parseAsk('factor.bypass=demo-idp/ada')).toEqual({ kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' });
    expect(parseAsk('role.restore=target-postgres/erin/app_admin')).toEqual({
      kind: 'role.restore',
      connector: 'target-postgres',
      object: 'erin',
      entitlement: 'app_admin',
    });
  });
  it.each([
    ['factor.bypass', '"factor.bypass" is not an ask'],
    ['secret.reenable=pg/x', '"secret.reenable" is not a kind of ask'],
    ['factor.bypass=demo-idp', '"factor.bypass=demo-idp" does not name connector and object'],
    ['factor.bypass=/ada', 'does not name connector and object'],
    ['role.restore=pg/erin/', 'does not name connector and object'],
    ['role.restore=pg/erin/a/b', 'does not name connector and object'],
  ])('refuses %s', (text, says) => expect(() => parseAsk(text)).toThrow(says));
});
