/** Whom execution counts as a consumer that uses the new secret. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { ExecutionRoom } from './execution-room.js';

/** A secret that is in place and used at the target; a further attestation from another directory has come meanwhile. */
async function used(issuedAt: string) {
  const room = new ExecutionRoom();
  const caseId = room.granted('secret.reissue');
  await room.restore(caseId);
  room.change(caseId, (facts) => {
    const attested = facts.find(({ type }) => type === 'readmit.people.attested') as Extract<Fact, { type: 'readmit.people.attested' }>;
    const [consumer] = attested.data.consumers;
    if (!consumer) throw new Error('the machine has no consumer');
    const data = { ...attested.data, directory: { ...attested.data.directory, issuedAt }, consumers: [{ ...consumer, id: 'new-app' }] };
    return [...facts, { ...attested, id: 'event_z', at: new Date(room.now.getTime() + 1000).toISOString(), data }];
  });
  room.target.observe = () => Promise.resolve([{ object: 'payroll', takenOver: true }]);
  await room.run(`${caseId}/watch`);
  return room.saidOf('readmit.consumer.confirmed', caseId).map(({ consumer }) => consumer);
}

describe('a secret that is used at the target', () => {
  it('R6.4 is taken over by the consumers of the attestation that counts: one that came later with an older directory does not', async () => {
    expect(await used('2026-11-21T08:00:00.000Z')).toEqual(['payroll-app']);
    expect(await used('2026-11-22T09:00:00.000Z')).toEqual(['new-app']);
  });
});
