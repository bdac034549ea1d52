/** The scheduler's routes that end and contain cases: who may use them, that reasons are stored and shown, and that events have only their digest. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { uuidv7 } from '@readmit/platform';
import type { Draft, Fact } from '@readmit/contracts';
import { Facts, draft } from '@readmit/domain';
import type { Commands } from '@readmit/runtime';
import type { Call } from '@readmit/service';
import { createHash } from 'node:crypto';
import { ObligationsController } from '../src/inbound/obligations.controller.js';
import { readReasons } from '../src/outbound/order-reasons.js';
import { openCasesOf, saveSubjectCases } from '../src/outbound/subject-cases.js';
import { RunningScheduler } from './running-scheduler.js';

let scheduler: RunningScheduler;
let desk: ObligationsController;
const deskWith = ({ engine, store }: RunningScheduler, commands: Commands = engine) =>
  new ObligationsController({
    commands,
    publicUrl: 'http://readmit',
    now: () => new Date(),
    reasons: (caseId) => readReasons(store, caseId),
    overdue: () => Promise.resolve([]),
    openCases: (subject) => openCasesOf(store, subject),
  });
beforeEach(async () => {
  scheduler = await RunningScheduler.open();
  desk = deskWith(scheduler);
});
afterEach(() => scheduler.close());
const factsOf = (key: string) => scheduler.engine.facts(key);

const caseId = 'case_019f0a3c-7d51-7abc-8def-0123456789ab';
const undo = (id: string, more: object) => ({
  id: `${caseId}/${id}`,
  kind: 'role.revoke',
  connector: 'target-postgres',
  object: 'erin',
  armedBy: 'start',
  unlessTakenOver: false,
  afterSeconds: 3_600,
  says: `Take ${id} back.`,
  ...more,
});
const secondsAgo = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
/** Facts of a case of erin that pat requested, granted and started, with these obligations. */
async function withFacts(...undos: readonly ReturnType<typeof undo>[]): Promise<void> {
  const bound = new Date(Date.now() + 3_600_000).toISOString();
  await scheduler.insert(caseId, secondsAgo(5), [
    [
      'readmit.case.opened',
      {
        caseId,
        subject: { kind: 'person', id: 'erin' },
        requester: { kind: 'person', id: 'pat' },
        asks: [],
        caseKey: { signing: { x: 'own-key' } },
      },
    ],
    ['readmit.approval.granted', { caseId, grantId: 'grant_1', goodUntil: bound, obligations: undos }],
    ...undos.map(
      (one) => ['readmit.obligation.recorded', { caseId, obligationId: one.id, grantId: 'grant_1', undo: one, hardBound: bound }] as const,
    ),
    ['readmit.execution.started', { caseId, executionId: 'x', planDigest: 'p', grantId: 'grant_1', endsAt: bound, holds: [] }],
    ['readmit.execution.succeeded', { caseId, executionId: 'x', planDigest: 'p', after: [], sealed: [] }],
  ]);
}
const by = (id: string | undefined, reason = 'done early', of = caseId, ...teams: string[]) =>
  ({ params: { caseId: of }, body: { reason }, ...(id === undefined ? {} : { actor: { id, teams } }) }) as unknown as Call<'endEarly'>;
const reasonOf = async (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'accepted',
    (error: unknown) => (error as { reason?: string }).reason ?? String((error as Error).message),
  );
