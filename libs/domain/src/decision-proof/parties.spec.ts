/** Participants of a case: who may read it, and who may end it. */
import { describe, expect, it } from '@jest/globals';
import { attest, attested, classified, opened, person, whole } from '../../test/case-people.js';
import { recipient } from '../../test/cast.js';
import { SimulatedServices } from '../../test/simulated-services.js';
import { Facts } from '../kernel/facts.js';
import { mayEndCase, mayReadCase, readersOf } from './parties.js';

const reads = (facts: Facts, id: string, teams: readonly string[] = []) => mayReadCase(facts, { id, teams });
const ends = (facts: Facts, id: string, teams: readonly string[] = []) => mayEndCase(facts, { id, teams });

describe('a case is read', () => {
  it('by its subject, who asks, and those who verify or decide, as they are attested', () => {
    const facts = whole({ kind: 'person', id: 'erin' });
    expect(readersOf(facts)).toEqual(['ada', 'ada-admin', 'boris', 'chidi', 'erin']);
    for (const id of ['ada', 'erin', 'boris', 'chidi']) expect(reads(facts, id)).toBe(true);
  });

  it('by nobody else: not by a team that the sign-in claims, a vendor, a colleague, or before anybody is attested', () => {
    const facts = whole({ kind: 'person', id: 'erin' });
    expect(reads(facts, 'eve', ['help-desk', 'security-oncall'])).toBe(false);
    expect(reads(facts, 'mallory', ['help-desk'])).toBe(false);
    expect(reads(facts, 'nora')).toBe(false);
    expect(reads(new Facts([opened()]), 'boris', ['help-desk'])).toBe(false);
    expect(reads(new Facts([opened()]), 'ada')).toBe(true);
  });

  it('by operators and auditors, as their sign-in says, when there is a case', () => {
    expect(reads(whole(), 'gita', ['platform-operators'])).toBe(true);
    expect(reads(whole(), 'otto', ['auditors'])).toBe(true);
    expect(reads(new Facts([classified, attested]), 'gita', ['platform-operators'])).toBe(false);
  });

  it('by who is attested later, and by those who own the machine that it is about', () => {
    const machine = new Facts([
      opened(undefined, { kind: 'machine', id: 'svc-payroll' }),
      classified,
      attest({ people: [person('boris', ['help-desk'])], owners: ['pat'] }),
      attest({ people: [person('dana', ['system-owner'])] }, '2026-11-22T09:05:00.000Z'),
    ]);
    expect(readersOf(machine)).toEqual(['boris', 'dana', 'pat', 'svc-payroll']);
  });
});

describe('a case may be ended by', () => {
  it('R6.4 the key that asked, another account of the subject, and who answers for the machine; nobody of a case that is not known', () => {
    const services = new SimulatedServices();
    const caseId = services.open([{ kind: 'factor.bypass', object: 'ada' }], { kind: 'person', id: 'ada' });
    const anonymous = services.facts('revocation-scheduler', caseId);
    expect(mayEndCase(anonymous, { caseKey: recipient('one-time').signing.x })).toBe(true);
    expect(ends(anonymous, 'ada-admin')).toBe(true);
    expect(ends(anonymous, 'pat')).toBe(false);
    const owned = anonymous.all.map((fact) =>
      fact.type === 'readmit.people.attested' ? { ...fact, data: { ...fact.data, owners: ['pat'] } } : fact,
    );
    expect(ends(new Facts(owned), 'pat')).toBe(true);
    expect(ends(new Facts([]), 'gita', ['platform-operators'])).toBe(false);
    // Accounts of one human, as for decisions: a name that differs by case is the same name.
    const named = (human: string): Facts =>
      new Facts(
        anonymous.all.map((fact) =>
          fact.type === 'readmit.people.attested'
            ? {
                ...fact,
                data: {
                  ...fact.data,
                  people: fact.data.people.map((one) => (one.id === 'ada-admin' ? { ...one, human, teams: [] } : one)),
                },
              }
            : fact,
        ),
      );
    expect(ends(named('ADA'), 'ada-admin')).toBe(true);
    expect(ends(named('somebody'), 'ada-admin')).toBe(false);
  });
});
