/** When a signed yes or no is taken: each refusal beside the decision that is taken. */
import { describe, expect, it } from '@jest/globals';
import { entryOf } from '@readmit/contracts';
import { House, crypto } from '../../test/house.js';
import { noPlanDigest } from './approval.state.js';

const ada = { kind: 'person', id: 'ada' } as const;
const erin = { kind: 'person', id: 'erin' } as const;
const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const role = [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }] as const;

function proved(asks: Parameters<House['open']>[0] = mfa, subject: Parameters<House['open']>[1] = ada, requester?: string) {
  const house = new House();
  const caseId = house.open(asks, subject, requester);
  house.prove(caseId);
  return { house, caseId };
}
const outcome = (house: House): readonly string[] => house.said('readmit.case.closed').map(({ data }) => data.outcome);

describe('a yes', () => {
  it('R4.4 is refused without the nonce of the request that it answers', () => {
    const { house, caseId } = proved();
    expect(house.decide(caseId, 'chidi', { nonce: 'x'.repeat(22) }).refused).toBe('nonce-unknown');
    expect(house.said('readmit.decision.recorded')).toHaveLength(0);
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R4.2 is refused in the name of another than who is signed in, though the signature is right', () => {
    const { house, caseId } = proved();
    expect(house.decide(caseId, 'boris', { approver: 'chidi' }).refused).toBe('approver-is-not-signed-in');
    expect(house.decide(caseId, 'chidi', { approver: 'chidi' }).refused).toBeUndefined();
  });

  it.each(['1999-11-22T09:00:00.000Z', '2099-11-22T09:00:00.000Z', '9999-99-99T99:99:99.999Z', '2026-11-22T08:54:59.999Z'])(
    'R4.10 is refused when it is signed at another time than now (%s)',
    (decidedAt) => {
      const { house, caseId } = proved();
      expect(house.decide(caseId, 'chidi', { decidedAt }).refused).toBe('decided-at-implausible');
      expect(house.decide(caseId, 'chidi', { decidedAt: '2026-11-22T08:55:00.000Z' }).refused).toBeUndefined();
    },
  );

  it.each([' ', '\u200b\u200d', '\u2800'])('R4.5 is refused when its reason says nothing (%j)', (reason) => {
    const { house, caseId } = proved();
    expect(house.decide(caseId, 'chidi', { reason }).refused).toBe('reason-blank');
    expect(house.decide(caseId, 'chidi', { reason: 'ok' }).refused).toBeUndefined();
  });

  it('R4.2 R4.3 of one human counts once, under whatever account, while the other of the quorum is missing', () => {
    const { house, caseId } = proved(role, erin, 'erin');
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(house.decide(caseId, 'chidi').refused).toBe('already-decided');
    expect(house.decide(caseId, house.attestChidiAsOwner(caseId)).refused).toBe('already-decided');
    expect(house.decide(caseId, 'dana').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.4 a grant names every attestation that it rests on, the first in its old place', () => {
    const { house, caseId } = proved();
    expect(house.decide(caseId, 'dana').refused).toBe('not-ready');
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    const [grant] = house.said('readmit.approval.granted');
    const ids = house.said('readmit.people.attested').map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(grant?.data).toMatchObject({ attestationId: ids[0], attestations: ids });
  });
});

describe('a grant', () => {
  const attested = (house: House, caseId: string, id: string, teams: readonly string[]) => {
    const known = house.said('readmit.people.attested').findLast(({ data }) => data.people.some((person) => person.id === id));
    if (!known) throw new Error(`nobody attested ${id}`);
    const people = known.data.people.filter((person) => person.id === id).map((person) => ({ ...person, teams: [...teams] }));
    house.emit('classification', [{ type: 'readmit.people.attested', key: caseId, data: { ...known.data, people, contacts: [] } }]);
    house.settle();
  };

  it('R4.2 R4.3 rests on whoever was attested when they acted, and is carried out', () => {
    const { house, caseId } = proved();
    expect(house.decide(caseId, 'pat').refused).toBe('not-ready');
    expect(house.decide(caseId, 'pat').refused).toBe('approver-not-in-quorum');
    attested(house, caseId, 'pat', ['security-oncall']);
    expect(house.decide(caseId, 'pat').refused).toBeUndefined();
    expect(house.said('readmit.approval.granted')[0]?.data.attestations).toEqual(house.said('readmit.people.attested').map(({ id }) => id));
    expect(house.said('readmit.execution.started')).toHaveLength(1);
  });

  it('R4.4 is not made where execution would refuse it, and why is on record once', () => {
    const { house, caseId } = proved();
    attested(house, caseId, 'boris', ['engineering']);
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    house.advance(60);
    expect(house.said('readmit.approval.granted')).toHaveLength(0);
    expect(house.said('readmit.approval.refused').map(({ data }) => [data.actor, data.reason])).toEqual([['approval', 'not-a-verifier']]);
    attested(house, caseId, 'boris', ['help-desk']);
    expect(house.said('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.2 is refused on record where more people were attested than it can name: it would be tried for ever', () => {
    const { properties } = entryOf('readmit.approval.granted').schema as { readonly properties?: Record<string, { maxItems?: number }> };
    const inGrant = properties?.['attestations']?.maxItems ?? 0;
    const decided = (attestations: number) => {
      const { house, caseId } = proved();
      const [first] = house.said('readmit.people.attested');
      if (!first) throw new Error('nobody was attested');
      const attestNobody = (): void => {
        house.emit('classification', [{ type: 'readmit.people.attested', key: caseId, data: { ...first.data, people: [] } }]);
        house.settle();
      };
      for (let one = 1; one < attestations; one++) attestNobody();
      expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
      return { house, attestNobody };
    };
    const { house, attestNobody } = decided(inGrant + 1);
    const refusals = () => house.said('readmit.approval.refused').map(({ data }) => [data.actor, data.rule, data.reason]);
    expect(refusals()).toEqual([['approval', 'R4.2', 'too-many-attestations']]);
    attestNobody();
    expect(refusals()).toHaveLength(1);
    expect(house.said('readmit.approval.granted')).toHaveLength(0);
    expect(decided(inGrant).house.said('readmit.approval.granted')[0]?.data.attestations).toHaveLength(inGrant);
  });

  it('R2.1 a plan with the longest name is refused on record all the same', () => {
    const { house, caseId } = proved();
    const [honest] = house.said('readmit.plan.proposed');
    const [step] = honest?.data.plan.steps ?? [];
    if (!honest || !step) throw new Error('no plan');
    const plan = { ...honest.data.plan, steps: [{ ...step, kind: 'role.grant' as const, entitlement: 'app_admin' }] };
    const data = { caseId, planId: 'p'.repeat(255), plan, digest: crypto.digest(plan) };
    house.emit('execution', [{ type: 'readmit.plan.proposed', key: caseId, data }]);
    house.settle();
    expect(house.said('readmit.approval.refused').map(({ data: { command, reason } }) => [command.length, reason])).toEqual([
      [255, 'plan-above-ceiling'],
    ]);
  });
});

describe('whose key it is', () => {
  it("R4.2 a yes with the key of the case is nobody's, wherever the directory has it", () => {
    const { house, caseId } = proved();
    const [attested] = house.said('readmit.people.attested');
    const x = house.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey?.signing.x ?? '';
    if (!attested) throw new Error('nobody was attested');
    const given = (key: string): string | undefined => {
      const people = attested.data.people
        .filter(({ id }) => id === 'chidi')
        .map((person) => ({
          ...person,
          keys: [
            ...person.keys.map((one) => ({ ...one, kid: key === x ? one.kid : 'other', key: { ...one.key, x: key } })),
            ...person.keys,
          ],
        }));
      house.emit('classification', [{ type: 'readmit.people.attested', key: caseId, data: { ...attested.data, people } }]);
      house.settle();
      return house.decide(caseId, 'chidi').refused;
    };
    expect(given(x)).toBe('key-of-another');
    expect(given('a-new-key')).toBeUndefined();
  });
});

describe('a no', () => {
  it('R4.7 ends the request before any proof is there', () => {
    const house = new House();
    const caseId = house.open(mfa, ada);
    expect(house.decide(caseId, 'chidi').refused).toBe('evidence-missing');
    expect(house.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
    expect(house.said('readmit.decision.recorded')).toHaveLength(1);
    expect(house.said('readmit.approval.denied').map(({ data }) => data.by)).toEqual(['chidi']);
    expect(outcome(house)).toEqual(['denied']);
  });

  it('R4.7 ends the request before there is a plan, once it is known who may decide', () => {
    const house = new House();
    const caseId = house.openUnplanned(mfa, ada);
    expect(house.decide(caseId, 'chidi').refused).toBe('not-ready');
    const statement = house.statement(caseId, 'chidi', { decision: 'deny' });
    expect(statement.planDigest).toBe(noPlanDigest(crypto));
    expect(house.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
    expect(outcome(house)).toEqual(['denied']);
  });

  it('R4.7 takes a yes back before the grant', () => {
    const { house, caseId } = proved(role, erin, 'erin');
    expect(house.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(house.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
    expect(house.decide(caseId, 'dana').refused).toBe('approval-denied');
    expect(house.said('readmit.approval.granted')).toHaveLength(0);
    expect(outcome(house)).toEqual(['denied']);
  });

  it('R4.7 comes too late after the grant: then it is ended, not denied', () => {
    const { house, caseId } = proved();
    house.decide(caseId, 'chidi');
    expect(house.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBe('approval-granted');
  });

  it('R4.7 counts though it bound a plan and proofs that have changed since', () => {
    const { house, caseId } = proved();
    const stale = { decision: 'deny', planDigest: 'a'.repeat(64), evidenceDigest: 'b'.repeat(64), policyDigest: 'c'.repeat(64) } as const;
    expect(house.decide(caseId, 'chidi', { ...stale, decision: 'approve' }).refused).toBe('plan-changed');
    expect(house.decide(caseId, 'chidi', stale).refused).toBeUndefined();
    expect(outcome(house)).toEqual(['denied']);
  });

  it('R4.7 of who collected a proof counts; of somebody outside of the quorum, of the requester, of an altered statement it does not', () => {
    const { house, caseId } = proved(role, erin, 'dana');
    expect(house.decide(caseId, 'boris', { decision: 'deny' }).refused).toBe('approver-not-in-quorum');
    expect(house.decide(caseId, 'dana', { decision: 'deny' }).refused).toBe('approver-is-requester');
    expect(house.decide(caseId, 'chidi', { decision: 'deny' }, { reason: 'other' }).refused).toBe('decision-signature-invalid');
    expect(house.said('readmit.approval.denied')).toHaveLength(0);
    expect(house.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
  });

  it('R4.5 R4.10 needs a reason and the present time as a yes does', () => {
    const { house, caseId } = proved();
    expect(house.decide(caseId, 'chidi', { decision: 'deny', reason: ' ' }).refused).toBe('reason-blank');
    expect(house.decide(caseId, 'chidi', { decision: 'deny', decidedAt: '1999-11-22T09:00:00.000Z' }).refused).toBe(
      'decided-at-implausible',
    );
    expect(house.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
  });
});
