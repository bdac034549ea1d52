/** When something must be undone, to the millisecond, and what counts as done. */
import type { EventData, Fact, Undo } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { directory, SimulatedServices } from '../../test/simulated-services.js';
import { Facts } from '../kernel/facts.js';
import { obligationsOf } from './obligations.js';
import { graceSeconds, schedulerReact } from './scheduler.react.js';

const base = new SimulatedServices();
const caseId = base.open([{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }], { kind: 'person', id: 'erin' });
base.prove(caseId);
base.decide(caseId, 'chidi');
base.decide(caseId, 'dana');
const granted = base.emitted('readmit.approval.granted')[0];
const consumer = directory.machines[0]?.consumers[0];
if (!granted || !consumer) throw new Error('no grant');

const t0 = '2026-11-22T10:00:00.000Z';
const goodUntil = '2026-11-22T10:01:00.000Z';
const at = (from: string, seconds: number, ms = 0): Date => new Date(Date.parse(from) + seconds * 1000 + ms);
const undo = (more: Partial<Undo> = {}): Undo => ({
  id: 'obligation-1',
  kind: 'role.revoke',
  connector: 'target',
  object: 'erin',
  armedBy: 'start',
  unlessTakenOver: false,
  afterSeconds: 600,
  says: 'revoke',
  ...more,
});
const t0Date = new Date(t0);
let count = 0;
const fact = <T extends Fact['type']>(type: T, data: Partial<EventData<T>> = {}, when = t0): Fact =>
  ({ id: `event_${String(++count).padStart(4, '0')}`, type, at: when, data: { caseId, ...data } }) as unknown as Fact;
const grantOf = (...obligations: Undo[]): Fact => ({ ...granted, at: t0, data: { ...granted.data, goodUntil, obligations } });
const started = fact('readmit.execution.started', { executionId: 'x', endsAt: goodUntil });
const succeeded = fact('readmit.execution.succeeded', { executionId: 'x' });
const failed = fact('readmit.execution.failed', { executionId: 'x', effect: 'unknown' });
const recorded = (bound: Date, what = undo()) =>
  fact('readmit.obligation.recorded', { obligationId: what.id, grantId: granted.data.grantId, undo: what, hardBound: bound.toISOString() });
const dueNow = (facts: readonly Fact[], now: Date) => obligationsOf(new Facts(facts), now)[0]?.cause ?? null;
const concluded = (facts: readonly Fact[], now: Date) => {
  const context = { ...base.context('revocation-scheduler', caseId), now };
  const { emit, wakeAt } = schedulerReact(new Facts(facts), context);
  return { emitted: emit.map(({ type }) => type), wakeAt: wakeAt ?? null };
};
const hardBound = at(goodUntil, 600);

describe('the clock of an obligation', () => {
  it('R6.2 ends a grant at its instant: half open, and forever after', () => {
    const facts = [grantOf(undo()), recorded(hardBound), started, succeeded];
    expect([-1, 0, 1, 86_400_000].map((ms) => dueNow(facts, at(t0, 600, ms)))).toEqual([null, 'expiry', 'expiry', 'expiry']);
  });

  it('R4.7 begins when it is granted, not when it was approved, and never outlives the hard bound', () => {
    const later = at(t0, 30).toISOString();
    const facts = [grantOf(undo()), recorded(hardBound), { ...started, at: later }];
    expect([-1, 0].map((ms) => dueNow(facts, at(later, 600, ms)))).toEqual([null, 'expiry']);
    // A start that is dated long after the approval does not move the bound.
    const late = [grantOf(undo()), recorded(hardBound), { ...started, at: at(goodUntil, 300).toISOString() }];
    expect([-1, 0].map((ms) => dueNow(late, new Date(hardBound.getTime() + ms)))).toEqual([null, 'expiry']);
  });

  it('R6.1 holds without a beginning: at the hard bound it is due, because what is not known to have begun may have', () => {
    const facts = [grantOf(undo()), recorded(hardBound)];
    expect([-1, 0, 1].map((ms) => dueNow(facts, new Date(hardBound.getTime() + ms)))).toEqual([
      null,
      'execution-missing',
      'execution-missing',
    ]);
  });

  it('R6.1 is the bound that was recorded, not one that is computed again', () => {
    const facts = [grantOf(undo({ afterSeconds: 9_000 })), recorded(at(t0, 60), undo({ afterSeconds: 9_000 }))];
    expect(obligationsOf(new Facts(facts), at(t0, 0))[0]).toMatchObject({ recorded: true, hardBound: at(t0, 60) });
    expect(obligationsOf(new Facts([grantOf(undo())]), at(t0, 0))[0]).toMatchObject({ recorded: false, hardBound });
  });
});

