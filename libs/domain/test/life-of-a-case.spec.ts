/**
 * Proves that the rules of the services, wired together by facts alone, bring every case to its end in any order of arrival.
 * Does not prove anything about databases, buses or targets: those are real in the integration specs.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contain, endEarly, freezeBySignal, instant, obligationsOf, publishSignal, withdraw } from '../src/index.js';
import { caseState } from '../src/recovery-case/case-outcome.js';
import { why } from './cast.js';
import { SimulatedServices, policy } from './simulated-services.js';

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

function granted(services: SimulatedServices, caseId: string): SimulatedServices {
  services.prove(caseId);
  services.decide(caseId, 'chidi');
  return services;
}

describe('an MFA recovery', () => {
  it('R1.1 R1.7 classifies before a plan exists, and says why', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    const [classified] = services.emitted('readmit.case.classified');
    expect(classified?.data).toMatchObject({ class: 'mfa-recovery', tier: 'agent-assisted', policy: { version: 'test-1' } });
    expect(classified?.data.reasons.length).toBeGreaterThan(1);
    const order = services.log.map(({ fact }) => fact.type);
    expect(order.indexOf('readmit.case.classified')).toBeLessThan(order.indexOf('readmit.plan.proposed'));
    expect(caseState(services.facts('intake', caseId))).toBe('planned');
  });

  it('R6.4 ends after use: the bypass is closed when the new factor is enrolled', () => {
    const services = new SimulatedServices();
    services.used = true;
    const caseId = services.open(mfa, ada);
    granted(services, caseId);
    expect(services.emitted('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['used']);
    expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed']);
  });

  it('R6.2 expires by itself when the bypass is never used', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada, undefined, 300);
    granted(services, caseId);
    services.advance(299);
    expect(services.emitted('readmit.revocation.due')).toHaveLength(0);
    services.advance(1);
    expect(services.emitted('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['expiry']);
    expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed']);
  });

  it('R1.8 a lockout signal alone opens nothing', () => {
    const services = new SimulatedServices();
    services.emit('intake', [
      {
        type: 'readmit.signal.received',
        key: 'subject:ada',
        data: { signalId: 's1', provider: 'idp', kind: 'account-locked', subject: 'ada', occurredAt: '2026-11-22T09:00:00.000Z' },
      },
    ]);
    services.advance(3600);
    expect(services.log).toHaveLength(1);
    services.open(mfa, ada);
    expect(services.emitted('readmit.case.classified')).toHaveLength(1);
  });
});

describe('separation of duties', () => {
  it.each([
    ['R4.2 refuses approval by the verifier', 'boris', 'approver-is-verifier'],
    ['R4.2 refuses approval by the subject', 'ada', 'approver-is-subject'],
    ['R4.2 refuses the same human under a second account', 'ada-admin', 'approver-is-subject'],
    ['R4.2 refuses approval by vendor staff', 'mallory', 'approver-is-vendor'],
  ])('%s', (_title, who, reason) => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    services.prove(caseId);
    expect(services.decide(caseId, who).refused).toBe(reason);
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.3 refuses a person who is in no team of the quorum', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    services.prove(caseId);
    // This team has no part in an ordinary MFA recovery, so its member is attested when acting.
    expect(services.decide(caseId, 'dana').refused).toBe('not-ready');
    expect(services.decide(caseId, 'dana').refused).toBe('approver-not-in-quorum');
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.2 refuses approval by the requester', () => {
    const services = new SimulatedServices();
    const caseId = services.open(role, erin, 'chidi');
    services.prove(caseId);
    expect(services.decide(caseId, 'chidi').refused).toBe('approver-is-requester');
    const other = services.open(role, erin, 'erin');
    services.prove(other);
    expect(services.decide(other, 'chidi').refused).toBeUndefined();
  });

  it('R4.2 refuses evidence collected by the subject, and by somebody who is no verifier', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    expect(services.prove(caseId, 'ada').refused).toBe('verifier-is-subject');
    expect(services.prove(caseId, 'chidi').refused).toBe('not-a-verifier');
    expect(services.prove(caseId, 'boris').refused).toBeUndefined();
  });

  it('R1.3 R4.2 R4.3 wants two people of different authority for a role, and one human counts once, under whatever account', () => {
    const services = new SimulatedServices();
    const caseId = services.open(role, erin, 'erin');
    services.prove(caseId);
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(services.decide(caseId, services.attestChidiAsOwner(caseId)).refused).toBe('already-decided');
    expect(services.emitted('readmit.approval.granted')).toHaveLength(0);
    expect(services.decide(caseId, 'dana').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')).toHaveLength(1);
  });
});

describe('what an approval binds', () => {
  it('R4.4 refuses a statement that was changed after it was signed', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    services.prove(caseId);
    expect(services.decide(caseId, 'chidi', {}, { reason: 'something else' }).refused).toBe('decision-signature-invalid');
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R4.4 new evidence voids decisions that were made without it', () => {
    const services = new SimulatedServices();
    const caseId = services.open(role, erin, 'erin');
    services.prove(caseId);
    services.decide(caseId, 'chidi');
    const before = services.statement(caseId, 'dana');
    services.prove(caseId);
    expect(services.decide(caseId, 'dana', { evidenceDigest: before.evidenceDigest }).refused).toBe('evidence-changed');
    expect(services.decide(caseId, 'dana').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')).toHaveLength(0);
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')).toHaveLength(1);
  });

  it('R2.1 a plan that adds a role to an MFA recovery is refused on record and cannot be approved', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    const [honest] = services.emitted('readmit.plan.proposed');
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
    services.emit('execution', [
      { type: 'readmit.plan.proposed', key: caseId, data: { caseId, planId: 'evil', plan, digest: 'f'.repeat(64) } },
    ]);
    services.settle();
    expect(services.emitted('readmit.approval.refused').map((fact) => fact.data.reason)).toEqual(['plan-above-ceiling']);
    services.prove(caseId);
    expect(services.decide(caseId, 'chidi', { planDigest: 'f'.repeat(64) }).refused).toBe('plan-changed');
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R3.1 stale evidence grants nothing', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    services.prove(caseId);
    services.advance(300);
    expect(services.decide(caseId, 'chidi').refused).toBe('evidence-missing');
    services.prove(caseId);
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R4.7 a request that nobody decides expires, half open', () => {
    const services = new SimulatedServices();
    services.open(mfa, ada);
    services.advance(policy.classes['mfa-recovery'].decideWithinSeconds - 1);
    expect(services.emitted('readmit.approval.expired')).toHaveLength(0);
    services.advance(1);
    expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['expired']);
  });

  it('R4.7 the requester withdraws with the case key; a stranger does not', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    expect(services.command('approval', caseId, withdraw({ caseKey: 'stranger' })).refused).toBe('not-the-requester');
    expect(services.command('approval', caseId, withdraw({ caseKey: 'one-time-s' })).refused).toBeUndefined();
    services.settle();
    expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['withdrawn']);
  });
});

describe('the order of writes', () => {
  it('R6.1 R7.3 nothing begins while audit cannot record; when the approval is over it fails without effect', () => {
    const services = new SimulatedServices();
    services.auditUp = false;
    const caseId = services.open(role, erin, 'erin');
    services.prove(caseId);
    services.decide(caseId, 'chidi');
    services.decide(caseId, 'dana');
    services.advance(59);
    expect(services.emitted('readmit.execution.started')).toHaveLength(0);
    services.advance(1);
    expect(services.emitted('readmit.execution.failed').map((fact) => [fact.data.effect, fact.data.reason])).toEqual([
      ['none', 'audit-unavailable'],
    ]);
    // Asked at once, not at the end of the grant.
    expect(services.emitted('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['execution-failed']);
    expect(services.emitted('readmit.obligation.discharged').map((fact) => fact.data.how)).toEqual(['never-began']);
    services.advance(3600);
    expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['failed']);
  });

  it('R7.3 what was granted is taken back, by the clock or by a containment, while audit cannot record', () => {
    const ended = (stop: (services: SimulatedServices, caseId: string) => void): readonly unknown[] => {
      const services = new SimulatedServices();
      const caseId = services.open(role, erin, 'erin');
      services.prove(caseId);
      services.decide(caseId, 'chidi');
      services.decide(caseId, 'dana');
      expect(services.emitted('readmit.execution.succeeded')).toHaveLength(1);
      services.auditUp = false;
      stop(services, caseId);
      const [how] = services.emitted('readmit.obligation.discharged').map((fact) => fact.data.how);
      return [services.emitted('readmit.revocation.due')[0]?.data.cause, how];
    };
    expect(ended((services) => services.advance(3600))).toEqual(['expiry', 'undone']);
    const contained = ended((services, caseId) => {
      expect(services.command('revocation-scheduler', caseId, contain('gita', why)).refused).toBeUndefined();
      services.settle();
    });
    expect(contained).toEqual(['containment', 'undone']);
  });

  it('R6.4 a person ends a grant early; before it is granted there is nothing to end', () => {
    const services = new SimulatedServices();
    const caseId = services.open(role, erin, 'erin');
    expect(services.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: [] }, why)).refused).toBe('nothing-granted');
    services.prove(caseId);
    services.decide(caseId, 'chidi');
    services.decide(caseId, 'dana');
    expect(services.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: [] }, why)).refused).toBeUndefined();
    services.settle();
    expect(services.emitted('readmit.revocation.due').map((fact) => [fact.data.cause, fact.data.by])).toEqual([
      ['ended-by-person', 'chidi'],
    ]);
    expect(services.emitted('readmit.case.closed')).toHaveLength(1);
    expect(services.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: [] }, why)).refused).toBe('already-ended');
  });

  it('R6.6 containment is remembered for a case that is not known yet, and nothing begins', () => {
    const services = new SimulatedServices();
    const caseId = services.open(role, erin, 'erin');
    services.command('revocation-scheduler', caseId, contain('gita', why));
    services.settle();
    services.prove(caseId);
    expect(services.decide(caseId, 'chidi').refused).toBe('approval-frozen');
    expect(services.emitted('readmit.execution.started')).toHaveLength(0);
  });

  it.each([
    [
      'R6.4 is frozen',
      (services: SimulatedServices, caseId: string) => services.command('intake', caseId, freezeBySignal('acme:1', instant(services.now))),
    ],
    [
      'R6.6 is contained',
      (services: SimulatedServices, caseId: string) => services.command('revocation-scheduler', caseId, contain('gita', why)),
    ],
    [
      'R4.7 is withdrawn',
      (services: SimulatedServices, caseId: string) => services.command('approval', caseId, withdraw({ caseKey: 'one-time-s' })),
    ],
    ['R4.3 is denied', (services: SimulatedServices, caseId: string) => services.decide(caseId, 'chidi', { decision: 'deny' })],
    [
      'R4.7 expires',
      (services: SimulatedServices): { refused?: string } => (services.advance(policy.classes['mfa-recovery'].decideWithinSeconds), {}),
    ],
  ])('%s while the target is away: no plan is made when it is back, though the case is not closed yet', (_title, stop) => {
    const plansOf = (stopped: boolean): number => {
      const services = new SimulatedServices();
      services.mailUp = false;
      const caseId = services.openUnplanned(mfa, ada);
      if (stopped) expect(stop(services, caseId).refused).toBeUndefined();
      services.settle();
      services.targetUp = true;
      services.advance(120);
      expect(services.emitted('readmit.case.closed')).toEqual([]);
      return services.emitted('readmit.plan.proposed').length;
    };
    expect([plansOf(true), plansOf(false)]).toEqual([0, 1]);
  });

  it('R6.4 a signal of compromise ends at once what was granted', () => {
    const services = new SimulatedServices();
    const caseId = services.open(role, erin, 'erin');
    services.prove(caseId);
    services.decide(caseId, 'chidi');
    services.decide(caseId, 'dana');
    const compromised = { signalId: 'acme:1', provider: 'acme', kind: 'credential-compromised' as const, subject: 'erin' };
    services.command(
      'intake',
      'signal:acme:1',
      publishSignal({ ...compromised, source: 's', id: '1', occurredAt: instant(services.now) }, 'acme:1'),
    );
    services.settle();
    expect(services.emitted('readmit.revocation.due').map((fact) => fact.data.cause)).toEqual(['frozen']);
    expect(services.emitted('readmit.obligation.discharged').map((fact) => fact.data.how)).toEqual(['undone']);
    expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['frozen']);
  });

  it('R4.5 a reissued secret ends with the destruction of the old one, once the consumer uses the new one', () => {
    const services = new SimulatedServices();
    services.used = true;
    const caseId = services.open(secret, payroll, 'pat');
    services.prove(caseId, 'boris', 'owner-confirmation');
    services.decide(caseId, 'chidi');
    services.decide(caseId, 'dana');
    const how = services
      .emitted('readmit.obligation.discharged')
      .map((fact) => [
        obligationsOf(services.facts('revocation-scheduler', caseId), services.now).find((o) => o.id === fact.data.obligationId)?.undo
          .object,
        fact.data.how,
      ]);
    expect(how.sort()).toEqual([
      ['payroll_a', 'undone'],
      ['payroll_b', 'taken-over'],
    ]);
    expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed']);
  });
});

describe('facts are a set', () => {
  it('R8.1 every case ends the same for any order of arrival and any repetition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.boolean(), (seed, used) => {
        const services = new SimulatedServices(mulberry(seed));
        services.used = used;
        const cases = [services.open(mfa, ada), services.open(role, erin, 'erin'), services.open(secret, payroll, 'pat')] as const;
        services.prove(cases[0]);
        services.prove(cases[1]);
        services.prove(cases[2], 'boris', 'owner-confirmation');
        services.decide(cases[0], 'chidi');
        for (const caseId of cases.slice(1)) {
          services.decide(caseId, 'dana');
          services.decide(caseId, 'chidi');
        }
        services.advance(7200);
        expect(services.emitted('readmit.case.closed').map((fact) => fact.data.outcome)).toEqual(['completed', 'completed', 'completed']);
        const due = services.emitted('readmit.revocation.due').map((fact) => fact.data.obligationId);
        expect(new Set(due).size).toBe(due.length);
        // Per case: the obligation and audit's record of it come before the start (R6.1).
        for (const started of services.log.filter(({ fact }) => fact.type === 'readmit.execution.started')) {
          const before = services.log
            .slice(0, services.log.indexOf(started))
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
