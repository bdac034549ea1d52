/** Shared holds, and which differences at a target other cases explain. */
import type { EventData, EventType, Fact, Facet, Plan, Step, Undo } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { crypto } from '../../test/cast.js';
import { Facts } from '../kernel/facts.js';
import { changedOutsidePlan, changedSince, effectsOf, undoneEffectsOf, explainedBy, overRestored } from './compare-target.js';
import { isExclusive } from '../kernel/restorations.js';
import { heldBy, holders, holdsOf, isEnding, madeFor, secretHold } from './holds.js';

let count = 0;
const fact = <T extends EventType>(type: T, data: Partial<EventData<T>>): Fact =>
  ({ id: `event-${++count}`, type, at: new Date(count * 1000).toISOString(), data }) as unknown as Fact;
const hold = 'target/role.grant/1/2';
const step = (more: Partial<Step> = {}): Step => ({
  id: 'step-1',
  askId: 'ask-1',
  kind: 'role.grant',
  connector: 'target',
  object: 'erin',
  recipients: [],
  says: 'grant',
  hold,
  touches: ['holding'],
  ...more,
});
const undo = (more: Partial<Undo> = {}): Undo => ({
  id: 'undo-1',
  kind: 'role.revoke',
  connector: 'target',
  object: 'erin',
  armedBy: 'start',
  unlessTakenOver: false,
  afterSeconds: 60,
  says: 'revoke',
  hold,
  ...more,
});
const facet = (name: string, value: string): Facet => ({ name, value });
const planOf = (steps: readonly Step[], obligations: readonly Undo[], before: readonly Facet[] = []): Plan =>
  ({ steps, obligations, before: { facets: before } }) as unknown as Plan;
const started = (caseId: string, obligationId = `${caseId}-undo`): Fact =>
  fact('readmit.execution.started', { caseId, holds: [hold], held: [{ hold, obligationId }] });
const confirmed = (caseId: string, more: Partial<EventData<'readmit.revocation.confirmed'>> = {}): Fact =>
  fact('readmit.revocation.confirmed', { caseId, obligationId: `${caseId}-undo`, hold, how: 'undone', readBack: [], ...more });

describe('what a plan holds', () => {
  it('R6.5 comes from the steps that give it and ends with an obligation; without one nothing is held', () => {
    expect(holdsOf(planOf([step(), step({ id: 'step-2' })], []))).toEqual([hold]);
    expect(holdsOf(planOf([], [undo()]))).toEqual([]);
    expect(heldBy(planOf([step()], [undo()]))).toEqual([{ hold, obligationId: 'undo-1' }]);
    expect(heldBy(planOf([step()], []))).toEqual([]);
    expect(heldBy(planOf([], [undo()]))).toEqual([]);
    expect(heldBy(planOf([step()], [undo({ armedBy: 'repudiation' })]))).toEqual([]);
  });

  it('R6.5 of a secret ends with the old login, when there is one', () => {
    const both = [undo({ id: 'new' }), undo({ id: 'old', armedBy: 'success' })];
    expect(heldBy(planOf([step()], both))).toEqual([{ hold, obligationId: 'old' }]);
  });

  it('R6.5 is exclusive for the secret of an account alone', () => {
    expect(isExclusive(step({ kind: 'secret.issue' }))).toBe(true);
    expect(isExclusive(undo({ kind: 'secret.destroy' }))).toBe(true);
    expect(isExclusive(step({ hold: 'target/secret/payroll' }))).toBe(false);
    expect(isExclusive(undo())).toBe(false);
  });

  it('R6.5 has one name for one account, whatever separators and however many letters names have', () => {
    expect(secretHold(crypto, 't', 'a/b')).toBe('t/secret/a%2Fb');
    expect(secretHold(crypto, 't', 'a/b')).not.toBe(secretHold(crypto, 't/secret/a', 'b'));
    const [long, other] = ['a', 'b'].map((last) => secretHold(crypto, 'target', `${'x'.repeat(254)}${last}`));
    expect(long).toHaveLength(255);
    expect(long).not.toBe(other);
    expect(secretHold(crypto, 'target', 'x'.repeat(240))).toBe(`target/secret/${'x'.repeat(240)}`);
  });
});

