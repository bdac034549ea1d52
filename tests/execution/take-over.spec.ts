/** Which consumers execution counts as users of the new secret. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { TestExecution } from './test-execution.js';

/** A new secret that is used at the target, with a further attestation from another issue of the directory. */
async function used(issuedAt: string) {
  const execution = new TestExecution();
  const caseId = execution.granted('secret.reissue');
  await execution.restore(caseId);
  execution.change(caseId, (facts) => {
    const attested = facts.find(({ type }) => type === 'readmit.people.attested') as Extract<Fact, { type: 'readmit.people.attested' }>;
    const [consumer] = attested.data.consumers;
    if (!consumer) throw new Error('the machine has no consumer');
    const data = { ...attested.data, directory: { ...attested.data.directory, issuedAt }, consumers: [{ ...consumer, id: 'new-app' }] };
    return [...facts, { ...attested, id: 'event_z', at: new Date(execution.now.getTime() + 1000).toISOString(), data }];
  });
  execution.target.observe = () => Promise.resolve([{ object: 'payroll', takenOver: true }]);
  await execution.run(`${caseId}/watch`);
  return execution.emittedOf('readmit.consumer.confirmed', caseId).map(({ consumer }) => consumer);
}

describe('a secret that is used at the target', () => {
  it('R6.4 is taken over by the consumers in the valid attestation; a later one from an older directory is not valid', async () => {
    expect(await used('2026-11-21T08:00:00.000Z')).toEqual(['payroll-app']);
    expect(await used('2026-11-22T09:00:00.000Z')).toEqual(['new-app']);
  });
});
