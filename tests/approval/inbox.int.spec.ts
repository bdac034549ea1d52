/** The inbox with its table: its content after each event of a case, its order and pages, and the migration of existing cases. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { engineCrypto } from '@readmit/signing';
import type { Engine } from '@readmit/runtime';
import { entryOf, type Draft, type Person } from '@readmit/contracts';
import { instant, draft, withdraw } from '@readmit/domain';
import type { Call } from '@readmit/service';
import type { Store } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { InboxController } from '../../apps/approval/src/inbound/inbox.controller.js';
import { SimulatedServices } from '../../libs/domain/test/simulated-services.js';
import { InboxItems1 } from '../../libs/store/src/migrations/inbox-items.js';
import { openServices, type Services } from '../cost/services.js';

let system: Services;
let engine: Engine;
let store: Store;
let owner: pg.Client;
let controller: InboxController;
/** The current time for the route; the engine uses the database's clock. */
let now: () => Date;

beforeEach(async () => {
  now = () => new Date();
  system = await openServices();
  store = await system.store('approval');
  engine = await system.engine('approval', { workers: 0 });
  await engine.start();
  controller = new InboxController({ commands: engine, store, crypto: engineCrypto, publicUrl: 'http://test', now: () => now() });
  owner = new pg.Client({ connectionString: system.database.ownerUrl });
  await owner.connect();
  await owner.query('SET search_path = approval');
});
afterEach(async () => {
  await owner.end();
  await system.close();
});

const page = (person: string, query: { readonly after?: string; readonly limit?: number } = {}) =>
  controller.inbox({ params: {}, query, actor: { id: person, teams: [] }, requestId: 'r' } as unknown as Call<'inbox'>);
const items = async (person: string): Promise<readonly string[]> =>
  (await page(person)).items.map(({ caseId, what }) => `${caseId} ${what}`);
const rowsOf = async (caseId: string): Promise<readonly string[]> =>
  (await owner.query<{ person: string }>('SELECT DISTINCT person FROM inbox_item WHERE case_id = $1 ORDER BY 1', [caseId])).rows.map(
    ({ person }) => person,
  );

/** A case of the simulation whose events were published here up to its plan: erin asks for her role, which two people must approve. */
interface PublishedCase {
  readonly services: SimulatedServices;
  readonly caseId: string;
  /** Emits what approval emitted in the simulation since the last call, except for what the engine here emits by itself. */
  catchUp(): Promise<void>;
}
const consumed = ['readmit.case.opened', 'readmit.case.classified', 'readmit.people.attested', 'readmit.plan.proposed'] as const;
const byEngine = /^readmit\.approval\.(requested|denied|deadline-set)$/;

async function plannedCase({ within = 600, people = [] as readonly Person[] } = {}): Promise<PublishedCase> {
  const services = new SimulatedServices();
  services.now = new Date();
  services.newId = (prefix) => `${prefix}_${randomUUID()}`;
  const caseId = services.open(
    [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }],
    { kind: 'person', id: 'erin' },
    'erin',
  );
  const since = (from: number): readonly Draft[] =>
    services.log.slice(from).map(({ fact, key }) => ({ type: fact.type, key, data: fact.data }) as Draft);
  const drafts = structuredClone(since(0).filter(({ type }) => consumed.some((one) => one === type)));
  for (const draft of drafts) {
    if (draft.type === 'readmit.case.classified') draft.data.requirements.decideWithinSeconds = within;
    if (draft.type === 'readmit.people.attested') draft.data.people.push(...people);
  }
  await system.publish(drafts);
  await until(
    async () => {
      const facts = await engine.facts(caseId);
      return consumed.every((type) => facts.has(type));
    },
    { what: `${caseId} is planned` },
  );
  let known = services.log.length;
  return {
    services,
    caseId,
    async catchUp() {
      const later = since(known);
      known = services.log.length;
      for (const draft of later.filter(({ type }) => entryOf(type).producer === 'approval' && !byEngine.test(type)))
        await engine.command({ key: caseId, name: 'act', actor: 'somebody' }, () => ({ emit: [draft], reply: {} }));
    },
  };
}
async function provedCase(options: Parameters<typeof plannedCase>[0] = {}): Promise<PublishedCase> {
  const one = await plannedCase(options);
  one.services.prove(one.caseId);
  await one.catchUp();
  return one;
}
const person = (id: string, more: Partial<Person>): Person => ({
  id,
  human: id,
  teams: ['security-oncall', 'help-desk'],
  authority: 5,
  employment: 'employee',
  privileged: false,
  keys: [{ kid: `${id}-key`, type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: `x-${id}` } }],
  ...more,
});
const excluded: readonly Person[] = [
  person('requester-and-subject', { human: 'erin' }),
  person('verifier', { human: 'boris' }),
  person('vendor', { employment: 'vendor' }),
  person('other-team', { teams: ['accounting'] }),
];