describe('who holds it', () => {
  it('R6.5 every case that started and did not release it; what it released it does not hold, however it was answered', () => {
    const facts = [started('case-1'), started('case-2'), started('case-3'), started('case-4')];
    const set = new Facts([
      ...facts,
      confirmed('case-1'),
      confirmed('case-2', { how: 'still-held', heldBy: { caseId: 'case-3', obligationId: 'case-3-undo' } }),
      confirmed('case-4', { hold: 'another' }),
    ]);
    expect(holders(set, hold).map(({ caseId }) => caseId)).toEqual(['case-3', 'case-4']);
  });

  it('R6.5 a case that did not succeed releases its hold with any answer; one that did only with the answer for the obligation it named', () => {
    const other = confirmed('case-1', { obligationId: 'the-other-end' });
    expect(holders(new Facts([started('case-1'), other]), hold)).toEqual([]);
    const done = fact('readmit.execution.succeeded', { caseId: 'case-1' });
    expect(holders(new Facts([started('case-1'), done, other]), hold)).toHaveLength(1);
    expect(holders(new Facts([started('case-1'), done, other, confirmed('case-1')]), hold)).toEqual([]);
  });

  it('R6.5 is about to be taken away while the latest question about it is not answered, by another case that began', () => {
    const due = (caseId: string) => fact('readmit.revocation.due', { caseId, obligationId: `${caseId}-undo`, hold });
    const [first, second] = [due('case-1'), due('case-1')];
    const ending = (facts: readonly Fact[], except = 'case-2') => isEnding(new Facts(facts), hold, except);
    const begun = started('case-1');
    expect(ending([begun, first])).toBe(true);
    expect(ending([begun, first], 'case-1')).toBe(false);
    expect(ending([first])).toBe(false);
    expect(ending([begun, first, confirmed('case-1', { answers: first.id })])).toBe(false);
    expect(ending([begun, first, confirmed('case-1')])).toBe(true);
    expect(ending([begun, first, second, confirmed('case-1', { answers: first.id })])).toBe(true);
    expect(ending([begun, first, second, confirmed('case-1', { answers: second.id })])).toBe(false);
  });
});

