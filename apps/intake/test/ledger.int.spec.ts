/** What intake stores in addition to facts, on a real database: who finds a case in a list, and which cases count as open. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Change } from '@readmit/runtime';
import type { Fact } from '@readmit/contracts';
import { Facts } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { testDatabase, type TestDatabase } from '@readmit/testing';
import { Ledger } from '../src/outbound/ledger.js';
import { OpenCases } from '../src/outbound/open-cases.js';
import { saveRows } from '../src/outbound/rows.js';

let database: TestDatabase;
let store: Store;
let ledger: Ledger;
beforeAll(async () => {
  database = await testDatabase();
  store = await database.store('intake');
  ledger = new Ledger(store);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const limits = { subject: 4, requester: 2, object: 3 };
const fact = (caseId: string, type: Fact['type'], data: object): Fact =>
  ({ id: `event_${caseId}_${type}`, type, at: '2026-11-22T09:00:00.000Z', data: { caseId, ...data } }) as unknown as Fact;
const anonymous = { kind: 'anonymous' } as const;
const requested = (subject: string, object = subject, requester: { kind: 'anonymous' } | { kind: 'person'; id: string } = anonymous) => ({
  subject: { kind: 'person' as const, id: subject },
  requester,
  asks: [{ id: 'ask-1', kind: 'factor.bypass' as const, connector: 'demo-idp', object }],
});
/** Saves facts of cases as a transaction would; all of them are new. */
const save = (...cases: readonly (readonly Fact[])[]) => {
  const changes = cases.map((facts): Change => {
    const key = (facts[0]?.data as { caseId: string }).caseId;
    return { key, facts: new Facts(facts), added: facts, rows: [] };
  });
  return store.transaction((tx) => saveRows(tx, changes));
};
const opened = (caseId: string, of: ReturnType<typeof requested>): Fact =>
  fact(caseId, 'readmit.case.opened', { ...of, reasonCode: 'lost-device', durationSeconds: 60 });
const classified = (caseId: string): Fact =>
  fact(caseId, 'readmit.case.classified', {
    class: 'mfa-recovery',
    tier: 'agent-assisted',
    reasons: [],
    requirements: { verifiers: ['help-desk'], quorum: [{ teams: ['security-oncall'] }] },
  });
const attested = (caseId: string, owners: readonly string[] = []): Fact =>
  fact(caseId, 'readmit.people.attested', {
    directory: { issuedAt: '2026-11-22T09:00:00.000Z' },
    people: ['help-desk', 'security-oncall', 'accounting'].map((team) => ({
      id: `of-${team}`,
      human: team,
      teams: [team],
      employment: 'employee',
      keys: [],
    })),
    owners,
  });
const listOf = async (reader: string) => (await ledger.list({ reader, limit: 10 })).map(({ caseId }) => caseId);

describe('a list', () => {
  it('shows a case to verifiers, approvers and owners once they are attested, and never to a colleague in another team', async () => {
    const facts = [opened('case_l', requested('lena'))];
    await save(facts);
    expect([await listOf('lena'), await listOf('of-help-desk')]).toEqual([['case_l'], []]);
    await save([...facts, classified('case_l'), attested('case_l', ['pat'])]);
    for (const reader of ['lena', 'of-help-desk', 'of-security-oncall', 'pat'])
      expect([reader, await listOf(reader)]).toEqual([reader, ['case_l']]);
    expect(await listOf('of-accounting')).toEqual([]);
    expect((await ledger.list({ limit: 10 })).map(({ caseId }) => caseId)).toEqual(['case_l']);
    expect(await ledger.list({ reader: 'lena', subject: 'lena', state: 'closed', limit: 10 })).toEqual([]);
  });

  it('R7.1 of open cases of a subject leaves out closed ones, and shows no reader a case that they may not read', async () => {
    const [over, live] = [opened('case_s1', requested('sven')), opened('case_s2', requested('sven'))];
    await save([over], [live], [opened('case_s3', requested('sonja'))]);
    const open = async (filter: object) => (await ledger.list({ state: 'open', limit: 10, ...filter })).map(({ caseId }) => caseId);
    expect(await open({ subject: 'sven' })).toEqual(['case_s2', 'case_s1']);
    await save([over, fact('case_s1', 'readmit.case.closed', { outcome: 'withdrawn' })]);
    expect(await open({ subject: 'sven' })).toEqual(['case_s2']);
    expect([await open({ subject: 'sven', reader: 'sven' }), await open({ reader: 'sven' })]).toEqual([['case_s2'], ['case_s2']]);
    expect(await open({ subject: 'sven', reader: 'sonja' })).toEqual([]);
    expect((await ledger.list({ subject: 'sven', limit: 10 })).map(({ caseId }) => caseId)).toEqual(['case_s2', 'case_s1']);
  });

  it('is saved with a number of statements that does not grow with the cases', async () => {
    const spent = async (count: number): Promise<number> => {
      let statements = 0;
      const changes = Array.from({ length: count }, (_, n): Change => {
        const key = `case_many_${count}_${n}`;
        const facts = [opened(key, requested(key)), classified(key), attested(key)];
        return { key, facts: new Facts(facts), added: facts, rows: [{ kind: 'words', salt: 's', reason: 'r' }] };
      });
      await store.transaction((tx) => saveRows({ query: (sql, values) => (statements++, tx.query(sql, values)) }, changes));
      return statements;
    };
    expect([await spent(1), await spent(50)]).toEqual([2, 2]);
  });
});