describe('other ends of a grant', () => {
  const under = [grantOf(undo()), recorded(hardBound), started, succeeded];
  it('R6.4 none has come yet (the control of this block)', () => {
    expect(dueNow(under, at(t0, 1))).toBeNull();
  });
  it.each<[string, Fact]>([
    ['containment', fact('readmit.containment.ordered', { by: 'chidi' })],
    ['frozen', fact('readmit.case.frozen', { by: 'erin', cause: 'repudiated' })],
  ])('R6.4 %s ends it at once', (cause, end) => {
    expect(dueNow([...under, end], at(t0, 1))).toBe(cause);
  });
  it('R6.4 a failed execution ends what it may have begun; after a success it does not', () => {
    expect(dueNow([grantOf(undo()), recorded(hardBound), started, failed], at(t0, 1))).toBe('execution-failed');
    expect(dueNow([...under, failed], at(t0, 1))).toBeNull();
  });
  it('R6.4 use ends a bypass and no role', () => {
    const close = undo({ kind: 'bypass.close' });
    const enrolledAt = (connector: string, object = close.object): Fact =>
      fact('readmit.enrolment.confirmed', { connector, object, factor: 'totp-2' });
    const enrolled = enrolledAt(close.connector);
    const bypass = [grantOf(close), recorded(hardBound, close), started, succeeded];
    expect(dueNow([...bypass, enrolled], at(t0, 1))).toBe('used');
    expect(dueNow([...bypass, enrolledAt('another-idp'), enrolledAt(close.connector, 'another')], at(t0, 1))).toBeNull();
    expect(dueNow([...under, enrolled], at(t0, 1))).toBeNull();
  });
});

describe('a reissued secret', () => {
  const attested = fact('readmit.people.attested', { people: [], contacts: [], consumers: [consumer] });
  const takeover = fact('readmit.consumer.confirmed', { consumer: consumer.id });
  const old = undo({ kind: 'secret.destroy', armedBy: 'success' });
  const fresh = undo({ kind: 'secret.destroy', unlessTakenOver: true });

  it('R4.5 the old one is not armed before the new one is in place, then ends by its clock or when all have taken over', () => {
    expect(obligationsOf(new Facts([grantOf(old), attested, started]), at(t0, 1))[0]).toMatchObject({ dueAt: null, cause: null });
    const both = [grantOf(old), attested, started, succeeded];
    expect([-1, 0].map((ms) => dueNow(both, at(t0, 600, ms)))).toEqual([null, 'expiry']);
    expect(dueNow([...both, takeover], at(t0, 1))).toBe('taken-over');
  });

  it('R4.5 the old one stays when the new one never came: the obligation never began', () => {
    expect(concluded([grantOf(old), recorded(hardBound, old), attested, started, failed], at(t0, 1)).emitted).toEqual([
      'readmit.obligation.discharged',
    ]);
    expect(concluded([grantOf(old), recorded(hardBound, old), attested, started], at(t0, 1)).emitted).toEqual([]);
  });

  it('R6.4 the new one is kept when every consumer has taken over, and still destroyed when the case is contained', () => {
    const over = [grantOf(fresh), recorded(hardBound, fresh), attested, started, succeeded, takeover];
    expect(concluded(over, at(t0, 1)).emitted).toEqual(['readmit.obligation.discharged']);
    expect(concluded([...over, fact('readmit.containment.ordered', { by: 'chidi' })], at(t0, 1)).emitted).toEqual([
      'readmit.revocation.due',
    ]);
    expect(concluded([...over, fact('readmit.case.frozen', { cause: 'repudiated' })], at(t0, 1)).emitted).toEqual([
      'readmit.revocation.due',
    ]);
    expect(concluded([grantOf(fresh), recorded(hardBound, fresh), attested, started, succeeded], at(t0, 1)).emitted).toEqual([]);
  });

  it('R4.5 is not taken over by a machine of which no consumer is known', () => {
    const nobody = fact('readmit.people.attested', { people: [], contacts: [], consumers: [] });
    expect(obligationsOf(new Facts([grantOf(fresh), nobody, started, succeeded, takeover]), at(t0, 1))[0]?.takenOver).toBe(false);
  });
});

