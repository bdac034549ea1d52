/**
 * Proves that the rules hold against people who request what is not theirs and against one service whose key was stolen.
 * Does not prove anything about signatures of events: every fact is taken as genuine here.
 */
import { describe, expect, it } from '@jest/globals';
import type { EventData, Fact } from '@readmit/contracts';
import {
  classify,
  Facts,
  gateWaitsFor,
  obligationsOf,
  outcomeOf,
  planGranted,
  recipientsOf,
  schedulerReact,
  verifyIntent,
} from '../src/index.js';
import { directory, SimulatedServices, policy } from './simulated-services.js';

const role = [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }] as const;
const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const erin = { kind: 'person', id: 'erin' } as const;
const ada = { kind: 'person', id: 'ada' } as const;
const mallory = { kind: 'person', id: 'mallory' } as const;

const refusals = (services: SimulatedServices): string[] => services.emitted('readmit.plan.refused').map((fact) => fact.data.reason);

describe('somebody who asks for what is not hers', () => {
  it("R2.1 nothing is planned on an account that is not the subject's, however well the subject is proved", () => {
    const services = new SimulatedServices();
    services.open([{ kind: 'factor.bypass', object: 'erin' }], mallory);
    expect(refusals(services)).toEqual(['account-not-of-subject']);
    expect(services.emitted('readmit.plan.proposed')).toHaveLength(0);
    expect(services.emitted('readmit.case.classified')[0]?.data).toMatchObject({ tier: 'two-person', ceiling: { steps: [] } });

    const control = new SimulatedServices();
    control.open(mfa, ada);
    expect(refusals(control)).toEqual([]);
    expect(control.emitted('readmit.plan.proposed')).toHaveLength(1);
  });

  it('R2.1 one foreign account spoils a mixed request', () => {
    const services = new SimulatedServices();
    services.open([...mfa, { kind: 'factor.bypass', object: 'erin' }], ada);
    expect(refusals(services)).toEqual(['account-not-of-subject']);
  });

  it('R1.5 R2.6 a machine that is called a person gets no plan, and its secret has no recipient but its consumers', () => {
    const services = new SimulatedServices();
    const caseId = services.open([{ kind: 'secret.reissue', object: 'payroll' }], { kind: 'person', id: 'svc-payroll' });
    expect(refusals(services)).toEqual(['account-not-of-subject']);
    expect(recipientsOf(services.facts('execution', caseId)).map(({ id }) => id)).toEqual(['payroll-app']);
  });

  it('R1.6 a directory that is not known allows nothing', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    const opened = services.facts('intake', caseId).first('readmit.case.opened');
    if (!opened) throw new Error('no case');
    const about = { document: policy, digest: 'p' };
    expect(classify(opened.data, { known: false, why: 'down' }, about).ceiling.steps).toEqual([]);
    expect(classify(opened.data, { known: true, directory, digest: 'd', ageSeconds: 1 }, about).ceiling.steps).toContain('bypass.issue');
  });
});

/** A case whose role is granted and not revoked yet. */
function grantedRole(durationSeconds = 300): {
  services: SimulatedServices;
  caseId: string;
  grant: Extract<Fact, { type: 'readmit.approval.granted' }>;
} {
  const services = new SimulatedServices();
  const caseId = services.open(role, erin, 'erin', durationSeconds);
  services.prove(caseId);
  services.decide(caseId, 'chidi');
  services.decide(caseId, 'dana');
  const [grant] = services.emitted('readmit.approval.granted');
  if (!grant) throw new Error('not granted');
  return { services, caseId, grant };
}
const earlier = (fact: Fact, data: Partial<EventData<'readmit.approval.granted'>>): Fact =>
  ({
    ...fact,
    id: 'event_00000',
    at: new Date(Date.parse(fact.at) - 1).toISOString(),
    data: { ...fact.data, grantId: 'evil', ...data },
  }) as Fact;

