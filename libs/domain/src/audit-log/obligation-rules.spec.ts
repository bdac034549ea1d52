/** What ends an obligation in the log: proof by other services than the scheduler. The control of each is the same case with the proof. */
import { describe, expect, it } from '@jest/globals';
import type { EventData, Fact, Undo } from '@readmit/contracts';
import {
  asked,
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
  zero,
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
/** Without findings about granting such an obligation for this plan: these tests are about how it ends. */
const ofTheEnd = (facts: readonly Fact[]) => found(facts, 200).filter(({ rule }) => rule !== 'obligation-missing');
const failed = said('readmit.execution.failed', 8, {
  caseId,
  executionId: 'execution_1',
  effect: 'partial',
  rule: 'R5.5',
  reason: 'target-refused',
  says: 'no',
});
const key = { fingerprint: '1'.repeat(64), signing: { x: 'consumer' } } as EventData<'readmit.people.attested'>['consumers'][number]['key'];
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
      {
        rule: 'discharge-unproved',
        index: 9,
        why: expect.stringContaining(`(${how}) without proof: execution was never asked and never confirmed it`),
      },
    ]);
    expect(rulesOf([...genuine, asked(), confirmed(69, how), discharged(70, how)])).toEqual([]);
  });

  it('R6.3 a confirmation of another obligation, or of another end, proves nothing', () => {
    expect(rulesOf([...genuine, asked(), confirmed(69, 'undone', 'obligation_2'), discharged(70)])).toEqual([
      'confirmed-without-due',
      'discharge-unproved',
    ]);
    expect(rulesOf([...genuine, asked(), confirmed(69, 'still-held'), discharged(70)])).toEqual(['discharge-unproved']);
    expect(rulesOf([...genuine, asked(), confirmed(69), discharged(70)])).toEqual([]);
  });

  it('R6.3 the order in which topics reached the log is no finding, nor a proof that may be on its way', () => {
    expect(rulesOf([...genuine, asked(), discharged(70), confirmed(69)])).toEqual([]);
    expect(rulesOf([...genuine, discharged(70)], 100)).toEqual([]);
    expect(rulesOf([...genuine, discharged(70)], 101)).toEqual(['discharge-unproved']);
  });

  it('R6.3 without proof ends nothing: the obligation is open, and what was proved late was late', () => {
    expect(rulesOf([...genuine, discharged(70)], 10_000)).toEqual(['obligation-overdue', 'discharge-unproved']);
    expect(found([...genuine, asked(), discharged(70), confirmed(5_000)], 10_000)).toMatchObject([
      { rule: 'obligation-overdue', why: expect.stringContaining(`was discharged at ${seconds(5_000)}`) },
    ]);
    expect(rulesOf([...genuine, asked(), discharged(70), confirmed(69)], 10_000)).toEqual([]);
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
    const answered = [...over, asked(), confirmed(69, 'never-began')];
    expect(rulesOf(answered)).toEqual(['discharge-unproved']);
    const withoutEffect = said('readmit.execution.failed', 8, { ...failed.data, effect: 'none' } as EventData<'readmit.execution.failed'>);
    expect(rulesOf(answered.map((fact) => (fact.type === 'readmit.execution.succeeded' ? withoutEffect : fact)))).toEqual([]);
    const unstarted = without('readmit.execution.started').filter((fact) => fact.type !== 'readmit.execution.succeeded');
    expect(rulesOf([...unstarted, discharged(70, 'never-began')])).toEqual([]);
  });

  it('R6.3 finds "never began" of what success arms when it succeeded; not when it failed', () => {
    const succeeded = withUndo({ armedBy: 'success' }, [discharged(70, 'never-began')]);
    expect(ofTheEnd(succeeded)).toMatchObject([{ rule: 'discharge-unproved', why: expect.stringContaining('an execution succeeded') }]);
    expect(ofTheEnd([...succeeded.filter((fact) => fact.type !== 'readmit.execution.succeeded'), failed])).toEqual([]);
  });

  it('R6.3 finds "taken over" until every consumer that was attested has confirmed it', () => {
    const over = withUndo({ unlessTakenOver: true }, [discharged(70, 'taken-over')]);
    expect(ofTheEnd(over)).toMatchObject([{ rule: 'discharge-unproved', why: expect.stringContaining('no consumer that could') }]);
    const attestedTwo = consumersOf([...over, tookOver('batch')], 'batch', 'web');
    expect(ofTheEnd(attestedTwo)).toMatchObject([
      { rule: 'discharge-unproved', why: expect.stringContaining('the consumer web never confirmed') },
    ]);
    expect(ofTheEnd([...attestedTwo, tookOver('web')])).toEqual([]);
  });

  it('R6.3 takes the consumers from the attestation that counts: one that came later with an older directory does not', () => {
    const over = consumersOf(withUndo({ unlessTakenOver: true }, [discharged(70, 'taken-over'), tookOver('batch')]), 'batch');
    const later = (issuedAt: string): Fact => {
      const data = {
        caseId,
        directory: { digest: zero, issuedAt, ageSeconds: 1 },
        people: [],
        contacts: [],
        consumers: [{ id: 'web', key }],
      };
      return said('readmit.people.attested', 40, data, 'event_attested_later');
    };
    expect(ofTheEnd([...over, later(seconds(-60))])).toEqual([]);
    expect(ofTheEnd([...over, later(seconds(30))])).toMatchObject([
      { rule: 'discharge-unproved', why: expect.stringContaining('the consumer web never confirmed') },
    ]);
  });

  it('R6.3 finds "taken over" of an obligation that still binds, whatever the scheduler recorded of it', () => {
    const facts = consumersOf([...genuine, tookOver('batch'), discharged(70, 'taken-over')], 'batch');
    expect(found(facts, 200)).toMatchObject([
      { rule: 'discharge-unproved', why: expect.stringContaining('a take-over does not end this obligation') },
    ]);
    const recordedOtherwise = facts.map((fact) =>
      fact.type === 'readmit.obligation.recorded' ? recorded({ undo: { ...undo, unlessTakenOver: true } }) : fact,
    );
    expect(rulesOf(recordedOtherwise)).toEqual(['obligation-differs', 'discharge-unproved']);
  });
});

