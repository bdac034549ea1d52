/** Which aggregates a fact belongs to at the scheduler: cases, and one for each deadline of another service. */
import { describe, expect, it } from '@jest/globals';
import { entryOf, keyOf, services, type Fact } from '@readmit/contracts';
import { deadlineKey } from './scheduler.facts.js';
import { schedulerProcess } from './scheduler.process.js';

const fact = (type: Fact['type'], data: object): Fact => ({ id: 'event_1', type, at: '2026-11-22T09:00:00.000Z', data }) as unknown as Fact;

const keysOf = (of: Fact): readonly string[] => schedulerProcess.keysOf?.(of, keyOf(of)) ?? [];

describe('facts at the scheduler', () => {
  it.each(services)('a deadline of %s has an aggregate of its own, so that a reminder never waits for a case', (service) => {
    const key = keysOf(fact(`readmit.${service}.deadline-set`, { key: 'case_1', deadline: null }));
    expect(key).toEqual([deadlineKey(service, 'case_1')]);
    expect(keysOf(fact('readmit.deadline.reached', { key: 'case_1', owner: service }))).toEqual(key);
  });

  it('everything else that it consumes belongs to its case', () => {
    for (const type of schedulerProcess.consumes.filter((one) => !one.endsWith('.deadline-set')))
      expect([type, keysOf(fact(type, { caseId: 'case_1' }))]).toEqual([type, ['case_1']]);
  });

  it('R6.5 a confirmation that names who holds it still belongs to both cases, so that both are looked at together', () => {
    const heldBy = (caseId: string) => ({ caseId: 'case_1', heldBy: { caseId, obligationId: 'obligation_1' } });
    expect(keysOf(fact('readmit.revocation.confirmed', heldBy('case_2')))).toEqual(['case_1', 'case_2']);
    expect(keysOf(fact('readmit.revocation.confirmed', heldBy('case_1')))).toEqual(['case_1']);
  });

  it('R8.1 consumes events of others, and none of its own', () => {
    expect(schedulerProcess.consumes.filter((type) => entryOf(type).producer === 'revocation-scheduler')).toEqual([]);
    // The scheduler has its own timer and needs no reminder.
    expect(schedulerProcess.wakes).toBe('timer');
  });
});