describe('an end', () => {
  it('R6.4 is accepted from the requester; others get the response of a case that does not exist', async () => {
    await withFacts(undo('obligation-1', {}));
    const stranger = await reasonOf(desk.end(by('mallory')));
    expect(stranger).toBe(await reasonOf(desk.end(by('mallory', 'done early', 'case_0000'))));
    expect((await factsOf(caseId)).has('readmit.revocation.due')).toBe(false);
    expect(await reasonOf(desk.end(by('pat')))).toBe('accepted');
    expect((await factsOf(caseId)).of('readmit.revocation.due')).toMatchObject([{ data: { by: 'pat', cause: 'ended-by-person' } }]);
  });

  it('obligations and orders are shown to auditors too, who may not end anything', async () => {
    await withFacts(undo('obligation-1', {}));
    const ofTeam = (id: string, ...teams: string[]) => by(id, 'done early', caseId, ...teams) as unknown as Call<'showObligations'>;
    const looks = (call: Call<'showObligations'>) =>
      Promise.all([reasonOf(desk.show(call)), reasonOf(desk.orders(call as unknown as Call<'showOrders'>))]);
    expect(await looks(ofTeam('audrey', 'auditors'))).toEqual(['accepted', 'accepted']);
    expect(await reasonOf(desk.end(by('audrey', 'done early', caseId, 'auditors')))).toBe('case-unknown');
    expect(await looks(ofTeam('mallory'))).toEqual(['case-unknown', 'case-unknown']);
  });

  it('R7.1 stores the reason here, shows it to those who may read the case, and emits only its salted digest', async () => {
    await withFacts(undo('obligation-1', {}));
    await desk.end(by('pat', 'my own words'));
    const due = (await factsOf(caseId)).first('readmit.revocation.due');
    expect(JSON.stringify(due)).not.toContain('my own words');
    const [row] = await scheduler.store.query<{ salt: string }>('SELECT salt FROM order_words WHERE case_id = $1', [caseId]);
    expect(due?.data.reasonDigest).toBe(
      createHash('sha256')
        .update(JSON.stringify([row?.salt, 'my own words']))
        .digest('hex'),
    );
    expect(await desk.show(by('erin') as unknown as Call<'showObligations'>)).toMatchObject([
      { state: 'due', dues: [{ cause: 'ended-by-person', by: 'pat', reason: 'my own words' }] },
    ]);
    expect(await desk.orders(by('gita', '', caseId, 'platform-operators') as unknown as Call<'showOrders'>)).toMatchObject([
      { order: 'end', by: 'pat', reason: 'my own words' },
    ]);
    expect(await reasonOf(desk.show(by('mallory') as unknown as Call<'showObligations'>))).not.toBe('accepted');
  });

  it.each(['', ' ', '\u200b\u2060', '\u3164'])('R4.5 R7.1 needs a visible reason (not %j), and the refusal is recorded', async (reason) => {
    await withFacts(undo('obligation-1', {}));
    const blank = await reasonOf(desk.end(by('pat', reason)));
    expect(blank).toContain('reason');
    expect(await reasonOf(desk.contain(by('gita', reason, caseId, 'platform-operators') as unknown as Call<'contain'>))).toBe(blank);
    expect(await scheduler.emitted()).toMatchObject([
      { command: 'end-early', actor: 'pat', reason: 'reason-blank' },
      { command: 'contain', actor: 'gita', reason: 'reason-blank' },
    ]);
    expect((await factsOf(caseId)).has('readmit.revocation.due')).toBe(false);
  });

  it('R6.4 shows beforehand what would be revoked and what would stay: the new login of a reissued secret stays', async () => {
    await withFacts(
      undo('obligation-1', { kind: 'secret.destroy', object: 'payroll_b', unlessTakenOver: true }),
      undo('obligation-2', { kind: 'secret.destroy', object: 'payroll_a', armedBy: 'success' }),
    );
    const shown = await desk.show(by('pat') as unknown as Call<'showObligations'>);
    expect(shown.map(({ undo: { object }, ifEnded, ifContained }) => [object, ifEnded, ifContained])).toEqual([
      ['payroll_b', 'stays', 'falls'],
      ['payroll_a', 'falls', 'falls'],
    ]);
  });
});

