/** Plays a few real cases one after the other under row triggers and makes a script of the first whose transactions keep apart. */
import { auditOcsfTopic, services, topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import pg from 'pg';
import { Cases } from '../cases.js';
import type { People } from '../people.js';
import { openPipeline } from '../six-services.js';
import { drained, lagOfTables } from './drain.js';
import {
  caseToken,
  subjectToken,
  workName,
  type Column,
  type EventTemplate,
  type Row,
  type Script,
  type Step,
  type Text,
  type Value,
} from './script.js';

interface Traced {
  readonly xid: string;
  readonly schema: string;
  readonly tbl: string;
  readonly op: 'INSERT' | 'UPDATE' | 'DELETE';
  readonly row: Readonly<Record<string, unknown>>;
  readonly at: Date;
}
interface Known {
  readonly columns: Record<string, Record<string, readonly Column[]>>;
  readonly traced: readonly Traced[];
}

const casesPlayed = 6;
const siemTable = tablesOfTopic(auditOcsfTopic).log;
/** Not part of a case: where a consumer stands. */
const besides = ['position', 'member'];

export async function traceCase(options: {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly ownerUrl: string;
  readonly people: People;
}): Promise<Script> {
  const owner = new pg.Client({ connectionString: options.ownerUrl });
  await owner.connect();
  try {
    await installTriggers(owner);
    const cases = new Cases(options.people);
    const pipeline = await openPipeline({ ...options, onFact: (service, key, fact) => cases.onFact(service, key, fact) });
    await cases.run(pipeline, { total: casesPlayed, atOnce: 1, onEnd: () => undefined });
    await drained(lagOfTables(owner));
    await pipeline.stop();
    const traced = (await owner.query<Traced>('SELECT xid::text, schema, tbl, op, row, at FROM trace.row ORDER BY seq')).rows.filter(
      ({ tbl }) => !besides.includes(tbl),
    );
    const known = { columns: await columnsOf(owner), traced };
    const reasons: string[] = [];
    // The first case finds everything cold.
    for (let index = 1; index < casesPlayed; index++) {
      try {
        return new ScriptOf(known, index).script();
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
    throw new Error(`no case of ${casesPlayed} could be traced: ${reasons.join('; ')}`);
  } finally {
    await owner.end();
  }
}

async function installTriggers(owner: pg.Client): Promise<void> {
  await owner.query(`
    CREATE SCHEMA trace;
    CREATE TABLE trace.row (seq bigserial, xid bigint, schema text, tbl text, op text, row jsonb, at timestamptz);
    CREATE FUNCTION trace.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN
        INSERT INTO trace.row (xid, schema, tbl, op, row, at)
        VALUES (pg_current_xact_id()::text::bigint, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP,
          CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END, clock_timestamp());
        RETURN NULL;
      END $$`);
  const { rows } = await owner.query<{ name: string }>(
    // Partitions have the triggers of their table.
    `SELECT c.oid::regclass::text AS name FROM pg_class c
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = ANY ($1::regnamespace[])`,
    [[busSchema, ...services.map(schemaOf)]],
  );
  for (const { name } of rows)
    await owner.query(`CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON ${name} FOR EACH ROW EXECUTE FUNCTION trace.note()`);
}

async function columnsOf(owner: pg.Client): Promise<Known['columns']> {
  const { rows } = await owner.query<{ schema: string; tbl: string; name: string; type: string; key: boolean }>(
    `SELECT n.nspname AS schema, c.relname AS tbl, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       coalesce(a.attnum = ANY (i.indkey), false) AS key
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
     WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname = ANY ($1) ORDER BY 1, 2, a.attnum`,
    [services.map(schemaOf)],
  );
  const tables: Record<string, Record<string, Column[]>> = {};
  for (const { schema, tbl, name, type, key } of rows) ((tables[schema] ??= {})[tbl] ??= []).push({ name, type, key });
  return tables;
}

/** Bytes as a trigger shows them. */
const textOf = (bytea: unknown): string => Buffer.from(String(bytea).slice(2), 'hex').toString('utf8');

interface Building {
  rows: Row[];
  says: number[];
}

/** Makes the script of one case. Throws when two things that happened to a service share a transaction. */
class ScriptOf {
  private readonly ids = new Map<string, number>();
  private readonly events: Record<number, EventTemplate> = {};
  private readonly steps: Record<string, Record<string, Building>> = {};
  private readonly pattern: RegExp;
  private readonly mine: readonly Traced[];
  private readonly known: Known;
  private commands = 0;

  constructor(known: Known, index: number) {
    this.known = known;
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';
    this.pattern = new RegExp(`(?:case|person)-${index}(?!\\d)|${uuid}`, 'g');
    const ours = new RegExp(`(?:case|person)-${index}(?!\\d)`);
    const events = new Set(
      known.traced
        .filter(({ schema, tbl, row }) => schema === busSchema && tbl !== siemTable && ours.test(String(row['key'])))
        .map(({ row }) => (row['headers'] as Record<string, string>)['ce_id']),
    );
    // A leaf's bytes say its case in hex; it is found by its event.
    this.mine = known.traced.filter(({ row }) => ours.test(JSON.stringify(row)) || events.has(String(row['event_id'])));
  }

  script(): Script {
    for (const one of this.mine.filter(({ schema, op }) => schema === busSchema && op === 'INSERT')) this.addEvent(one);
    const groups = Map.groupBy(this.mine, ({ xid }) => xid);
    for (const group of groups.values()) {
      const schema = group.find((one) => one.schema !== busSchema)?.schema;
      if (schema === undefined) continue;
      if (schema === schemaOf('audit')) this.addAudit(group);
      else this.addSteps(schema, group);
    }
    const facts: Record<string, number> = {};
    for (const { schema, tbl } of this.mine) if (tbl === 'fact') facts[schema] = (facts[schema] ?? 0) + 1;
    const note = this.known.traced.findLast(({ tbl }) => tbl === 'checkpoint')?.row['note'];
    return {
      events: this.events,
      steps: this.steps as Record<string, Record<string, Step>>,
      tables: this.known.columns,
      commandsAfter: this.numberOf('readmit.plan.proposed'),
      endsWith: this.numberOf('readmit.case.closed'),
      facts,
      note: String(note),
    };
  }

  private numberOf(type: string): number {
    const found = Object.entries(this.events).filter(([, event]) => event.type === type);
    if (found.length !== 1) throw new Error(`${found.length} events ${type} in a case`);
    return Number(found[0]?.[0]);
  }

  private id(text: string): number {
    const known = this.ids.get(text);
    if (known !== undefined) return known;
    this.ids.set(text, this.ids.size);
    return this.ids.size - 1;
  }

  private text(raw: string): Text {
    const parts: (string | number)[] = [];
    let from = 0;
    for (const match of raw.matchAll(this.pattern)) {
      if (match.index > from) parts.push(raw.slice(from, match.index));
      const [found] = match;
      parts.push(found.startsWith('case-') ? caseToken : found.startsWith('person-') ? subjectToken : this.id(found));
      from = match.index + found.length;
    }
    if (from < raw.length || parts.length === 0) parts.push(raw.slice(from));
    return parts;
  }

  private addEvent({ tbl, row }: Traced): void {
    const service = services.find((one) => tablesOfTopic(topicOf(one)).log === tbl);
    if (!service) return;
    const headers = row['headers'] as Record<string, string>;
    this.events[this.id(headers['ce_id'] ?? '')] = {
      service,
      type: headers['ce_type'] ?? '',
      key: this.text(String(row['key'])),
      headers: this.text(JSON.stringify(headers)),
      value: this.text(textOf(row['value'])),
    };
  }

  private addAudit(group: readonly Traced[]): void {
    const watch = group.some(({ tbl }) => tbl === 'case_watch');
    const whose = group.findLast(({ tbl }) => tbl === 'case_whose')?.row['whose'];
    const recorded = new Map(
      group
        .filter(({ schema, tbl }) => schema === busSchema && tbl === tablesOfTopic(topicOf('audit')).log)
        .map(({ row }) => {
          const value = JSON.parse(textOf(row['value'])) as { eventId: string };
          return [value.eventId, this.id((row['headers'] as Record<string, string>)['ce_id'] ?? '')];
        }),
    );
    const by = (column: string) => (a: Traced, b: Traced) => Number(a.row[column]) - Number(b.row[column]);
    // One case is one key and so one partition: its offsets are in the order of its leaves.
    const shown = group.filter(({ tbl }) => tbl === siemTable).sort(by('offset'));
    const leaves = group.filter(({ tbl }) => tbl === 'leaf').sort(by('index'));
    if (shown.length !== leaves.length) throw new Error(`${leaves.length} leaves are shown by ${shown.length} records`);
    for (const [at, { row }] of leaves.entries()) {
      const eventId = String(row['event_id']);
      const event = this.events[this.id(eventId)];
      const show = shown[at]?.row;
      if (!event || !show) throw new Error(`a leaf of no event: ${eventId}`);
      this.events[this.id(eventId)] = {
        ...event,
        audit: {
          entry: this.text(textOf(row['entry'])),
          headers: this.text(JSON.stringify(row['headers'])),
          recorded: recorded.get(eventId),
          shown: {
            key: this.text(String(show['key'])),
            headers: this.text(JSON.stringify(show['headers'])),
            value: this.text(textOf(show['value'])),
          },
          watch,
          // One row a case and batch, whichever leaf brings it.
          ...(at === 0 && whose !== undefined ? { whose: this.text(JSON.stringify(whose)) } : {}),
        },
      };
    }
  }

  private addSteps(schema: string, group: readonly Traced[]): void {
    const service = services.find((one) => schemaOf(one) === schema);
    const works = group.filter(({ tbl, op, row }) => tbl === 'work' && op === 'UPDATE' && row['state'] !== 'waiting');
    const facts = group.filter(({ tbl }) => tbl === 'fact');
    const isHeard = (id: unknown): boolean => this.events[this.id(String(id))]?.service !== service;
    const heard = [...new Set(facts.map(({ row }) => row['id']).filter(isHeard))].map(String);
    if (heard.length > 0 ? works.length > 0 : works.length > 1)
      throw new Error(`${schema}: more than one thing in transaction ${group[0]?.xid}`);
    const steps = (this.steps[schema] ??= {});
    const step = (name: string): Building => (steps[name] ??= { rows: [], says: [] });
    const [work] = works;
    const only =
      heard.length > 0
        ? undefined
        : work
          ? `${work.row['state'] === 'running' ? 'begin' : 'finish'} ${workName(this.rowOf(work))}`
          : `command ${service === 'intake' ? 0 : this.commands++}`;
    /** What caused it, when that was heard here; else what was heard last. */
    const caused = (cause: unknown): Building => step(only ?? `hear ${this.id(heard.find((id) => id === cause) ?? heard.at(-1) ?? '')}`);
    const places = new Map<string, Building>();
    // A transaction may write a row several times: only its last image is left.
    const last = new Map<string, Traced>();
    for (const one of group) {
      if (one.schema === busSchema) {
        const headers = one.row['headers'] as Record<string, string>;
        caused(headers['ce_causationid']).says.push(this.id(headers['ce_id'] ?? ''));
        continue;
      }
      if (one.tbl === 'fact') {
        const { id, key, cause } = one.row;
        const place = only === undefined && heard.includes(String(id)) ? step(`hear ${this.id(String(id))}`) : caused(cause);
        place.rows.push(this.rowOf(one));
        places.set(String(key), place);
        continue;
      }
      last.set(`${one.tbl} ${JSON.stringify(this.keyOf(one))}`, one);
    }
    for (const one of last.values()) {
      const origin = one.tbl === 'work' ? (one.row['origin'] as { causationId?: string }).causationId : undefined;
      const place = one.tbl === 'aggregate' ? places.get(String(one.row['key'])) : undefined;
      (place ?? caused(origin)).rows.push(this.rowOf(one));
    }
  }

  private columns({ schema, tbl }: Traced): readonly Column[] {
    const columns = this.known.columns[schema]?.[tbl];
    if (!columns) throw new Error(`no table ${schema}.${tbl}`);
    return columns;
  }

  private keyOf(one: Traced): unknown[] {
    return this.columns(one)
      .filter(({ key }) => key)
      .map(({ name }) => one.row[name]);
  }

  private rowOf(one: Traced): Row {
    return {
      table: one.tbl,
      op: one.op === 'DELETE' ? 'delete' : 'put',
      values: this.columns(one).map(({ name, type }): Value => this.valueOf(one.row[name], type, one.at)),
    };
  }

  private valueOf(value: unknown, type: string, at: Date): Value {
    if (value === null || value === undefined) return null;
    if (type === 'timestamp with time zone') return { ms: Date.parse(String(value)) - at.getTime() };
    if (type.endsWith('[]')) return this.text(`{${(value as unknown[]).map((one) => JSON.stringify(one)).join(',')}}`);
    return this.text(typeof value === 'object' || type === 'jsonb' ? JSON.stringify(value) : String(value));
  }
}
