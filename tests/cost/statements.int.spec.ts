/**
 * What a batch and a case cost each service, with its real definition, on a real PostgreSQL and the embedded bus: one commit per batch,
 * the same number of statements for 500 cases as for one, and exactly the rows that a case needs. A change that makes a case more expensive
 * changes a number in this file.
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

/** Number of rows in the tables of the service and in its topic. */
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

/** The service's store for the engine only: the bus renews its lease on another handle, at its own times. */
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

const consumed = (engine: ServiceRuntime, messages: number) =>
  until(() => engine.counters.messages >= messages, { what: `${messages} messages are consumed` });

/** Starts the service until it has consumed that many messages, and stops it. */
async function consumeAll(service: ServiceName, messages: number): Promise<void> {
  const engine = await system.engine(service, { workers: 0 });
  await engine.start();
  await consumed(engine, messages);
  await engine.stop();
}

/** What it costs the service to consume the event for that many cases in one batch. */
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
    await system.publish(cases.map((caseId) => draftOf(earlier, caseId)));
    await consumeAll(service, size);
  }
  const store = await system.store(service);
  const rowsBefore = await rowsOf(service);
  const commitsBefore = store.counters.commits;
  const { store: countedStore, spent } = counted(store);
  await system.publish(
    type === 'readmit.approval.denied'
      ? cases.map((caseId) => draft(type, caseId, { caseId, decisionId: 'decision-1', by: 'chidi' }))
      : cases.map((caseId) => draftOf(type, caseId)),
  );
  const engine = await system.engine(service, { store: countedStore, workers: 0 });
  await engine.start();
  await consumed(engine, size);
  await engine.stop();
  expect(engine.counters).toMatchObject({ batches: 1, messages: size, parked: 0, commits: spent.commits, statements: spent.statements });
  expect(store.counters.commits - commitsBefore).toBeGreaterThanOrEqual(spent.commits);
  const rowsAfter = await rowsOf(service);
  const rows = Object.fromEntries(Object.entries(rowsAfter).map(([table, count]) => [table, count - (rowsBefore[table] ?? 0)]));
  return { ...spent, rows };
}

describe('the cost of a batch', () => {
  it.each<[ServiceName, EventType, readonly EventType[], number, Record<string, number>]>([
    // Locks, facts and work, ledger, position. The ledger already has the row; a notice is to be sent.
    ['intake', 'readmit.approval.denied', [], 4, { fact: 1, work: 1, case_ledger: 0, topic: 0 }],
    // A worker reads the directory. Case keys of the subject are stored separately.
    ['classification', 'readmit.case.opened', [], 4, { fact: 1, work: 1, case_code: 1, topic: 0 }],
    // Emits the deadline for decisions. One more statement adds the case to the inbox of the only verifier.
    [
      'approval',
      'readmit.plan.proposed',
      ['readmit.case.opened', 'readmit.case.classified', 'readmit.people.attested'],
      5,
      { fact: 1, work: 0, inbox_item: 1, topic: 1 },
    ],
    // Emits the deadline of the approval.
    ['execution', 'readmit.approval.granted', ['readmit.case.opened'], 4, { fact: 1, work: 0, topic: 1 }],
    // The grant, and the obligation that it emits.
    ['revocation-scheduler', 'readmit.approval.granted', [], 4, { fact: 2, work: 0, topic: 1 }],
  ])(
    '%s consumes %s',
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

  it('audit consumes readmit.approval.granted', async () => {
    for (const size of sizes) {
      // After two earlier batches, so that the hourly entry with a checkpoint already exists.
      const cost = await costOf('audit', 'readmit.approval.granted', ['readmit.case.opened', 'readmit.case.classified'], size);
      expect({ size, ...cost }).toEqual({
        size,
        commits: 1,
        // Writer's lock, head with the known cases, leaves with events, checkpoint and cases, records for SIEMs, `recorded`, position.
        statements: 6,
        // The case has had its row since it was opened.
        rows: { leaf: size, checkpoint: 1, case_whose: 0, topic: size, siem: size },
      });
    }
  });
});
