/** A discharge that depends on another case, by the log of both. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { asked, caseId, confirmed, discharged, genuine, judge, logged, said, seconds, undo } from '../../test/genuine-case.js';
import { judgeStillHeld } from './case-rules.js';
import { CaseWatch } from './case-watch.js';
import type { Finding } from './finding.js';

const other = 'case_2';
const of2 = (facts: readonly Fact[]): Fact[] =>
  facts.map((fact) => ({ ...fact, id: `${fact.id}_2`, data: { ...fact.data, caseId: other } }) as Fact);
const holder = of2(genuine.filter(({ type }) => /obligation.recorded|execution.started/.test(type)));
const held = (heldBy: object | undefined = { caseId: other, obligationId: undo.id }): Fact => {
  const fact = confirmed(69, 'still-held');
  return { ...fact, data: { ...fact.data, ...(heldBy ? { heldBy } : {}) } } as Fact;
};
const claiming = (answer = held()): Fact[] => [...genuine, asked(), answer, discharged(70, 'still-held')];
const judged = (others: readonly Fact[] | undefined, mine = claiming()): readonly string[] =>
  judgeStillHeld(caseId, logged(mine), (id) => (id === other && others ? logged(others) : id === caseId ? logged(mine) : undefined)).map(
    ({ rule }) => rule,
  );
const ended = (at: number, how: 'undone' | 'still-held' = 'undone'): Fact[] =>
  of2([asked(at - 2), confirmed(at - 1, how), discharged(at, how)]);

describe('a discharge as still held', () => {
  it('R6.5 is proved by the open obligation of the case that it names (the control of this file)', () => {
    expect(judged(holder)).toEqual([]);
    expect(judged([...holder, ...ended(1_000)])).toEqual([]);
  });

  it.each<[string, readonly Fact[] | undefined]>([
    ['that the log does not have', undefined],
    ['that recorded no such obligation', holder.filter(({ type }) => type !== 'readmit.obligation.recorded')],
    ['that never began', holder.filter(({ type }) => type !== 'readmit.execution.started')],
    ['that began later', holder.map((fact) => ({ ...fact, at: seconds(200) }))],
    ['that had ended', [...holder, ...ended(39)]],
    ['that was discharged because of this one', [...holder, ...ended(69, 'still-held')]],
    [
      'that holds something else',
      holder.map((fact) => ({ ...fact, data: { ...fact.data, undo: { ...undo, entitlement: 'reader' } } }) as Fact),
    ],
  ])('R6.5 is found when it rests on a case %s', (_what, others) => {
    expect(judged(others)).toEqual(['still-held-unproved']);
  });

  it('R6.5 is found when it names nobody, or itself', () => {
    const fact = confirmed(69, 'still-held');
    expect(judged(holder, claiming(fact))).toEqual(['still-held-unproved']);
    expect(judged(holder, claiming(held({ caseId, obligationId: undo.id })))).toEqual(['still-held-unproved']);
  });
});

describe('watching cases that rest on each other', () => {
  const watched = (facts: readonly Fact[]): readonly string[] => {
    const findings: Finding[] = [];
    const watch = new CaseWatch(judge, (finding) => findings.push(finding));
    facts.forEach((fact, index) => watch.add(index, fact));
    watch.end();
    return findings.map(({ rule }) => rule);
  };
  const closed = (at: number): Fact => said('readmit.case.closed', at, { caseId, outcome: 'completed' });
  const wholeOther = of2(genuine).filter(({ type }) => !/approval|evidence|classified|attested|plan|opened/.test(type));
  const tick = (index: number, at: number): [number, Fact] => [
    index,
    said('readmit.notice.sent', at, { caseId: 'case_9', noticeId: 'n', about: 'ended', channel: 'mail' }),
  ];

  it('R6.5 finds the claim on a case that holds nothing; on one that does, nothing', () => {
    expect(watched([...holder.filter(({ type }) => /recorded/.test(type)), ...claiming()])).toContain('still-held-unproved');
    expect(watched([...wholeOther, ...claiming()])).not.toContain('still-held-unproved');
  });

  it('R6.5 looks before either case is forgotten: the holder may be closed and settled first', () => {
    const findings: Finding[] = [];
    const watch = new CaseWatch(judge, (finding) => findings.push(finding));
    const facts = [...wholeOther, ...claiming(), ...ended(72), of2([closed(73)])[0] as Fact];
    facts.forEach((fact, index) => watch.add(index + 1, fact));
    watch.add(...tick(1024, 73 + 3_600));
    watch.end();
    expect(findings.map(({ rule }) => rule).filter((rule) => rule === 'still-held-unproved')).toEqual([]);
  });
});

describe('a claim on a case that was closed just before it', () => {
  /** The holder is closed at 46; the log is judged again when that is settled and the claim at 70 is not. */
  const rulesAfter = (endedAt: number): readonly string[] => {
    const findings: Finding[] = [];
    const watch = new CaseWatch(judge, (finding) => findings.push(finding));
    const holding = of2(genuine).filter(({ type }) => /obligation.recorded|execution/.test(type));
    const [closed] = of2([said('readmit.case.closed', 46, { caseId, outcome: 'completed' })]);
    [...holding, ...ended(endedAt), closed as Fact, ...claiming()].forEach((fact, index) => watch.add(index + 1, fact));
    watch.add(1024, said('readmit.notice.sent', 46 + 3_600, { caseId: 'case_9', noticeId: 'n', about: 'ended', channel: 'mail' }));
    watch.end();
    return findings.map(({ rule }) => rule).filter((rule) => rule === 'still-held-unproved');
  };

  it('R6.5 is judged before that one is forgotten', () => {
    expect(rulesAfter(45)).toEqual([]);
    expect(rulesAfter(40)).toEqual(['still-held-unproved']);
  });
});

