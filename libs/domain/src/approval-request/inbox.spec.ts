/** For whom a case waits: everybody who is left out beside somebody in whom one fact is different, and the refusal that the command would give. */
import { describe, expect, it } from '@jest/globals';
import type { Person } from '@readmit/contracts';
import { draft } from '../kernel/behaviour.js';
import { plusSeconds } from '../kernel/time.js';
import { House, crypto } from '../../test/house.js';
import { addEvidence, withdraw } from './approval.commands.js';
import { waitingIn } from './inbox.js';

const ada = { kind: 'person', id: 'ada' } as const;
const erin = { kind: 'person', id: 'erin' } as const;
const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const role = [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }] as const;

const all = (house: House, caseId: string) => waitingIn(house.facts('approval', caseId), house.now, crypto);
/** Who is shown the case now, and for what. */
const shown = (house: House, caseId: string, at = house.now): readonly string[] =>
  all(house, caseId)
    .filter(({ from, until }) => from <= at && at < until)
    .map(({ person, what }) => `${person} ${what}`)
    .sort();

function opened(asks: Parameters<House['open']>[0] = role, subject: Parameters<House['open']>[1] = erin, requester: string | null = 'pat') {
  const house = new House();
  const caseId = house.open(asks, subject, requester ?? undefined);
  return { house, caseId };
}
function proved(...given: Parameters<typeof opened>) {
  const { house, caseId } = opened(...given);
  house.prove(caseId);
  return { house, caseId };
}
/** Attests people who are like somebody of the house but for what is said of them. */
function attest(house: House, caseId: string, like: string, people: readonly (Partial<Person> & { readonly id: string })[]): void {
  const attested = house.facts('approval', caseId).last('readmit.people.attested');
  const model = attested?.data.people.find(({ id }) => id === like);
  if (!attested || !model) throw new Error(`${like} is not attested for the case`);
  const keyOf = (id: string) => [
    { kid: `${id}-key`, type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: `x-${id}` } },
  ];
  const made = people.map((more) => ({ ...model, human: more.id, keys: keyOf(more.id), ...more }));
  house.emit('classification', [draft('readmit.people.attested', caseId, { ...attested.data, people: made })]);
  house.settle();
}
const evidenceBy = (house: House, caseId: string, actor: string) =>
  house.command('approval', caseId, addEvidence(actor, { kind: 'call-back', channel: 'phone', assurance: 2, note: 'x', salt: 's' }))
    .refused;

describe('a case whose proofs are missing', () => {
  it('waits for the verifying team and says since when, until when and why', () => {
    const { house, caseId } = opened();
    const planned = house.said('readmit.plan.proposed')[0]?.at ?? '';
    const deadline = plusSeconds(planned, 600);
    expect(all(house, caseId)).toEqual([
      { person: 'boris', what: 'evidence', from: new Date(0), until: deadline, deadline, since: planned, teams: ['help-desk'], parts: [] },
    ]);
  });

  it.each<[string, Partial<Person>, string]>([
    ['the requester under a second account', { human: 'pat' }, 'verifier-is-requester'],
    ['the subject under a second account', { human: 'erin' }, 'verifier-is-subject'],
    ['vendor staff', { employment: 'vendor' }, 'verifier-is-vendor'],
    ['somebody of another team', { teams: ['accounting'] }, 'not-a-verifier'],
  ])('R4.2 does not wait for %s; the same agent without that is asked', (_who, more, reason) => {
    const { house, caseId } = opened();
    attest(house, caseId, 'boris', [{ id: 'second', ...more }, { id: 'control' }]);
    expect(shown(house, caseId)).toEqual(['boris evidence', 'control evidence']);
    expect(evidenceBy(house, caseId, 'second')).toBe(reason);
  });

  it('waits for nobody while there is no plan', () => {
    const house = new House();
    const caseId = house.openUnplanned(mfa, ada);
    expect(all(house, caseId)).toEqual([]);
    const control = opened(mfa, ada);
    expect(shown(control.house, control.caseId)).toEqual(['boris evidence']);
  });
});

