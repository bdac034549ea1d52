/** What makes a decision count, and when a quorum is met: each refusal with a control that counts. */
import type { Decision, Person, QuorumPart } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Crypto } from '../kernel/behaviour.js';
import { checkDecision, checkDecisions, checkDenial, quorumMet, quorumProgress, type DecisionBasis } from './decision-proof.js';

/** Signatures are simulated as key and text; Ed25519 is tested with real keys in libs/signing. */
const crypto: Crypto = {
  digest: (value) => JSON.stringify(value),
  canonical: (value) => JSON.stringify(value),
  hmac: () => '',
  verify: (key, type, text, signature) => signature === `${key}|${type}|${text}`,
};
const person = (id: string, teams: readonly string[], more: Partial<Person> = {}): Person => ({
  id,
  human: id,
  teams: [...teams],
  authority: 5,
  employment: 'employee',
  privileged: false,
  keys: [{ kid: `${id}-1`, type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: `x-${id}` } }],
  ...more,
});
const part = (name: string, teams = [name], count = 1, authority = 4): QuorumPart => ({ name, teams, count, authority });
const people = [
  person('ada', ['engineering']),
  person('ada-admin', ['security-oncall'], { human: 'ada' }),
  person('boris', ['help-desk', 'security-oncall']),
  person('chidi', ['security-oncall']),
  person('dana', ['system-owner']),
  person('both', ['security-oncall', 'system-owner']),
  person('junior', ['security-oncall'], { authority: 3 }),
  person('mallory', ['security-oncall'], { employment: 'vendor' }),
  person('rita', ['security-oncall']),
];
const basis: DecisionBasis = {
  caseId: 'case_1',
  planDigest: 'plan',
  evidenceDigest: 'evidence',
  policyDigest: 'policy',
  requester: 'rita',
  subject: 'ada',
  collectors: ['boris'],
  people,
  quorum: [part('security-oncall'), part('system-owner')],
};
function signed(approver: string, more: Partial<Decision['statement']> = {}): Decision {
  const statement: Decision['statement'] = {
    v: 1,
    caseId: 'case_1',
    planDigest: 'plan',
    evidenceDigest: 'evidence',
    policyDigest: 'policy',
    decision: 'approve',
    approver,
    decidedAt: '2026-11-22T09:00:00.000Z',
    nonce: 'n'.repeat(22),
    reason: 'seen',
    ...more,
  };
  const signature = `x-${approver}|application/vnd.readmit.decision.v1+json|${JSON.stringify(statement)}`;
  return { id: `decision_${approver}`, statement, proof: { type: 'software-key', kid: `${approver}-1`, signature } };
}