describe('a containment', () => {
  const contain = (of: string) => desk.contain(by('gita', 'taken over', of, 'platform-operators') as unknown as Call<'contain'>);
  it('R6.6 responds with what it will do, and its reason is shown, also for a case that is not known yet', async () => {
    await withFacts(undo('obligation-1', {}));
    expect((await contain(caseId)).will).toEqual(['Start nothing more for the case.', 'Take obligation-1 back.']);
    expect((await contain('case_0a')).will?.[0]).toContain('has not reached this service yet');
    for (const each of [caseId, 'case_0a'])
      expect(await desk.orders(by('gita', '', each, 'platform-operators') as unknown as Call<'showOrders'>)).toMatchObject([
        { order: 'contain', by: 'gita', reason: 'taken over' },
      ]);
  });

  it('R6.6 reads the target again where the undo was done already', async () => {
    const taken = undo('obligation-1', {});
    await withFacts(taken, undo('obligation-2', {}));
    await scheduler.insert(caseId, secondsAgo(4), [
      ['readmit.obligation.discharged', { caseId, obligationId: taken.id, kind: 'role.revoke', how: 'undone' }],
    ]);
    expect((await contain(caseId)).will?.slice(1)).toEqual([
      'Read the target again and, if anything is left: Take obligation-1 back.',
      'Take obligation-2 back.',
    ]);
  });

  it('R7.1 shows the reason of an order after a sign-in, and not to the holder of the case key', async () => {
    await withFacts(undo('obligation-1', {}));
    await contain(caseId);
    const byKey = (x: string) => ({ params: { caseId }, proof: { signing: { x } } }) as unknown as Call<'showOrders'>;
    expect(JSON.stringify(await desk.orders(by('erin') as unknown as Call<'showOrders'>))).toContain('taken over');
    expect(await desk.orders(byKey('own-key'))).toMatchObject([{ order: 'contain', by: 'gita' }]);
    const shown = JSON.stringify([
      await desk.orders(byKey('own-key')),
      await desk.show(byKey('own-key') as unknown as Call<'showObligations'>),
    ]);
    expect(shown).toContain('containment');
    expect(shown).not.toContain('taken over');
    expect(await reasonOf(desk.orders(byKey('another')))).not.toBe('accepted');
  });

  const opened = (of: string, subject: string) =>
    draft('readmit.case.opened', of, {
      caseId: of,
      asks: [{ id: 'ask-1', kind: 'factor.bypass', connector: 'demo-idp', object: subject }],
      subject: { kind: 'person', id: subject },
      requester: { kind: 'anonymous' },
      reasonCode: 'lost-device',
      reasonDigest: '0'.repeat(64),
      durationSeconds: 600,
    });
  const ofSubject = (subjectId: string, reason = 'laptop stolen', by = desk) =>
    by.containSubject({
      params: { subjectId },
      body: { reason },
      actor: { id: 'gita', teams: ['platform-operators'] },
    } as unknown as Call<'containSubject'>);
  const isContained = async (of: string) => (await factsOf(of)).has('readmit.containment.ordered');

  it('R6.6 of a subject stops each of its open cases, with the reason, and no other', async () => {
    await scheduler.receive(
      ...[opened('case_01', 'erin'), opened('case_02', 'erin'), opened('case_03', 'ada'), opened('case_04', 'erin')],
      draft('readmit.case.closed', 'case_04', { caseId: 'case_04', outcome: 'withdrawn' }),
    );
    const { commits } = scheduler.engine.counters;
    expect(await ofSubject('erin')).toMatchObject({ subject: 'erin', cases: [{ caseId: 'case_01' }, { caseId: 'case_02' }] });
    expect(scheduler.engine.counters.commits).toBe(commits + 1);
    expect(await Promise.all(['case_01', 'case_02', 'case_03', 'case_04'].map(isContained))).toEqual([true, true, false, false]);
    expect(await desk.orders(by('gita', '', 'case_02', 'platform-operators') as unknown as Call<'showOrders'>)).toMatchObject([
      { order: 'contain', by: 'gita', reason: 'laptop stolen' },
    ]);
    // Repeated, it has nothing left to do, and the response names the same cases.
    expect((await ofSubject('erin')).cases).toHaveLength(2);
    expect((await factsOf('case_01')).of('readmit.containment.ordered')).toHaveLength(1);
  });

  it('R6.6 of a subject without open cases is refused and recorded: a misspelt id must not look like a containment', async () => {
    await scheduler.receive(opened('case_01', 'erin'));
    expect(await reasonOf(ofSubject('erim'))).toBe('nothing-open');
    expect(await isContained('case_01')).toBe(false);
    expect(await scheduler.emitted()).toMatchObject([
      { key: 'http:containSubject', command: 'contain', actor: 'gita', reason: 'nothing-open' },
    ]);
    expect(await reasonOf(ofSubject('erin', ' '))).toBe('reason-blank');
    expect(await reasonOf(ofSubject('erin'))).toBe('accepted');
  });

  it('R6.6 of a subject contains the other cases even if one fails, and names the one that is left', async () => {
    await scheduler.receive(opened('case_01', 'erin'), opened('case_02', 'erin'));
    const failing: Commands = {
      facts: (key) => scheduler.engine.facts(key),
      command: (about, command) =>
        about.key === 'case_01' ? Promise.reject(new Error('this is a bug')) : scheduler.engine.command(about, command),
    };
    const told = await ofSubject('erin', 'laptop stolen', deskWith(scheduler, failing)).catch((error: unknown) => error);
    expect(told).toMatchObject({
      status: 503,
      reason: 'containment-incomplete',
      detail: 'Contained 1 of 2 open cases of erin. Not contained: case_01. Repeat it.',
    });
    expect([await isContained('case_01'), await isContained('case_02')]).toEqual([false, true]);
    expect((await ofSubject('erin')).cases).toHaveLength(2);
    expect(await isContained('case_01')).toBe(true);
  });

  it('R6.6 finds the open cases of a subject in any order of their events, and saves them in one statement', async () => {
    const fact = (draft: Draft): Fact => ({ id: uuidv7(), type: draft.type, at: new Date().toISOString(), data: draft.data }) as Fact;
    const both = [fact(opened('case_05', 'erin')), fact(draft('readmit.case.closed', 'case_05', { caseId: 'case_05', outcome: 'failed' }))];
    let statements = 0;
    const save = (added: readonly Fact[], all: readonly Fact[], key = 'case_05') =>
      scheduler.store.transaction((tx) =>
        saveSubjectCases({ query: (sql, values) => (statements++, tx.query(sql, values)) }, [
          { key, facts: new Facts(all), added, rows: [] },
        ]),
      );
    await save(both.slice(1), both.slice(1));
    await save(both.slice(0, 1), both);
    expect(await openCasesOf(scheduler.store, 'erin')).toEqual([]);
    const other = [fact(opened('case_06', 'erin'))];
    await save(other, other, 'case_06');
    await save([], other, 'case_06');
    expect([await openCasesOf(scheduler.store, 'erin'), statements]).toEqual([['case_06'], 3]);
  });

  it.each(['policy', 'hold:target/x', 'http:decide'])('R6.6 of %s is refused', async (of) => {
    expect(await reasonOf(contain(of))).not.toBe('accepted');
    expect((await factsOf(of)).has('readmit.containment.ordered')).toBe(false);
  });
});
