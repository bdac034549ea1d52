/** Execution's own verification: one granted case, and each way in which it must not start. */
import type { EventData, Fact, FactOf } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { crypto, SimulatedServices } from '../../test/simulated-services.js';
import { Facts } from '../kernel/facts.js';
import { recipientsOf } from '../grant-judgement/recipients.js';
import { verifyIntent } from './intent.js';

type Type = Fact['type'];

/** A case that is granted and has not started: audit does not record, so the gate is closed. */
function granted() {
  const services = new SimulatedServices();
  services.auditUp = false;
  const caseId = services.open([{ kind: 'factor.bypass', object: 'ada' }], { kind: 'person', id: 'ada' });
  services.prove(caseId);
  services.decide(caseId, 'chidi');
  expect(services.emitted('readmit.approval.granted')).toHaveLength(1);
  return { services, facts: services.facts('execution', caseId), context: services.context('execution', caseId) };
}
const { facts, context, services } = granted();
const why = (set: Facts, now = context.now): string => {
  const intent = verifyIntent(set, { ...context, now });
  return intent.ok === true ? 'begins' : intent.ok === 'wait' ? `waits for ${intent.waitsFor}` : `${intent.rule} ${intent.reason}`;
};
const without = (type: Type): Facts => new Facts(facts.all.filter((fact) => fact.type !== type));
const changed = <T extends Type>(type: T, change: (data: EventData<T>) => EventData<T>): Facts =>
  new Facts(
    facts.all.map((fact) => (fact.type === type ? ({ ...fact, data: change((fact as unknown as FactOf<T>).data) } as Fact) : fact)),
  );
const added = (fact: Pick<Fact, 'type' | 'data'>): Facts => facts.with([{ id: 'event_x', at: context.now.toISOString(), ...fact } as Fact]);
const { caseId } = facts.first('readmit.case.opened')?.data ?? { caseId: '' };