describe('one decision', () => {
  it('counts when it binds what is on the table and an eligible person signed it (the control of this file)', () => {
    expect(checkDecision(signed('chidi'), basis, crypto)).toBeUndefined();
  });

  it.each<[string, Decision, string]>([
    ['names another case', signed('chidi', { caseId: 'case_2' }), 'R4.4 decision-for-another-case'],
    ['binds another plan', signed('chidi', { planDigest: 'other' }), 'R4.4 plan-changed'],
    ['binds other evidence', signed('chidi', { evidenceDigest: 'other' }), 'R4.4 evidence-changed'],
    ['binds another policy', signed('chidi', { policyDigest: 'other' }), 'R9.1 policy-changed'],
    ['is by somebody whom the directory does not attest', signed('nobody'), 'R4.2 approver-unknown'],
    ['is by the requester', signed('rita'), 'R4.2 approver-is-requester'],
    ['is by the subject', signed('ada'), 'R4.2 approver-is-subject'],
    ['is by the subject under a second account', signed('ada-admin'), 'R4.2 approver-is-subject'],
    ['is by who collected the evidence', signed('boris'), 'R4.2 approver-is-verifier'],
    ['is by vendor staff', signed('mallory'), 'R4.2 approver-is-vendor'],
    ['is by somebody with too little authority', signed('junior'), 'R4.3 approver-not-in-quorum'],
  ])('R4.2 R4.3 R4.4 does not count when it %s', (_title, decision, why) => {
    const found = checkDecision(decision, basis, crypto);
    expect(`${found?.rule} ${found?.reason}`).toBe(why);
  });

  it('R3.10 does not count from vendor staff in a team of the quorum; from an employee in their place it does', () => {
    expect(checkDecision(signed('mallory'), basis, crypto)).toMatchObject({ reason: 'approver-is-vendor' });
    const employed = people.map((one) => (one.id === 'mallory' ? { ...one, employment: 'employee' as const } : one));
    expect(checkDecision(signed('mallory'), { ...basis, people: employed }, crypto)).toBeUndefined();
  });

  it('R4.4 does not count when a word was changed after it was signed, or the key is not enrolled', () => {
    const decision = signed('chidi');
    const changed = { ...decision, statement: { ...decision.statement, reason: 'seen and changed' } };
    expect(checkDecision(changed, basis, crypto)?.reason).toBe('decision-signature-invalid');
    const otherKey = { ...decision, proof: { ...decision.proof, kid: 'chidi-2' } };
    expect(checkDecision(otherKey, basis, crypto)?.reason).toBe('approver-key-unknown');
  });

  it('R4.4 a signature for another kind of statement never counts as a decision', () => {
    const decision = signed('chidi');
    const borrowed = decision.proof.signature.replace('readmit.decision.v1', 'readmit.review.v1');
    expect(checkDecision({ ...decision, proof: { ...decision.proof, signature: borrowed } }, basis, crypto)?.reason).toBe(
      'decision-signature-invalid',
    );
  });
});

describe('one human', () => {
  const why = (decision: Decision, more: Partial<DecisionBasis> = {}) => checkDecision(decision, { ...basis, ...more }, crypto)?.reason;
  const keyOf = (id: string): Person['keys'] => [
    { kid: `${id}-1`, type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: 'x-chidi' } },
  ];

  it('R4.2 is the same in another spelling, also where the directory does not know the account', () => {
    expect(why(signed('chidi'), { requester: 'other' })).toBeUndefined();
    for (const requester of ['Chidi', 'CHIDI', '\uff23hidi']) expect(why(signed('chidi'), { requester })).toBe('approver-is-requester');
    const twice = [...people, person('chidi.admin', ['security-oncall'], { human: 'CHIDI' })];
    expect(why(signed('chidi.admin'), { people: twice })).toBeUndefined();
    expect(why(signed('chidi.admin'), { people: twice, subject: 'chidi' })).toBe('approver-is-subject');
    expect(why(signed('chidi.admin'), { people: twice, collectors: ['Chidi'] })).toBe('approver-is-verifier');
    expect(quorumMet([part('security-oncall', ['security-oncall'], 2)], ['chidi', 'rita'], twice)).toBe(true);
    expect(quorumMet([part('security-oncall', ['security-oncall'], 2)], ['chidi', 'chidi.admin'], twice)).toBe(false);
  });

  it("R4.2 refuses a key that is also another person's, the requester's or a consumer's", () => {
    const borrowed = people.map((one) => (one.id === 'dana' ? { ...one, keys: keyOf('dana') } : one));
    expect(why(signed('chidi'))).toBeUndefined();
    expect(why(signed('chidi'), { people: borrowed })).toBe('key-of-another');
    expect(why(signed('chidi'), { otherKeys: ['x-case'] })).toBeUndefined();
    expect(why(signed('chidi'), { otherKeys: ['x-case', 'x-chidi'] })).toBe('key-of-another');
    // A second account of the same person may have the key.
    const own = [...people, person('chidi.admin', ['security-oncall'], { human: 'Chidi', keys: keyOf('chidi.admin') })];
    expect(why(signed('chidi'), { people: own })).toBeUndefined();
  });

  it('R4.3 two accounts with one key fill one seat', () => {
    expect(quorumMet(basis.quorum, ['chidi', 'dana'], people)).toBe(true);
    const borrowed = people.map((one) => (one.id === 'dana' ? { ...one, keys: keyOf('dana') } : one));
    expect(quorumMet(basis.quorum, ['chidi', 'dana'], borrowed)).toBe(false);
  });

  it('R4.2 who is listed twice decides nothing: nobody can say which entry holds', () => {
    expect(why(signed('chidi'), { people: [...people, person('chidi', ['engineering'])] })).toBe('approver-ambiguous');
    expect(quorumMet(basis.quorum, ['chidi', 'dana'], [...people, person('chidi', ['engineering'])])).toBe(false);
  });
});

