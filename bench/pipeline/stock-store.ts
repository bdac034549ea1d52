/** A TypeORM data source for a service of the stock way: an entity for each table, `save()` for each row. */
import { partitionOf } from '@readmit/bus';
import { auditOcsfTopic, topicOf, topicsWrittenBy, type ServiceName } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import { DataSource, EntitySchema, type EntityManager, type Logger } from 'typeorm';
import { watchAfterSeconds } from '../../apps/audit/src/usecases/append-to-log.js';
import { frontier, root } from './bare-audit.js';
import type { Counters } from '../counters.js';
import { caseIdOf, render, renderValue, type Column, type Row, type Script } from './script.js';
import type { StockEvent, StockRecord } from './stock-bus.js';

type Entity = Record<string, unknown>;

export interface Saving {
  row(row: Row, n: number): Promise<void>;
  event(topic: string, event: StockEvent): Promise<void>;
  leaf(record: StockRecord, n: number, k: number): Promise<void>;
  position(record: StockRecord): Promise<void>;
}
export interface StockStore {
  /** Records behind the positions, partition by partition. */
  fetch(topic: string, max: number): Promise<readonly (readonly StockRecord[])[]>;
  transaction(work: (saving: Saving) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const entityOf = (name: string, columns: readonly Column[], schema?: string): EntitySchema<Entity> =>
  new EntitySchema<Entity>({
    name,
    ...(schema === undefined ? {} : { schema }),
    columns: Object.fromEntries(
      columns.map(({ name: column, type, key }) => [
        column,
        { type: (type.endsWith('[]') ? type.slice(0, -2) : type) as 'text', array: type.endsWith('[]'), primary: key, nullable: !key },
      ]),
    ),
  });

/** As an application would hold it, from the text that PostgreSQL reads. */
function fromText(text: string | null, type: string): unknown {
  if (text === null) return null;
  if (type === 'jsonb') return JSON.parse(text);
  if (type.startsWith('timestamp')) return new Date(text);
  if (type === 'boolean') return text === 'true';
  if (type === 'integer' || type === 'smallint') return Number(text);
  if (type.endsWith('[]')) return JSON.parse(`[${text.slice(1, -1)}]`);
  return text;
}

const logColumns: readonly Column[] = [
  { name: 'partition', type: 'smallint', key: true },
  { name: 'offset', type: 'bigint', key: true },
  { name: 'key', type: 'text', key: false },
  { name: 'headers', type: 'jsonb', key: false },
  { name: 'value', type: 'bytea', key: false },
];
const headColumns: readonly Column[] = [
  { name: 'partition', type: 'smallint', key: true },
  { name: 'next_offset', type: 'bigint', key: false },
];
/** Counts what TypeORM sends. */
class Counting implements Logger {
  private readonly counters: Counters;
  constructor(counters: Counters) {
    this.counters = counters;
  }
  logQuery(query: string): void {
    if (query === 'COMMIT') this.counters.commits++;
    else if (query !== 'START TRANSACTION' && query !== 'ROLLBACK') this.counters.statements++;
  }
  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

export async function openStockStore(options: {
  readonly url: string;
  readonly service: ServiceName;
  readonly script: Script;
  readonly topics: readonly string[];
  readonly counters: Counters;
  /** Produces what a transaction has said, once it is committed; absent: topics are tables. */
  readonly emit?: (topic: string, event: StockEvent) => Promise<void>;
}): Promise<StockStore> {
  const { url, service, script, topics, counters, emit } = options;
  const schema = schemaOf(service);
  const tables = script.tables[schema] ?? {};
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    applicationName: `stock ${service}`,
    poolSize: 8,
    installExtensions: false,
    synchronize: false,
    logging: ['query'],
    logger: new Counting(counters),
    entities: [
      // The outbox has no key; the stock way does not use it.
      ...Object.entries(tables).flatMap(([name, columns]) => (columns.some(({ key }) => key) ? [entityOf(name, columns)] : [])),
      ...(emit ? [] : topicsWrittenBy(service)).flatMap((topic) => [
        entityOf(tablesOfTopic(topic).log, logColumns, busSchema),
        entityOf(tablesOfTopic(topic).head, headColumns, busSchema),
      ]),
    ],
    extra: { options: `-c search_path=${schema} -c jit=off -c timezone=UTC -c enable_seqscan=off` },
  });
  await dataSource.initialize();
  for (const topic of emit ? [] : topics)
    await dataSource.query('INSERT INTO position (group_name, topic, partition) SELECT $1, $2, p FROM generate_series(0, 3) p', [
      schema,
      topic,
    ]);

  const saving = (manager: EntityManager, said: { readonly topic: string; readonly event: StockEvent }[]): Saving => {
    const save = async (table: string, entity: Entity): Promise<void> => void (await manager.getRepository<Entity>(table).save(entity));
    const event: Saving['event'] = async (topic, one) => {
      if (emit) {
        said.push({ topic, event: one });
        return;
      }
      const { key, headers, value } = one;
      const { log, head } = tablesOfTopic(topic);
      const partition = partitionOf(key);
      const found = await manager.getRepository<Entity>(head).findOne({ where: { partition }, lock: { mode: 'pessimistic_write' } });
      const offset = String(found?.['next_offset'] ?? 0);
      await save(log, { partition, offset, key, headers: JSON.parse(headers), value: Buffer.from(value, 'utf8') });
      await save(head, { partition, next_offset: String(Number(offset) + 1) });
      await manager.query('SELECT pg_notify($1, $2)', ['readmit_bus', topic]);
    };
    return {
      event,
      row: async ({ table, op, values }, n) => {
        const now = Date.now();
        const columns = tables[table] ?? [];
        const entity = Object.fromEntries(
          columns.map(({ name, type }, at) => [name, fromText(renderValue(values[at] ?? null, n, now), type)]),
        );
        if (op === 'put') return save(table, entity);
        const found = columns.filter(({ key }) => key).map(({ name }) => [name, entity[name]] as const);
        await manager.getRepository<Entity>(table).delete(Object.fromEntries(found) as Record<string, string>);
      },
      position: async ({ topic, partition, offset }) => {
        if (!emit) await save('position', { group_name: schema, topic, partition, next_offset: String(Number(offset) + 1) });
      },
      leaf: async (record, n, k) => {
        const audit = script.events[k]?.audit;
        if (!audit) throw new Error(`this is a bug: the log has no event ${k}`);
        await manager.getRepository<Entity>('writer').findOne({ where: { one: true }, lock: { mode: 'pessimistic_write' } });
        const last = await manager.getRepository<Entity>('checkpoint').findOne({ where: {}, order: { size: 'DESC' } });
        const index = Number(last?.['size'] ?? 0);
        const id = record.headers['ce_id'] ?? '';
        await save('leaf', {
          index: String(index),
          entry: Buffer.from(render(audit.entry, n), 'utf8'),
          event_id: id,
          topic: record.topic,
          key: record.key,
          headers: JSON.parse(render(audit.headers, n)),
          value: record.value,
        });
        await save('checkpoint', { size: String(index + 1), root, frontier, note: script.note, at: new Date() });
        if (audit.watch)
          await save('case_watch', { case_id: caseIdOf(n), look_at: new Date(Date.now() + 2_000 * watchAfterSeconds), said: [] });
        if (audit.whose) await save('case_whose', { case_id: caseIdOf(n), whose: JSON.parse(render(audit.whose, n)) });
        const { shown } = audit;
        await event(auditOcsfTopic, { key: render(shown.key, n), headers: render(shown.headers, n), value: render(shown.value, n) });
        const said = audit.recorded === undefined ? undefined : script.events[audit.recorded];
        if (said)
          await event(topicOf('audit'), { key: render(said.key, n), headers: render(said.headers, n), value: render(said.value, n) });
      },
    };
  };

  return {
    fetch: async (topic, max) => {
      const { log: from } = tablesOfTopic(topic);
      const rows = await dataSource.query<Omit<StockRecord, 'topic'>[]>(
        `SELECT r.* FROM (SELECT partition, next_offset FROM position WHERE group_name = $1 AND topic = $2 ORDER BY partition) p
         CROSS JOIN LATERAL (SELECT partition, "offset", key, headers, value FROM ${busSchema}.${from}
           WHERE partition = p.partition AND "offset" >= p.next_offset ORDER BY "offset" LIMIT $3) r LIMIT $3`,
        [schema, topic, max],
      );
      return [...Map.groupBy(rows, ({ partition }) => partition).values()].map((batch) => batch.map((row) => ({ ...row, topic })));
    },
    transaction: async (work) => {
      const said: { topic: string; event: StockEvent }[] = [];
      await dataSource.transaction((manager) => work(saving(manager, said)));
      for (const one of said) await emit?.(one.topic, one.event);
    },
    close: () => dataSource.destroy(),
  };
}