describe('a question and its answer', () => {
  it('R6.3 finds a confirmation that nothing asked for: before the due, with a guess, or of another obligation', () => {
    expect(rulesOf([...genuine, asked(), confirmed(69), discharged(70)])).toEqual([]);
    expect(found([...genuine, confirmed(9)], 40)).toMatchObject([{ rule: 'confirmed-without-due', index: 9 }]);
    // The question may be in transit to the log.
    expect(rulesOf([...genuine, confirmed(9)], 39)).toEqual([]);
    expect(rulesOf([...genuine, confirmed(9), asked(), discharged(70)])).toEqual(['confirmed-without-due']);
    expect(rulesOf([...genuine, asked(), confirmed(69, 'undone', 'obligation_1', 'event_guess')])).toEqual(['confirmed-without-due']);
  });

  it('R6.3 believes a release that named no question only of what it said after it was asked', () => {
    const old = (at: number): Fact =>
      said('readmit.revocation.confirmed', at, { caseId, obligationId: undo.id, how: 'undone', readBack: [], sessionsEnded: 0 });
    expect(rulesOf([...genuine, asked(), old(69), discharged(70)])).toEqual([]);
    expect(rulesOf([...genuine, old(9), asked(), discharged(70)])).toEqual(['confirmed-without-due', 'discharge-unproved']);
  });

  it('R6.3 finds a discharge that rests on the answer to an earlier question', () => {
    const again = asked(75, 'containment', 'event_again');
    const facts = [...genuine, asked(), confirmed(69), discharged(70), again];
    const second = { ...discharged(80), id: 'event_second' };
    expect(rulesOf([...facts, second])).toEqual(['discharge-unproved']);
    const answer = { ...confirmed(78, 'undone', 'obligation_1', 'event_again'), id: 'event_answer' };
    expect(rulesOf([...facts, answer, second])).toEqual([]);
  });

  it('R6.6 finds what was asked again and not answered within the grace', () => {
    const again = asked(1_000, 'containment', 'event_again');
    const ended = [...genuine, asked(), confirmed(69), discharged(70)];
    expect(rulesOf([...ended, again], 1_300)).toEqual([]);
    expect(found([...ended, again], 1_301)).toMatchObject([{ rule: 'obligation-overdue', index: 12 }]);
    const answer = { ...confirmed(1_100, 'undone', 'obligation_1', 'event_again'), id: 'event_answer' };
    expect(rulesOf([...ended, again, answer, { ...discharged(1_101), id: 'event_second' }], 2_000)).toEqual([]);
  });

  it.each<[string, Fact]>([
    ['R6.6', said('readmit.containment.ordered', 1_000, { caseId, by: 'olga' })],
    ['R5.4', said('readmit.case.frozen', 1_000, { caseId, by: 'erin', cause: 'repudiated' })],
  ])('%s finds a case that was stopped after its end and of which nobody was asked again', (_id, stop) => {
    const ended = [...genuine, asked(), confirmed(69), discharged(70)];
    expect(rulesOf([...ended, stop], 1_300)).toEqual([]);
    expect(found([...ended, stop], 1_301)).toMatchObject([
      { rule: 'obligation-overdue', why: expect.stringContaining('was not made due for it') },
    ]);
    const again = asked(1_001, 'containment', 'event_again');
    const answer = { ...confirmed(1_100, 'undone', 'obligation_1', 'event_again'), id: 'event_answer' };
    expect(rulesOf([...ended, stop, again, answer, { ...discharged(1_101), id: 'event_second' }], 2_000)).toEqual([]);
  });

  it('R5.4 what repudiation alone arms is never overdue before it was called due', () => {
    const ofRepudiation = withUndo({ kind: 'enrolment.withdraw', armedBy: 'repudiation' });
    const overdue = (facts: readonly Fact[]): readonly string[] =>
      found(facts, 100_000).flatMap(({ rule }) => (rule === 'obligation-overdue' ? [rule] : []));
    expect(overdue(ofRepudiation)).toEqual([]);
    expect(overdue(genuine)).toEqual(['obligation-overdue']);
    expect(overdue([...ofRepudiation, asked(50_000, 'frozen')])).toEqual(['obligation-overdue']);
    expect(overdue([...ofRepudiation, asked(50_000, 'frozen'), confirmed(50_001), discharged(50_002)])).toEqual([]);
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
    expect(ahead([...genuine, asked(), discharged(70), confirmed(70)])).toEqual([]);
    expect(ahead([attested()])).toEqual([]);
  });
});
