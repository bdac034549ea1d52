/** Who may add which proof to a case, and what a call-back needs: each refusal with a control that is accepted. */
import { describe, expect, it } from '@jest/globals';
import { entryOf } from '@readmit/contracts';
import { SimulatedServices, crypto } from '../../test/simulated-services.js';
import { codeOf } from '../evidence/evidence.js';
import { Facts } from '../kernel/facts.js';
import { addEvidence, type EvidenceInput } from './approval.commands.js';

const ada = { kind: 'person', id: 'ada' } as const;
const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;

function opened(requester?: string) {
  const services = new SimulatedServices();
  const caseId = services.open(mfa, ada, requester);
  const right: EvidenceInput = {
    kind: 'call-back',
    channel: 'phone',
    assurance: 2,
    note: 'she read the code out',
    salt: 'salt',
    contact: services.facts('approval', caseId).last('readmit.people.attested')?.data.contacts[0],
    code: services.codeOf(caseId),
  };
  const outcomeOf = (more: Partial<EvidenceInput> = {}, actor = 'boris', facts = services.facts('approval', caseId)) => {
    const outcome = addEvidence(actor, { ...right, ...more })(facts, services.context('approval', caseId));
    if (outcome.refused) return `${outcome.rule} ${outcome.reason}`;
    return 'refusal' in outcome.reply ? `${outcome.reply.refusal.rule} ${outcome.reply.refusal.reason}` : 'taken';
  };
  /** The same, with its events stored and delivered. */
  const said = (more: Partial<EvidenceInput> = {}, actor = 'boris') => {
    const { refused } = services.command('approval', caseId, addEvidence(actor, { ...right, ...more }));
    services.settle();
    return refused ?? 'taken';
  };
  return { services, caseId, right, add: outcomeOf, said };
}