describe('a case that is proved', () => {
  it('waits for those who would fill a seat of the quorum, and for the verifiers again once a proof is stale', () => {
    const { house, caseId } = proved();
    const requested = house.said('readmit.approval.requested')[0]?.at ?? '';
    expect(shown(house, caseId)).toEqual(['ada-admin decision', 'chidi decision', 'dana decision']);
    expect(all(house, caseId).find(({ person }) => person === 'dana')).toMatchObject({
      since: requested,
      teams: ['system-owner'],
      parts: ['system-owner'],
    });
    const staleAt = new Date(house.said('readmit.evidence.added')[0]?.data.staleAt ?? '');
    const before = new Date(staleAt.getTime() - 1);
    expect(shown(house, caseId, before)).toEqual(shown(house, caseId));
    expect(shown(house, caseId, staleAt)).toEqual(['boris evidence']);
    // What was foretold is what the rules say then.
    house.now = staleAt;
    expect(shown(house, caseId)).toEqual(['boris evidence']);
    expect(shown(house, caseId, plusSeconds(staleAt, 300))).toEqual([]);
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
    const { house, caseId } = proved();
    attest(house, caseId, 'chidi', [{ id: 'second', ...more }, { id: 'control' }]);
    expect(shown(house, caseId)).toEqual(['ada-admin decision', 'chidi decision', 'control decision', 'dana decision']);
    expect(house.decide(caseId, 'second').refused).toBe(reason);
  });

  it('R4.2 does not wait for somebody whom the directory lists twice', () => {
    const { house, caseId } = proved();
    attest(house, caseId, 'chidi', [{ id: 'twin' }, { id: 'twin', authority: 6 }, { id: 'control' }]);
    expect(shown(house, caseId)).not.toContain('twin decision');
    expect(shown(house, caseId)).toContain('control decision');
    expect(house.decide(caseId, 'twin').refused).toBe('approver-ambiguous');
  });

  it('R4.2 does not wait for somebody whose key is the key of the case', () => {
    const { house, caseId } = proved(mfa, ada, null);
    const x = house.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey?.signing.x ?? '';
    const key = { kid: 'second-key', type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x } };
    attest(house, caseId, 'chidi', [{ id: 'second', keys: [key] }, { id: 'control' }]);
    expect(shown(house, caseId)).toEqual(['chidi decision', 'control decision']);
    expect(house.decide(caseId, 'second').refused).toBe('key-of-another');
  });

  it('R4.3 waits after a decision for the open seats alone, and R4.2 not for who decided, under whatever account', () => {
    const { house, caseId } = proved();
    const second = house.attestChidiAsOwner(caseId);
    expect(shown(house, caseId)).toEqual(['ada-admin decision', 'chidi decision', 'chidi-owner decision', 'dana decision']);
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(shown(house, caseId)).toEqual(['dana decision']);
    expect(house.decide(caseId, second).refused).toBe('already-decided');
    // Also where the first decision of that human fills no seat, and a second one would.
    const other = proved();
    const account = other.house.attestChidiAsOwner(other.caseId);
    expect(other.house.decide(other.caseId, 'ada-admin').refused).toBeUndefined();
    expect(shown(other.house, other.caseId)).toContain(`${account} decision`);
    expect(other.house.decide(other.caseId, 'chidi').refused).toBeUndefined();
    expect(shown(other.house, other.caseId)).toEqual(['dana decision']);
  });
});

describe('a case with a decision by a key that was taken from the signer since', () => {
  it('R4.4 waits for somebody else to take that seat, as the grant does', () => {
    const { house, caseId } = proved();
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    attest(house, caseId, 'chidi', [{ id: 'control' }]);
    expect(shown(house, caseId)).toEqual(['dana decision']);
    attest(house, caseId, 'control', [{ id: 'chidi', keys: [] }]);
    expect(shown(house, caseId)).toEqual(['ada-admin decision', 'control decision', 'dana decision']);
    expect(house.decide(caseId, 'dana').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')).toHaveLength(0);
    expect(shown(house, caseId)).toEqual(['ada-admin decision', 'control decision']);
  });
});

describe('a case that is over', () => {
  it.each<[string, (house: House, caseId: string) => void]>([
    ['granted', (house, caseId) => ['chidi', 'dana'].forEach((by) => house.decide(caseId, by))],
    ['denied', (house, caseId) => house.decide(caseId, 'chidi', { decision: 'deny' })],
    ['expired', (house) => house.advance(601)],
    ['withdrawn', (house, caseId) => house.command('approval', caseId, withdraw({ person: 'pat' }))],
    [
      'frozen',
      (house, caseId) =>
        house.emit('intake', [
          draft('readmit.case.frozen', caseId, { caseId, by: 'erin', cause: 'repudiated', reasonDigest: 'd'.repeat(64) }),
        ]),
    ],
  ])('waits for nobody once it is %s', (state, end) => {
    const { house, caseId } = proved();
    expect(shown(house, caseId)).not.toEqual([]);
    end(house, caseId);
    house.settle();
    expect(all(house, caseId)).toEqual([]);
    expect(house.facts('approval', caseId).all.map(({ type }) => type)).toContainEqual(expect.stringMatching(new RegExp(`\\.${state}$`)));
  });
});
