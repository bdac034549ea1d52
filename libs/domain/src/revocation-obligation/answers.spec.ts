/** Questions and answers about an obligation: which answer ends it, and when it is asked again. */
import type { EventData, Fact, Undo } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { crypto } from '../../test/cast.js';
import type { Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { obligationsOf } from './obligations.js';
import { graceSeconds, schedulerReact } from './scheduler.react.js';

const seconds = (n: number): string => new Date(Date.parse('2026-11-22T10:00:00.000Z') + n * 1000).toISOString();
const caseId = 'case_1';
const undo: Undo = {
  id: 'case_1/obligation-1',
  kind: 'role.revoke',
  connector: 'target',
  object: 'erin',
  entitlement: 'admin',
  armedBy: 'start',
  unlessTakenOver: false,
  afterSeconds: 60,
  says: 'revoke',
  hold: 'target/role.grant/1/2',
};
let count = 0;
const said = <T extends Fact['type']>(type: T, at: number, data: Partial<EventData<T>> = {}): Extract<Fact, { type: T }> =>
  ({ id: `event_${String(++count).padStart(4, '0')}`, type, at: seconds(at), data: { caseId, ...data } }) as unknown as Extract<
    Fact,
    { type: T }
  >;
const recordedOf = (one: Undo): Fact =>
  said('readmit.obligation.recorded', 0, { obligationId: one.id, grantId: 'grant_1', undo: one, hardBound: seconds(120) });
const started = said('readmit.execution.started', 0);
const succeeded = said('readmit.execution.succeeded', 1);
const under = (one: Undo = undo): Fact[] => [recordedOf(one), started, succeeded];
const due = (at: number, cause: EventData<'readmit.revocation.due'>['cause'] = 'expiry', obligationId = undo.id) =>
  said('readmit.revocation.due', at, { obligationId, cause });
const answer = (at: number, to: Fact | undefined, more: Partial<EventData<'readmit.revocation.confirmed'>> = {}) =>
  said('readmit.revocation.confirmed', at, {
    obligationId: undo.id,
    how: 'undone',
    readBack: [],
    sessionsEnded: 0,
    ...(to ? { answers: to.id } : {}),
    ...more,
  });
const discharged = (at: number, how: EventData<'readmit.obligation.discharged'>['how'] = 'undone', obligationId = undo.id): Fact =>
  said('readmit.obligation.discharged', at, { obligationId, kind: 'role.revoke', how });
const contained = (at: number): Fact => said('readmit.containment.ordered', at, { by: 'gita', reasonDigest: crypto.digest('why') });
const frozen = (at: number): Fact => said('readmit.case.frozen', at, { by: 'erin', cause: 'repudiated' });

const react = (facts: readonly Fact[], at: number, others: Readonly<Record<string, readonly Fact[]>> = {}) => {
  const context: Context = {
    now: new Date(seconds(at)),
    key: caseId,
    newId: (prefix) => `${prefix}_1`,
    crypto,
    work: new Set(),
    other: (key) => new Facts(others[key] ?? []),
  };
  const { emit, wakeAt } = schedulerReact(new Facts(facts), context);
  return {
    said: emit.map(({ type, data }) =>
      `${type.replace('readmit.', '')} ${'cause' in data ? data.cause : 'how' in data ? data.how : ''}`.trim(),
    ),
    emit,
    wakeAt: wakeAt?.toISOString() ?? null,
  };
};

describe('a confirmation', () => {
  it('R6.3 ends the obligation when it answers the question that was asked (the control of this block)', () => {
    const asked = due(60);
    expect(react([...under(), asked, answer(61, asked)], 62).said).toEqual(['obligation.discharged undone']);
  });

  it('R6.3 that came before anything was due ends nothing: at the clock it is still due', () => {
    for (const early of [answer(5, undefined), answer(5, undefined, { answers: 'event_guessed' })]) {
      expect(react([...under(), early], 30)).toMatchObject({ said: [], wakeAt: seconds(60) });
      expect(react([...under(), early], 60).said).toEqual(['revocation.due expiry']);
      expect(react([...under(), early, due(60)], 61).said).toEqual([]);
    }
  });

  it('R6.3 that answers nothing, an earlier question or another obligation, ends nothing', () => {
    const first = due(60);
    const second = due(100, 'not-proved');
    expect(react([...under(), first, answer(61, undefined, { answers: 'event_guessed' })], 62).said).toEqual([]);
    expect(react([...under(), first, second, answer(101, first)], 102).said).toEqual([]);
    expect(react([...under(), first, answer(61, first, { obligationId: 'case_1/obligation-2' })], 62).said).toEqual([]);
    expect(react([...under(), first, answer(61, first, { caseId: 'case_2' })], 62).said).toEqual([]);
    expect(react([...under(), first, second, answer(101, second)], 102).said).toEqual(['obligation.discharged undone']);
  });

  it('R6.3 of a release that names no question makes the scheduler ask once more, and only once', () => {
    const first = due(60);
    const old = answer(61, undefined);
    expect(react([...under(), first, old], 62).said).toEqual(['revocation.due not-proved']);
    expect(react([...under(), first, old, due(62, 'not-proved'), answer(63, undefined)], 64).said).toEqual([]);
  });

  it('R6.3 that nothing began counts before a beginning or without effect, not against a success', () => {
    const asked = due(60);
    const never = answer(61, asked, { how: 'never-began' });
    expect(react([recordedOf(undo), asked, never], 62).said).toEqual(['obligation.discharged never-began']);
    const failed = (effect: 'none' | 'partial'): Fact => said('readmit.execution.failed', 2, { effect });
    expect(react([recordedOf(undo), started, failed('none'), asked, never], 62).said).toEqual(['obligation.discharged never-began']);
    expect(react([recordedOf(undo), started, failed('partial'), asked, never], 62).said).toEqual([]);
    expect(react([...under(), asked, never], 62).said).toEqual([]);
    expect(react([...under(), asked, never], 91).said).toEqual(['revocation.due not-proved']);
  });
});

describe('a hold that another case still needs', () => {
  const other: Undo = { ...undo, id: 'case_2/obligation-1' };
  const of2 = (fact: Fact): Fact => ({ ...fact, data: { ...fact.data, caseId: 'case_2' } }) as Fact;
  const open = [recordedOf(other), started].map(of2);
  const asked = due(60);
  const held = answer(61, asked, {
    how: 'still-held',
    hold: 'target/role.grant/1/2',
    heldBy: { caseId: 'case_2', obligationId: other.id },
  });

  it('R6.5 ends the obligation while the obligation of the other case is open, on the same hold', () => {
    expect(react([...under(), asked, held], 62, { case_2: open }).said).toEqual(['obligation.discharged still-held']);
  });

  it.each<[string, readonly Fact[]]>([
    ['is not known', []],
    ['never began', [recordedOf(other)].map(of2)],
    ['failed', [...open, of2(said('readmit.execution.failed', 2, { effect: 'none' }))]],
    ['has ended', [...open, of2(due(30, 'expiry', other.id)), of2(discharged(31, 'undone', other.id))]],
    ['is of something else', [{ ...recordedOf({ ...other, hold: 'target/role.grant/1/3' }) }, started].map(of2)],
  ])('R6.5 proves nothing when the other obligation %s: it is asked again, not at once', (_what, others) => {
    const facts = [...under(), asked, held];
    expect(react(facts, 62, { case_2: others })).toMatchObject({ said: [], wakeAt: seconds(91) });
    expect(react(facts, 91, { case_2: others }).said).toEqual(['revocation.due not-proved']);
  });

  it('R6.5 proves nothing when it names no other obligation, or one of the same case', () => {
    const nobody = answer(61, asked, { how: 'still-held' });
    const itself = answer(61, asked, { how: 'still-held', heldBy: { caseId, obligationId: undo.id } });
    for (const claim of [nobody, itself])
      expect(react([...under(), asked, claim], 91, { [caseId]: under() }).said).toEqual(['revocation.due not-proved']);
  });

  it('R6.3 is overdue from the first question on, however often it is asked again, and is asked ever less often', () => {
    const again = due(91, 'not-proved');
    const facts = [
      ...under(),
      asked,
      held,
      again,
      { ...held, id: 'event_z', at: seconds(92), data: { ...held.data, answers: again.id } } as Fact,
    ];
    expect(react(facts, 60 + graceSeconds - 1)).toMatchObject({ said: [], wakeAt: seconds(60 + graceSeconds) });
    expect(react(facts, 60 + graceSeconds).emit).toMatchObject([{ type: 'readmit.revocation.overdue', data: { dueSince: seconds(60) } }]);
    const late = said('readmit.revocation.overdue', 120, { obligationId: undo.id, dueSince: seconds(60) });
    expect(react([...facts, late], 125)).toMatchObject({ said: [], wakeAt: seconds(92 + 60) });
  });
});

describe('containment and a freeze', () => {
  const asked = due(60);
  const ended = [...under(), asked, answer(61, asked), discharged(62)];

  it.each<[string, (at: number) => Fact, string]>([
    ['R6.6', contained, 'containment'],
    ['R5.4', frozen, 'frozen'],
  ])('%s ask again for what was discharged before, once for each, also of a case that is closed', (_id, order, cause) => {
    expect(react(ended, 100).said).toEqual([]);
    const closed = said('readmit.case.closed', 70, { outcome: 'completed' });
    expect(react([...ended, closed, order(100)], 101).said).toEqual([`revocation.due ${cause}`]);
    const again = due(101, cause as 'frozen');
    expect(react([...ended, order(100), again], 102).said).toEqual([]);
    const answered = [...ended, order(100), again, answer(103, again)];
    expect(react(answered, 104).said).toEqual(['obligation.discharged undone']);
    expect(react([...answered, discharged(104)], 105)).toMatchObject({ said: [], wakeAt: null });
    expect(react([...answered, discharged(104), order(200)], 201).said).toEqual([`revocation.due ${cause}`]);
  });

  it('R6.6 is answered afresh: what was asked before the order is waited for, then asked once more', () => {
    expect(react([...under(), asked, contained(61)], 62).said).toEqual([]);
    expect(react([...under(), asked, contained(61), answer(63, asked)], 64).said).toEqual(['revocation.due containment']);
  });

  it('R7.1 says who ordered it, the digest of why, and the hold that is released', () => {
    expect(react([...ended, contained(100)], 101).emit).toMatchObject([
      { type: 'readmit.revocation.due', data: { by: 'gita', reasonDigest: crypto.digest('why'), hold: undo.hold } },
    ]);
  });

  it('R6.6 ask nothing of what success arms while nothing succeeded', () => {
    const old: Undo = { ...undo, armedBy: 'success' };
    const failed = said('readmit.execution.failed', 2, { effect: 'none' });
    const facts = [recordedOf(old), started, failed, discharged(3, 'never-began'), contained(100), frozen(100)];
    expect(react(facts, 101).said).toEqual([]);
    expect(react([...facts.filter((fact) => fact !== failed), succeeded], 101).said).toEqual(['revocation.due containment']);
  });

  it('R6.6 end a secret that was taken over', () => {
    const fresh: Undo = { ...undo, kind: 'secret.destroy', unlessTakenOver: true };
    const facts = [...under(fresh), discharged(5, 'taken-over')];
    expect(react(facts, 100).said).toEqual([]);
    expect(react([...facts, contained(100)], 100).said).toEqual(['revocation.due containment']);
  });
});

describe('what repudiation alone arms', () => {
  const withdraw: Undo = { ...undo, kind: 'enrolment.withdraw', armedBy: 'repudiation' };
  it('R5.4 is never due by the clock nor overdue, and due when the case is frozen or contained, also long after', () => {
    expect(react(under(withdraw), 1_000_000)).toMatchObject({ said: [], wakeAt: null });
    expect(obligationsOf(new Facts(under(withdraw)), new Date(seconds(1_000_000)))[0]).toMatchObject({ dueAt: null, cause: null });
    expect(react([...under(withdraw), frozen(1_000_000)], 1_000_001).said).toEqual(['revocation.due frozen']);
    expect(react([...under(withdraw), contained(1_000_000)], 1_000_001).said).toEqual(['revocation.due containment']);
    expect(react([...under(withdraw), frozen(1_000), due(1_000, 'frozen')], 1_000 + graceSeconds).said).toEqual(['revocation.overdue']);
    expect(react([recordedOf(withdraw), started, said('readmit.execution.failed', 2, { effect: 'none' })], 1_000).said).toEqual([]);
  });
});