describe('the limit of open cases', () => {
  const cases = () => new OpenCases(store, limits);
  const reason = async (caseId: string, of: ReturnType<typeof requested>) => {
    const answer = await cases().within(caseId, of, async () => 'opened' as const);
    return answer === 'opened' ? answer : answer.refused.message;
  };

  it('R6.2 is half as high for requests without a sign-in, so that these cannot use it up', async () => {
    await save([opened('case_a1', requested('ada'))], [opened('case_a2', requested('ada', 'x'))]);
    expect(await reason('case_a3', requested('ada', 'y'))).toMatch(
      /^There are already 2 open cases about this subject that were requested without/,
    );
    expect(await reason('case_a3', requested('ada', 'y', { kind: 'person', id: 'boris' }))).toBe('opened');
    await save([opened('case_o1', requested('o-1', 'shared'))], [opened('case_o2', requested('o-2', 'shared'))]);
    expect(await reason('case_o3', requested('o-3', 'shared'))).toMatch(/about this account that were requested without/);
    expect(await reason('case_o3', requested('o-3', 'shared', { kind: 'person', id: 'boris' }))).toBe('opened');
  });

  it('R6.2 no longer counts a case that is closed', async () => {
    const facts = [opened('case_e1', requested('erin', 'a', { kind: 'person', id: 'erin' }))];
    await save(facts, [opened('case_e2', requested('erin', 'b', { kind: 'person', id: 'erin' }))]);
    const next = requested('other', 'c', { kind: 'person', id: 'erin' });
    expect(await reason('case_e3', next)).toMatch(/^There are already 2 open cases that you requested/);
    expect(await cases().ofSubject('erin', '', 10)).toEqual(['case_e1', 'case_e2']);
    await save([...facts, fact('case_e1', 'readmit.case.closed', { outcome: 'withdrawn' })]);
    expect(await reason('case_e3', next)).toBe('opened');
    expect(await cases().ofSubject('erin', '', 10)).toEqual(['case_e2']);
    expect(await cases().ofSubject('erin', 'case_e2', 10)).toEqual([]);
  });

  it('R6.2 is not reached by two different objects whose names look alike when joined', async () => {
    const by = { kind: 'person', id: 'nina' } as const;
    await save([opened('case_n1', requested('n-1', 'a","b', by))], [opened('case_n2', requested('n-2', 'a', by))]);
    expect(await reason('case_n3', requested('n-3', 'a', { kind: 'person', id: 'olaf' }))).toBe('opened');
  });

  it('R6.2 counts pending requests, until they end in any way', async () => {
    const one = cases();
    const of = (n: number) => requested(`held-${n}`, `held-${n}`, { kind: 'person', id: 'holger' });
    let release = (): void => {};
    const waiting = new Promise<void>((resolve) => (release = resolve));
    const first = [1, 2].map((n) => one.within(`case_h${n}`, of(n), () => waiting));
    expect(await one.within('case_h3', of(3), async () => 'opened')).toMatchObject({ refused: { reason: 'too-many-open-cases' } });
    release();
    await Promise.all(first);
    await expect(one.within('case_h4', of(4), () => Promise.reject(new Error('the database is down')))).rejects.toThrow('down');
    await expect(one.within('case_h5', of(5), () => Promise.reject(new Error('the database is down')))).rejects.toThrow('down');
    expect(await one.within('case_h6', of(6), async () => 'opened')).toBe('opened');
  });

  it('R6.2 counts a case as long as any request for it is pending: the end of a retry does not release it', async () => {
    const one = cases();
    const of = (n: number) => requested(`twice-${n}`, `twice-${n}`, { kind: 'person', id: 'wanda' });
    let release = (): void => {};
    const waiting = new Promise<void>((resolve) => (release = resolve));
    const underWay = [1, 2].map((n) => one.within(`case_w${n}`, of(n), () => waiting));
    expect(await one.within('case_w1', of(1), async () => 'repeated')).toBe('repeated');
    expect(await one.within('case_w3', of(3), async () => 'opened')).toMatchObject({ refused: { reason: 'too-many-open-cases' } });
    release();
    await Promise.all(underWay);
    expect(await one.within('case_w3', of(3), async () => 'opened')).toBe('opened');
  });
});