describe('a no', () => {
  const no = (approver: string, more: Partial<Decision['statement']> = {}) => signed(approver, { decision: 'deny', ...more });
  const why = (decision: Decision) => checkDenial(decision, basis, crypto)?.reason;

  it('R4.7 counts whatever plan, proofs and policy it bound, and from who collected a proof', () => {
    expect(why(no('chidi'))).toBeUndefined();
    expect(why(no('chidi', { planDigest: 'other', evidenceDigest: 'other', policyDigest: 'other' }))).toBeUndefined();
    expect(why(no('boris'))).toBeUndefined();
    expect(checkDecision(no('chidi', { planDigest: 'other' }), basis, crypto)?.reason).toBe('plan-changed');
  });

  it.each<[string, Decision, string]>([
    ['is a yes', signed('chidi'), 'decision-is-no-deny'],
    ['is about another case', no('chidi', { caseId: 'case_2' }), 'decision-for-another-case'],
    ['is by somebody outside of the quorum', no('ada'), 'approver-is-subject'],
    ['is by the requester', no('rita'), 'approver-is-requester'],
    ['is by somebody with too little authority', no('junior'), 'approver-not-in-quorum'],
    ['is by somebody whom nobody attests', no('nobody'), 'approver-unknown'],
    [
      'was changed after it was signed',
      { ...no('chidi'), statement: { ...no('chidi').statement, reason: 'other' } },
      'decision-signature-invalid',
    ],
  ])('R4.7 does not count when it %s', (_title, decision, reason) => {
    expect(why(decision)).toBe(reason);
  });
});

describe('decisions together', () => {
  it('R4.3 grant with every part filled, and not with one part, one human in two seats, or a deny among them', () => {
    expect(checkDecisions([signed('chidi'), signed('dana')], basis, crypto)).toBeUndefined();
    expect(checkDecisions([signed('chidi')], basis, crypto)?.reason).toBe('quorum-not-met');
    expect(checkDecisions([signed('both')], basis, crypto)?.reason).toBe('quorum-not-met');
    expect(checkDecisions([signed('chidi'), signed('dana', { decision: 'deny' })], basis, crypto)?.reason).toBe('decision-is-deny');
    expect(checkDecisions([], basis, crypto)?.reason).toBe('quorum-not-met');
  });

  it('R4.3 finds the seating that fills all parts, in any order of decisions', () => {
    expect(checkDecisions([signed('both'), signed('chidi')], basis, crypto)).toBeUndefined();
    expect(checkDecisions([signed('both'), signed('dana')], basis, crypto)).toBeUndefined();
  });
});

