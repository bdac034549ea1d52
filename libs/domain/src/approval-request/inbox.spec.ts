/** For whom a case waits: each person who is left out, with a control that differs in one fact, and the refusal of the command. */
import { describe, expect, it } from '@jest/globals';
import type { EvidenceNeed, Person } from '@readmit/contracts';
import { draft } from '../kernel/behaviour.js';
import { plusSeconds } from '../kernel/time.js';
import { SimulatedServices, crypto } from '../../test/simulated-services.js';
import { addEvidence, withdraw } from './approval.commands.js';
import { nextStep, waitingIn, whyWaiting } from './inbox.js';

const ada = { kind: 'person', id: 'ada' } as const;
const erin = { kind: 'person', id: 'erin' } as const;
const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const role = [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }] as const;

const all = (services: SimulatedServices, caseId: string) => waitingIn(services.facts('approval', caseId), services.now, crypto);
/** Whose inbox has the case now, and for what. */
const shown = (services: SimulatedServices, caseId: string, at = services.now): readonly string[] =>
  all(services, caseId)
    .filter(({ from, until }) => from <= at && at < until)
    .map(({ person, what }) => `${person} ${what}`)
    .sort();

function opened(
  asks: Parameters<SimulatedServices['open']>[0] = role,
  subject: Parameters<SimulatedServices['open']>[1] = erin,
  requester: string | null = 'pat',
) {
  const services = new SimulatedServices();
  const caseId = services.open(asks, subject, requester ?? undefined);
  return { services, caseId };
}
function proved(...given: Parameters<typeof opened>) {
  const { services, caseId } = opened(...given);
  services.prove(caseId);
  return { services, caseId };
}
/** Attests people who are like `like`, except for the given fields. */
function attest(
  services: SimulatedServices,
  caseId: string,
  like: string,
  people: readonly (Partial<Person> & { readonly id: string })[],
): void {
  const attested = services.facts('approval', caseId).last('readmit.people.attested');
  const model = attested?.data.people.find(({ id }) => id === like);
  if (!attested || !model) throw new Error(`${like} is not attested for the case`);
  const keyOf = (id: string) => [
    { kid: `${id}-key`, type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: `x-${id}` } },
  ];
  const made = people.map((more) => ({ ...model, human: more.id, keys: keyOf(more.id), ...more }));
  services.emit('classification', [draft('readmit.people.attested', caseId, { ...attested.data, people: made })]);
  services.settle();
}
const evidenceBy = (services: SimulatedServices, caseId: string, actor: string) =>
  services.command('approval', caseId, addEvidence(actor, { kind: 'call-back', channel: 'phone', assurance: 2, note: 'x', salt: 's' }))
    .refused;

describe('what a person is told', () => {
  it.each([
    ['decision', { rule: 'R4.3', says: 'You are in a and b, whose decision is still missing (owner).' }],
    ['evidence', { rule: 'R3.1', says: 'You are in a and b, who record the proofs of this case.' }],
  ] as const)('names the teams because of which a %s waits for them', (what, why) => {
    expect(whyWaiting({ what, teams: ['a', 'b'], parts: ['owner'] })).toEqual(why);
  });

  it('starts a call-back with the number on record, and records other proofs at once', () => {
    const next = (...kinds: EvidenceNeed['kind'][]) =>
      nextStep(
        'evidence',
        kinds.map((kind) => ({ kind })),
      );
    expect([next('call-back', 'manager-vouch'), next('manager-vouch', 'call-back'), next()]).toEqual([
      'look-up-contact',
      'record-proof',
      'record-proof',
    ]);
    expect(nextStep('decision', [{ kind: 'call-back' }])).toBe('decide');
  });
});

describe('a case whose proofs are missing', () => {
  it('waits for the verifying team and says since when, until when and why', () => {
    const { services, caseId } = opened();
    const planned = services.emitted('readmit.plan.proposed')[0]?.at ?? '';
    const deadline = plusSeconds(planned, 600);
    expect(all(services, caseId)).toEqual([
      { person: 'boris', what: 'evidence', from: new Date(0), until: deadline, deadline, since: planned, teams: ['help-desk'], parts: [] },
    ]);
  });

  it.each<[string, Partial<Person>, string]>([
    ['the requester under a second account', { human: 'pat' }, 'verifier-is-requester'],
    ['the subject under a second account', { human: 'erin' }, 'verifier-is-subject'],
    ['vendor staff', { employment: 'vendor' }, 'verifier-is-vendor'],
    ['somebody of another team', { teams: ['accounting'] }, 'not-a-verifier'],
  ])('R4.2 does not wait for %s; the same agent without that is asked', (_who, more, reason) => {
    const { services, caseId } = opened();
    attest(services, caseId, 'boris', [{ id: 'second', ...more }, { id: 'control' }]);
    expect(shown(services, caseId)).toEqual(['boris evidence', 'control evidence']);
    expect(evidenceBy(services, caseId, 'second')).toBe(reason);
  });

  it('waits for nobody while there is no plan', () => {
    const services = new SimulatedServices();
    const caseId = services.openUnplanned(mfa, ada);
    expect(all(services, caseId)).toEqual([]);
    const control = opened(mfa, ada);
    expect(shown(control.services, control.caseId)).toEqual(['boris evidence']);
  });
});