describe('a case that is closed', () => {
  const end = [asked(), confirmed(69), discharged(70), said('readmit.case.closed', 80, { caseId, outcome: 'completed' })];
  const frozen = said('readmit.case.frozen', 90_000, { caseId, by: 'erin', cause: 'repudiated' });
  const again = asked(90_001, 'frozen', 'event_again');
  const answer = { ...confirmed(90_002, 'undone', 'obligation_1', 'event_again'), id: 'event_answer' };
  const second = { ...discharged(90_003), id: 'event_second' };
  const later = (at: number): Fact => said('readmit.notice.sent', at, { caseId: 'case_9', noticeId: 'n', about: 'ended', channel: 'mail' });
  function run(...facts: readonly Fact[]): readonly string[] {
    const findings: Finding[] = [];
    const watch = new CaseWatch(judge, (finding) => findings.push(finding));
    [...genuine, ...end].forEach((fact, index) => watch.add(index + 1, fact));
    watch.add(1024, later(80_000));
    expect(watch.count).toBe(1);
    facts.forEach((fact, index) => watch.add(1024 + index + 1, fact));
    watch.end();
    expect(watch.count).toBe(1);
    return findings.map(({ rule }) => rule);
  }

  it('R5.4 may be frozen long after it was judged and forgotten: what follows is judged by itself', () => {
    expect(run(frozen, again, answer, second, later(95_000))).toEqual([]);
    expect(run(frozen, again, answer, later(95_000))).toEqual(['obligation-overdue']);
    expect(run(frozen, again, second, later(95_000))).toEqual(['obligation-overdue', 'discharge-unproved']);
    expect(run(frozen, again, { ...answer, data: { ...answer.data, answers: 'event_guess' } } as Fact, second, later(95_000))).toEqual([
      'obligation-overdue',
      'confirmed-without-due',
      'discharge-unproved',
    ]);
  });

  it('R6.3 is not forgotten while it owes something: closed early, its obligation is found open at its bound', () => {
    const findings: Finding[] = [];
    const watch = new CaseWatch({ ...judge, graceSeconds: 10_000 }, (finding) => findings.push(finding));
    [...genuine, said('readmit.case.closed', 10, { caseId, outcome: 'completed' })].forEach((fact, index) => watch.add(index + 1, fact));
    watch.add(1024, later(4_000));
    expect(watch.count).toBe(0);
    watch.add(2048, later(20_000));
    expect([watch.count, findings.map(({ rule }) => rule)]).toEqual([1, ['obligation-overdue']]);
  });
});
