/** Who may end a case, what is undone and what stays, and what may be contained. */
import { describe, expect, it } from '@jest/globals';
import { why } from '../../test/cast.js';
import { SimulatedServices } from '../../test/simulated-services.js';
import { mayEndCase, type WhoEnds } from '../decision-proof/parties.js';
import { Facts } from '../kernel/facts.js';
import { contain, containPreview, endEarly, endPreview } from './scheduler.commands.js';

function granted(what: 'role' | 'secret') {
  const services = new SimulatedServices();
  const caseId =
    what === 'role'
      ? services.open([{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }], { kind: 'person', id: 'erin' }, 'pat')
      : services.open([{ kind: 'secret.reissue', object: 'payroll' }], { kind: 'machine', id: 'svc-payroll' }, 'pat');
  services.prove(caseId, 'boris', what === 'role' ? 'call-back' : 'owner-confirmation');
  services.decide(caseId, 'dana');
  services.decide(caseId, 'chidi');
  return { services, caseId };
}
const person = (id: string, ...teams: string[]): WhoEnds => ({ id, teams });

describe('who may end a case', () => {
  const { services, caseId } = granted('role');
  const facts = services.facts('revocation-scheduler', caseId);
  it.each<[string, WhoEnds, boolean]>([
    ['its requester', person('pat'), true],
    ['its subject', person('erin'), true],
    ['who collected its proofs', person('boris'), true],
    ['who may decide it', person('chidi'), true],
    ['an operator', person('gita', 'platform-operators'), true],
    ['anybody else', person('ada'), false],
    ['anybody who says of what team she is', person('ada', 'security-oncall', 'help-desk'), false],
    ['vendor staff in a deciding team', person('mallory'), false],
    ['a key that did not ask', { caseKey: 'another' }, false],
  ])('R6.4 %s', (_who, who, may) => {
    expect(mayEndCase(facts, who)).toBe(may);
    expect(services.command('revocation-scheduler', caseId, endEarly(who, why)).refused === 'case-unknown').toBe(!may);
  });
});

describe('what falls', () => {
  const names = (preview: ReturnType<typeof endPreview>): unknown => ({
    falls: preview.falls.map(({ undo }) => undo.object),
    stays: preview.stays.map(({ undo }) => undo.object),
  });
  it('R6.4 of a reissued secret the old login falls and the new one stays; contained, both fall', () => {
    const { services, caseId } = granted('secret');
    const facts = services.facts('revocation-scheduler', caseId);
    expect(names(endPreview(facts, services.now))).toEqual({ falls: ['payroll_a'], stays: ['payroll_b'] });
    expect(names(containPreview(facts, services.now))).toEqual({ falls: ['payroll_b', 'payroll_a'], stays: [] });
    expect(services.command('revocation-scheduler', caseId, endEarly(person('pat'), why)).refused).toBeUndefined();
    services.settle();
    const dues = () =>
      services.emitted('readmit.revocation.due').map(({ data }) => `${data.obligationId.replace(`${caseId}/`, '')} ${data.cause}`);
    expect(dues()).toEqual(['obligation-2 ended-by-person']);
    expect(services.command('revocation-scheduler', caseId, endEarly(person('pat'), why)).refused).toBe('only-the-new-secret-is-left');
    services.command('revocation-scheduler', caseId, contain('gita', why));
    services.settle();
    expect(dues().sort()).toEqual(['obligation-1 containment', 'obligation-2 containment', 'obligation-2 ended-by-person']);
  });

  it('R6.4 before the new secret is in place, what was made of it falls and the old one stays', () => {
    const { services, caseId } = granted('secret');
    const facts = new Facts(
      services.facts('revocation-scheduler', caseId).all.filter(({ type }) => type !== 'readmit.execution.succeeded'),
    );
    expect(names(endPreview(facts, services.now))).toEqual({ falls: ['payroll_b'], stays: ['payroll_a'] });
  });

  it('R6.4 of a role everything falls; ended once it has ended', () => {
    const { services, caseId } = granted('role');
    expect(names(endPreview(services.facts('revocation-scheduler', caseId), services.now))).toEqual({ falls: ['erin'], stays: [] });
    services.command('revocation-scheduler', caseId, endEarly(person('pat'), why));
    services.settle();
    expect(services.emitted('readmit.revocation.due')).toMatchObject([
      { data: { by: 'pat', cause: 'ended-by-person', reasonDigest: 'd'.repeat(64) } },
    ]);
    expect(services.command('revocation-scheduler', caseId, endEarly(person('pat'), why)).refused).toBe('already-ended');
  });
});