describe('a quorum', () => {
  it('gives no seat to an account that nobody attests', () => {
    const seats = (...approvers: readonly string[]) => quorumProgress([part('security-oncall')], approvers, people).map(({ by }) => by);
    expect(seats('nobody')).toEqual([[]]);
    expect(seats('nobody', 'chidi')).toEqual([['chidi']]);
  });

  it('R4.3 is an AND of ORs: one of each part, any of its teams', () => {
    const quorum = [part('security', ['security-oncall', 'security-lead']), part('owner', ['system-owner'])];
    const lead = person('lead', ['security-lead']);
    expect(quorumMet(quorum, ['lead', 'dana'], [...people, lead])).toBe(true);
    expect(quorumMet(quorum, ['chidi', 'dana'], people)).toBe(true);
    expect(quorumMet(quorum, ['chidi', 'rita'], people)).toBe(false);
  });

  it('R4.3 of nothing is never met: an empty quorum does not let everybody through', () => {
    expect(quorumMet([], [], people)).toBe(false);
    expect(quorumMet([], ['chidi', 'dana'], people)).toBe(false);
  });

  it('R4.3 does not count somebody of too little authority, who alone would be the least senior', () => {
    expect(quorumMet([part('security-oncall')], ['junior'], people)).toBe(false);
    expect(quorumMet([part('security-oncall')], ['junior', 'chidi'], people)).toBe(true);
    expect(quorumMet([part('security-oncall', ['security-oncall'], 1, 3)], ['junior'], people)).toBe(true);
  });

  it('R4.3 seats a human by the account that serves, whichever of their accounts decided first', () => {
    const plain = person('chidi-plain', ['engineering'], { human: 'chidi' });
    for (const approvers of [
      ['chidi-plain', 'chidi', 'dana'],
      ['chidi', 'chidi-plain', 'dana'],
    ])
      expect(quorumMet(basis.quorum, approvers, [...people, plain])).toBe(true);
    expect(quorumMet(basis.quorum, ['chidi-plain', 'dana'], [...people, plain])).toBe(false);
  });

  const teams = ['a', 'b', 'c'];
  const anyPeople = fc.array(
    fc.record({
      human: fc.integer({ min: 0, max: 5 }),
      teams: fc.subarray(teams),
      authority: fc.integer({ min: 0, max: 9 }),
      vendor: fc.boolean(),
    }),
    { maxLength: 8 },
  );
  const anyQuorum = fc.array(
    fc.record({
      teams: fc.subarray(teams, { minLength: 1 }),
      count: fc.integer({ min: 1, max: 3 }),
      authority: fc.integer({ min: 0, max: 9 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const named = (found: readonly { human: number; teams: string[]; authority: number; vendor: boolean }[]): Person[] =>
    found.map((one, index) =>
      person(`p${index}`, one.teams, {
        human: `h${one.human}`,
        authority: one.authority,
        employment: one.vendor ? 'vendor' : 'employee',
      }),
    );
  const parts = (found: readonly { teams: string[]; count: number; authority: number }[]): QuorumPart[] =>
    found.map((one, index) => ({ name: `part-${index}`, ...one }));

  it('R4.3 is never un-met by one more approver, in any order of decisions', () => {
    fc.assert(
      fc.property(anyPeople, anyQuorum, fc.nat(), (found, wanted, cut) => {
        const everybody = named(found);
        const ids = everybody.map(({ id }) => id);
        const some = ids.slice(0, cut % (ids.length + 1));
        if (!quorumMet(parts(wanted), some, everybody)) return;
        expect(quorumMet(parts(wanted), ids, everybody)).toBe(true);
        expect(quorumMet(parts(wanted), [...ids].reverse(), everybody)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('R4.3 no human fills two seats, no vendor fills any, and nobody sits above their authority or outside their team', () => {
    fc.assert(
      fc.property(anyPeople, anyQuorum, (found, wanted) => {
        const everybody = named(found);
        const seated = quorumProgress(
          parts(wanted),
          everybody.map(({ id }) => id),
          everybody,
        ).flatMap(({ part: of, by }) => by.map((id) => ({ of, one: everybody.find((candidate) => candidate.id === id) })));
        const humans = seated.map(({ one }) => one?.human);
        expect(new Set(humans).size).toBe(humans.length);
        for (const { of, one } of seated) {
          expect(one?.employment).toBe('employee');
          expect(one?.authority).toBeGreaterThanOrEqual(of.authority);
          expect(of.teams.some((team) => one?.teams.includes(team))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
