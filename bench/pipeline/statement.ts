/** R0's one statement: everything that a service writes for a batch, in one round trip that is its own transaction. */
import { topicOf, type ServiceName } from '@readmit/contracts';
import { packed, busSchema, tablesOfTopic } from '@readmit/store';
import type { Column, Row, Script } from './script.js';
import { render, renderValue } from './script.js';
import { partitionOf } from '@readmit/bus';

export interface Said {
  readonly topic: string;
  readonly key: string;
  readonly headers: string;
  readonly value: Buffer;
}
export interface Move {
  readonly topic: string;
  readonly partition: number;
  readonly from: string;
  readonly to: string;
}
/** Where what is said goes: to the topics, which are tables of the same database, or to the service's outbox, to be sent after the commit. */
export type SaysTo = 'topics' | 'outbox';
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Collects the rows of a batch; of a row that is put twice the last image is written, as folding does. */
export class Writing {
  private readonly puts = new Map<string, Map<string, readonly (string | null)[]>>();
  private readonly deletes = new Map<string, (readonly (string | null)[])[]>();
  readonly says: Said[] = [];
  private readonly service: string;
  private readonly topic: string;
  private readonly saysTo: SaysTo;
  private readonly tables: Readonly<Record<string, readonly Column[]>>;

  constructor(service: ServiceName, schema: string, script: Script, saysTo: SaysTo) {
    this.saysTo = saysTo;
    this.service = schema;
    this.topic = topicOf(service);
    this.tables = script.tables[schema] ?? {};
  }

  put({ table, op, values }: Row, n: number, now: number): void {
    const rendered = values.map((value) => renderValue(value, n, now));
    if (op === 'delete') {
      const list = this.deletes.get(table);
      if (list) list.push(rendered);
      else this.deletes.set(table, [rendered]);
      return;
    }
    let rows = this.puts.get(table);
    if (!rows) this.puts.set(table, (rows = new Map<string, readonly (string | null)[]>()));
    let key = '';
    const columns = this.columns(table);
    for (let at = 0; at < columns.length; at++) if (columns[at]?.key) key += `${rendered[at]}\n`;
    rows.set(key, rendered);
  }

  say(key: string, headers: string, value: string, topic = this.topic): void {
    this.says.push({ topic, key, headers, value: Buffer.from(value, 'utf8') });
  }

  /** Rows of facts: as many must be new. */
  get facts(): number {
    return this.puts.get('fact')?.size ?? 0;
  }

