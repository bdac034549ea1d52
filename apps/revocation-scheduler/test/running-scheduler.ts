/** The scheduler's engine on its own database, and facts inserted as if they had been received long ago. */
import { createEngine, type Engine } from '@readmit/runtime';
import { EmbeddedBus } from '@readmit/bus';
import { KeyRing, makeServiceKeys, Signer } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';
import { topicOf, writeEnvelope, type Draft } from '@readmit/contracts';
import { busSchema, tablesOfTopic, type Store } from '@readmit/store';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import pg from 'pg';
import { schedulerDefinition } from '../src/scheduler.definition.js';

export const keys = makeServiceKeys(new Date(Date.now() - 60_000));
const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

type SchedulerDatabase = Pick<TestDatabase, 'ownerUrl' | 'store' | 'drop'>;

export class RunningScheduler {
  private constructor(
    readonly database: SchedulerDatabase,
    readonly store: Store,
    readonly engine: Engine,
    private readonly bus: EmbeddedBus,
    private readonly owner: pg.Client,
  ) {}

  /** Not started: it accepts commands, and consumes nothing until `engine.start()`. */
  static async open(database?: SchedulerDatabase): Promise<RunningScheduler> {
    database ??= await testDatabase();
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    const store = await database.store('revocation-scheduler');
    const bus = await EmbeddedBus.open({ service: 'revocation-scheduler', store });
    const signer = new Signer(keys.keys['revocation-scheduler']);
    const ring = new KeyRing(keys.list);
    const engine = createEngine({ definition: schedulerDefinition, store, bus, signer, ring, environment: 'test', log });
    return new RunningScheduler(database, store, engine, bus, owner);
  }

  async close(): Promise<void> {
    await this.engine.stop();
    await this.bus.close();
    await this.owner.end();
    await this.database.drop();
  }

  /** Publishes events of intake and waits until the engine has consumed them. */
  async receive(...drafts: readonly Draft[]): Promise<void> {
    const store = await this.database.store('intake');
    const intake = await EmbeddedBus.open({ service: 'intake', store });
    const ids = drafts.map(() => uuidv7());
    const records = drafts.map(({ type, key, data }, index) => ({
      topic: topicOf('intake'),
      key,
      headers: writeEnvelope({
        id: ids[index] ?? '',
        environment: 'test',
        service: 'intake',
        type,
        time: new Date().toISOString(),
        subject: key,
        version: '1',
        correlationId: key,
      }),
      value: Buffer.from(JSON.stringify(data)),
    }));
    const signed = new Signer(keys.keys.intake).sign('test', records);
    await store.transaction((tx) => intake.write(tx, signed));
    await this.engine.start();
    const received = 'SELECT count(*)::int AS n FROM revocation_scheduler.fact WHERE id = ANY ($1)';
    await until(async () => (await this.owner.query<{ n: number }>(received, [ids])).rows[0]?.n === ids.length, {
      what: 'the scheduler has received the events of intake',
    });
    await this.engine.stop();
    await intake.close();
    await store.close();
  }

  /** Events on its topic, in the order in which they were written. */
  async emitted(): Promise<readonly object[]> {
    const log = `${busSchema}.${tablesOfTopic(topicOf('revocation-scheduler')).log}`;
    const { rows } = await this.owner.query<{ value: Buffer }>(`SELECT value FROM ${log} ORDER BY written_at`);
    return rows.map(({ value }) => JSON.parse(value.toString()) as object);
  }

  /** Inserts facts of the case with this time, and a wake that is due now. */
  async insert(caseId: string, at: string, facts: readonly (readonly [type: string, data: object])[]): Promise<void> {
    await this.owner.query(
      `INSERT INTO revocation_scheduler.aggregate (key, version, wake_at) VALUES ($1, $2, clock_timestamp())
       ON CONFLICT (key) DO UPDATE SET version = aggregate.version + excluded.version, wake_at = excluded.wake_at`,
      [caseId, facts.length],
    );
    for (const [type, data] of facts)
      await this.owner.query('INSERT INTO revocation_scheduler.fact (key, id, type, at, data) VALUES ($1, $2, $3, $4, $5)', [
        caseId,
        uuidv7(),
        type,
        at,
        data,
      ]);
  }
}