describe('a call-back', () => {
  it('R3.4 is taken with the number on record and the code of the case (the control of this file)', () => {
    expect(opened().add()).toBe('taken');
  });

  it('R3.4 keeps the code that was read out and the fingerprint that it stands for', () => {
    const { services, caseId, said, right } = opened();
    expect(said()).toBe('taken');
    expect(services.emitted('readmit.evidence.added')[0]?.data).toMatchObject({
      code: right.code,
      fingerprint: services.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey?.fingerprint,
    });
  });

  it('R3.4 is refused when what was read out is not the code of the case, such as the start of the fingerprint', () => {
    expect(opened().add({ code: '0000-0000' })).toBe('R3.4 code-mismatch');
    const { services, caseId, add } = opened();
    const fingerprint = services.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey?.fingerprint ?? '';
    expect(add({ code: `${fingerprint.slice(0, 4)}-${fingerprint.slice(4, 8)}` })).toBe('R3.4 code-mismatch');
  });

  it('R3.4 is refused without a code where a key asked, which is no guess', () => {
    const { services, said } = opened();
    for (let missing = 0; missing < 6; missing++) expect(said({ code: undefined })).toBe('code-missing');
    expect(services.emitted('readmit.approval.refused').map(({ data }) => data.reason)).not.toContain('code-mismatch');
    expect(said()).toBe('taken');
    expect(opened('ada').said({ code: undefined })).toBe('taken');
  });

  it('R3.4 a key with the same start of its fingerprint has another code, and one key has another code in each case', () => {
    const { services, caseId, right, add } = opened();
    const other = services.open(mfa, ada);
    expect(services.codeOf(other)).not.toBe(right.code);
    expect(add({ code: services.codeOf(other) })).toBe('R3.4 code-mismatch');
    const nonce = services.facts('approval', caseId).last('readmit.case.classified')?.data.codeNonce ?? '';
    const { fingerprint = '' } = services.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey ?? {};
    const alike = `${fingerprint.slice(0, 8)}${'0'.repeat(56)}`;
    expect(add({ code: codeOf(nonce, alike, crypto) })).toBe('R3.4 code-mismatch');
    expect(add({ code: codeOf(nonce, fingerprint, crypto) })).toBe('taken');
  });

  it('R3.4 is guessed five times at most: then no code counts any more, by anyone', () => {
    const { services, said } = opened();
    for (let wrong = 0; wrong < 4; wrong++) expect(said({ code: `0000-000${wrong}` })).toBe('code-mismatch');
    expect(services.emitted('readmit.approval.refused').map(({ data }) => [data.command, data.reason, data.actor])).toEqual(
      Array.from({ length: 4 }, () => ['add-evidence', 'code-mismatch', 'boris']),
    );
    expect(said()).toBe('taken');
    expect(said({ code: '0000-0004' })).toBe('code-mismatch');
    expect(said({ code: '0000-0005' })).toBe('too-many-wrong-codes');
    expect(said()).toBe('too-many-wrong-codes');
    expect(services.emitted('readmit.approval.refused')).toHaveLength(5);
  });

  it('R3.4 is refused where no nonce was drawn for the code: the case must be opened again', () => {
    const { services, caseId, add } = opened();
    const all = services.facts('approval', caseId).all;
    const older = all.map((fact) =>
      fact.type === 'readmit.case.classified' ? { ...fact, data: { ...fact.data, codeNonce: undefined } } : fact,
    ) as typeof all;
    expect(add({}, 'boris', new Facts(older))).toBe('R3.4 code-nonce-missing');
    expect(add({}, 'boris', new Facts(all))).toBe('taken');
  });

  it('R3.4 is refused to a number that is not on record, such as one from the request', () => {
    expect(opened().add({ contact: crypto.digest('a number from the request') })).toBe('R3.4 contact-not-on-record');
    expect(opened().add({ contact: undefined })).toBe('R3.4 contact-not-on-record');
  });

  it('R3.4 is made by phone', () => {
    expect(opened().add({ channel: 'ticket-system' })).toBe('R3.4 call-back-by-phone');
  });

  it('R3.4 wants no code for somebody who asked signed in: there is no key that it would prove, and none is kept', () => {
    const { services, said, add } = opened('ada');
    expect(add({ contact: undefined })).toBe('R3.4 contact-not-on-record');
    expect(said({ code: '0000-0000' })).toBe('taken');
    expect(services.emitted('readmit.evidence.added')[0]?.data).not.toHaveProperty('code');
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
    expect(add({}, 'chidi')).toBe('R4.2 not-a-verifier');
    expect(opened('boris').add()).toBe('R4.2 verifier-is-requester');
  });

  it('R4.2 is not collected by somebody whom the directory lists twice: nobody can say which entry holds', () => {
    const { services, caseId, add } = opened();
    const [attested] = services.emitted('readmit.people.attested');
    const boris = attested?.data.people.find(({ id }) => id === 'boris');
    if (!attested || !boris) throw new Error('boris was not attested');
    const listed = (...people: readonly (typeof boris)[]): string => {
      services.emit('classification', [{ type: 'readmit.people.attested', key: caseId, data: { ...attested.data, people: [...people] } }]);
      services.settle();
      return add();
    };
    expect(listed(boris, { ...boris, teams: [] })).toBe('R4.2 verifier-ambiguous');
    expect(listed(boris)).toBe('taken');
  });

  it('R4.2 somebody the case does not name yet is attested first, once, and then judged', () => {
    const { services, said } = opened();
    expect(said({}, 'nobody')).toBe('not-ready');
    expect(services.emitted('readmit.attestation.wanted').map(({ data }) => data.person)).toEqual(['nobody']);
    expect(said({}, 'nobody')).toBe('verifier-unknown');
    expect(said({}, 'dana')).toBe('not-ready');
    expect(said({}, 'dana')).toBe('not-a-verifier');
    expect(said({}, 'nobody')).toBe('verifier-unknown');
    expect(services.emitted('readmit.attestation.wanted').map(({ data }) => data.person)).toEqual(['nobody', 'dana']);
    expect(said()).toBe('taken');
    expect(services.emitted('readmit.attestation.wanted')).toHaveLength(2);
  });

  it('R4.2 is not taken before the answer who somebody is, and no more people are asked about than a grant can name', () => {
    const { services, caseId, add } = opened();
    const { properties } = entryOf('readmit.approval.granted').schema as { readonly properties?: Record<string, { maxItems?: number }> };
    const inGrant = properties?.['attestations']?.maxItems ?? 0;
    expect(services.emitted('readmit.people.attested')).toHaveLength(1);
    for (let one = 0; one < inGrant - 2; one++)
      services.emit('approval', [{ type: 'readmit.attestation.wanted', key: caseId, data: { caseId, person: `p${one}` } }]);
    expect(add({}, 'p5')).toBe('R8.1 not-ready');
    expect(add({}, 'nobody')).toBe('R8.1 not-ready');
    services.emit('approval', [{ type: 'readmit.attestation.wanted', key: caseId, data: { caseId, person: 'p99' } }]);
    expect(add({}, 'nobody')).toBe('R4.2 too-many-people');
    expect(add()).toBe('taken');
  });

  it.each(['', ' ', '\u200b\u2800', '\u3164'])('R3.1 is refused with a note that says nothing (%j)', (note) => {
    expect(opened().add({ note })).toBe('R3.1 note-blank');
    expect(opened().add({ note: `${note}x` })).toBe('taken');
  });

  it('R3.1 there are a hundred of a case at most: a grant has to name each', () => {
    const { services, caseId, add, said } = opened();
    expect(said()).toBe('taken');
    const [first] = services.emitted('readmit.evidence.added');
    const more = Array.from({ length: 99 }, (_, at) => ({ ...first, id: `event_x${at}` })) as never[];
    expect(add({}, 'boris', services.facts('approval', caseId).with(more.slice(1)))).toBe('taken');
    expect(add({}, 'boris', services.facts('approval', caseId).with(more))).toBe('R3.1 too-many-proofs');
  });

  it('R4.2 is never collected by vendor staff', () => {
    expect(opened().add({}, 'mallory')).toBe('R3.10 verifier-is-vendor');
  });

  it('R3.1 keeps the clock of the database: collected now, stale when the policy says', () => {
    const { services, caseId, add } = opened();
    expect(add()).toBe('taken');
    services.prove(caseId);
    expect(services.emitted('readmit.evidence.added')[0]?.data).toMatchObject({
      collectedAt: services.now.toISOString(),
      staleAt: new Date(services.now.getTime() + 300_000).toISOString(),
      collectedBy: 'boris',
    });
  });

  it('R4.7 comes too late once the request is withdrawn, denied, expired, frozen or granted', () => {
    const { services, caseId, add } = opened();
    services.advance(600);
    expect(services.emitted('readmit.approval.expired')).toHaveLength(1);
    expect(add()).toBe('R4.7 approval-expired');
    expect(services.prove(caseId).refused).toBe('approval-expired');
  });
});