describe('what a target shows', () => {
  const plan = planOf([step()], [], [facet('holding', 'absent'), facet('roles', 'a')]);
  const since = '2026-11-22T09:00:00.000Z';
  const doing = {
    at: since,
    from: [facet('holding', 'absent'), facet('roles', 'a')],
    to: [facet('holding', 'ours'), facet('roles', 'a,b')],
  };

  it('R2.5 is explained where our own case found what the plan saw, for what the steps change and for that value alone', () => {
    const explained = explainedBy(plan, [doing], since);
    expect(explained).toEqual([facet('holding', 'ours')]);
    const now = (holding: string, roles: string) => changedSince(plan, [facet('holding', holding), facet('roles', roles)], explained);
    expect(now('ours', 'a')).toBeUndefined();
    expect(now('absent', 'a')).toBeUndefined();
    expect(now('ours, with admin option', 'a')).toContain('with admin option');
    expect(now('ours', 'a,b')).toContain('roles=a,b');
    expect(explainedBy(plan, [{ ...doing, from: [facet('holding', 'standing')] }], since)).toEqual([]);
    expect(explainedBy(planOf([step({ hold: undefined as never })], [], plan.before.facets), [doing], since)).toEqual([]);
  });

  it('R2.5 is explained by the end of a case too: it gave what the plan saw, and took it back', () => {
    const facts = new Facts([
      fact('readmit.execution.succeeded', { caseId: 'case-1', after: [facet('holding', 'ours')] }),
      confirmed('case-1', { readBack: [facet('holding', 'absent')] }),
      confirmed('case-2', { how: 'still-held' }),
    ]);
    const later = planOf([step()], [], [facet('holding', 'ours'), facet('roles', 'a')]);
    const explained = explainedBy(later, undoneEffectsOf(facts, hold), new Date(0).toISOString());
    expect(explained).toEqual([facet('holding', 'absent')]);
    expect(changedSince(later, [facet('holding', 'absent'), facet('roles', 'a')], explained)).toBeUndefined();
    expect(changedSince(later, [facet('holding', 'absent'), facet('roles', 'a')])).toContain('holding=ours');
  });

  it('R2.5 is not explained by what our own case did before this one was classified: the plan has seen that already', () => {
    const succeeded = fact('readmit.execution.succeeded', { caseId: 'case-1', after: [facet('holding', 'ours')] });
    const ended = confirmed('case-1', { readBack: [facet('holding', 'absent')] });
    const gone = planOf([step()], [], [facet('holding', 'ours')]);
    const oneMsLater = (at: string): string => new Date(Date.parse(at) + 1).toISOString();
    const given = effectsOf(plan, new Facts([succeeded]));
    expect(explainedBy(plan, given, succeeded.at)).toEqual([facet('holding', 'ours')]);
    expect(explainedBy(plan, given, oneMsLater(succeeded.at))).toEqual([]);
    const taken = undoneEffectsOf(new Facts([succeeded, ended]), hold);
    expect(explainedBy(gone, taken, ended.at)).toEqual([facet('holding', 'absent')]);
    expect(explainedBy(gone, taken, oneMsLater(ended.at))).toEqual([]);
    expect(effectsOf(plan, new Facts([]))).toEqual([]);
  });

  it('R2.4 R2.5 may differ after the first call in what the steps change, and in nothing else', () => {
    expect(changedOutsidePlan(plan, [facet('holding', 'ours'), facet('roles', 'a')])).toBeUndefined();
    expect(changedOutsidePlan(plan, [facet('holding', 'ours'), facet('roles', 'a,b')])).toContain('roles=a,b');
    expect(changedOutsidePlan(plan, [facet('holding', 'ours')])).toContain('was roles=a');
    expect(overRestored(plan, [facet('holding', 'ours')])).toBeUndefined();
    expect(overRestored(plan, [facet('holding', 'ours'), facet('roles', 'a,b')])).toContain('roles=a,b');
    expect(overRestored(plan, [facet('holding', 'ours'), facet('new', 'x')])).toContain('new=x');
    expect(overRestored(plan, [facet('roles', 'a')])).toBe('not read back: holding');
  });

  it('R2.4 of a plan from before steps named what they change nobody can say', () => {
    const old = planOf([step({ touches: undefined as never })], [], plan.before.facets);
    expect([overRestored(old, [facet('new', 'x')]), changedOutsidePlan(old, [facet('new', 'x')])]).toEqual([undefined, undefined]);
  });
});

describe('what an undo may take away', () => {
  it('R6.5 is what the steps of its hold made, else what was made at its object', () => {
    const plan = planOf([step(), step({ id: 'step-2', hold: 'another', object: 'boris' })], []);
    const made = ['step-1', 'step-2'].map((stepId) => ({ stepId, identity: [{ name: 'membership', value: stepId }] }));
    const facts = new Facts([fact('readmit.execution.succeeded', { caseId: 'case-1', made })]);
    const of = (about: Undo) => madeFor(about, plan, facts).map(({ value }) => value);
    expect(of(undo())).toEqual(['step-1']);
    const atObject = { ...undo({ object: 'boris' }) };
    delete atObject.hold;
    expect(of(atObject)).toEqual(['step-2']);
    expect(madeFor(undo(), plan, new Facts([]))).toEqual([]);
  });
});
