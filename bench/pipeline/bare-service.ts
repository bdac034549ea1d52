/** A service of R0: what its bus gives it, work and people, all in one statement. */
import { topicsConsumedBy, type ServiceName } from '@readmit/contracts';
import { schemaOf } from '@readmit/store';
import pg from 'pg';
import { appendToLog } from './bare-audit.js';
import { cap, type BareBus, type HeardRecord } from './bare-bus.js';
import { KafkaWire } from './bare-kafka.js';
import { TableBus } from './bare-tables.js';
import type { Counters } from '../counters.js';
import type { Place } from './load.js';
import type { Playing } from './playing.js';
import { consequences, readId, stepsOf, topicsHeard, type Script, type Step } from './script.js';
import { sayEvent, settleSql, Writing, type Move, type Statement } from './statement.js';

/** What the service's one statement takes together. */
interface Waiting {
  readonly steps: readonly { readonly name: string; readonly n: number }[];
  readonly records: readonly HeardRecord[];
  readonly moves: readonly Move[];
  readonly picked: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class BareService {
  readonly counters: Counters = { statements: 0, commits: 0, batches: 0, messages: 0 };
  readonly service: ServiceName;
  readonly bus: BareBus;
  private readonly schema: string;
  private readonly script: Script;
  private readonly playing: Playing;
  private readonly steps: Readonly<Record<string, Step>>;
  private readonly connect: () => Promise<pg.Client>;
  private writer: pg.Client | undefined;
  private readonly waiting: Waiting[] = [];
  private readonly happened: { readonly name: string; readonly n: number }[] = [];
  private serving = false;
  private log = { size: 0 };

  constructor(playing: Playing, service: ServiceName, script: Script, { ownerUrl, kafka }: Place) {
    this.playing = playing;
    this.service = service;
    this.schema = schemaOf(service);
    this.script = script;
    this.steps = stepsOf(script, service);
    this.connect = async () => {
      const options = `-c search_path=${this.schema} -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c timezone=UTC -c max_parallel_workers_per_gather=0`;
      const client = new pg.Client({ connectionString: ownerUrl, options, application_name: `bare ${service}` });
      await client.connect();
      return client;
    };
    const { connect, counters, schema } = this;
    const { fail } = playing;
    this.bus = kafka
      ? new KafkaWire({ service, topics: topicsConsumedBy(service), connection: kafka.connections[service], fail })
      : new TableBus({ schema, topics: topicsHeard(script, service), connect, counters, fail });
  }

  async start(): Promise<void> {
    this.writer = await this.connect();
    // The product makes the days of the outbox when it opens.
    if (this.bus.saysTo === 'outbox') await this.writer.query('SELECT outbox_days()');
    await this.bus.start((records, moves) => this.take(records, moves));
  }

  /** Work or people: joins the service's next statement. */
  happens(name: string, n: number): void {
    this.happened.push({ name, n });
    this.serve();
  }

  async stop(): Promise<void> {
    await this.bus.stop();
    const confirmed = this.bus.confirmed();
    if (confirmed.length > 0) await this.writer?.query(settleSql('$1'), [confirmed]);
    await this.writer?.end();
  }

  private take(records: readonly HeardRecord[], moves: readonly Move[]) {
    const steps: { name: string; n: number }[] = [];
    if (this.service !== 'audit') {
      for (const { headers, value, key } of records) {
        const { n, k } = readId(headers['ce_id'] ?? '');
        const name = `hear ${k}`;
        if (!this.steps[name]) continue;
        const data = JSON.parse(value.toString('utf8')) as { caseId?: string };
        if (data.caseId !== undefined && data.caseId !== key) throw new Error(`a record of another case: ${key}`);
        steps.push({ name, n });
      }
    }
    this.counters.messages += records.length;
    const [picked, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.waiting.push({
      steps,
      records: this.service === 'audit' ? records : [],
      moves,
      picked: picked.resolve,
      resolve: done.resolve,
      reject: done.reject,
    });
    this.serve();
    return { picked: picked.promise, done: done.promise };
  }

  private serve(): void {
    if (this.serving) return;
    this.serving = true;
    void Promise.resolve().then(async () => {
      try {
        while (this.waiting.length > 0 || this.happened.length > 0) await this.together();
      } catch (error) {
        this.playing.fail(error);
      }
      this.serving = false;
    });
  }

  private async together(): Promise<void> {
    const group: Waiting[] = [];
    for (let taken = 0; this.waiting[0] && (taken === 0 || taken + this.waiting[0].steps.length + this.waiting[0].records.length <= cap);) {
      const one = this.waiting.shift();
      if (!one) break;
      taken += one.steps.length + one.records.length;
      group.push(one);
    }
    try {
      await this.write(group, this.happened.splice(0, cap));
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
      throw error;
    }
  }

  private async write(group: readonly Waiting[], happened: readonly { readonly name: string; readonly n: number }[]): Promise<void> {
    if (group.length > 0) this.counters.batches++;
    for (const { picked } of group) picked();
    const now = Date.now();
    const writing = new Writing(this.service, this.schema, this.script, this.bus.saysTo);
    const steps = [...group.flatMap((one) => one.steps), ...happened];
    for (const { name, n } of steps) this.play(writing, name, n, now);
    const moves = group.flatMap((one) => one.moves);
    const records = group.flatMap((one) => one.records);
    const extra = records.length > 0 ? appendToLog(this.script, writing, records, this.log) : undefined;
    // Records that mean nothing here, on a bus that keeps positions by itself: nothing to write.
    if (steps.length > 0 || records.length > 0 || moves.length > 0)
      await this.commit(writing.statement(moves, this.bus.confirmed(), extra), writing, moves.length);
    if (extra) this.log = { size: extra.size };
    for (const { name, n } of steps) this.follow(name, n);
  }

  private play(writing: Writing, name: string, n: number, now: number): void {
    const step = this.steps[name];
    if (!step) throw new Error(`this is a bug: ${this.service} has no step ${name}`);
    for (const row of step.rows) writing.put(row, n, now);
    for (const k of step.says) sayEvent(writing, this.script, k, n);
  }

  /** The statement is its own transaction: what is not as expected was written and fails the slice. */
  private async commit({ text, values }: Statement, writing: Writing, moves: number): Promise<void> {
    this.counters.statements++;
    this.counters.commits++;
    const result = await this.writer?.query<{ facts?: string; moved?: string; said?: string; batch?: string }>({
      name: nameOf(text),
      text,
      values: values as unknown[],
    });
    const row = result?.rows[0] ?? {};
    const said = writing.says.length;
    const wrong = Number(row.facts ?? 0) !== writing.facts || Number(row.moved ?? 0) !== moves || Number(row.said ?? 0) !== said;
    if (wrong)
      throw new Error(`${this.service}: ${JSON.stringify(row)} instead of ${writing.facts} facts, ${moves} moves, ${said} records`);
    if (said > 0) this.bus.said(writing.says, row.batch ?? '');
  }

  private follow(name: string, n: number): void {
    const { next, ends } = consequences(this.script, this.service, name);
    for (const one of next) this.happens(one, n);
    if (ends) this.playing.ended(n);
  }
}

const names = new Map<string, string>();
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `w${names.size}`));
  return name;
}