describe('the inbox', () => {
  it('R4.2 R4.3 has what waits for the caller, with the reason, and nothing for people who may not act', async () => {
    const { caseId, services, catchUp } = await plannedCase({ people: [...excluded, person('control', {})] });
    expect(await items('control')).toEqual([`${caseId} evidence`]);
    expect((await page('boris')).items).toEqual([
      expect.objectContaining({
        ...{ caseId, what: 'evidence', class: 'privileged-restoration', tier: 'two-person', subject: { kind: 'person', id: 'erin' } },
        ...{ teams: ['help-desk'], parts: [], why: { rule: 'R3.1', says: 'You are in help-desk, who record the proofs of this case.' } },
        asks: [{ id: 'ask-1', kind: 'role.restore', connector: 'target', object: 'erin', entitlement: 'app_admin' }],
      }),
    ]);
    for (const id of ['requester-and-subject', 'vendor', 'other-team', 'erin', 'chidi', 'nobody'])
      expect([id, await items(id)]).toEqual([id, []]);
    services.prove(caseId);
    await catchUp();
    expect(await items('control')).toEqual([`${caseId} decision`]);
    expect((await page('dana')).items).toEqual([
      expect.objectContaining({
        ...{ what: 'decision', teams: ['system-owner'], parts: ['system-owner'] },
        why: { rule: 'R4.3', says: 'You are in system-owner, whose decision is still missing (system-owner).' },
        needs: {
          evidence: [expect.objectContaining({ met: true })],
          quorum: [expect.objectContaining({ by: [] }), expect.objectContaining({ by: [] })],
        },
      }),
    ]);
    for (const { id } of excluded) expect([id, await items(id)]).toEqual([id, []]);
    expect(await items('boris')).toEqual([]);
  });

  it('R4.3 no longer has a case whose seat is taken, and R4.2 none that the caller decided', async () => {
    const { caseId, services, catchUp } = await provedCase({ people: [person('control', {})] });
    expect(await items('control')).toEqual(await items('chidi'));
    services.decide(caseId, 'chidi');
    await catchUp();
    expect([await items('chidi'), await items('control'), await items('dana')]).toEqual([[], [], [`${caseId} decision`]]);
    services.decide(caseId, 'dana');
    await catchUp();
    expect((await engine.facts(caseId)).has('readmit.approval.granted')).toBe(true);
    expect([await items('dana'), await rowsOf(caseId)]).toEqual([[], []]);
  });

  it('no longer has a case that was denied, withdrawn, expired, failed or frozen, but still has another', async () => {
    const [denied, withdrawn, expired, failed, frozen, control] = [
      await provedCase(),
      await provedCase(),
      await provedCase(),
      await provedCase(),
      await provedCase(),
      await provedCase(),
    ];
    expect(await items('dana')).toHaveLength(6);
    denied.services.decide(denied.caseId, 'chidi', { decision: 'deny' });
    withdrawn.services.command('approval', withdrawn.caseId, withdraw({ person: 'erin' }));
    const { caseId } = expired;
    expired.services.emit('approval', [draft('readmit.approval.expired', caseId, { caseId, expiredAt: instant(expired.services.now) })]);
    for (const { catchUp } of [denied, withdrawn, expired]) await catchUp();
    await system.publish([
      draft('readmit.case.frozen', frozen.caseId, {
        caseId: frozen.caseId,
        by: 'erin',
        cause: 'repudiated',
        reasonDigest: 'd'.repeat(64),
      }),
      draft('readmit.plan.refused', failed.caseId, {
        caseId: failed.caseId,
        rule: 'R2.2',
        reason: 'target-refused',
        says: 'It is unknown.',
      }),
    ]);
    for (const [{ caseId }, type] of [
      [frozen, 'readmit.case.frozen'],
      [failed, 'readmit.plan.refused'],
    ] as const)
      await until(async () => (await engine.facts(caseId)).has(type), { what: `approval consumes ${type}` });
    for (const [ended, type] of [
      [denied, 'readmit.approval.denied'],
      [withdrawn, 'readmit.approval.withdrawn'],
      [expired, 'readmit.approval.expired'],
      [failed, 'readmit.plan.refused'],
      [frozen, 'readmit.case.frozen'],
    ] as const) {
      expect((await engine.facts(ended.caseId)).has(type)).toBe(true);
      expect([type, await rowsOf(ended.caseId)]).toEqual([type, []]);
    }
    expect(await items('dana')).toEqual([`${control.caseId} decision`]);
  });

  it('asks for a proof again when it is stale, and for nothing after the deadline, without any event', async () => {
    const { caseId } = await provedCase();
    const [{ data } = { data: { staleAt: '' } }] = (await engine.facts(caseId)).of('readmit.evidence.added');
    expect([await items('boris'), await items('dana')]).toEqual([[], [`${caseId} decision`]]);
    now = () => new Date(data.staleAt);
    expect([await items('boris'), await items('dana')]).toEqual([[`${caseId} evidence`], []]);
    const [{ until: deadline } = { until: '' }] = (await page('boris')).items;
    now = () => new Date(Date.parse(deadline) - 1);
    expect(await items('boris')).toHaveLength(1);
    now = () => new Date(deadline);
    expect(await items('boris')).toEqual([]);
  });
});

