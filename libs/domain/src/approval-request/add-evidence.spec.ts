/** Who may add which proof to a case, and what a call-back must be; each refusal beside the proof that is taken. */
import { describe, expect, it } from '@jest/globals';
import { House, crypto } from '../../test/house.js';
import { spoken } from '../evidence/evidence.js';
import { addEvidence, type EvidenceInput } from './approval.commands.js';

const ada = { kind: 'person', id: 'ada' } as const;
const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;

function opened(requester?: string) {
  const house = new House();
  const caseId = house.open(mfa, ada, requester);
  const facts = house.facts('approval', caseId);
  const contact = facts.last('readmit.people.attested')?.data.contacts[0];
  const caseKey = facts.first('readmit.case.opened')?.data.caseKey;
  const right: EvidenceInput = {
    kind: 'call-back',
    channel: 'phone',
    assurance: 2,
    contact,
    fingerprint: caseKey && spoken(caseKey.fingerprint),
    digest: crypto.digest('note'),
  };
  const add = (more: Partial<EvidenceInput> = {}, actor = 'boris') => {
    const outcome = addEvidence(actor, { ...right, ...more })(house.facts('approval', caseId), house.context('approval', caseId));
    return outcome.refused ? `${outcome.rule} ${outcome.reason}` : 'taken';
  };
  return { house, caseId, add };
}

describe('a call-back', () => {
  it('R3.4 is taken with the number on record and the fingerprint of the key that asked (the control of this file)', () => {
    expect(opened().add()).toBe('taken');
  });

  it('R3.4 is refused when what was read out is not the fingerprint of the key that asked', () => {
    expect(opened().add({ fingerprint: '0000-0000' })).toBe('R3.4 fingerprint-mismatch');
    expect(opened().add({ fingerprint: undefined })).toBe('R3.4 fingerprint-mismatch');
  });

  it('R3.4 is refused to a number that is not on record, such as one from the request', () => {
    expect(opened().add({ contact: crypto.digest('a number from the request') })).toBe('R3.4 contact-not-on-record');
    expect(opened().add({ contact: undefined })).toBe('R3.4 contact-not-on-record');
  });

  it('R3.4 is made by phone', () => {
    expect(opened().add({ channel: 'ticket-system' })).toBe('R3.4 call-back-by-phone');
  });

  it('R3.4 wants no fingerprint for somebody who asked signed in: there is no key to read out', () => {
    expect(opened('ada').add({ fingerprint: undefined })).toBe('taken');
    expect(opened('ada').add({ fingerprint: undefined, contact: undefined })).toBe('R3.4 contact-not-on-record');
  });
});

describe('any proof', () => {
  it('R3.1 is refused when the policy does not ask for its kind: it would prove nothing', () => {
    expect(opened().add({ kind: 'manager-vouch', channel: 'in-person' })).toBe('R3.1 evidence-not-asked');
  });

  it('R4.2 is collected by an agent of the case: not the subject under any account, not the requester, not a stranger to the desk', () => {
    const { add } = opened();
    expect(add({}, 'ada')).toBe('R4.2 verifier-is-subject');
    expect(add({}, 'ada-admin')).toBe('R4.2 verifier-is-subject');
    expect(add({}, 'nobody')).toBe('R4.2 verifier-unknown');
    expect(add({}, 'chidi')).toBe('R4.2 not-a-verifier');
    expect(opened('boris').add({ fingerprint: undefined })).toBe('R4.2 verifier-is-requester');
  });

  it('R4.2 is never collected by vendor staff', () => {
    expect(opened().add({}, 'mallory')).toBe('R3.10 verifier-is-vendor');
  });

  it('R3.1 keeps the clock of the database: collected now, stale when the policy says', () => {
    const { house, caseId, add } = opened();
    expect(add()).toBe('taken');
    house.prove(caseId);
    expect(house.said('readmit.evidence.added')[0]?.data).toMatchObject({
      collectedAt: house.now.toISOString(),
      staleAt: new Date(house.now.getTime() + 300_000).toISOString(),
      collectedBy: 'boris',
    });
  });

  it('R4.7 comes too late once the request is withdrawn, denied, expired, frozen or granted', () => {
    const { house, caseId, add } = opened();
    house.advance(600);
    expect(house.said('readmit.approval.expired')).toHaveLength(1);
    expect(add()).toBe('R4.7 approval-expired');
    expect(house.prove(caseId).refused).toBe('approval-expired');
  });
});
