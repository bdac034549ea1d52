/** Capabilities that a plan needs: for its steps, and for the tier by the policy. */
import { askKinds, capabilities, type Capability, type ConnectorNeeds, type Tier } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { crypto, SimulatedServices } from '../../test/simulated-services.js';
import { buildPlan } from './build-plan.js';
import { capabilityMissing } from './capabilities.js';

const ask = { id: 'ask-1', kind: 'factor.reset', connector: 'idp', object: 'ada' } as const;
const steps = [{ kind: 'factor.remove' }, { kind: 'sessions.end' }, { kind: 'bypass.issue' }] as const;
const without = (...lacks: readonly Capability[]) => ({
  asks: askKinds,
  can: capabilities.filter((one) => !lacks.includes(one)),
  residualSeconds: 60,
});
const requirements = {
  evidence: [],
  verifiers: [],
  quorum: [],
  ticket: false,
  decideWithinSeconds: 60,
  executeWithinSeconds: 60,
  overlapSeconds: 0,
};
const missing = (lacks: readonly Capability[], connector?: ConnectorNeeds, taken: readonly (typeof steps)[number][] = steps) =>
  capabilityMissing(
    { ask, capabilities: without(...lacks), steps: taken },
    { tier: 'two-person', requirements: { ...requirements, ...(connector ? { connector } : {}) } },
  );

describe('what a connector cannot do', () => {
  it.each([
    ['read-back', 'idp cannot read back what it changed (read-back), which every step needs.'],
    ['end-sessions', 'idp cannot end open sessions (end-sessions), which sessions.end needs.'],
    ['one-time-credential', 'idp cannot issue a one-time credential (one-time-credential), which bypass.issue needs.'],
  ] as const)('R5.6 refuses a plan whose steps need %s', (capability, message) => {
    expect(missing([capability])).toEqual({ rule: 'R5.6', reason: 'capability-missing', message });
    expect(missing([])).toBeUndefined();
  });

  it('R5.6 matters only to a step that needs it', () => {
    expect(missing(['end-sessions', 'one-time-credential'], undefined, [steps[0]])).toBeUndefined();
    expect(missing(['native-expiry'])).toBeUndefined();
  });

  it('R5.6 refuses what the policy requires for the tier and the connector lacks', () => {
    const needs: ConnectorNeeds = { capabilities: ['end-sessions', 'native-expiry'] };
    expect(missing(['native-expiry'], needs)).toEqual({
      rule: 'R5.6',
      reason: 'capability-missing',
      message: 'idp cannot let the target end a grant by itself (native-expiry), which the policy requires for tier two-person.',
    });
    expect(missing([], needs)).toBeUndefined();
  });

  it('R5.6 refuses a connector where what was issued lives on for longer than the policy allows', () => {
    expect(missing([], { capabilities: [], maxResidualSeconds: 59 })).toMatchObject({
      reason: 'capability-missing',
      message: 'idp leaves issued credentials valid for 60 s after their end; the policy requires for tier two-person at most 59 s.',
    });
    expect(missing([], { capabilities: [], maxResidualSeconds: 60 })).toBeUndefined();
  });
});

describe('a plan over two connectors', () => {
  const services = new SimulatedServices();
  services.open(
    [
      { kind: 'factor.replace', object: 'ada' },
      { kind: 'account.unlock', object: 'ada' },
    ],
    { kind: 'person', id: 'ada' },
  );
  const opened = services.emitted('readmit.case.opened')[0]?.data;
  const classified = services.emitted('readmit.case.classified')[0];

  function built(second: readonly Capability[], needs?: ConnectorNeeds, tier: Tier = 'agent-assisted') {
    if (!opened || !classified) throw new Error('no case');
    const data = {
      ...classified.data,
      tier,
      requirements: { ...classified.data.requirements, ...(needs ? { connector: needs } : {}) },
    };
    const parts = opened.asks.map((one, at) => ({
      ask: { ...one, connector: `idp-${at + 1}` },
      capabilities: at === 0 ? without() : without(...second),
      steps: [{ kind: 'account.unlock' as const, connector: one.connector, object: one.object, recipients: [], says: 'unlock' }],
      ...{ obligations: [], removes: [], restores: [], untouched: [], before: [] },
    }));
    return buildPlan(opened, { id: classified.id, data }, [], parts, crypto);
  }

  it('R5.6 is refused when the second one lacks what the policy requires, and says which one and what', () => {
    const needs: ConnectorNeeds = { capabilities: ['native-expiry'] };
    expect(built(['native-expiry'], needs)).toEqual({
      refused: {
        rule: 'R5.6',
        reason: 'capability-missing',
        message: 'idp-2 cannot let the target end a grant by itself (native-expiry), which the policy requires for tier agent-assisted.',
      },
    });
    expect(built([], needs)).not.toHaveProperty('refused');
    expect(built(['native-expiry'])).not.toHaveProperty('refused');
  });
});
