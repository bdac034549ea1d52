/**
 * Proves that the rules of the services, wired together by facts alone, bring every case to its end in any order of arrival.
 * Does not prove anything about databases, buses or targets: those are real in the integration specs.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contain, endEarly, freezeBySignal, instant, obligationsOf, publishSignal, withdraw } from '../src/index.js';
import { caseState } from '../src/recovery-case/case-outcome.js';
import { why } from './cast.js';
import { House, policy } from './house.js';

const mfa = [
  { kind: 'factor.replace', object: 'ada' },
  { kind: 'factor.bypass', object: 'ada' },
] as const;
const role = [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }] as const;
const secret = [{ kind: 'secret.reissue', object: 'payroll' }] as const;
const ada = { kind: 'person', id: 'ada' } as const;
const erin = { kind: 'person', id: 'erin' } as const;
const payroll = { kind: 'machine', id: 'svc-payroll' } as const;

function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function granted(house: House, caseId: string): House {
  house.prove(caseId);
  house.decide(caseId, 'chidi');
  return house;
}

describe('an MFA recovery', () => {
  it('R1.1 R1.7 classifies before a plan exists, and says why', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    const [classified] = house.said('readmit.case.classified');
    expect(classified?.data).toMatchObject({ class: 'mfa-recovery', tier: 'agent-assisted', policy: { version: 'test-1' } });
    expect(classified?.data.reasons.length).toBeGreaterThan(1);
    const order = house.log.map(({ fact }) => fact.type);
    expect(order.indexOf('readmit.case.classified')).toBeLessThan(order.indexOf('readmit.plan.proposed'));
    expect(caseState(house.facts('intake', caseId))).toBe('planned');
  });

  it('R6.4 ends after use: the bypass is closed when the new factor is enrolled', () => {
    const house = new House();
    house.used = true;
    const caseId = house.open(mfa, ada);
    granted(house, caseId);
    expect(house.said('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['used']);
    expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed']);
  });

  it('R6.2 expires by itself when the bypass is never used', () => {
    const house = new House();
    const caseId = house.open(mfa, ada, undefined, 300);
    granted(house, caseId);
    house.advance(299);
    expect(house.said('readmit.revocation.due')).toHaveLength(0);
    house.advance(1);
    expect(house.said('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['expiry']);
    expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed']);
  });

  it('R1.8 a lockout signal alone opens nothing', () => {
    const house = new House();
    house.emit('intake', [
      {
        type: 'readmit.signal.received',
        key: 'subject:ada',
        data: { signalId: 's1', provider: 'idp', kind: 'account-locked', subject: 'ada', occurredAt: '2026-11-22T09:00:00.000Z' },
      },
    ]);
    house.advance(3600);
    expect(house.log).toHaveLength(1);
    house.open(mfa, ada);
    expect(house.said('readmit.case.classified')).toHaveLength(1);
  });
});

describe('separation of duties', () => {
  it.each([
    ['R4.2 refuses approval by the verifier', 'boris', 'approver-is-verifier'],
    ['R4.2 refuses approval by the subject', 'ada', 'approver-is-subject'],
    ['R4.2 refuses the same human under a second account', 'ada-admin', 'approver-is-subject'],
    ['R4.2 refuses approval by vendor staff', 'mallory', 'approver-is-vendor'],
  ])('%s', (_title, who, reason) => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    house.prove(caseId);
    expect(house.decide(caseId, who).refused).toBe(reason);
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.3 refuses a person who is in no team of the quorum', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    house.prove(caseId);
    // Her team has no part in an ordinary MFA recovery, so she is attested when she acts.
    expect(house.decide(caseId, 'dana').refused).toBe('not-ready');
    expect(house.decide(caseId, 'dana').refused).toBe('approver-not-in-quorum');
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.2 refuses approval by the requester', () => {
    const house = new House();
    const caseId = house.open(role, erin, 'chidi');
    house.prove(caseId);
    expect(house.decide(caseId, 'chidi').refused).toBe('approver-is-requester');
    const other = house.open(role, erin, 'erin');
    house.prove(other);
    expect(house.decide(other, 'chidi').refused).toBeUndefined();
  });

  it('R4.2 refuses evidence collected by the subject, and by somebody who is no verifier', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    expect(house.prove(caseId, 'ada').refused).toBe('verifier-is-subject');
    expect(house.prove(caseId, 'chidi').refused).toBe('not-a-verifier');
    expect(house.prove(caseId, 'boris').refused).toBeUndefined();
  });

  it('R1.3 R4.2 R4.3 wants two people of different authority for a role, and one human counts once, under whatever account', () => {
    const house = new House();
    const caseId = house.open(role, erin, 'erin');
    house.prove(caseId);
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(house.decide(caseId, house.attestChidiAsOwner(caseId)).refused).toBe('already-decided');
    expect(house.said('readmit.approval.granted')).toHaveLength(0);
    expect(house.decide(caseId, 'dana').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')).toHaveLength(1);
  });
});

describe('what an approval binds', () => {
  it('R4.4 refuses a statement that was changed after it was signed', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    house.prove(caseId);
    expect(house.decide(caseId, 'chidi', {}, { reason: 'something else' }).refused).toBe('decision-signature-invalid');
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R4.4 new evidence voids decisions that were made without it', () => {
    const house = new House();
    const caseId = house.open(role, erin, 'erin');
    house.prove(caseId);
    house.decide(caseId, 'chidi');
    const before = house.statement(caseId, 'dana');
    house.prove(caseId);
    expect(house.decide(caseId, 'dana', { evidenceDigest: before.evidenceDigest }).refused).toBe('evidence-changed');
    expect(house.decide(caseId, 'dana').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')).toHaveLength(0);
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')).toHaveLength(1);
  });

  it('R2.1 a plan that adds a role to an MFA recovery is refused on record and cannot be approved', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    const [honest] = house.said('readmit.plan.proposed');
    if (!honest) throw new Error('no plan');
    const plan = {
      ...honest.data.plan,
      steps: [
        ...honest.data.plan.steps,
        {
          id: 'x',
          askId: 'ask-1',
          kind: 'role.grant' as const,
          connector: 'target',
          object: 'ada',
          entitlement: 'app_admin',
          recipients: [],
          says: 'and a role',
        },
      ],
    };
    house.emit('execution', [
      { type: 'readmit.plan.proposed', key: caseId, data: { caseId, planId: 'evil', plan, digest: 'f'.repeat(64) } },
    ]);
    house.settle();
    expect(house.said('readmit.approval.refused').map((fact) => fact.data.reason)).toEqual(['plan-above-ceiling']);
    house.prove(caseId);
    expect(house.decide(caseId, 'chidi', { planDigest: 'f'.repeat(64) }).refused).toBe('plan-changed');
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R3.1 stale evidence grants nothing', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    house.prove(caseId);
    house.advance(300);
    expect(house.decide(caseId, 'chidi').refused).toBe('evidence-missing');
    house.prove(caseId);
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R4.7 a request that nobody decides expires, half open', () => {
    const house = new House();
    house.open(mfa, ada);
    house.advance(policy.classes['mfa-recovery'].decideWithinSeconds - 1);
    expect(house.said('readmit.approval.expired')).toHaveLength(0);
    house.advance(1);
    expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['expired']);
  });

  it('R4.7 the requester withdraws with the case key; a stranger does not', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    expect(house.command('approval', caseId, withdraw({ caseKey: 'stranger' })).refused).toBe('not-the-requester');
    expect(house.command('approval', caseId, withdraw({ caseKey: 'one-time-s' })).refused).toBeUndefined();
    house.settle();
    expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['withdrawn']);
  });
});

describe('the order of writes', () => {
  it('R6.1 R7.3 nothing begins while audit cannot record; when the approval is over it fails without effect', () => {
    const house = new House();
    house.auditUp = false;
    const caseId = house.open(role, erin, 'erin');
    house.prove(caseId);
    house.decide(caseId, 'chidi');
    house.decide(caseId, 'dana');
    house.advance(59);
    expect(house.said('readmit.execution.started')).toHaveLength(0);
    house.advance(1);
    expect(house.said('readmit.execution.failed').map((fact) => [fact.data.effect, fact.data.reason])).toEqual([
      ['none', 'audit-unavailable'],
    ]);
    // Asked at once, not at the end of the grant.
    expect(house.said('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['execution-failed']);
    expect(house.said('readmit.obligation.discharged').map((fact) => fact.data.how)).toEqual(['never-began']);
    house.advance(3600);
    expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['failed']);
  });

  it('R6.4 a person ends a grant early; before it is granted there is nothing to end', () => {
    const house = new House();
    const caseId = house.open(role, erin, 'erin');
    expect(house.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: [] }, why)).refused).toBe('nothing-granted');
    house.prove(caseId);
    house.decide(caseId, 'chidi');
    house.decide(caseId, 'dana');
    expect(house.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: [] }, why)).refused).toBeUndefined();
    house.settle();
    expect(house.said('readmit.revocation.due').map((fact) => [fact.data.cause, fact.data.by])).toEqual([['ended-by-person', 'chidi']]);
    expect(house.said('readmit.case.closed')).toHaveLength(1);
    expect(house.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: [] }, why)).refused).toBe('already-ended');
  });

  it('R6.6 containment is remembered for a case that is not known yet, and nothing begins', () => {
    const house = new House();
    const caseId = house.open(role, erin, 'erin');
    house.command('revocation-scheduler', caseId, contain('gita', why));
    house.settle();
    house.prove(caseId);
    expect(house.decide(caseId, 'chidi').refused).toBe('approval-frozen');
    expect(house.said('readmit.execution.started')).toHaveLength(0);
  });

  it.each([
    ['R6.4 is frozen', (house: House, caseId: string) => house.command('intake', caseId, freezeBySignal('acme:1', instant(house.now)))],
    ['R6.6 is contained', (house: House, caseId: string) => house.command('revocation-scheduler', caseId, contain('gita', why))],
    ['R4.7 is withdrawn', (house: House, caseId: string) => house.command('approval', caseId, withdraw({ caseKey: 'one-time-s' }))],
    ['R4.3 is denied', (house: House, caseId: string) => house.decide(caseId, 'chidi', { decision: 'deny' })],
    ['R4.7 expires', (house: House): { refused?: string } => (house.advance(policy.classes['mfa-recovery'].decideWithinSeconds), {})],
  ])('%s while the target is away: no plan is made when it is back, though the case is not closed yet', (_title, stop) => {
    const plansOf = (stopped: boolean): number => {
      const house = new House();
      house.mailUp = false;
      const caseId = house.openUnplanned(mfa, ada);
      if (stopped) expect(stop(house, caseId).refused).toBeUndefined();
      house.settle();
      house.targetUp = true;
      house.advance(120);
      expect(house.said('readmit.case.closed')).toEqual([]);
      return house.said('readmit.plan.proposed').length;
    };
    expect([plansOf(true), plansOf(false)]).toEqual([0, 1]);
  });

  it('R6.4 a signal of compromise ends at once what was granted', () => {
    const house = new House();
    const caseId = house.open(role, erin, 'erin');
    house.prove(caseId);
    house.decide(caseId, 'chidi');
    house.decide(caseId, 'dana');
    const compromised = { signalId: 'acme:1', provider: 'acme', kind: 'credential-compromised' as const, subject: 'erin' };
    house.command(
      'intake',
      'signal:acme:1',
      publishSignal({ ...compromised, source: 's', id: '1', occurredAt: instant(house.now) }, 'acme:1'),
    );
    house.settle();
    expect(house.said('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['frozen']);
    expect(house.said('readmit.obligation.discharged').map((fact) => fact.data.how)).toEqual(['undone']);
    expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['frozen']);
  });

  it('R4.5 a reissued secret ends with the destruction of the old one, once the consumer uses the new one', () => {
    const house = new House();
    house.used = true;
    const caseId = house.open(secret, payroll, 'pat');
    house.prove(caseId, 'boris', 'owner-confirmation');
    house.decide(caseId, 'chidi');
    house.decide(caseId, 'dana');
    const how = house
      .said('readmit.obligation.discharged')
      .map((fact) => [
        obligationsOf(house.facts('revocation-scheduler', caseId), house.now).find((o) => o.id === fact.data.obligationId)?.undo.object,
        fact.data.how,
      ]);
    expect(how.sort()).toEqual([
      ['payroll_a', 'undone'],
      ['payroll_b', 'taken-over'],
    ]);
    expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed']);
  });
});

describe('facts are a set', () => {
  it('R8.1 every case ends the same for any order of arrival and any repetition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.boolean(), (seed, used) => {
        const house = new House(mulberry(seed));
        house.used = used;
        const cases = [house.open(mfa, ada), house.open(role, erin, 'erin'), house.open(secret, payroll, 'pat')] as const;
        house.prove(cases[0]);
        house.prove(cases[1]);
        house.prove(cases[2], 'boris', 'owner-confirmation');
        house.decide(cases[0], 'chidi');
        for (const caseId of cases.slice(1)) {
          house.decide(caseId, 'dana');
          house.decide(caseId, 'chidi');
        }
        house.advance(7200);
        expect(house.said('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed', 'completed', 'completed']);
        const due = house.said('readmit.revocation.due').map((fact) => fact.data.obligationId);
        expect(new Set(due).size).toBe(due.length);
        // Per case: the obligation and audit's record of it come before the start (R6.1).
        for (const started of house.log.filter(({ fact }) => fact.type === 'readmit.execution.started')) {
          const before = house.log
            .slice(0, house.log.indexOf(started))
            .filter(({ key }) => key === started.key)
            .map(({ fact }) => fact.type);
          expect(before).toEqual(
            expect.arrayContaining(['readmit.obligation.recorded', 'readmit.approval.granted', 'readmit.audit.recorded']),
          );
        }
      }),
      { numRuns: 60 },
    );
  });
});
