/** Consumed types that the life of a case does not depend on: they are shown, or stop a request that is stopped elsewhere too. */
import { describe, expect, it } from '@jest/globals';
import { catalogue, entryOf, eventTypes } from '@readmit/contracts';
import { freezeBySignal, instant, intakeProcess, draft, schedulerProcess } from '../src/index.js';
import { SimulatedServices, policy } from './simulated-services.js';

const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const ada = { kind: 'person', id: 'ada' } as const;

describe('intake', () => {
  it('consumes every event of a case and every refusal of the other services, but not what audit records of them', () => {
    const ofOthers = eventTypes.filter((type) => entryOf(type).producer !== 'intake' && type !== 'readmit.audit.recorded');
    const shown = ofOthers.filter((type) => 'caseId' in catalogue[type].fields || type.endsWith('.refused'));
    expect([...intakeProcess.consumes].sort()).toEqual([...shown].sort());
  });
});

describe('approval', () => {
  it('R9.1 has the policy by its own key, so that approvers are shown what they sign', () => {
    const services = new SimulatedServices();
    services.emit('classification', [
      draft('readmit.policy.activated', 'policy', { version: policy.version, digest: 'd'.repeat(64), document: policy }),
    ]);
    services.settle();
    expect(services.facts('approval', 'policy').last('readmit.policy.activated')?.data.version).toBe(policy.version);
  });

  it('R4.7 takes no proof for a request whose plan was refused', () => {
    const services = new SimulatedServices();
    const refused = services.open(mfa, { kind: 'person', id: 'erin' });
    expect(services.emitted('readmit.plan.refused')).toHaveLength(1);
    expect([refused, services.open(mfa, ada)].map((caseId) => services.prove(caseId).refused)).toEqual(['approval-failed', undefined]);
  });

  it('R6.4 takes no proof for a request that was frozen', () => {
    const services = new SimulatedServices();
    const frozen = services.open(mfa, ada);
    services.command('intake', frozen, freezeBySignal('acme:1', instant(services.now)));
    services.settle();
    expect([frozen, services.open(mfa, ada)].map((caseId) => services.prove(caseId).refused)).toEqual(['approval-frozen', undefined]);
  });
});

describe('execution', () => {
  it('R4.4 R6.5 has every fact that a grant is judged by, and that a case which held something is closed', () => {
    const services = new SimulatedServices();
    services.used = true;
    const caseId = services.open(mfa, ada);
    services.prove(caseId);
    services.decide(caseId, 'chidi');
    const types = services.facts('execution', caseId).all.map(({ type }) => type);
    const judgedBy = [
      'readmit.case.opened',
      'readmit.case.classified',
      'readmit.people.attested',
      'readmit.plan.proposed',
      'readmit.evidence.added',
      'readmit.approval.requested',
      'readmit.decision.recorded',
      'readmit.approval.granted',
      'readmit.obligation.recorded',
    ];
    expect(types).toEqual(expect.arrayContaining([...judgedBy, 'readmit.case.closed']));
  });
});

describe('the scheduler', () => {
  it('R8.1 consumes the deadlines of every other service, and which cases are closed, for containments by subject', () => {
    const deadlines = eventTypes.filter((type) => type.endsWith('.deadline-set') && entryOf(type).producer !== 'revocation-scheduler');
    expect(schedulerProcess.consumes).toEqual(expect.arrayContaining([...deadlines, 'readmit.case.closed']));
  });
});
