/** What ends an obligation in the log: proof by others than the scheduler, whatever the scheduler says. The control of each is the same case with the proof. */
import { describe, expect, it } from '@jest/globals';
import type { EventData, Fact, Undo } from '@readmit/contracts';
import {
  attested,
  caseId,
  confirmed,
  crypto,
  decision,
  discharged,
  found,
  genuine,
  grant,
  judge,
  logged,
  plan,
  replaced,
  said,
  seconds,
  undo,
  without,
} from '../../test/genuine-case.js';
import { findingsAhead } from './case-rules.js';

const rulesOf = (facts: readonly Fact[], at = 200): readonly string[] => found(facts, at).map(({ rule }) => rule);
const recorded = (over: Partial<EventData<'readmit.obligation.recorded'>>): Fact =>
  said('readmit.obligation.recorded', 6, { caseId, obligationId: undo.id, grantId: 'grant_1', undo, hardBound: seconds(660), ...over });

/** The genuine case with another obligation, approved, recorded and executed as such. */
function withUndo(over: Partial<Undo>, more: readonly Fact[] = []): Fact[] {
  const other = { ...undo, ...over };
  const changed = { ...plan, obligations: [other] };
  const planDigest = crypto.digest(changed);
  const decisions = [decision('chidi', { planDigest }), decision('dana', { planDigest })];
  return [
    ...genuine.map((fact) => {
      switch (fact.type) {
        case 'readmit.plan.proposed':
          return said('readmit.plan.proposed', 2, { caseId, planId: 'plan_1', plan: changed, digest: planDigest });
        case 'readmit.approval.granted':
          return grant({ planDigest, decisions, obligations: [other] });
        case 'readmit.obligation.recorded':
          return recorded({ undo: other });
        case 'readmit.execution.started':
        case 'readmit.execution.succeeded':
          return { ...fact, data: { ...fact.data, planDigest } } as Fact;
        default:
          return fact;
      }
    }),
    ...more,
  ];
}
const failed = said('readmit.execution.failed', 8, {
  caseId,
  executionId: 'execution_1',
  effect: 'partial',
  rule: 'R5.5',
  reason: 'target-refused',
  says: 'no',
});
const key = { fingerprint: '1'.repeat(64) } as EventData<'readmit.people.attested'>['consumers'][number]['key'];
const tookOver = (consumer: string, at = 50): Fact =>
  said('readmit.consumer.confirmed', at, { caseId, consumer, object: 'payroll' }, `event_${consumer}`);
const consumersOf = (facts: readonly Fact[], ...ids: readonly string[]): Fact[] =>
  facts.map((fact) =>
    fact.type === 'readmit.people.attested'
      ? ({ ...fact, data: { ...fact.data, consumers: ids.map((id) => ({ id, key })) } } as Fact)
      : fact,
  );

