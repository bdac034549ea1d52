/** A service of R0: its fetching loops and its one statement. */
import { services, topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import pg from 'pg';
import { appendToLog } from './bare-audit.js';
import type { Counters } from './load.js';
import { readId, worksAsked, type Script, type Step } from './script.js';
import { sayEvent, Writing, type Move, type Statement } from './statement.js';

const cap = 500;
const pollMs = 250;

export interface LogRow {
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
  readonly next_offset: string;
}
/** What the service's one statement takes together. */
interface Waiting {
  readonly steps: readonly { readonly name: string; readonly n: number; readonly value?: Buffer }[];
  readonly records: readonly LogRow[];
  readonly moves: readonly Move[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Who is told what became of cases. */
export interface Told {
  ended(n: number): void;
  fail(error: unknown): void;
}

export class BareService {
  readonly counters: Counters = { statements: 0, commits: 0, batches: 0, messages: 0 };
  readonly service: ServiceName;
  private readonly schema: string;
  private readonly script: Script;
  private readonly told: Told;
  private readonly steps: Readonly<Record<string, Step>>;
  private readonly readers: pg.Client[] = [];
  private writer: pg.Client | undefined;
  private stopping = false;
  private readonly bells = new Map<string, () => void>();
  private readonly hinted = new Set<string>();
  private readonly fetching: Promise<void>[] = [];
  private waiting: Waiting[] = [];
  private happened: { readonly name: string; readonly n: number }[] = [];
  private serving = false;
  private log = { size: 0 };

  constructor(told: Told, service: ServiceName, script: Script) {
    this.told = told;
    this.service = service;
    this.schema = schemaOf(service);
    this.script = script;
    this.steps = script.steps[this.schema] ?? {};
  }

  /** Topics of the producers that it hears something of, by the trace. */
  private topics(): readonly ServiceName[] {
    if (this.service === 'audit') return services.filter((one) => one !== 'audit');
    const heard = Object.keys(this.steps).flatMap((name) =>
      name.startsWith('hear ') ? [this.script.events[Number(name.slice(5))]?.service] : [],
    );
    return services.filter((one) => heard.includes(one));
  }

  async start(url: string): Promise<void> {
    const options = `-c search_path=${this.schema} -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c timezone=UTC -c max_parallel_workers_per_gather=0`;
    const connect = async (): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: url, options, application_name: `bare ${this.service}` });
      await client.connect();
      return client;
    };
    this.writer = await connect();
    for (const producer of this.topics()) {
      await this.writer.query('INSERT INTO position (group_name, topic, partition) SELECT $1, $2, p FROM generate_series(0, 3) p', [
        this.schema,
        topicOf(producer),
      ]);
    }
    for (const producer of this.topics()) {
      const reader = await connect();
      this.readers.push(reader);
      this.fetching.push(this.fetchLoop(reader, topicOf(producer)));
    }
  }

  hint(topic: string): void {
    this.hinted.add(topic);
    this.bells.get(topic)?.();
  }

  /** Work or people: joins the service's next statement. */
  happens(name: string, n: number): void {
    this.happened.push({ name, n });
    this.serve();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const ring of this.bells.values()) ring();
    await Promise.all(this.fetching);
    for (const reader of this.readers) await reader.end();
    await this.writer?.end();
  }

  private async fetchLoop(reader: pg.Client, topic: string): Promise<void> {
    const { log } = tablesOfTopic(topic);
    const text = `SELECT p.next_offset, r.partition, r."offset", r.key, r.headers, r.value
      FROM (SELECT partition, next_offset FROM position WHERE group_name = '${this.schema}' AND topic = '${topic}' ORDER BY partition) p
      CROSS JOIN LATERAL (SELECT partition, "offset", key, headers, value FROM ${busSchema}.${log}
        WHERE partition = p.partition AND "offset" >= p.next_offset ORDER BY "offset" LIMIT ${cap}) r LIMIT ${cap}`;
    const name = `fetch_${log}`;
    try {
      while (!this.stopping) {
        this.hinted.delete(topic);
        this.counters.statements++;
        const rows = (await reader.query<LogRow>({ name, text })).rows;
        if (rows.length > 0) await this.take(topic, rows);
        else if (!this.hinted.has(topic)) await this.rest(topic);
      }
    } catch (error) {
      this.told.fail(error);
    }
  }

  private async rest(topic: string): Promise<void> {
    if (this.stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      this.bells.set(topic, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.bells.delete(topic);
  }

  private take(topic: string, records: readonly LogRow[]): Promise<void> {
    const moves = new Map<number, Move>();
    for (const { partition, offset, next_offset } of records)
      moves.set(partition, { topic, partition, from: next_offset, to: String(Number(offset) + 1) });
    const steps: { name: string; n: number; value: Buffer }[] = [];
    if (this.service !== 'audit') {
      for (const { headers, value, key } of records) {
        const { n, k } = readId(headers['ce_id'] ?? '');
        const name = `hear ${k}`;
        if (!this.steps[name]) continue;
        const data = JSON.parse(value.toString('utf8')) as { caseId?: string };
        if (data.caseId !== undefined && data.caseId !== key) throw new Error(`a record of another case: ${key}`);
        steps.push({ name, n, value });
      }
    }
    this.counters.batches++;
    this.counters.messages += records.length;
    return new Promise((resolve, reject) => {
      this.waiting.push({ steps, records: this.service === 'audit' ? records : [], moves: [...moves.values()], resolve, reject });
      this.serve();
    });
  }

  private serve(): void {
    if (this.serving) return;
    this.serving = true;
    void Promise.resolve().then(async () => {
      try {
        while (this.waiting.length > 0 || this.happened.length > 0) await this.together();
      } catch (error) {
        this.told.fail(error);
      }
      this.serving = false;
    });
  }

  private async together(): Promise<void> {
    const group: Waiting[] = [];
    for (let taken = 0; this.waiting[0] && (taken === 0 || taken + this.waiting[0].steps.length <= cap);) {
      const one = this.waiting.shift();
      if (!one) break;
      taken += one.steps.length + one.records.length;
      group.push(one);
    }
    const happened = this.happened.splice(0, cap);
    try {
      const now = Date.now();
      const writing = new Writing(this.service, this.schema, this.script);
      const steps = [...group.flatMap((one) => one.steps), ...happened];
      for (const { name, n } of steps) this.write(writing, name, n, now);
      const moves = group.flatMap((one) => one.moves);
      const records = group.flatMap((one) => one.records);
      const extra = records.length > 0 ? appendToLog(this.script, writing, records, this.log) : undefined;
      await this.commit(writing.statement(moves, extra), writing, moves.length);
      if (extra) this.log = { size: extra.size };
      for (const { name, n } of steps) this.follow(name, n);
      for (const one of group) one.resolve();
    } catch (error) {
      for (const one of group) one.reject(error);
      throw error;
    }
  }

  private write(writing: Writing, name: string, n: number, now: number): void {
    const step = this.steps[name];
    if (!step) throw new Error(`this is a bug: ${this.service} has no step ${name}`);
    for (const row of step.rows) writing.put(row, n, now);
    for (const k of step.says) sayEvent(writing, this.script, k, n);
  }

  /** The statement is its own transaction: what is not as expected was written and fails the slice. */
  private async commit({ text, values }: Statement, writing: Writing, moves: number): Promise<void> {
    this.counters.statements++;
    this.counters.commits++;
    const result = await this.writer?.query<{ facts?: string; moved?: string; said?: string }>({
      name: nameOf(text),
      text,
      values: values as unknown[],
    });
    const row = result?.rows[0] ?? {};
    const wrong = Number(row.facts ?? 0) !== writing.facts || Number(row.moved ?? 0) !== moves || Number(row.said ?? 0) !== writing.said;
    if (wrong)
      throw new Error(`${this.service}: ${JSON.stringify(row)} instead of ${writing.facts} facts, ${moves} moves, ${writing.said} records`);
  }

  /** What comes of it: work is called at once, people act at once. */
  private follow(name: string, n: number): void {
    const step = this.steps[name];
    if (!step) return;
    for (const work of worksAsked(step, this.script.tables[this.schema]?.['work'])) this.happens(`begin ${work}`, n);
    if (name.startsWith('begin ')) this.happens(`finish ${name.slice('begin '.length)}`, n);
    if (this.service === 'approval') {
      if (name === `hear ${this.script.commandsAfter}`) this.happens('command 0', n);
      const command = /^command (\d)$/.exec(name);
      const next = command ? `command ${Number(command[1]) + 1}` : '';
      if (this.steps[next]) this.happens(next, n);
    }
    if (step.says.includes(this.script.endsWith)) this.told.ended(n);
  }
}

const names = new Map<string, string>();
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `w${names.size}`));
  return name;
}
