/** The judgement of a grant: one genuine case, then the same with one fact changed at a time; the genuine one is the control. */
import type { EventData, EventType, Fact, Plan } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import {
  attested,
  attestedPeople,
  caseId,
  contact,
  crypto,
  decision,
  genuine,
  grant,
  plan,
  said,
  seconds,
  undo,
  without,
  zero,
} from '../../test/genuine-case.js';
import { recipient } from '../../test/cast.js';
import { codeOf } from '../evidence/evidence.js';
import { Facts } from '../kernel/facts.js';
import { judgeGrant } from './judge-grant.js';
import { obligationRefusal } from './plan-rules.js';

const judged = (facts: readonly Fact[], at = 7): readonly string[] => {
  const { refusals, waits } = judgeGrant(new Facts(facts), new Date(seconds(at)), crypto);
  return [...refusals.map(({ rule, reason }) => `${rule} ${reason}`), ...waits.map(({ waitsFor }) => `waits for ${waitsFor}`)];
};
const changed = <T extends EventType>(type: T, over: Partial<EventData<T>>, facts: readonly Fact[] = genuine): Fact[] =>
  facts.map((fact) => (fact.type === type ? ({ ...fact, data: { ...fact.data, ...over } } as Fact) : fact));
/** The case with another plan that was proposed, signed, granted and recorded as such. */
function planned(over: Partial<Plan>): Fact[] {
  const other = { ...plan, ...over };
  const planDigest = crypto.digest(other);
  const decisions = [decision('chidi', { planDigest }), decision('dana', { planDigest })];
  const [first] = other.obligations;
  return genuine.flatMap((fact): Fact[] => {
    switch (fact.type) {
      case 'readmit.plan.proposed':
        return [said('readmit.plan.proposed', 2, { caseId, planId: 'plan_1', plan: other, digest: planDigest })];
      case 'readmit.approval.granted':
        return [grant({ planDigest, decisions, obligations: other.obligations, durationSeconds: other.durationSeconds })];
      case 'readmit.obligation.recorded':
        return first
          ? other.obligations.map((one) => ({ ...fact, id: `event_${one.id}`, data: { ...fact.data, obligationId: one.id, undo: one } }))
          : [];
      default:
        return [fact];
    }
  });
}
const step = plan.steps[0] as Plan['steps'][number];
const granted = (grant() as Extract<Fact, { type: 'readmit.approval.granted' }>).data;
const proof = genuine.find(({ type }) => type === 'readmit.evidence.added') as Extract<Fact, { type: 'readmit.evidence.added' }>;

