import { describe, expect, it } from '@jest/globals';
import { TargetError } from '@readmit/domain';
import { Breakers, CallNeverEnded, reachOf } from './breaker.js';

const at = (id: string, connector = 'idp') => ({ id, connector });
function breakers() {
  const changes: string[] = [];
  const all = new Breakers(({ connector, lane, state, since }) => changes.push(`${connector} ${lane} ${state} ${since}`));
  const fail = (times: number, now = 1_000) => {
    for (let n = 0; n < times; n++) all.saw('ordinary', at(`failed-${n}`), 'unreached', now);
  };
  /** One call is tried and does not reach the target. */
  const failTrial = (now: number) => {
    all.claim('ordinary', at('trial'));
    all.saw('ordinary', at('trial'), 'unreached', now);
    all.over('ordinary', at('trial'));
  };
  return { all, changes, fail, failTrial };
}

describe('a breaker', () => {
  it('opens after five calls in a row that did not reach the target, and not when one in between did', () => {
    const { all, changes, fail } = breakers();
    fail(4);
    all.saw('ordinary', at('answered'), 'reached', 1_000);
    fail(4);
    all.saw('ordinary', at('not-called'), 'unknown', 1_000);
    expect([all.from('ordinary', 'idp'), all.open()]).toEqual([0, []]);
    fail(1);
    expect(all.open()).toEqual([{ connector: 'idp', lane: 'ordinary', since: 1_000 }]);
    expect(all.from('ordinary', 'idp')).toBe(2_000);
    expect(changes).toEqual(['idp ordinary opened 1000']);
  });

  it('puts off no other connector and no other lane', () => {
    const { all, fail } = breakers();
    fail(5);
    expect(all.from('ordinary', 'ledger')).toBe(0);
    expect(all.from('urgent', 'idp')).toBe(0);
    expect([all.open('urgent'), all.open('ordinary').length]).toEqual([[], 1]);
  });

  it('tries one call at a time, and claims that waited for their call are given back', () => {
    const { all, fail } = breakers();
    fail(5);
    all.claim('ordinary', at('first'));
    all.claim('ordinary', at('second'));
    expect(all.from('ordinary', 'idp')).toBe(Infinity);
    expect(all.refuses('ordinary', at('first'))).toBe(false);
    expect(all.refuses('ordinary', at('second'))).toBe(true);
    // The end of another is not the end of the trial; a trial that was not called leaves the place to the next.
    all.over('ordinary', at('second'));
    expect(all.from('ordinary', 'idp')).toBe(Infinity);
    all.over('ordinary', at('first'));
    expect(all.from('ordinary', 'idp')).toBe(2_000);
  });

  it('doubles its pause with each trial that fails, up to 30 s, and for no call that began earlier', () => {
    const { all, fail, failTrial } = breakers();
    fail(5);
    fail(20, 1_500);
    expect(all.from('ordinary', 'idp')).toBe(2_000);
    const pauses: number[] = [];
    for (let now = 2_000, n = 0; n < 6; n++) {
      failTrial(now);
      const next = all.from('ordinary', 'idp');
      pauses.push(next - now);
      now = next;
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('closes when a call reaches the target, and says since when it was open', () => {
    const { all, changes, fail } = breakers();
    fail(5);
    all.claim('ordinary', at('trial'));
    all.saw('ordinary', at('trial'), 'reached', 2_000);
    expect([all.from('ordinary', 'idp'), all.open()]).toEqual([0, []]);
    expect(changes).toEqual(['idp ordinary opened 1000', 'idp ordinary closed 1000']);
    fail(4, 3_000);
    expect(all.open()).toEqual([]);
  });

  it('tries at once, and stays open, when a call of another lane reaches the target', () => {
    const { all, fail, failTrial } = breakers();
    fail(5);
    failTrial(2_000);
    expect(all.from('ordinary', 'idp')).toBe(4_000);
    all.saw('reading', at('read'), 'reached', 2_500);
    expect([all.from('ordinary', 'idp'), all.open().length]).toEqual([2_500, 1]);
  });
});

describe('what a call shows of its target', () => {
  it.each([
    { what: 'a result', error: undefined, reach: 'reached' },
    { what: 'a refusal', error: new TargetError('no', 'none', 'refused'), reach: 'reached' },
    { what: 'an account that is not there', error: new TargetError('no', 'none', 'not-found'), reach: 'reached' },
    { what: 'no connection', error: new TargetError('no', 'none', 'unreachable'), reach: 'unreached' },
    { what: 'a timeout', error: new TargetError('no', 'unknown', 'timeout'), reach: 'unreached' },
    { what: 'a call that did not end', error: new CallNeverEnded('no'), reach: 'unreached' },
    { what: 'a bug', error: new Error('no'), reach: 'unknown' },
  ])('$what: $reach', ({ error, reach }) => {
    expect(reachOf(error, 'idp')).toBe(reach);
  });

  it('nothing, when another connector that the work calls cannot be reached', () => {
    const of = (connector: string) => reachOf(Object.assign(new TargetError('no', 'none', 'unreachable'), { connector }), 'idp');
    expect([of('ledger'), of('idp')]).toEqual(['unknown', 'unreached']);
  });
});