describe('a case that is proved', () => {
  it('waits for those who would fill a seat of the quorum, and for the verifiers again once a proof is stale', () => {
    const { services, caseId } = proved();
    const requested = services.emitted('readmit.approval.requested')[0]?.at ?? '';
    expect(shown(services, caseId)).toEqual(['ada-admin decision', 'chidi decision', 'dana decision']);
    expect(all(services, caseId).find(({ person }) => person === 'dana')).toMatchObject({
      since: requested,
      teams: ['system-owner'],
      parts: ['system-owner'],
    });
    const staleAt = new Date(services.emitted('readmit.evidence.added')[0]?.data.staleAt ?? '');
    const before = new Date(staleAt.getTime() - 1);
    expect(shown(services, caseId, before)).toEqual(shown(services, caseId));
    expect(shown(services, caseId, staleAt)).toEqual(['boris evidence']);
    // The rules give the same at that time.
    services.now = staleAt;
    expect(shown(services, caseId)).toEqual(['boris evidence']);
    expect(shown(services, caseId, plusSeconds(staleAt, 300))).toEqual([]);
  });

  it.each<[string, Partial<Person>, string]>([
    ['the requester under a second account', { human: 'pat' }, 'approver-is-requester'],
    ['the subject under a second account', { human: 'erin' }, 'approver-is-subject'],
    ['who collected a proof, under a second account', { human: 'boris' }, 'approver-is-verifier'],
    ['vendor staff', { employment: 'vendor' }, 'approver-is-vendor'],
    ['somebody of too little authority', { authority: 3 }, 'approver-not-in-quorum'],
    ['somebody of another team', { teams: ['accounting'] }, 'approver-not-in-quorum'],
    ['somebody without a key', { keys: [] }, 'approver-key-unknown'],
  ])('R4.2 R4.3 does not wait for %s; the same person without that is asked', (_who, more, reason) => {
    const { services, caseId } = proved();
    attest(services, caseId, 'chidi', [{ id: 'second', ...more }, { id: 'control' }]);
    expect(shown(services, caseId)).toEqual(['ada-admin decision', 'chidi decision', 'control decision', 'dana decision']);
    expect(services.decide(caseId, 'second').refused).toBe(reason);
  });

  it('R4.2 does not wait for somebody whom the directory lists twice', () => {
    const { services, caseId } = proved();
    attest(services, caseId, 'chidi', [{ id: 'twin' }, { id: 'twin', authority: 6 }, { id: 'control' }]);
    expect(shown(services, caseId)).not.toContain('twin decision');
    expect(shown(services, caseId)).toContain('control decision');
    expect(services.decide(caseId, 'twin').refused).toBe('approver-ambiguous');
  });

  it('R4.2 does not wait for somebody whose key is the key of the case', () => {
    const { services, caseId } = proved(mfa, ada, null);
    const x = services.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey?.signing.x ?? '';
    const key = { kid: 'second-key', type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x } };
    attest(services, caseId, 'chidi', [{ id: 'second', keys: [key] }, { id: 'control' }]);
    expect(shown(services, caseId)).toEqual(['chidi decision', 'control decision']);
    expect(services.decide(caseId, 'second').refused).toBe('key-of-another');
  });

  it('R4.3 waits after a decision for the open seats alone, and R4.2 not for who decided, under whatever account', () => {
    const { services, caseId } = proved();
    const second = services.attestChidiAsOwner(caseId);
    expect(shown(services, caseId)).toEqual(['ada-admin decision', 'chidi decision', 'chidi-owner decision', 'dana decision']);
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(shown(services, caseId)).toEqual(['dana decision']);
    expect(services.decide(caseId, second).refused).toBe('already-decided');
    // Also where the first decision of that human fills no seat, and a second one would.
    const other = proved();
    const account = other.services.attestChidiAsOwner(other.caseId);
    expect(other.services.decide(other.caseId, 'ada-admin').refused).toBeUndefined();
    expect(shown(other.services, other.caseId)).toContain(`${account} decision`);
    expect(other.services.decide(other.caseId, 'chidi').refused).toBeUndefined();
    expect(shown(other.services, other.caseId)).toEqual(['dana decision']);
  });
});

describe('a case with a decision by a key that was taken from the signer since', () => {
  it('R4.4 waits for somebody else to take that seat, as the grant does', () => {
    const { services, caseId } = proved();
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    attest(services, caseId, 'chidi', [{ id: 'control' }]);
    expect(shown(services, caseId)).toEqual(['dana decision']);
    attest(services, caseId, 'control', [{ id: 'chidi', keys: [] }]);
    expect(shown(services, caseId)).toEqual(['ada-admin decision', 'control decision', 'dana decision']);
    expect(services.decide(caseId, 'dana').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')).toHaveLength(0);
    expect(shown(services, caseId)).toEqual(['ada-admin decision', 'control decision']);
  });
});

describe('a case that is over', () => {
  it.each<[string, (services: SimulatedServices, caseId: string) => void]>([
    ['granted', (services, caseId) => ['chidi', 'dana'].forEach((by) => services.decide(caseId, by))],
    ['denied', (services, caseId) => services.decide(caseId, 'chidi', { decision: 'deny' })],
    ['expired', (services) => services.advance(601)],
    ['withdrawn', (services, caseId) => services.command('approval', caseId, withdraw({ person: 'pat' }))],
    [
      'frozen',
      (services, caseId) =>
        services.emit('intake', [
          draft('readmit.case.frozen', caseId, { caseId, by: 'erin', cause: 'repudiated', reasonDigest: 'd'.repeat(64) }),
        ]),
    ],
  ])('waits for nobody once it is %s', (state, end) => {
    const { services, caseId } = proved();
    expect(shown(services, caseId)).not.toEqual([]);
    end(services, caseId);
    services.settle();
    expect(all(services, caseId)).toEqual([]);
    expect(services.facts('approval', caseId).all.map(({ type }) => type)).toContainEqual(
      expect.stringMatching(new RegExp(`\\.${state}$`)),
    );
  });
});
