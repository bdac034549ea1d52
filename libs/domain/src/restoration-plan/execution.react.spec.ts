/** What execution watches after it succeeded. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { recipient } from '../../test/cast.js';
import { SimulatedServices } from '../../test/simulated-services.js';
import { needsWatching } from './execution.react.js';

describe('a new secret', () => {
  const services = new SimulatedServices();
  const caseId = services.open([{ kind: 'secret.reissue', object: 'payroll' }], { kind: 'machine', id: 'svc-payroll' }, 'pat');
  services.prove(caseId, 'boris', 'owner-confirmation');
  services.decide(caseId, 'dana');
  services.decide(caseId, 'chidi');
  const facts = services.facts('execution', caseId);
  const later = new Date(services.now.getTime() + 1000).toISOString();
  /** A further attestation, which names another consumer. */
  const attestedFrom = (issuedAt: string): Fact => {
    const attested = facts.first('readmit.people.attested');
    if (!attested) throw new Error('nobody was attested');
    const consumers = [{ id: 'new-app', key: recipient('new-app') }];
    return {
      ...attested,
      id: 'event_z',
      at: later,
      data: { ...attested.data, directory: { ...attested.data.directory, issuedAt }, consumers },
    };
  };
  const tookOver: Fact = {
    id: 'event_took_over',
    type: 'readmit.consumer.confirmed',
    at: later,
    data: { caseId, consumer: 'payroll-app', object: 'payroll_b' },
  };

  it('R6.4 is looked at until every consumer has taken over', () => {
    expect(needsWatching(facts)).toBe(true);
    expect(needsWatching(facts.with([tookOver]))).toBe(false);
  });

  it('R6.4 is taken over by the consumers of the attestation that counts: one that came later with an older directory does not', () => {
    expect(needsWatching(facts.with([tookOver, attestedFrom('2026-11-21T08:00:00.000Z')]))).toBe(false);
    expect(needsWatching(facts.with([tookOver, attestedFrom(later)]))).toBe(true);
  });
});
