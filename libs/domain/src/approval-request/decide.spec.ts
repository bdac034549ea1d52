/** When a signed decision is accepted: each refusal with a control that is accepted. */
import { describe, expect, it } from '@jest/globals';
import { entryOf } from '@readmit/contracts';
import { SimulatedServices, crypto } from '../../test/simulated-services.js';
import { noPlanDigest } from './approval.state.js';

const ada = { kind: 'person', id: 'ada' } as const;
const erin = { kind: 'person', id: 'erin' } as const;
const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const role = [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }] as const;

function proved(
  asks: Parameters<SimulatedServices['open']>[0] = mfa,
  subject: Parameters<SimulatedServices['open']>[1] = ada,
  requester?: string,
) {
  const services = new SimulatedServices();
  const caseId = services.open(asks, subject, requester);
  services.prove(caseId);
  return { services, caseId };
}
const outcome = (services: SimulatedServices): readonly string[] => services.emitted('readmit.case.closed').map(({ data }) => data.outcome);

describe('a yes', () => {
  it('R4.4 is refused without the nonce of the request that it answers', () => {
    const { services, caseId } = proved();
    expect(services.decide(caseId, 'chidi', { nonce: 'x'.repeat(22) }).refused).toBe('nonce-unknown');
    expect(services.emitted('readmit.decision.recorded')).toHaveLength(0);
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
  });

  it('R4.2 is refused in the name of another than who is signed in, though the signature is right', () => {
    const { services, caseId } = proved();
    expect(services.decide(caseId, 'boris', { approver: 'chidi' }).refused).toBe('approver-is-not-signed-in');
    expect(services.decide(caseId, 'chidi', { approver: 'chidi' }).refused).toBeUndefined();
  });

  it.each(['1999-11-22T09:00:00.000Z', '2099-11-22T09:00:00.000Z', '9999-99-99T99:99:99.999Z', '2026-11-22T08:54:59.999Z'])(
    'R4.10 is refused when it is signed at another time than now (%s)',
    (decidedAt) => {
      const { services, caseId } = proved();
      expect(services.decide(caseId, 'chidi', { decidedAt }).refused).toBe('decided-at-implausible');
      expect(services.decide(caseId, 'chidi', { decidedAt: '2026-11-22T08:55:00.000Z' }).refused).toBeUndefined();
    },
  );

  it.each([' ', '\u200b\u200d', '\u2800'])('R4.5 is refused when its reason says nothing (%j)', (reason) => {
    const { services, caseId } = proved();
    expect(services.decide(caseId, 'chidi', { reason }).refused).toBe('reason-blank');
    expect(services.decide(caseId, 'chidi', { reason: 'ok' }).refused).toBeUndefined();
  });

  it('R4.2 R4.3 of one human counts once, under whatever account, while the other of the quorum is missing', () => {
    const { services, caseId } = proved(role, erin, 'erin');
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(services.decide(caseId, 'chidi').refused).toBe('already-decided');
    expect(services.decide(caseId, services.attestChidiAsOwner(caseId)).refused).toBe('already-decided');
    expect(services.decide(caseId, 'dana').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.4 a grant names every attestation that it rests on, the first in its old place', () => {
    const { services, caseId } = proved();
    expect(services.decide(caseId, 'dana').refused).toBe('not-ready');
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    const [grant] = services.emitted('readmit.approval.granted');
    const ids = services.emitted('readmit.people.attested').map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(grant?.data).toMatchObject({ attestationId: ids[0], attestations: ids });
  });
});

describe('a grant', () => {
  const attested = (services: SimulatedServices, caseId: string, id: string, teams: readonly string[]) => {
    const known = services.emitted('readmit.people.attested').findLast(({ data }) => data.people.some((person) => person.id === id));
    if (!known) throw new Error(`nobody attested ${id}`);
    const people = known.data.people.filter((person) => person.id === id).map((person) => ({ ...person, teams: [...teams] }));
    services.emit('classification', [{ type: 'readmit.people.attested', key: caseId, data: { ...known.data, people, contacts: [] } }]);
    services.settle();
  };

  it('R4.2 R4.3 rests on everyone who was attested when they acted, and is carried out', () => {
    const { services, caseId } = proved();
    expect(services.decide(caseId, 'pat').refused).toBe('not-ready');
    expect(services.decide(caseId, 'pat').refused).toBe('approver-not-in-quorum');
    attested(services, caseId, 'pat', ['security-oncall']);
    expect(services.decide(caseId, 'pat').refused).toBeUndefined();
    expect(services.emitted('readmit.approval.granted')[0]?.data.attestations).toEqual(
      services.emitted('readmit.people.attested').map(({ id }) => id),
    );
    expect(services.emitted('readmit.execution.started')).toHaveLength(1);
  });

  it('R4.4 is not made where execution would refuse it, and why is on record once', () => {
    const { services, caseId } = proved();
    attested(services, caseId, 'boris', ['engineering']);
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    services.advance(60);
    expect(services.emitted('readmit.approval.granted')).toHaveLength(0);
    expect(services.emitted('readmit.approval.refused').map(({ data }) => [data.actor, data.reason])).toEqual([
      ['approval', 'not-a-verifier'],
    ]);
    attested(services, caseId, 'boris', ['help-desk']);
    expect(services.emitted('readmit.approval.granted')).toHaveLength(1);
  });

  it('R4.2 is refused on record where more people were attested than it can name: it would be retried forever', () => {
    const { properties } = entryOf('readmit.approval.granted').schema as { readonly properties?: Record<string, { maxItems?: number }> };
    const inGrant = properties?.['attestations']?.maxItems ?? 0;
    const decided = (attestations: number) => {
      const { services, caseId } = proved();
      const [first] = services.emitted('readmit.people.attested');
      if (!first) throw new Error('nobody was attested');
      const attestNobody = (): void => {
        services.emit('classification', [{ type: 'readmit.people.attested', key: caseId, data: { ...first.data, people: [] } }]);
        services.settle();
      };
      for (let one = 1; one < attestations; one++) attestNobody();
      expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
      return { services, attestNobody };
    };
    const { services, attestNobody } = decided(inGrant + 1);
    const refusals = () => services.emitted('readmit.approval.refused').map(({ data }) => [data.actor, data.rule, data.reason]);
    expect(refusals()).toEqual([['approval', 'R4.2', 'too-many-attestations']]);
    attestNobody();
    expect(refusals()).toHaveLength(1);
    expect(services.emitted('readmit.approval.granted')).toHaveLength(0);
    expect(decided(inGrant).services.emitted('readmit.approval.granted')[0]?.data.attestations).toHaveLength(inGrant);
  });

  it('R2.1 a plan with the longest name is still refused on record', () => {
    const { services, caseId } = proved();
    const [honest] = services.emitted('readmit.plan.proposed');
    const [step] = honest?.data.plan.steps ?? [];
    if (!honest || !step) throw new Error('no plan');
    const plan = { ...honest.data.plan, steps: [{ ...step, kind: 'role.grant' as const, entitlement: 'app_admin' }] };
    const data = { caseId, planId: 'p'.repeat(255), plan, digest: crypto.digest(plan) };
    services.emit('execution', [{ type: 'readmit.plan.proposed', key: caseId, data }]);
    services.settle();
    expect(services.emitted('readmit.approval.refused').map(({ data: { command, reason } }) => [command.length, reason])).toEqual([
      [255, 'plan-above-ceiling'],
    ]);
  });
});

describe('whose key it is', () => {
  it("R4.2 a yes with the key of the case is nobody's, wherever the directory has it", () => {
    const { services, caseId } = proved();
    const [attested] = services.emitted('readmit.people.attested');
    const x = services.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey?.signing.x ?? '';
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
      services.emit('classification', [{ type: 'readmit.people.attested', key: caseId, data: { ...attested.data, people } }]);
      services.settle();
      return services.decide(caseId, 'chidi').refused;
    };
    expect(given(x)).toBe('key-of-another');
    expect(given('a-new-key')).toBeUndefined();
  });
});