describe('a discharge', () => {
  it.each(['undone', 'still-held'] as const)('R6.3 finds that "%s" was never confirmed by execution; confirmed it is no finding', (how) => {
    expect(found([...genuine, discharged(70, how)], 200)).toMatchObject([
      { rule: 'discharge-unproved', index: 9, why: expect.stringContaining(`(${how}); execution never confirmed it`) },
    ]);
    expect(rulesOf([...genuine, confirmed(69, how), discharged(70, how)])).toEqual([]);
  });

  it('R6.3 a confirmation of another obligation, or of another end, proves nothing', () => {
    expect(rulesOf([...genuine, confirmed(69, 'undone', 'obligation_2'), discharged(70)])).toEqual(['discharge-unproved']);
    expect(rulesOf([...genuine, confirmed(69, 'still-held'), discharged(70)])).toEqual(['discharge-unproved']);
    expect(rulesOf([...genuine, confirmed(69), discharged(70)])).toEqual([]);
  });

  it('R6.3 the order in which topics reached the log is no finding, nor a proof that may be on its way', () => {
    expect(rulesOf([...genuine, discharged(70), confirmed(69)])).toEqual([]);
    expect(rulesOf([...genuine, discharged(70)], 100)).toEqual([]);
    expect(rulesOf([...genuine, discharged(70)], 101)).toEqual(['discharge-unproved']);
  });

  it('R6.3 without proof ends nothing: the obligation is open, and what was proved late was late', () => {
    expect(rulesOf([...genuine, discharged(70)], 10_000)).toEqual(['obligation-overdue', 'discharge-unproved']);
    expect(found([...genuine, discharged(70), confirmed(5_000)], 10_000)).toMatchObject([
      { rule: 'obligation-overdue', why: expect.stringContaining(`was discharged at ${seconds(5_000)}`) },
    ]);
    expect(rulesOf([...genuine, discharged(70), confirmed(69)], 10_000)).toEqual([]);
  });

  it('R6.3 is of an obligation that the log has', () => {
    const stray = said('readmit.obligation.discharged', 70, {
      caseId,
      obligationId: 'obligation_9',
      kind: 'role.revoke',
      how: 'never-began',
    });
    expect(found([...genuine, stray], 200)).toMatchObject([
      { rule: 'discharge-unproved', why: expect.stringContaining('no such obligation') },
    ]);
  });

  it('R6.3 finds "never began" of what was started; not of what was not, or what execution confirmed never began', () => {
    const over = [...genuine, discharged(70, 'never-began')];
    expect(found(over, 200)).toMatchObject([{ rule: 'discharge-unproved', why: expect.stringContaining('an execution was started') }]);
    expect(rulesOf([...over, confirmed(69, 'never-began')])).toEqual([]);
    const unstarted = without('readmit.execution.started').filter((fact) => fact.type !== 'readmit.execution.succeeded');
    expect(rulesOf([...unstarted, discharged(70, 'never-began')])).toEqual([]);
  });

  it('R6.3 finds "never began" of what success arms when it succeeded; not when it failed', () => {
    const succeeded = withUndo({ armedBy: 'success' }, [discharged(70, 'never-began')]);
    expect(found(succeeded, 200)).toMatchObject([{ rule: 'discharge-unproved', why: expect.stringContaining('an execution succeeded') }]);
    expect(rulesOf([...succeeded.filter((fact) => fact.type !== 'readmit.execution.succeeded'), failed])).toEqual([]);
  });

  it('R6.3 finds "taken over" until every consumer that was attested has confirmed it', () => {
    const over = withUndo({ unlessTakenOver: true }, [discharged(70, 'taken-over')]);
    expect(found(over, 200)).toMatchObject([{ rule: 'discharge-unproved', why: expect.stringContaining('no consumer that could') }]);
    const attestedTwo = consumersOf([...over, tookOver('batch')], 'batch', 'web');
    expect(found(attestedTwo, 200)).toMatchObject([
      { rule: 'discharge-unproved', why: expect.stringContaining('the consumer web never confirmed') },
    ]);
    expect(rulesOf([...attestedTwo, tookOver('web')])).toEqual([]);
  });

  it('R6.3 finds "taken over" of an obligation that binds all the same, whatever the scheduler recorded of it', () => {
    const facts = consumersOf([...genuine, tookOver('batch'), discharged(70, 'taken-over')], 'batch');
    expect(found(facts, 200)).toMatchObject([{ rule: 'discharge-unproved', why: expect.stringContaining('binds whoever takes over') }]);
    const recordedOtherwise = facts.map((fact) =>
      fact.type === 'readmit.obligation.recorded' ? recorded({ undo: { ...undo, unlessTakenOver: true } }) : fact,
    );
    expect(rulesOf(recordedOtherwise)).toEqual(['obligation-differs', 'discharge-unproved']);
  });
});

describe('a recorded obligation', () => {
  it('R6.1 finds one that is not the approved one, or whose bound is later than its grant allows', () => {
    expect(found(replaced(recorded({ undo: { ...undo, afterSeconds: 9_999 } })))).toMatchObject([{ rule: 'obligation-differs', index: 6 }]);
    expect(found(replaced(recorded({ hardBound: seconds(661) })))).toMatchObject([
      { rule: 'obligation-differs', why: expect.stringContaining(`the bound ${seconds(661)}`) },
    ]);
    expect(rulesOf(replaced(recorded({ hardBound: seconds(660) })))).toEqual([]);
  });
});

describe('what is ahead', () => {
  it('R6.3 tells when to look again: after a discharge without proof, and after the bound; with proof never', () => {
    const ahead = (facts: readonly Fact[]): readonly (readonly [string, string])[] =>
      findingsAhead(caseId, logged(facts), new Date(seconds(70)), judge).map(({ finding, from }) => [finding.rule, from.toISOString()]);
    expect(ahead([...genuine, discharged(70)])).toEqual([
      ['obligation-overdue', seconds(960)],
      ['discharge-unproved', seconds(100)],
    ]);
    expect(ahead([...genuine, discharged(70), confirmed(70)])).toEqual([]);
    expect(ahead([attested()])).toEqual([]);
  });
});