describe('an end by the holder of the case key', () => {
  const requested = () => {
    const services = new SimulatedServices();
    const caseId = services.open([{ kind: 'factor.reset', object: 'ada' }], { kind: 'person', id: 'ada' });
    services.prove(caseId);
    services.decide(caseId, 'chidi');
    return { services, caseId, facts: services.facts('revocation-scheduler', caseId) };
  };

  it('R6.4 is recorded as one by that key, which names nobody', () => {
    const { services, caseId, facts } = requested();
    const caseKey = facts.first('readmit.case.opened')?.data.caseKey?.signing.x ?? '';
    expect(services.command('revocation-scheduler', caseId, endEarly({ caseKey }, why)).refused).toBeUndefined();
    expect(services.emitted('readmit.revocation.due').map(({ data }) => data.by)).toEqual(['case-key']);
  });

  it('leaves out what only repudiation arms: the factor that was enrolled stays', () => {
    const { services, facts } = requested();
    const withdrawal = { id: 'x', kind: 'enrolment.withdraw', connector: 'idp', object: 'ada', armedBy: 'repudiation' };
    const [grant] = facts.of('readmit.approval.granted');
    if (!grant) throw new Error('no grant');
    const only = {
      ...grant,
      data: { ...grant.data, obligations: [{ ...withdrawal, unlessTakenOver: false, afterSeconds: 60, says: 'x' }] },
    };
    const kept = facts.all.filter(({ type }) => type !== 'readmit.approval.granted' && type !== 'readmit.obligation.recorded');
    const { falls, stays } = endPreview(new Facts([...kept, only as typeof grant]), services.now);
    expect([falls, stays]).toEqual([[], []]);
  });
});

describe('an order', () => {
  it.each(['', ' ', '\u200b\u2060', '\u3164'])('R4.5 needs a reason that can be seen (%j), from everyone who may give it', (reason) => {
    const { services, caseId } = granted('role');
    const saying = (words: string) => ({ ...why, reason: words });
    const refused = (order: ReturnType<typeof contain>) => services.command('revocation-scheduler', caseId, order).refused;
    expect(refused(endEarly(person('mallory'), saying(reason)))).toBe('case-unknown');
    expect(refused(endEarly(person('pat'), saying(reason)))).toBe('reason-blank');
    expect(refused(contain('gita', saying(reason)))).toBe('reason-blank');
    expect(services.emitted('readmit.revocation.due')).toHaveLength(0);
    expect(refused(endEarly(person('pat'), why))).toBeUndefined();
    expect(refused(contain('gita', why))).toBeUndefined();
  });
});

describe('containment', () => {
  const services = new SimulatedServices();
  it.each(['policy', 'hold:target/x', 'http:decide', 'subject:ada', 'deadline:approval:case_1', 'case_', 'case_x y', 'xcase_1'])(
    'R6.6 is of a case: %s is refused and leaves no order',
    (key) => {
      expect(services.command('revocation-scheduler', key, contain('gita', why)).refused).toBe('not-a-case');
    },
  );
  it.each(['case_019f0a3c-7d51-7abc-8def-0123456789ab', `case_${'0a'.repeat(16)}`])(
    'R6.6 is ordered once, of a case that is not known yet too: %s',
    (key) => {
      expect(
        services.command('revocation-scheduler', key, contain('gita', { reason: 'taken over', digest: 'e'.repeat(64) })).refused,
      ).toBeUndefined();
      services.command('revocation-scheduler', key, contain('gita', why));
      expect(services.emitted('readmit.containment.ordered').filter(({ data }) => data.caseId === key)).toMatchObject([
        { data: { reasonDigest: 'e'.repeat(64) } },
      ]);
    },
  );

  it('R6.6 may be ordered again when everything was taken back for the last order', () => {
    const { services, caseId } = granted('role');
    const orders = (): number => services.emitted('readmit.containment.ordered').length;
    services.command('revocation-scheduler', caseId, contain('gita', why));
    services.command('revocation-scheduler', caseId, contain('gita', why));
    expect(orders()).toBe(1);
    services.settle();
    services.command('revocation-scheduler', caseId, contain('gita', why));
    expect(orders()).toBe(2);
    services.settle();
    expect(services.emitted('readmit.revocation.confirmed')).toHaveLength(2);
    expect(services.emitted('readmit.obligation.discharged')).toHaveLength(2);
  });

  it('R6.6 is not ordered again before the first order has asked about everything, also about what had ended before', () => {
    const { services, caseId } = granted('role');
    services.command('revocation-scheduler', caseId, endEarly(person('pat'), why));
    services.settle();
    expect(services.emitted('readmit.obligation.discharged')).toHaveLength(1);
    const facts = services.facts('revocation-scheduler', caseId);
    const order = { id: 'event_order', type: 'readmit.containment.ordered', at: services.now.toISOString(), data: { caseId, by: 'gita' } };
    const context = { ...services.context('revocation-scheduler', caseId), now: services.now };
    const emitted = (...more: readonly object[]): unknown[] => {
      const outcome = contain('gita', why)(new Facts([...facts.all, ...(more as (typeof facts.all)[number][])]), context);
      return 'emit' in outcome ? outcome.emit.map(({ type }) => type) : [outcome];
    };
    expect(emitted()).toEqual(['readmit.containment.ordered']);
    expect(emitted(order)).toEqual([]);
  });
});