describe('the judgement of a grant', () => {
  it('R4.4 lets the genuine one count (the control of this file)', () => {
    expect(judged(genuine)).toEqual([]);
    expect(judged(planned({}))).toEqual([]);
  });
  it('waits for the grant when there is none yet', () => {
    expect(judged(without('readmit.approval.granted'))).toEqual(['waits for the facts of the case']);
  });

  it('R4.4 tells a plan that execution did not propose from one that was altered', () => {
    const messages = (facts: readonly Fact[]): readonly string[] =>
      judgeGrant(new Facts(facts), new Date(seconds(7)), crypto).refusals.map(({ reason, message }) => `${reason}: ${message}`);
    const decisions = [decision('chidi', { planDigest: zero }), decision('dana', { planDigest: zero })];
    expect(messages(changed('readmit.approval.granted', { planDigest: zero, decisions }))).toEqual([
      'plan-changed: The approval is for a plan that execution did not propose.',
    ]);
    expect(messages(changed('readmit.plan.proposed', { plan: { ...plan, durationSeconds: 59 } }))).toEqual([
      'plan-changed: The digest of the proposed plan does not match its content.',
    ]);
    expect(messages(genuine)).toEqual([]);
  });

  it.each([
    ['the requester and subject', 'erin', 'R4.2 verifier-is-requester'],
    ['nobody that is attested', 'nobody', 'R4.2 verifier-unknown'],
    ['somebody of no verifying team', 'hank', 'R4.2 not-a-verifier'],
  ])('R4.2 refuses a proof that was collected by %s', (_who, collectedBy, why) => {
    const people = [...attestedPeople, { ...attestedPeople[0], id: 'hank', human: 'hank' } as (typeof attestedPeople)[number]];
    expect(
      judged(
        changed('readmit.evidence.added', { collectedBy }, [
          ...genuine.filter(({ type }) => type !== 'readmit.people.attested'),
          attested(people),
        ]),
      ),
    ).toEqual([why]);
  });

  it('R3.10 refuses a proof that was collected by a vendor, and R4.2 by another account of the requester', () => {
    const boris = (over: object): Fact[] =>
      genuine.map((fact) =>
        fact.type === 'readmit.people.attested'
          ? attested(attestedPeople.map((one) => (one.id === 'boris' ? { ...one, ...over } : one)))
          : fact,
      );
    expect(judged(boris({ employment: 'vendor' }))).toEqual(['R3.10 verifier-is-vendor']);
    expect(judged(boris({ human: 'erin' }))).toEqual(['R4.2 verifier-is-requester']);
    expect(judged(boris({ authority: 2 }))).toEqual([]);
  });

  it('R3.4 refuses a call-back to no number on record, or not by phone', () => {
    const noContact = genuine.map((fact) => {
      if (fact.type !== 'readmit.evidence.added') return fact;
      const data = { ...fact.data };
      delete data.contact;
      return { ...fact, data };
    });
    expect(judged(noContact)).toEqual(['R3.4 contact-not-on-record']);
    expect(judged(changed('readmit.evidence.added', { contact: zero }))).toEqual(['R3.4 contact-not-on-record']);
    expect(judged(changed('readmit.evidence.added', { channel: 'in-person' }))).toEqual(['R3.4 call-back-by-phone']);
    expect(judged(changed('readmit.evidence.added', { contact }))).toEqual([]);
  });

  it('R3.4 refuses a call-back that read out another fingerprint or code than those of the key that asked', () => {
    const caseKey = recipient('one-time');
    const asked = changed('readmit.case.opened', { caseKey });
    expect(judged(asked)).toEqual(['R3.4 fingerprint-mismatch']);
    const read = changed('readmit.evidence.added', { fingerprint: caseKey.fingerprint }, asked);
    expect(judged(read)).toEqual([]);
    const withNonce = changed('readmit.case.classified', { codeNonce: 'nonce_1' }, read);
    expect(judged(withNonce)).toEqual(['R3.4 code-mismatch']);
    expect(judged(changed('readmit.evidence.added', { code: '0000-0000' }, withNonce))).toEqual(['R3.4 code-mismatch']);
    const code = codeOf('nonce_1', caseKey.fingerprint, crypto);
    expect(judged(changed('readmit.evidence.added', { code }, withNonce))).toEqual([]);
  });

  it('R3.1 refuses a proof of after the grant, and one that outlives what the policy lets it', () => {
    expect(judged(changed('readmit.evidence.added', { collectedAt: seconds(5) }))).toEqual([]);
    expect(judged(changed('readmit.evidence.added', { collectedAt: seconds(5.001) }))).toEqual(['R3.1 evidence-after-grant']);
    const need = { kind: 'call-back', assurance: 3, maxAgeSeconds: 897 } as const;
    const classified = genuine.find((fact) => fact.type === 'readmit.case.classified');
    if (classified?.type !== 'readmit.case.classified') throw new Error('not classified');
    const asking = (maxAgeSeconds: number): Fact[] =>
      changed('readmit.case.classified', { requirements: { ...classified.data.requirements, evidence: [{ ...need, maxAgeSeconds }] } });
    expect(judged(asking(897))).toEqual([]);
    expect(judged(asking(896))).toEqual(['R3.1 evidence-outlives-policy']);
  });

  it('R3.1 refuses a proof that was recorded after the grant, whatever time of collection it names', () => {
    const recorded = (at: number): readonly string[] =>
      judged(genuine.map((fact) => (fact.type === proof.type ? { ...fact, at: seconds(at) } : fact)));
    expect(recorded(5)).toEqual([]);
    expect(recorded(5.001)).toEqual(['R3.1 evidence-after-grant']);
  });

  it('R3.1 refuses a grant that counts one proof twice', () => {
    const twice = [...granted.evidence, ...granted.evidence];
    const evidenceDigest = crypto.digest([...twice].map(({ id, digest }) => ({ id, digest })));
    const decisions = [decision('chidi', { evidenceDigest }), decision('dana', { evidenceDigest })];
    expect(judged(changed('readmit.approval.granted', { evidence: twice, evidenceDigest, decisions }))).toEqual(['R4.4 evidence-changed']);
  });

  it('R4.4 refuses a proof that was recorded twice under one id; a proof that the grant does not name changes nothing', () => {
    const again = (evidenceId: string): Fact => ({ ...proof, id: 'event_again', data: { ...proof.data, evidenceId } });
    expect(judged([...genuine, again('evidence_1')])).toEqual(['R4.4 evidence-changed']);
    expect(judged([...genuine, again('evidence_2')])).toEqual([]);
  });

  it('R4.4 compares each proof with the digest that was approved for it', () => {
    const two = [...granted.evidence, { id: 'evidence_2', digest: contact }];
    const evidenceDigest = crypto.digest(two);
    const decisions = [decision('chidi', { evidenceDigest }), decision('dana', { evidenceDigest })];
    const withSecond = (digest: string): readonly string[] =>
      judged([
        ...changed('readmit.approval.granted', { evidence: two, evidenceDigest, decisions }),
        { ...proof, id: 'event_second', data: { ...proof.data, evidenceId: 'evidence_2', digest } },
      ]);
    expect(withSecond(contact)).toEqual([]);
    expect(withSecond(zero)).toEqual(['R4.4 evidence-changed']);
  });

  it('R4.4 refuses a grant whose evidence digest is not that of its proofs, even if the decisions were signed for it', () => {
    const signedFor = (evidenceDigest: string): readonly string[] => {
      const decisions = [decision('chidi', { evidenceDigest }), decision('dana', { evidenceDigest })];
      return judged(changed('readmit.approval.granted', { evidenceDigest, decisions }));
    };
    expect(signedFor(granted.evidenceDigest)).toEqual([]);
    expect(signedFor(zero)).toEqual(['R4.4 evidence-changed']);
  });

  it('judges the decisions only when every proof is known, so that the order of arrival does not change the reason', () => {
    const alone = changed('readmit.approval.granted', { decisions: [decision('chidi')] });
    expect(judged(alone)).toEqual(['R4.3 quorum-not-met']);
    expect(judged(alone.filter(({ type }) => type !== proof.type))).toEqual(['waits for the evidence that the approval rests on']);
  });

  it('R4.7 refuses a grant that is good for longer than the policy lets it, or is of a time to come', () => {
    expect(judged(changed('readmit.approval.granted', { goodUntil: seconds(5 + 600 + 300) }))).toEqual([]);
    expect(judged(changed('readmit.approval.granted', { goodUntil: seconds(5 + 600 + 301) }))).toEqual(['R4.7 good-for-too-long']);
    expect(judged(changed('readmit.approval.granted', { goodUntil: '2096-01-01T00:00:00.000Z' }))).toEqual(['R4.7 good-for-too-long']);
    expect(judged(genuine, 5 - 300)).toEqual([]);
    expect(judged(genuine, 5 - 301)).toEqual(['R4.7 granted-in-the-future']);
  });

  it.each([
    ['readmit.approval.denied', { caseId, decisionId: 'decision_x', by: 'dana' }, 'R4.7 approval-denied'],
    ['readmit.approval.withdrawn', { caseId, by: 'erin' }, 'R4.7 approval-withdrawn'],
    ['readmit.approval.expired', { caseId, expiredAt: seconds(4) }, 'R4.7 approval-expired-before'],
  ] as const)('R4.7 refuses a grant on a request that had its end: %s', (type, data, why) => {
    expect(judged([...genuine, said(type, 4, data)])).toEqual([why]);
  });

  it('R4.3 refuses a grant when somebody of the quorum signed a no, about whatever proofs; others cannot say no', () => {
    const no = (by: string, over = {}): Fact =>
      said('readmit.decision.recorded', 3, { caseId, decision: decision(by, { decision: 'deny', evidenceDigest: zero, ...over }) });
    expect(judged([...genuine, no('dana')])).toEqual(['R4.3 decision-is-deny']);
    expect(judged([...genuine, no('boris')])).toEqual([]);
    expect(judged([...genuine, no('dana', { caseId: 'case_2' })])).toEqual([]);
    expect(judged([...genuine, no('dana', { decision: 'approve' })])).toEqual([]);
  });

  it.each(['1999-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z', '2027-02-29T00:00:00.000Z', '9999-99-99T99:99:99.999Z'])(
    'R4.4 refuses a decision that was signed for %s',
    (decidedAt) => {
      const decisions = [decision('chidi'), decision('dana', { decidedAt })];
      expect(judged(changed('readmit.approval.granted', { decisions }))).toEqual(['R4.4 decided-at-no-such-time']);
    },
  );
  it('R4.4 bounds the time of a decision by plan and grant, with what a clock may be off', () => {
    const at = (moment: number): readonly string[] =>
      judged(changed('readmit.approval.granted', { decisions: [decision('chidi'), decision('dana', { decidedAt: seconds(moment) })] }));
    expect([2 - 300, 5 + 300].map(at)).toEqual([[], []]);
    expect([2 - 300.001, 5 + 300.001].map(at)).toEqual([['R4.4 decided-at-no-such-time'], ['R4.4 decided-at-no-such-time']]);
  });

  it('R4.4 refuses a decision whose nonce no request of the case had, where requests are known', () => {
    const { planDigest, evidenceDigest } = granted;
    const requested = (nonce: string, over = {}): Fact =>
      said('readmit.approval.requested', 3, { caseId, planDigest, evidenceDigest, decideBefore: seconds(600), nonce, ...over });
    expect(judged([...genuine, requested('n'.repeat(22))])).toEqual([]);
    expect(judged([...genuine, requested('m'.repeat(22))])).toEqual(['R4.4 nonce-unknown']);
    expect(judged([...genuine, requested('n'.repeat(22), { planDigest: zero })])).toEqual(['R4.4 nonce-unknown']);
    expect(judged([...genuine, requested('n'.repeat(22), { evidenceDigest: zero })])).toEqual(['R4.4 nonce-unknown']);
  });

  it('R4.4 waits for every attestation that the grant names, and believes no other', () => {
    const ids = ['event_attested', 'event_later'];
    expect(judged(changed('readmit.approval.granted', { attestations: ids }))).toEqual(['waits for the attestation of people']);
    const later = { ...attested([]), id: 'event_later', at: seconds(3) };
    expect(judged(changed('readmit.approval.granted', { attestations: ids }, [...genuine, later]))).toEqual([]);
    const split = [
      ...genuine.filter(({ type }) => type !== 'readmit.people.attested'),
      attested(attestedPeople.filter(({ id }) => id !== 'dana')),
    ];
    const lazily = { ...attested(attestedPeople.filter(({ id }) => id === 'dana')), id: 'event_later', at: seconds(3) };
    expect(judged([...split, lazily])).toEqual(['R4.2 approver-unknown']);
    expect(judged(changed('readmit.approval.granted', { attestations: ids }, split))).toEqual(['waits for the attestation of people']);
    expect(judged(changed('readmit.approval.granted', { attestations: ids }, [...split, lazily]))).toEqual([]);
    // The single attestation counts together with the list, as it does at the gate.
    expect(judged(changed('readmit.approval.granted', { attestations: ['event_later'] }, [...split, lazily]))).toEqual([]);
  });
});