describe('a no', () => {
  it('R4.7 ends the request before any proof is there', () => {
    const services = new SimulatedServices();
    const caseId = services.open(mfa, ada);
    expect(services.decide(caseId, 'chidi').refused).toBe('evidence-missing');
    expect(services.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
    expect(services.emitted('readmit.decision.recorded')).toHaveLength(1);
    expect(services.emitted('readmit.approval.denied').map(({ data }) => data.by)).toEqual(['chidi']);
    expect(outcome(services)).toEqual(['denied']);
  });

  it('R4.7 ends the request before there is a plan, once it is known who may decide', () => {
    const services = new SimulatedServices();
    const caseId = services.openUnplanned(mfa, ada);
    expect(services.decide(caseId, 'chidi').refused).toBe('not-ready');
    const statement = services.statement(caseId, 'chidi', { decision: 'deny' });
    expect(statement.planDigest).toBe(noPlanDigest(crypto));
    expect(services.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
    expect(outcome(services)).toEqual(['denied']);
  });

  it('R4.7 takes a yes back before the grant', () => {
    const { services, caseId } = proved(role, erin, 'erin');
    expect(services.decide(caseId, 'chidi').refused).toBeUndefined();
    expect(services.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
    expect(services.decide(caseId, 'dana').refused).toBe('approval-denied');
    expect(services.emitted('readmit.approval.granted')).toHaveLength(0);
    expect(outcome(services)).toEqual(['denied']);
  });

  it('R4.7 comes too late after the grant: then it is ended, not denied', () => {
    const { services, caseId } = proved();
    services.decide(caseId, 'chidi');
    expect(services.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBe('approval-granted');
  });

  it('R4.7 counts though it bound a plan and proofs that have changed since', () => {
    const { services, caseId } = proved();
    const stale = { decision: 'deny', planDigest: 'a'.repeat(64), evidenceDigest: 'b'.repeat(64), policyDigest: 'c'.repeat(64) } as const;
    expect(services.decide(caseId, 'chidi', { ...stale, decision: 'approve' }).refused).toBe('plan-changed');
    expect(services.decide(caseId, 'chidi', stale).refused).toBeUndefined();
    expect(outcome(services)).toEqual(['denied']);
  });

  it('R4.7 of who collected a proof counts; of somebody outside of the quorum, of the requester, of an altered statement it does not', () => {
    const { services, caseId } = proved(role, erin, 'dana');
    expect(services.decide(caseId, 'boris', { decision: 'deny' }).refused).toBe('approver-not-in-quorum');
    expect(services.decide(caseId, 'dana', { decision: 'deny' }).refused).toBe('approver-is-requester');
    expect(services.decide(caseId, 'chidi', { decision: 'deny' }, { reason: 'other' }).refused).toBe('decision-signature-invalid');
    expect(services.emitted('readmit.approval.denied')).toHaveLength(0);
    expect(services.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
  });

  it('R4.5 R4.10 needs a reason and the present time as a yes does', () => {
    const { services, caseId } = proved();
    expect(services.decide(caseId, 'chidi', { decision: 'deny', reason: ' ' }).refused).toBe('reason-blank');
    expect(services.decide(caseId, 'chidi', { decision: 'deny', decidedAt: '1999-11-22T09:00:00.000Z' }).refused).toBe(
      'decided-at-implausible',
    );
    expect(services.decide(caseId, 'chidi', { decision: 'deny' }).refused).toBeUndefined();
  });
});
