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
  it('takes an entitlement with slashes as it is, and as JSON any name that has one', () => {
    const role = { kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app/admin' };
    expect(parseAsk('role.restore=target-postgres/erin/app/admin')).toEqual(role);
    expect(parseAsk(JSON.stringify(role))).toEqual(role);
    expect(parseAsk(JSON.stringify({ ...role, object: 'erin/x' }))).toEqual({ ...role, object: 'erin/x' });
    expect(parseAsk('{"kind":"factor.bypass","connector":"demo-idp","object":"a/b"}')).toEqual({
      kind: 'factor.bypass',
      connector: 'demo-idp',
      object: 'a/b',
    });
  });
  it.each([
    ['factor.bypass', '"factor.bypass" is not an ask'],
    ['secret.reenable=pg/x', '"secret.reenable" is not a kind of ask'],
    ['factor.bypass=demo-idp', '"factor.bypass=demo-idp" does not name connector and object'],
    ['factor.bypass=/ada', 'does not name connector and object'],
    ['role.restore=pg/erin', '"role.restore=pg/erin" does not name the role'],
    ['{"kind":"group.restore","connector":"pg","object":"x"}', 'does not name the group'],
    ['role.restore=pg/erin/', 'does not name connector and object'],
    ['role.restore=pg//a/b', 'does not name connector and object'],
    ['{"kind":"role.restore"', 'is not JSON'],
    ['{"kind":"role.restore","connector":"pg"}', 'does not name connector and object'],
    ['{"kind":"secret.reenable","connector":"pg","object":"x"}', '"secret.reenable" is not a kind of ask'],
    ['{"kind":"role.restore","connector":"pg","object":"x","role":"y"}', 'An ask has no "role"'],
  ])('refuses %s', (text, says) => expect(() => parseAsk(text)).toThrow(says));
});