describe('a beginning', () => {
  it('R4.4 happens with everything in hand (the control of this file)', () => {
    expect(why(facts)).toBe('begins');
  });

  it('R4.7 is refused from the instant on at which the approval is no longer good', () => {
    const goodUntil = Date.parse(facts.first('readmit.approval.granted')?.data.goodUntil ?? '');
    expect([-1, 0, 1].map((ms) => why(facts, new Date(goodUntil + ms)))).toEqual([
      'begins',
      'R4.7 approval-expired',
      'R4.7 approval-expired',
    ]);
  });

  it('R6.4 is refused once a freeze, a containment or an order to revoke was seen', () => {
    expect(why(added({ type: 'readmit.case.frozen', data: { caseId, by: 'ada', cause: 'repudiated' } }))).toBe('R6.4 ended-before-start');
    expect(why(added({ type: 'readmit.containment.ordered', data: { caseId, by: 'chidi' } }))).toBe('R6.4 ended-before-start');
    expect(why(added({ type: 'readmit.revocation.due', data: { caseId, obligationId: 'o', cause: 'expiry' } }))).toBe(
      'R6.4 ended-before-start',
    );
  });

  it('R4.4 is refused for a plan that execution did not propose, or whose words are not those of its digest', () => {
    expect(why(changed('readmit.approval.granted', (data) => ({ ...data, planDigest: crypto.digest('another') })))).toBe(
      'R4.4 plan-changed',
    );
    expect(why(changed('readmit.plan.proposed', (data) => ({ ...data, plan: { ...data.plan, removes: ['everything'] } })))).toBe(
      'R4.4 plan-changed',
    );
  });

  it('R4.4 is refused for a decision that answers no request to decide', () => {
    expect(why(changed('readmit.approval.requested', (data) => ({ ...data, nonce: 'another' })))).toBe('R4.4 nonce-unknown');
  });

  it('R4.4 is refused when the evidence is not what was approved', () => {
    expect(why(changed('readmit.evidence.added', (data) => ({ ...data, digest: crypto.digest('another') })))).toBe('R4.4 evidence-changed');
    expect(why(changed('readmit.approval.granted', (data) => ({ ...data, evidenceDigest: crypto.digest('another') })))).toBe(
      'R4.4 evidence-changed',
    );
  });

  it('R2.1 R4.5 is refused above the ceiling, also when the grant says otherwise', () => {
    expect(why(changed('readmit.case.classified', (data) => ({ ...data, ceiling: { ...data.ceiling, steps: [] } })))).toBe(
      'R2.1 plan-above-ceiling',
    );
    expect(why(changed('readmit.case.classified', (data) => ({ ...data, ceiling: { ...data.ceiling, maxDurationSeconds: 1 } })))).toBe(
      'R4.5 duration-above-ceiling',
    );
    expect(why(changed('readmit.case.classified', (data) => ({ ...data, class: 'privileged-restoration' })))).toBe(
      'R1.1 plan-of-another-class',
    );
  });

  it('R4.5 is refused without a ticket where the policy asks for one', () => {
    const asks = changed('readmit.case.classified', (data) => ({ ...data, requirements: { ...data.requirements, ticket: true } }));
    expect(why(asks)).toBe('R4.5 ticket-missing');
    const named = asks.all.map((fact) =>
      fact.type === 'readmit.case.opened' ? ({ ...fact, data: { ...fact.data, ticket: 'OPS-4711' } } as Fact) : fact,
    );
    expect(why(new Facts(named))).toBe('begins');
  });

  it('R4.4 is refused for a case that was opened twice: another request under its name must not take what was proved for the first', () => {
    const first = facts.first('readmit.case.opened');
    if (!first) throw new Error('no case');
    const { at } = first;
    for (const moment of [new Date(Date.parse(at) - 1).toISOString(), new Date(Date.parse(at) + 1).toISOString()])
      expect(
        why(facts.with([{ ...first, id: 'event_x', at: moment, data: { ...first.data, requester: { kind: 'person', id: 'pat' } } }])),
      ).toBe('R1.1 opened-twice');
    expect(why(facts.with([first]))).toBe('begins');
  });

  it('R2.6 is refused when the plan seals to a key that neither request nor directory names', () => {
    const other = { signing: { kty: 'OKP', crv: 'Ed25519', x: 'm' }, sealing: { kty: 'OKP', crv: 'X25519', x: 'm' } } as const;
    const stolen = changed('readmit.case.opened', (data) => ({ ...data, caseKey: { ...other, fingerprint: crypto.digest('mallory') } }));
    expect(why(stolen)).toBe('R2.6 recipient-unknown');
  });

  it('R4.2 R4.3 R4.4 believes no summary: decisions, quorum and people are checked again', () => {
    expect(why(changed('readmit.approval.granted', (data) => ({ ...data, decisions: [] })))).toBe('R4.3 quorum-not-met');
    const forged = changed('readmit.approval.granted', (data) => ({
      ...data,
      decisions: data.decisions.map((decision) => ({ ...decision, statement: { ...decision.statement, reason: 'forged' } })),
    }));
    expect(why(forged)).toBe('R4.4 decision-signature-invalid');
    expect(why(changed('readmit.people.attested', (data) => ({ ...data, people: data.people.filter(({ id }) => id !== 'chidi') })))).toBe(
      'R4.2 approver-unknown',
    );
    expect(why(changed('readmit.evidence.added', (data) => ({ ...data, collectedBy: 'chidi' })))).toBe('R4.2 approver-is-verifier');
    expect(why(changed('readmit.case.opened', (data) => ({ ...data, requester: { kind: 'person', id: 'chidi' } })))).toBe(
      'R4.2 approver-is-requester',
    );
    expect(why(changed('readmit.case.classified', (data) => ({ ...data, policy: { ...data.policy, digest: crypto.digest('p2') } })))).toBe(
      'R9.1 policy-changed',
    );
  });

  it('R6.1 waits until what takes it back is recorded, as it was approved', () => {
    expect(why(without('readmit.obligation.recorded'))).toBe(`waits for obligation ${caseId}/obligation-1`);
    expect(why(changed('readmit.obligation.recorded', (data) => ({ ...data, undo: { ...data.undo, afterSeconds: 1 } })))).toBe(
      'R6.1 obligations-differ',
    );
  });

  it('R8.1 waits for facts that are on their way instead of failing', () => {
    expect(why(without('readmit.approval.granted'))).toBe('waits for the facts of the case');
    expect(why(without('readmit.case.opened'))).toBe('waits for the facts of the case');
    expect(why(without('readmit.case.classified'))).toBe('waits for the facts of the case');
    expect(why(without('readmit.people.attested'))).toBe('waits for the attestation of people');
    expect(why(without('readmit.evidence.added'))).toBe('waits for the evidence that the approval rests on');
  });
});

describe('a secret', () => {
  it('R2.6 goes to the key that asked, or to the consumers that the directory names for a machine; to nobody else', () => {
    expect(recipientsOf(facts).map(({ id }) => id)).toEqual(['requester']);
    const machine = services.open([{ kind: 'secret.reissue', object: 'payroll' }], { kind: 'machine', id: 'svc-payroll' }, 'pat');
    expect(recipientsOf(services.facts('execution', machine)).map(({ id }) => id)).toEqual(['payroll-app']);
    const signedIn = services.open([{ kind: 'factor.bypass', object: 'ada' }], { kind: 'person', id: 'ada' }, 'pat');
    expect(recipientsOf(services.facts('execution', signedIn))).toEqual([]);
  });
});
