import { describe, expect, it } from '@jest/globals';
import { contain, withdraw } from '../index.js';
import { why } from '../../test/cast.js';
import { House } from '../../test/house.js';
import { approvalState } from './approval.state.js';
import { approvalTransitions, type ApprovalCommand } from './approval.transitions.js';

const asks = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const tooLong = 365 * 24 * 3600;
const ada = { kind: 'person', id: 'ada' } as const;
type StateName = keyof typeof approvalTransitions;

/** A request in each state, reached the way people reach it. */
const reach: Record<StateName, (house: House) => string> = {
  'waiting-for-plan': (house) => {
    const caseId = house.newId('case');
    house.openUnsettled(asks, ada, caseId);
    return caseId;
  },
  'waiting-for-evidence': (house) => house.open(asks, ada),
  'waiting-for-decisions': (house) => {
    const caseId = house.open(asks, ada);
    house.prove(caseId);
    return caseId;
  },
  granted: (house) => {
    const caseId = house.open(asks, ada);
    house.prove(caseId);
    house.decide(caseId, 'chidi');
    return caseId;
  },
  denied: (house) => {
    const caseId = house.open(asks, ada);
    house.prove(caseId);
    house.decide(caseId, 'chidi', { decision: 'deny' });
    return caseId;
  },
  expired: (house) => {
    const caseId = house.open(asks, ada);
    house.advance(600);
    return caseId;
  },
  withdrawn: (house) => {
    const caseId = house.open(asks, ada);
    house.command('approval', caseId, withdraw({ caseKey: 'one-time-s' }));
    house.settle();
    return caseId;
  },
  failed: (house) => house.open(asks, ada, 'ada', tooLong),
  frozen: (house) => {
    const caseId = house.open(asks, ada);
    house.command('revocation-scheduler', caseId, contain('gita', why));
    house.settle();
    return caseId;
  },
};
const command: Record<ApprovalCommand, (house: House, caseId: string) => { refused?: string }> = {
  'add-evidence': (house, caseId) => house.prove(caseId),
  approve: (house, caseId) => house.decide(caseId, 'chidi'),
  deny: (house, caseId) => house.decide(caseId, 'chidi', { decision: 'deny' }),
  withdraw: (house, caseId) => house.command('approval', caseId, withdraw({ person: 'ada', caseKey: 'one-time-s' })),
};

describe('the table of states and commands', () => {
  for (const state of Object.keys(approvalTransitions) as StateName[])
    for (const name of Object.keys(approvalTransitions[state]) as ApprovalCommand[])
      it(`${state}: ${name} is ${approvalTransitions[state][name]}`, () => {
        const house = new House();
        const caseId = reach[state](house);
        expect(approvalState(house.facts('approval', caseId), house.now, house.context('approval', caseId).crypto).name).toBe(state);
        const { refused } = command[name](house, caseId);
        // Evidence and a no need the classification too, which a case without a plan may not have yet.
        const early = state === 'waiting-for-plan' && (name === 'add-evidence' || name === 'deny');
        const cell = early ? 'not-ready' : approvalTransitions[state][name];
        expect(refused).toBe(cell === 'allowed' ? undefined : cell);
      });
});

describe('a case that failed', () => {
  it('R2.6 answers the key that asked like a case that is open, and tells it nothing', () => {
    const house = new House();
    const [failed, open] = [house.open(asks, ada, undefined, tooLong), house.open(asks, ada)];
    expect([failed, open].map((caseId) => house.facts('approval', caseId).has('readmit.plan.refused'))).toEqual([true, false]);
    for (const caseId of [failed, open]) {
      expect(house.command('approval', caseId, withdraw({ person: 'mallory', caseKey: 'one-time-s' }))).toEqual({ reply: {} });
      house.settle();
      expect(house.facts('approval', caseId).has('readmit.approval.withdrawn')).toBe(true);
    }
  });
});