describe('what the scheduler says', () => {
  const due = fact('readmit.revocation.due', { obligationId: 'obligation-1', cause: 'expiry' }, at(t0, 600).toISOString());
  const confirmed = fact('readmit.revocation.confirmed', { obligationId: 'obligation-1', how: 'undone', answers: due.id });
  const under = [grantOf(undo()), recorded(hardBound), started, succeeded];

  it('R6.1 records the obligation first, with its bound', () => {
    const { emit } = schedulerReact(new Facts([grantOf(undo())]), { ...base.context('revocation-scheduler', caseId), now: at(t0, 0) });
    expect(emit).toMatchObject([
      { type: 'readmit.obligation.recorded', data: { obligationId: 'obligation-1', hardBound: hardBound.toISOString() } },
    ]);
  });

  it('R6.2 sleeps until the end, says due once, then waits for the answer', () => {
    expect(concluded(under, at(t0, 1))).toEqual({ emitted: [], wakeAt: at(t0, 600) });
    expect(concluded(under, at(t0, 600)).emitted).toEqual(['readmit.revocation.due']);
    expect(concluded([...under, due], at(t0, 601))).toEqual({ emitted: [], wakeAt: at(t0, 600 + graceSeconds) });
  });

  it('R6.3 says overdue when the grace is over, half open, once, and discharges when the target has shown it', () => {
    const late = at(t0, 600 + graceSeconds);
    expect([-1, 0, 1].map((ms) => concluded([...under, due], new Date(late.getTime() + ms)).emitted)).toEqual([
      [],
      ['readmit.revocation.overdue'],
      ['readmit.revocation.overdue'],
    ]);
    const overdue = fact('readmit.revocation.overdue', { obligationId: 'obligation-1', dueSince: due.at });
    expect(concluded([...under, due, overdue], at(late.toISOString(), 1)).emitted).toEqual([]);
    expect(concluded([...under, due, overdue, confirmed], at(late.toISOString(), 1)).emitted).toEqual(['readmit.obligation.discharged']);
    const discharged = fact('readmit.obligation.discharged', { obligationId: 'obligation-1', how: 'undone' }, due.at);
    expect(concluded([...under, due, confirmed, discharged], late)).toEqual({ emitted: [], wakeAt: null });
  });

  it('R6.3 reports each obligation, and each question about it, as overdue by itself', () => {
    const late = at(t0, 600 + graceSeconds);
    const report = (obligationId: string, dueSince: string): Fact => fact('readmit.revocation.overdue', { obligationId, dueSince });
    expect(concluded([...under, due, report('obligation-2', due.at)], late).emitted).toEqual(['readmit.revocation.overdue']);
    expect(concluded([...under, due, report('obligation-1', t0)], late).emitted).toEqual(['readmit.revocation.overdue']);
    expect(concluded([...under, due, report('obligation-1', due.at)], late).emitted).toEqual([]);
  });

  it('does not wake for what only repudiation arms, nor after the bound of what only an answer of execution ends', () => {
    const withdrawal = undo({ kind: 'enrolment.withdraw', armedBy: 'repudiation' });
    expect(concluded([grantOf(withdrawal), recorded(hardBound, withdrawal), started], at(t0, 1))).toEqual({ emitted: [], wakeAt: null });
    const old = undo({ kind: 'secret.destroy', armedBy: 'success' });
    const waiting = [grantOf(old), recorded(hardBound, old), started];
    expect(concluded(waiting, new Date(hardBound.getTime() - 1))).toEqual({ emitted: [], wakeAt: hardBound });
    expect(concluded(waiting, hardBound)).toEqual({ emitted: [], wakeAt: null });
  });
});