describe('the plan of a grant', () => {
  const ask = plan.asks[0] as Plan['asks'][number];
  it.each<[string, Partial<Plan>]>([
    ['another object', { steps: [{ ...step, object: 'mallory' }], obligations: [{ ...undo, object: 'mallory' }] }],
    ['another connector', { steps: [{ ...step, connector: 'idp' }], obligations: [{ ...undo, connector: 'idp' }] }],
    ['an ask that the case does not have', { steps: [{ ...step, askId: 'ask_9' }] }],
    [
      'asks of its own',
      { asks: [{ ...ask, object: 'mallory' }], steps: [{ ...step, object: 'mallory' }], obligations: [{ ...undo, object: 'mallory' }] },
    ],
    ['another case', { caseId: 'case_2' }],
    ['more asks than the case has', { asks: [ask, { ...ask, id: 'ask_2' }] }],
    ['an obligation of something else', { obligations: [undo, { ...undo, id: 'obligation_2', object: 'mallory' }] }],
    ['an obligation at another connector', { obligations: [undo, { ...undo, id: 'obligation_2', connector: 'idp' }] }],
    ['an obligation of another role', { obligations: [undo, { ...undo, id: 'obligation_2', entitlement: 'auditor' }] }],
    ['an obligation that undoes no step of the plan', { obligations: [undo, { ...undo, id: 'obligation_2', kind: 'bypass.close' }] }],
  ])('R2.2 is refused when it is about %s', (_what, over) => {
    expect(judged(planned(over))).toEqual(['R2.2 plan-not-asked']);
  });

  it('R2.2 withdraws an enrolment only at the requested account', () => {
    const withdraw: Plan['obligations'][number] = {
      id: 'obligation_2',
      kind: 'enrolment.withdraw',
      connector: undo.connector,
      object: undo.object,
      armedBy: 'repudiation',
      unlessTakenOver: false,
      afterSeconds: 0,
      says: 'remove what was enrolled',
    };
    expect(judged(planned({ obligations: [undo, withdraw] }))).toEqual([]);
    expect(judged(planned({ obligations: [undo, { ...withdraw, connector: 'idp' }] }))).toEqual(['R2.2 plan-not-asked']);
    expect(judged(planned({ obligations: [undo, { ...withdraw, object: 'mallory' }] }))).toEqual(['R2.2 plan-not-asked']);
  });

  it('R4.4 is refused when it was made under another classification of the case', () => {
    expect(judged(planned({ classificationId: 'event_earlier' }))).toEqual(['R4.4 plan-of-another-classification']);
    expect(judged(planned({ classificationId: 'event_classified' }))).toEqual([]);
  });

  it('R2.2 is refused when it gives what another kind of ask would give', () => {
    const asked = changed(
      'readmit.case.opened',
      { asks: [{ ...ask, kind: 'account.unlock' }] },
      planned({ asks: [{ ...ask, kind: 'account.unlock' }] }),
    );
    expect(judged(asked)).toEqual(['R2.2 plan-not-asked']);
    const group = changed(
      'readmit.case.opened',
      { asks: [{ ...ask, kind: 'group.restore' }] },
      planned({ asks: [{ ...ask, kind: 'group.restore' }] }),
    );
    expect(judged(group)).toEqual([]);
  });

  it('R6.1 is refused when nothing takes back what it gives, from the start', () => {
    expect(judged(planned({ obligations: [] }))).toEqual(['R6.1 obligation-missing']);
    expect(judged(planned({ obligations: [{ ...undo, armedBy: 'success' }] }))).toEqual(['R6.1 obligation-missing']);
    expect(judged(planned({ obligations: [{ ...undo, armedBy: 'repudiation' }] }))).toEqual(['R6.1 obligation-missing']);
    expect(judged(planned({ obligations: [{ ...undo, unlessTakenOver: true }] }))).toEqual(['R6.1 obligation-missing']);
    expect(judged(planned({ obligations: [undo, { ...undo }] }))).toEqual(['R6.1 obligations-differ']);
    expect(judged(planned({ obligations: [undo, { ...undo, id: 'obligation_2' }] }))).toEqual([]);
  });

  it('R6.2 is refused when it ends later than the grant lasts', () => {
    expect(judged(planned({ obligations: [{ ...undo, afterSeconds: 60 }] }))).toEqual([]);
    expect(judged(planned({ obligations: [{ ...undo, afterSeconds: 61 }] }))).toEqual(['R6.2 obligation-too-late']);
    expect(judged(planned({ obligations: [{ ...undo, afterSeconds: 31_536_000 }] }))).toEqual(['R6.2 obligation-too-late']);
  });

  it('R6.2 bounds what is armed by success as well, and not what only a repudiation starts', () => {
    const second = (over: Partial<typeof undo>): readonly string[] =>
      judged(planned({ obligations: [undo, { ...undo, id: 'obligation_2', ...over }] }));
    expect(second({ armedBy: 'success', afterSeconds: 60 })).toEqual([]);
    expect(second({ armedBy: 'success', afterSeconds: 61 })).toEqual(['R6.2 obligation-too-late']);
    expect(second({ armedBy: 'repudiation', afterSeconds: 61 })).toEqual([]);
  });

  it('R6.2 lets the overlap of the policy extend only what a take-over ends', () => {
    const late = (kind: typeof undo.kind, given: typeof step.kind, afterSeconds: number): string | undefined =>
      obligationRefusal({ ...plan, steps: [{ ...step, kind: given }], obligations: [{ ...undo, kind, afterSeconds }] }, 120)?.reason;
    expect(late('secret.destroy', 'secret.issue', 120)).toBeUndefined();
    expect(late('secret.destroy', 'secret.issue', 121)).toBe('obligation-too-late');
    expect(late('role.revoke', 'role.grant', 60)).toBeUndefined();
    expect(late('role.revoke', 'role.grant', 120)).toBe('obligation-too-late');
  });

  it('R6.1 is refused when the only obligation is of a kind that does not undo the step', () => {
    expect(obligationRefusal({ ...plan, obligations: [{ ...undo, kind: 'bypass.close' }] }, 60)?.reason).toBe('obligation-missing');
    expect(obligationRefusal(plan, 60)).toBeUndefined();
  });

  it('R4.5 is refused when it lasts longer than was asked for, or the grant longer than the plan', () => {
    expect(judged(planned({ durationSeconds: 61 }))).toEqual(['R2.2 plan-not-asked']);
    expect(judged(changed('readmit.approval.granted', { durationSeconds: 61 }))).toEqual(['R2.2 plan-not-asked']);
  });

  it('R6.5 takes back what it holds: step and undo have one hold', () => {
    const holding = (hold: string): Fact[] =>
      planned({ steps: [{ ...step, hold: 'target-postgres/role.grant/1/2' }], obligations: [{ ...undo, hold }] });
    expect(judged(holding('target-postgres/role.grant/1/2'))).toEqual([]);
    expect(judged(holding('target-postgres/role.grant/1/3'))).toEqual(['R2.2 plan-not-asked', 'R6.1 obligation-missing']);
  });

  it('R2.6 is refused when a step seals to a key that is not among the recipients', () => {
    expect(judged(planned({ steps: [{ ...step, recipients: [zero] }] }))).toEqual(['R2.6 recipient-unknown']);
  });
});
