/** Events that follow from a check of the targets, in a case with two asks at two targets: each account counts separately. */
import type { Fact, Plan } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { attested, caseId, crypto, grant, plan, said, undo } from '../../test/genuine-case.js';
import { recipient } from '../../test/cast.js';
import { Facts } from '../kernel/facts.js';
import { needsWatching } from './execution.react.js';
import type { Seen } from './target.js';
import { observed } from './watch.work.js';

const at = (connector: string) => ({ connector, object: 'erin' });
const close = { ...undo, ...at('idp'), id: 'obligation_2', kind: 'bypass.close' } as const;
const [role] = plan.asks;
const [giveRole] = plan.steps;
if (!role || !giveRole) throw new Error('the genuine case asks for a role');

function factsOf(changed: Partial<Plan>, more: readonly Fact[] = []): Facts {
  const other = { ...plan, ...changed };
  const digest = crypto.digest(other);
  return new Facts([
    attested(),
    said('readmit.plan.proposed', 2, { caseId, planId: 'plan_1', plan: other, digest }),
    grant({ planDigest: digest, obligations: other.obligations }),
    ...more,
  ]);
}
const two = (...more: readonly Fact[]): Facts =>
  factsOf(
    {
      asks: [role, { id: 'ask_2', kind: 'factor.bypass', ...at('idp') }],
      steps: [giveRole, { id: 'step_2', askId: 'ask_2', kind: 'bypass.issue', ...at('idp'), recipients: [], says: 'issue' }],
      obligations: [undo, close],
    },
    more,
  );
const saw = (facts: Facts, ...seen: readonly Seen[]) => {
  const { emit, over } = observed(seen, facts, caseId);
  return { over, emit: emit.map(({ type, data }) => [type, data]) };
};
const used = { used: { at: '2026-11-22T10:00:30.000Z' } };
const enrolled = { enrolled: { factor: 'totp-2' } };

describe('a look at two targets', () => {
  it('R6.2 names the account that was used, though it is not the first one that was asked for', () => {
    expect(saw(two(), at('target-postgres'), { ...at('idp'), ...used })).toEqual({
      over: false,
      emit: [['readmit.credential.used', { caseId, ...at('idp'), usedAt: used.used.at }]],
    });
    expect(saw(two(), at('target-postgres'), at('idp'))).toEqual({ over: false, emit: [] });
  });

  it('R6.4 is over when a factor was enrolled where the bypass is, and not when one was enrolled elsewhere', () => {
    const elsewhere = saw(two(), { ...at('target-postgres'), ...enrolled }, at('idp'));
    expect(elsewhere).toEqual({
      over: false,
      emit: [['readmit.enrolment.confirmed', { caseId, ...at('target-postgres'), factor: 'totp-2' }]],
    });
    expect(saw(two(), at('target-postgres'), { ...at('idp'), ...enrolled })).toMatchObject({
      over: true,
      emit: [['readmit.enrolment.confirmed', at('idp')]],
    });
  });

  it('R8.3 tells of each account once, and of another one still', () => {
    const known = said('readmit.enrolment.confirmed', 9, { caseId, ...at('target-postgres'), factor: 'totp-2' });
    expect(needsWatching(two(known))).toBe(true);
    expect(saw(two(known), { ...at('target-postgres'), ...enrolled }).emit).toEqual([]);
    expect(saw(two(known), { ...at('idp'), ...enrolled }).emit).toHaveLength(1);
    expect(needsWatching(two(said('readmit.enrolment.confirmed', 9, { caseId, ...at('idp'), factor: 'totp-2' })))).toBe(false);
  });

  it('R6.4 takes the new secret for taken over where it is used, and not because another account shows it', () => {
    const consumers = [{ id: 'payroll-app', key: recipient('payroll-app') }];
    const secret = { connector: 'target-postgres', object: 'payroll', hold: 'target-postgres/secret/payroll' };
    const people = attested();
    const facts = factsOf(
      {
        asks: [
          { id: 'ask_1', kind: 'factor.bypass', ...at('idp') },
          { id: 'ask_2', kind: 'secret.reissue', connector: secret.connector, object: 'payroll' },
        ],
        steps: [{ id: 'step_1', askId: 'ask_2', kind: 'secret.issue', ...secret, recipients: [], says: 'issue' }],
        obligations: [{ ...undo, ...secret, kind: 'secret.destroy', object: 'payroll_b', unlessTakenOver: true }],
      },
      [{ ...people, id: 'event_z', data: { ...people.data, consumers } } as Fact],
    );
    expect(saw(facts, { ...at('idp'), takenOver: true })).toEqual({ over: false, emit: [] });
    expect(saw(facts, { connector: 'target-postgres', object: 'payroll', takenOver: true })).toEqual({
      over: true,
      emit: [['readmit.consumer.confirmed', { caseId, consumer: 'payroll-app', object: 'payroll_b' }]],
    });
  });
});