/** Timers stay real; only the date is fake. */
const notFaked = [
  ...(['hrtime', 'performance', 'nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
  ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
];

describe('rows', () => {
  it('use the clock of the database when that of the process is ahead', async () => {
    const { caseId, services, catchUp } = await plannedCase();
    services.prove(caseId);
    const database = new Date();
    jest.useFakeTimers({ now: database.getTime() + 8 * 3_600_000, doNotFake: notFaked });
    try {
      await catchUp();
    } finally {
      jest.useRealTimers();
    }
    expect((await engine.facts(caseId)).has('readmit.approval.requested')).toBe(true);
    now = () => database;
    expect([await items('boris'), await items('dana')]).toEqual([[], [`${caseId} decision`]]);
  });
});

describe('pages', () => {
  it('are ordered by deadline and id, and skip rows that do not match the facts', async () => {
    const cases: string[] = [];
    for (const within of [900, 500, 700, 500]) cases.push((await plannedCase({ within })).caseId);
    // Two cases have the same deadline, like plans of one batch.
    const [late = '', early = '', middle = '', second = ''] = cases;
    await owner.query(
      `UPDATE inbox_item SET deadline = (SELECT min(deadline) FROM inbox_item WHERE case_id = ANY ($1)) WHERE case_id = ANY ($1)`,
      [[early, second]],
    );
    const order = [...[early, second].sort(), middle, late];
    expect((await page('boris')).items.map(({ caseId }) => caseId)).toEqual(order);
    const walked: string[] = [];
    let after: string | null | undefined;
    for (let pages = 0; after !== null && pages < 10; pages++) {
      const one = await page('boris', { limit: 1, ...(after === undefined ? {} : { after }) });
      walked.push(...one.items.map(({ caseId }) => caseId));
      after = one.next;
    }
    expect(walked).toEqual(order);

    const over = (count: number) =>
      owner.query(
        `INSERT INTO inbox_item SELECT 'boris', date_trunc('second', now()) + interval '1 minute', 'gone-' || n, 'epoch', now() + interval '1 hour' FROM generate_series(1, $1) n`,
        [count],
      );
    await over(3);
    expect((await page('boris', { limit: 2 })).items.map(({ caseId }) => caseId)).toEqual(order.slice(0, 2));
    // So many that one request does not read past them: it returns where to continue.
    await owner.query(`DELETE FROM inbox_item WHERE case_id LIKE 'gone-%'`);
    await over(9);
    const short = await page('boris', { limit: 2 });
    expect([short.items, short.next]).toEqual([[], expect.stringMatching(/\/gone-8$/)]);
    expect((await page('boris', { limit: 2, after: short.next ?? '' })).items.map(({ caseId }) => caseId)).toEqual(order.slice(0, 2));
    expect((await page('boris', { limit: 9 })).items).toHaveLength(4);
  });
});

describe('the migration', () => {
  it('can be reverted and run again, and then shows existing cases to everyone in their teams', async () => {
    const before = [await plannedCase(), await provedCase()];
    const over = await provedCase();
    over.services.decide(over.caseId, 'chidi', { decision: 'deny' });
    await over.catchUp();
    const expected = { boris: await items('boris'), dana: await items('dana') };
    expect(expected).toEqual({ boris: [`${before[0]?.caseId ?? ''} evidence`], dana: [`${before[1]?.caseId ?? ''} decision`] });
    const [{ deadline } = { deadline: undefined }] = (await owner.query<{ deadline: Date }>('SELECT deadline FROM inbox_item ORDER BY 1'))
      .rows;
    const runner = { query: (sql: string) => owner.query(sql) } as unknown as QueryRunner;
    await new InboxItems1().down(runner);
    await expect(owner.query('SELECT FROM inbox_item')).rejects.toMatchObject({ code: '42P01' });
    await new InboxItems1().up(runner);
    await owner.query('GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_item TO PUBLIC');
    expect({ boris: await items('boris'), dana: await items('dana') }).toEqual(expected);
    expect((await owner.query('SELECT deadline FROM inbox_item ORDER BY 1')).rows[0]).toEqual({ deadline });
    expect(await rowsOf(over.caseId)).toEqual([]);
    // The next fact makes the rows of its case exact.
    const [, proved] = before;
    expect(await rowsOf(proved?.caseId ?? '')).toContain('mallory');
    proved?.services.decide(proved.caseId, 'chidi');
    await proved?.catchUp();
    expect(await rowsOf(proved?.caseId ?? '')).toEqual(['boris', 'dana']);
  });
});