describe('the deadline of another service', () => {
  const key = 'deadline:approval:case_1';
  const set = (deadline: Date | null, when: Date): Fact =>
    ({
      ...fact('readmit.approval.deadline-set', {}, when.toISOString()),
      data: { key: 'case_1', deadline: deadline?.toISOString() ?? null },
    }) as Fact;
  const next = (facts: readonly Fact[], now: Date) =>
    schedulerReact(new Facts(facts), { ...base.context('revocation-scheduler', key), key, now });
  /** The facts with the events that follow from them. */
  const told = (facts: readonly Fact[], now: Date): Fact[] => [
    ...facts,
    ...next(facts, now).emit.map(({ type, data }) => ({ ...fact('readmit.deadline.reached', {}, now.toISOString()), type, data }) as Fact),
  ];
  const deadline = at(t0, 60);

  it('is told once, at its instant, whatever the clock of the owner says', () => {
    for (const behind of [0, -3600, 3600]) {
      const facts = [set(deadline, at(t0, behind))];
      expect(next(facts, at(t0, 60, -1))).toEqual({ emit: [], wakeAt: deadline });
      const after = told(facts, deadline);
      expect(after.at(-1)).toMatchObject({
        type: 'readmit.deadline.reached',
        data: { key: 'case_1', owner: 'approval', setEventId: facts[0]?.id },
      });
      expect(next(after, at(t0, 7200))).toEqual({ emit: [], wakeAt: null });
    }
  });

  it('is told again to an owner whose clock was behind and who asked again, after pauses that grow', () => {
    // A clock that is 90 s behind: a deadline set after the reminder looks older than the reminder.
    let facts = told([set(deadline, at(t0, -90))], deadline);
    const pauses: number[] = [];
    for (let round = 0, now = deadline; round < 8; round++) {
      facts = [...facts, set(deadline, at(now.toISOString(), -90))];
      const { wakeAt } = next(facts, now);
      if (!wakeAt) throw new Error('the deadline is forgotten');
      pauses.push((wakeAt.getTime() - now.getTime()) / 1000);
      facts = told(facts, (now = wakeAt));
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('is told when it was set in the same millisecond as the last one was told, and not when it was taken back', () => {
    const facts = told([set(deadline, t0Date)], deadline);
    const later = at(t0, 120);
    expect(told([...facts, set(later, deadline)], later).at(-1)).toMatchObject({ data: { deadline: later.toISOString() } });
    expect(next([...facts, set(later, deadline), set(null, at(t0, 61))], later)).toEqual({ emit: [], wakeAt: null });
  });

  it('control: what an earlier release told names no set and goes by time', () => {
    const answered = {
      ...fact('readmit.deadline.reached', {}, deadline.toISOString()),
      data: { key: 'case_1', owner: 'approval', deadline: deadline.toISOString() },
    } as Fact;
    expect(next([set(deadline, t0Date), answered], at(t0, 3600))).toEqual({ emit: [], wakeAt: null });
  });
});
