/** R0's one statement: everything that a service writes for a batch, in one round trip that is its own transaction. */
import { topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, tablesOfTopic } from '@readmit/store';
import type { Column, Row, Script } from './script.js';
import { render, renderValue } from './script.js';
import { partitionOf } from '@readmit/bus';

export interface Said {
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
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Collects the rows of a batch; of a row that is put twice the last image is written, as folding does. */
export class Writing {
  private readonly puts = new Map<string, Map<string, readonly (string | null)[]>>();
  private readonly deletes = new Map<string, (readonly (string | null)[])[]>();
  private readonly says: Said[] = [];
  private readonly service: string;
  private readonly topic: string;
  private readonly tables: Readonly<Record<string, readonly Column[]>>;

  constructor(service: ServiceName, schema: string, script: Script) {
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

  say(key: string, headers: string, value: string): void {
    this.says.push({ key, headers, value: Buffer.from(value, 'utf8') });
  }

  /** Rows of facts: as many must be new. */
  get facts(): number {
    return this.puts.get('fact')?.size ?? 0;
  }

  statement(moves: readonly Move[], extra?: { readonly parts: readonly string[]; readonly values: readonly unknown[] }): Statement {
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
    if (this.says.length > 0) {
      parts.push(...this.saySql(bind));
      counts.push('(SELECT count(*) FROM written) AS said', `pg_notify('readmit_bus', '${this.topic}')`);
    }
    return { text: `WITH ${parts.join(',\n')} SELECT ${counts.length > 0 ? counts.join(', ') : '1'}`, values };
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

  private saySql(bind: (value: unknown) => string): readonly string[] {
    const { log, head } = tablesOfTopic(this.topic);
    const partitions = this.says.map(({ key }) => partitionOf(key));
    const columns = [
      partitions,
      this.says.map(({ key }) => key),
      this.says.map(({ headers }) => headers),
      this.says.map(({ value }) => value),
    ].map(bind);
    return [
      `incoming AS (SELECT * FROM unnest(${columns[0]}::smallint[], ${columns[1]}::text[], ${columns[2]}::text[], ${columns[3]}::bytea[]) WITH ORDINALITY AS r (partition, key, headers, value, place))`,
      'wanted AS (SELECT partition, count(*) AS records FROM incoming GROUP BY partition)',
      `locked AS MATERIALIZED (SELECT partition, next_offset FROM ${busSchema}.${head} WHERE partition = ANY (${bind([...new Set(partitions)])}::smallint[]) ORDER BY partition FOR UPDATE)`,
      `headed AS (UPDATE ${busSchema}.${head} h SET next_offset = l.next_offset + w.records FROM locked l JOIN wanted w USING (partition) WHERE h.partition = l.partition)`,
      `written AS (INSERT INTO ${busSchema}.${log} (partition, "offset", key, headers, value)
        SELECT i.partition, l.next_offset + row_number() OVER (PARTITION BY i.partition ORDER BY i.place) - 1, i.key, i.headers::jsonb, i.value
        FROM incoming i JOIN locked l USING (partition) RETURNING 1)`,
    ];
  }

  get said(): number {
    return this.says.length;
  }
}

/** Says an event of the script. */
export function sayEvent(writing: Writing, script: Script, k: number, n: number): void {
  const event = script.events[k];
  if (!event) throw new Error(`this is a bug: no event ${k} in the script`);
  writing.say(render(event.key, n), render(event.headers, n), render(event.value, n));
}
