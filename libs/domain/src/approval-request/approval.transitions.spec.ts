import { describe, expect, it } from '@jest/globals';
import { contain, withdraw } from '../index.js';
import { why } from '../../test/cast.js';
import { SimulatedServices } from '../../test/simulated-services.js';
import { approvalState } from './approval.state.js';
import { approvalTransitions, type ApprovalCommand } from './approval.transitions.js';

const asks = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const tooLong = 365 * 24 * 3600;
const ada = { kind: 'person', id: 'ada' } as const;
type StateName = keyof typeof approvalTransitions;

/** A request in each state, reached by commands. */
const reach: Record<StateName, (services: SimulatedServices) => string> = {
  'waiting-for-plan': (services) => {
    const caseId = services.newId('case');
    services.openUnsettled(asks, ada, caseId);
    return caseId;
  },
  'waiting-for-evidence': (services) => services.open(asks, ada),
  'waiting-for-decisions': (services) => {
    const caseId = services.open(asks, ada);
    services.prove(caseId);
    return caseId;
  },
  granted: (services) => {
    const caseId = services.open(asks, ada);
    services.prove(caseId);
    services.decide(caseId, 'chidi');
    return caseId;
  },
  denied: (services) => {
    const caseId = services.open(asks, ada);
    services.prove(caseId);
    services.decide(caseId, 'chidi', { decision: 'deny' });
    return caseId;
  },
  expired: (services) => {
    const caseId = services.open(asks, ada);
    services.advance(600);
    return caseId;
  },
  withdrawn: (services) => {
    const caseId = services.open(asks, ada);
    services.command('approval', caseId, withdraw({ caseKey: 'one-time-s' }));
    services.settle();
    return caseId;
  },
  failed: (services) => services.open(asks, ada, 'ada', tooLong),
  frozen: (services) => {
    const caseId = services.open(asks, ada);
    services.command('revocation-scheduler', caseId, contain('gita', why));
    services.settle();
    return caseId;
  },
};
const command: Record<ApprovalCommand, (services: SimulatedServices, caseId: string) => { refused?: string }> = {
  'add-evidence': (services, caseId) => services.prove(caseId),
  approve: (services, caseId) => services.decide(caseId, 'chidi'),
  deny: (services, caseId) => services.decide(caseId, 'chidi', { decision: 'deny' }),
  withdraw: (services, caseId) => services.command('approval', caseId, withdraw({ person: 'ada', caseKey: 'one-time-s' })),
};

describe('the table of states and commands', () => {
  for (const state of Object.keys(approvalTransitions) as StateName[])
    for (const name of Object.keys(approvalTransitions[state]) as ApprovalCommand[])
      it(`${state}: ${name} is ${approvalTransitions[state][name]}`, () => {
        const services = new SimulatedServices();
        const caseId = reach[state](services);
        expect(approvalState(services.facts('approval', caseId), services.now, services.context('approval', caseId).crypto).name).toBe(
          state,
        );
        const { refused } = command[name](services, caseId);
        // Evidence and a denial also need the classification, which a case without a plan may not have yet.
        const early = state === 'waiting-for-plan' && (name === 'add-evidence' || name === 'deny');
        const cell = early ? 'not-ready' : approvalTransitions[state][name];
        expect(refused).toBe(cell === 'allowed' ? undefined : cell);
      });
});

describe('a case that failed', () => {
  it('R2.6 answers the key that asked like a case that is open, and tells it nothing', () => {
    const services = new SimulatedServices();
    const [failed, open] = [services.open(asks, ada, undefined, tooLong), services.open(asks, ada)];
    expect([failed, open].map((caseId) => services.facts('approval', caseId).has('readmit.plan.refused'))).toEqual([true, false]);
    for (const caseId of [failed, open]) {
      expect(services.command('approval', caseId, withdraw({ person: 'mallory', caseKey: 'one-time-s' }))).toEqual({ reply: {} });
      services.settle();
      expect(services.facts('approval', caseId).has('readmit.approval.withdrawn')).toBe(true);
    }
  });
});