  /** `confirmed`: transactions whose events the brokers have. */
  statement(
    moves: readonly Move[],
    confirmed: readonly string[],
    extra?: { readonly parts: readonly string[]; readonly values: readonly unknown[] },
  ): Statement {
    const parts: string[] = [...(extra?.parts ?? [])];
    const values: unknown[] = [...(extra?.values ?? [])];
    const bind = (value: unknown): string => `$${values.push(value)}`;
    const counts: string[] = [];
    for (const table of [...this.puts.keys()].sort()) {
      const rows = [...(this.puts.get(table)?.entries() ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
      parts.push(`put_${table} AS (${this.putSql(table, rows, bind)} RETURNING 1)`);
      if (table === 'fact') counts.push('(SELECT count(*) FROM put_fact) AS facts');
    }
    for (const [table, rows] of this.deletes) parts.push(`gone_${table} AS (${this.deleteSql(table, rows, bind)})`);
    if (moves.length > 0) {
      parts.push(`moved AS (
        UPDATE position p SET next_offset = m.next FROM unnest(${bind(moves.map(({ topic }) => topic))}::text[], ${bind(moves.map(({ partition }) => partition))}::smallint[],
          ${bind(moves.map(({ from }) => from))}::bigint[], ${bind(moves.map(({ to }) => to))}::bigint[]) AS m (topic, partition, previous, next)
        WHERE p.group_name = '${this.service}' AND p.topic = m.topic AND p.partition = m.partition AND p.next_offset = m.previous RETURNING 1)`);
      counts.push('(SELECT count(*) FROM moved) AS moved');
    }
    if (confirmed.length > 0) parts.push(`settled AS (${settleSql(bind(confirmed))})`);
    if (this.says.length > 0) {
      const { parts: saying, counts: said } = this.saysTo === 'topics' ? this.toTopics(bind) : toOutbox(this.says, bind);
      parts.push(...saying);
      counts.push(...said);
    }
    return { text: `WITH ${parts.join(',\n')} SELECT ${counts.length > 0 ? counts.join(', ') : '1'}`, values };
  }

  private toTopics(bind: (value: unknown) => string): Saying {
    const byTopic = [...Map.groupBy(this.says, ({ topic }) => topic)].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      parts: byTopic.flatMap(([topic, says], at) => saySql(topic, says, at, bind)),
      counts: [
        ...byTopic.map(([topic]) => `pg_notify('readmit_bus', '${topic}')`),
        `${byTopic.map((_, at) => `(SELECT count(*) FROM written${at})`).join(' + ')} AS said`,
      ],
    };
  }

  private columns(table: string): readonly Column[] {
    const columns = this.tables[table];
    if (!columns) throw new Error(`this is a bug: no table ${this.service}.${table}`);
    return columns;
  }

  private putSql(table: string, rows: readonly (readonly (string | null)[])[], bind: (value: unknown) => string): string {
    const columns = this.columns(table);
    const arrays = columns.map((_, at) => `${bind(rows.map((row) => row[at]))}::text[]`);
    const names = columns.map(({ name }) => `"${name}"`);
    const casts = columns.map(({ type }, at) => `c${at}::${type}`);
    const keys = columns.filter(({ key }) => key).map(({ name }) => `"${name}"`);
    const rest = columns.filter(({ key }) => !key).map(({ name }) => `"${name}" = excluded."${name}"`);
    const conflict = table === 'fact' || rest.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${rest.join(', ')}`;
    return `INSERT INTO ${table} (${names.join(', ')}) SELECT ${casts.join(', ')}
      FROM unnest(${arrays.join(', ')}) AS r (${columns.map((_, at) => `c${at}`).join(', ')}) ON CONFLICT (${keys.join(', ')}) ${conflict}`;
  }

  private deleteSql(table: string, rows: readonly (readonly (string | null)[])[], bind: (value: unknown) => string): string {
    const keys = this.columns(table).flatMap(({ key, name, type }, at) => (key ? [{ name, type, at }] : []));
    const arrays = keys.map(({ at }) => `${bind(rows.map((row) => row[at]))}::text[]`);
    const equal = keys.map(({ name, type }, at) => `t."${name}" = r.c${at}::${type}`);
    return `DELETE FROM ${table} t USING unnest(${arrays.join(', ')}) AS r (${keys.map((_, at) => `c${at}`).join(', ')}) WHERE ${equal.join(' AND ')}`;
  }
}

interface Saying {
  readonly parts: readonly string[];
  readonly counts: readonly string[];
}

export const settleSql = (batches: string): string => `DELETE FROM outbox_unsent WHERE batch = ANY (${batches}::bigint[])`;

/** Byte strings or texts as the product binds them: one parameter, taken apart by the statement. */
function bindPacked(parts: readonly (Uint8Array | string)[], bind: (value: unknown) => string) {
  const { bytes, starts, lengths } = packed(parts);
  const all = bind(bytes);
  return {
    arrays: [`${bind(starts)}::int[]`, `${bind(lengths)}::int[]`],
    of: (start: string, length: string): string => `substr(${all}::bytea, ${start}, ${length})`,
  };
}

/** The product's rows: an event each, and one for the transaction until the brokers have them. */
function toOutbox(says: readonly Said[], bind: (value: unknown) => string): Saying {
  const [headers, values] = [
    bindPacked(
      says.map(({ headers }) => headers),
      bind,
    ),
    bindPacked(
      says.map(({ value }) => value),
      bind,
    ),
  ];
  const arrays = [
    `${bind(says.map(({ topic }) => topic))}::text[]`,
    `${bind(says.map(({ key }) => key))}::text[]`,
    ...headers.arrays,
    ...values.arrays,
  ];
  return {
    parts: [
      `batch AS MATERIALIZED (SELECT nextval('outbox_batch') AS id, clock_timestamp() AS at)`,
      `unsent AS (INSERT INTO outbox_unsent (batch, written_at, events) SELECT id, at, ${bind(says.length)}::integer FROM batch)`,
      `written AS (INSERT INTO outbox (batch, place, written_at, topic, key, headers, value)
        SELECT b.id, r.place, b.at, r.topic, r.key, convert_from(${headers.of('r.hs', 'r.hl')}, 'UTF8')::json, ${values.of('r.vs', 'r.vl')}
        FROM batch b, unnest(${arrays.join(', ')}) WITH ORDINALITY AS r (topic, key, hs, hl, vs, vl, place) RETURNING 1)`,
    ],
    counts: ['(SELECT count(*) FROM written) AS said', '(SELECT id FROM batch) AS batch'],
  };
}

/** Appends to a topic, as the product does: heads locked in the order of partitions, offsets in the order of the records. */
function saySql(topic: string, says: readonly Said[], at: number, bind: (value: unknown) => string): readonly string[] {
  const { log, head } = tablesOfTopic(topic);
  const partitions = says.map(({ key }) => partitionOf(key));
  const [headers, values] = [
    bindPacked(
      says.map(({ headers }) => headers),
      bind,
    ),
    bindPacked(
      says.map(({ value }) => value),
      bind,
    ),
  ];
  const arrays = [`${bind(partitions)}::smallint[]`, `${bind(says.map(({ key }) => key))}::text[]`, ...headers.arrays, ...values.arrays];
  return [
    `incoming${at} AS (SELECT * FROM unnest(${arrays.join(', ')}) WITH ORDINALITY AS r (partition, key, hs, hl, vs, vl, place))`,
    `wanted${at} AS (SELECT partition, count(*) AS records FROM incoming${at} GROUP BY partition)`,
    `locked${at} AS MATERIALIZED (SELECT partition, next_offset FROM ${busSchema}.${head} WHERE partition = ANY (${bind([...new Set(partitions)])}::smallint[]) ORDER BY partition FOR UPDATE)`,
    `headed${at} AS (UPDATE ${busSchema}.${head} h SET next_offset = l.next_offset + w.records FROM locked${at} l JOIN wanted${at} w USING (partition) WHERE h.partition = l.partition)`,
    `written${at} AS (INSERT INTO ${busSchema}.${log} (partition, "offset", key, headers, value)
      SELECT i.partition, l.next_offset + row_number() OVER (PARTITION BY i.partition ORDER BY i.place) - 1, i.key,
        convert_from(${headers.of('i.hs', 'i.hl')}, 'UTF8')::jsonb, ${values.of('i.vs', 'i.vl')}
      FROM incoming${at} i JOIN locked${at} l USING (partition) RETURNING 1)`,
  ];
}

/** Says an event of the script. */
export function sayEvent(writing: Writing, script: Script, k: number, n: number): void {
  const event = script.events[k];
  if (!event) throw new Error(`this is a bug: no event ${k} in the script`);
  writing.say(render(event.key, n), render(event.headers, n), render(event.value, n));
}