describe('a second grant that is said to be older', () => {
  it('R6.1 R6.3 makes nobody forget what was begun and what is owed', () => {
    const { services, caseId, grant } = grantedRole();
    const evil = earlier(grant, { planDigest: 'f'.repeat(64), obligations: [] });
    const owed = grant.data.obligations.map(({ id }) => id);

    const atScheduler = services.facts('revocation-scheduler', caseId).with([evil]);
    expect(obligationsOf(atScheduler, services.now).map(({ id }) => id)).toEqual(owed);
    const later = new Date(services.now.getTime() + 300_000);
    const reaction = schedulerReact(atScheduler, { ...services.context('revocation-scheduler', caseId), now: later });
    expect(reaction.emit.map((draft) => draft.type)).toEqual(['readmit.revocation.due']);

    const atExecution = services.facts('execution', caseId).with([evil]);
    expect(planGranted(atExecution)?.data.digest).toBe(grant.data.planDigest);

    expect(outcomeOf(services.facts('intake', caseId).with([evil]))).toBeUndefined();
    services.advance(300);
    expect(outcomeOf(services.facts('intake', caseId).with([evil]))).toBe('completed');
  });

  it('R6.1 cannot loosen an obligation that is recorded', () => {
    const { services, caseId, grant } = grantedRole();
    const evil = earlier(grant, { obligations: grant.data.obligations.map((undo) => ({ ...undo, afterSeconds: 31_536_000 })) });
    const [obligation] = obligationsOf(services.facts('revocation-scheduler', caseId).with([evil]), services.now);
    expect(obligation?.undo.afterSeconds).toBe(300);
  });
});

describe('the intent', () => {
  /** The facts that execution had when it started, with one of them changed. */
  function intentWith(change: (fact: Fact) => Fact): ReturnType<typeof verifyIntent> {
    const { services, caseId } = grantedRole();
    const began = services.emitted('readmit.execution.started')[0];
    const known = services
      .facts('execution', caseId)
      .all.filter((fact) => !fact.type.startsWith('readmit.execution.') && fact.at <= (began?.at ?? ''));
    return verifyIntent(new Facts(known.map(change)), services.context('execution', caseId));
  }
  const granted = (data: Partial<EventData<'readmit.approval.granted'>>) => (fact: Fact) =>
    (fact.type === 'readmit.approval.granted' ? { ...fact, data: { ...fact.data, ...data } } : fact) as Fact;

  it('R4.4 takes what was approved', () => {
    expect(intentWith((fact) => fact).ok).toBe(true);
  });
  it('R6.1 refuses a grant that drops the obligations of its plan', () => {
    expect(intentWith(granted({ obligations: [] }))).toMatchObject({ ok: false, rule: 'R6.1', reason: 'obligations-differ' });
  });
  it('R6.1 refuses when what was recorded to be undone is not what was approved', () => {
    const loosened = intentWith((fact) =>
      fact.type === 'readmit.obligation.recorded'
        ? { ...fact, data: { ...fact.data, undo: { ...fact.data.undo, object: 'nobody' } } }
        : fact,
    );
    expect(loosened).toMatchObject({ ok: false, rule: 'R6.1', reason: 'obligations-differ' });
  });
  it('R3.1 refuses a grant whose proofs do not meet the policy', () => {
    const weak = intentWith((fact) => (fact.type === 'readmit.evidence.added' ? { ...fact, data: { ...fact.data, assurance: 1 } } : fact));
    expect(weak).toMatchObject({ ok: false, rule: 'R3.1', reason: 'evidence-missing' });
  });
});

describe('the gate', () => {
  it("R7.3 R6.1 is not opened by audit's record of something else under the same id", () => {
    const { services, caseId, grant } = grantedRole();
    const facts = services.facts('execution', caseId);
    const waits = (change: (fact: Fact) => Fact) => gateWaitsFor(new Facts(facts.all.map(change)));
    expect(waits((fact) => fact)).toEqual([]);
    const other = waits((fact) =>
      fact.type === 'readmit.audit.recorded' && fact.data.eventId === grant.id
        ? { ...fact, data: { ...fact.data, type: 'readmit.obligation.recorded' } }
        : fact,
    );
    expect(other).toEqual(["audit's record of approval"]);
  });
});

describe('a target that cannot be read', () => {
  it('R4.7 a request that gets no plan expires instead of waiting forever', () => {
    const services = new SimulatedServices();
    const caseId = services.openUnplanned(mfa, ada);
    services.advance(policy.classes['mfa-recovery'].decideWithinSeconds - 1);
    expect(services.emitted('readmit.approval.expired')).toHaveLength(0);
    services.advance(1);
    expect(services.emitted('readmit.case.closed').map((fact) => [fact.data.caseId, fact.data.outcome])).toEqual([[caseId, 'expired']]);
  });
});
