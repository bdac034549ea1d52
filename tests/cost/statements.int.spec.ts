/**
 * What a batch and a case cost each service, by its real definition, on a real PostgreSQL and the embedded bus: one commit a batch,
 * as many statements for 500 cases as for one, and exactly the rows that the case needs. The figures here are the contract: a
 * change that makes a case dearer changes a number in this file.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EngineOptions, ServiceRuntime } from '@readmit/runtime';
import { auditOcsfTopic, type EventType, type ServiceName } from '@readmit/contracts';
import { draft } from '@readmit/domain';
import { schemaOf, tablesOfTopic, type Store } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';
import { draftOf, openServices, type Services } from './services.js';

const sizes = [1, 50, 500] as const;
const ledgers = {
  intake: ['case_ledger'],
  classification: ['case_code'],
  approval: ['inbox_item'],
  execution: [],
  'revocation-scheduler': [],
  audit: ['leaf', 'checkpoint', 'case_whose'],
} as const;

let system: Services;
let owner: pg.Client;
beforeEach(async () => {
  system = await openServices();
  owner = new pg.Client({ connectionString: system.database.ownerUrl });
  await owner.connect();
});
afterEach(async () => {
  await owner.end();
  await system.close();
});

const casesOf = (size: number): string[] => Array.from({ length: size }, (_, index) => `case-${size}-${index}`);

/** Rows that lie in the tables of the service, and in its topic. */
async function rowsOf(service: ServiceName): Promise<Record<string, number>> {
  const tables = service === 'audit' ? [...ledgers.audit] : ['fact', 'work', ...ledgers[service]];
  const counts = [
    ...tables.map((table) => `(SELECT count(*) FROM "${schemaOf(service)}".${table})::int AS ${table}`),
    `(SELECT count(*) FROM bus.${tablesOfTopic(`readmit.${service}.v1`).log})::int AS topic`,
    ...(service === 'audit' ? [`(SELECT count(*) FROM bus.${tablesOfTopic(auditOcsfTopic).log})::int AS siem`] : []),
  ];
  const { rows } = await owner.query<Record<string, number>>(`SELECT ${counts.join(', ')}`);
  return rows[0] ?? {};
}

/** The service's store, seen by the engine alone: the bus keeps its lease on another handle, by its own clock. */
function counted(store: Store): { readonly store: EngineOptions['store']; readonly spent: { statements: number; commits: number } } {
  const spent = { statements: 0, commits: 0 };
  return {
    spent,
    store: {
      query: (sql, parameters) => store.query(sql, parameters),
      transaction: async (work) => {
        const result = await store.transaction((tx) =>
          work({
            query: (sql, parameters) => {
              spent.statements++;
              return tx.query(sql, parameters);
            },
          }),
        );
        spent.commits++;
        return result;
      },
    },
  };
}

const taken = (engine: ServiceRuntime, messages: number) =>
  until(() => engine.counters.messages >= messages, { what: `${messages} messages are taken`, timeoutMs: 30_000 });

/** Lets the service take what lies on its topics, and stops it. */
async function takeAll(service: ServiceName, messages: number): Promise<void> {
  const engine = await system.engine(service, { workers: 0 });
  await engine.start();
  await taken(engine, messages);
  await engine.stop();
}

/** What it costs the service to hear the event for so many cases at once. */
async function costOf(service: ServiceName, type: EventType, before: readonly EventType[], size: number) {
  const cases = casesOf(size);
  if (service === 'intake') {
    const engine = await system.engine(service, { workers: 0 });
    for (const caseId of cases) {
      const opened = draftOf('readmit.case.opened', caseId);
      await engine.command({ key: caseId, name: 'open', actor: 'anonymous' }, () => ({ emit: [opened], reply: {} }));
    }
  }
  for (const earlier of before) {
    await system.say(cases.map((caseId) => draftOf(earlier, caseId)));
    await takeAll(service, size);
  }
  const store = await system.store(service);
  const rowsBefore = await rowsOf(service);
  const commitsBefore = store.counters.commits;
  const { store: seen, spent } = counted(store);
  await system.say(
    type === 'readmit.approval.denied'
      ? cases.map((caseId) => draft(type, caseId, { caseId, decisionId: 'decision-1', by: 'chidi' }))
      : cases.map((caseId) => draftOf(type, caseId)),
  );
  const engine = await system.engine(service, { store: seen, workers: 0 });
  await engine.start();
  await taken(engine, size);
  await engine.stop();
  expect(engine.counters).toMatchObject({ batches: 1, messages: size, parked: 0, commits: spent.commits, statements: spent.statements });
  expect(store.counters.commits - commitsBefore).toBeGreaterThanOrEqual(spent.commits);
  const rowsAfter = await rowsOf(service);
  const rows = Object.fromEntries(Object.entries(rowsAfter).map(([table, count]) => [table, count - (rowsBefore[table] ?? 0)]));
  return { ...spent, rows };
}

describe('the cost of a batch', () => {
  it.each<[ServiceName, EventType, readonly EventType[], number, Record<string, number>]>([
    // Locks, facts and work, ledger, position. The row of the ledger is there already; a notice is to be sent.
    ['intake', 'readmit.approval.denied', [], 4, { fact: 1, work: 1, case_ledger: 0, topic: 0 }],
    // The directory is asked by a worker. Keys of the subject's cases are kept beside.
    ['classification', 'readmit.case.opened', [], 4, { fact: 1, work: 1, case_code: 1, topic: 0 }],
    // Says until when must be decided. The inbox of the one verifier has the case from now on, by one statement more.
    [
      'approval',
      'readmit.plan.proposed',
      ['readmit.case.opened', 'readmit.case.classified', 'readmit.people.attested'],
      5,
      { fact: 1, work: 0, inbox_item: 1, topic: 1 },
    ],
    // Says until when the approval is good.
    ['execution', 'readmit.approval.granted', ['readmit.case.opened'], 4, { fact: 1, work: 0, topic: 1 }],
    // The grant, and the obligation that it says.
    ['revocation-scheduler', 'readmit.approval.granted', [], 4, { fact: 2, work: 0, topic: 1 }],
  ])(
    '%s hears %s',
    async (service, type, before, statements, perCase) => {
      for (const size of sizes) {
        const cost = await costOf(service, type, before, size);
        expect({ size, ...cost }).toEqual({
          size,
          commits: 1,
          statements,
          rows: Object.fromEntries(Object.entries(perCase).map(([table, rows]) => [table, rows * size])),
        });
      }
    },
    120_000,
  );

  it('audit hears readmit.approval.granted', async () => {
    for (const size of sizes) {
      // Twice before, so that the checkpoint that becomes an entry each hour has become one.
      const cost = await costOf('audit', 'readmit.approval.granted', ['readmit.case.opened', 'readmit.case.classified'], size);
      expect({ size, ...cost }).toEqual({
        size,
        commits: 1,
        // Writer's lock, head with what is known of the cases, leaves with events, checkpoint and cases, what SIEMs read, Recorded, position.
        statements: 6,
        // The row of the case is there since its opening.
        rows: { leaf: size, checkpoint: 1, case_whose: 0, topic: size, siem: size },
      });
    }
  }, 120_000);
});
