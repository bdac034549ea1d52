/**
 * `npm run start:kafka -- --once` runs the tour on a real Kafka with six processes: on one that it starts, where every service has its own user,
 * and on existing brokers, whose topics `readmit setup --kafka` created.
 */
import { KafkaTopics, type TopicRecord } from '@readmit/bus';
import { removeKafka, startKafka, type KafkaServer } from '@readmit/servers';
import { auditOcsfTopic, partitionsPerTopic } from '@readmit/contracts';
import { ocsfFaults } from '@readmit/testing';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newStateDir, processesOf, program, runToEnd, shell, type Ran } from './installation.js';

const env = (more: Readonly<Record<string, string>> = {}): Record<string, string> =>
  shell({ ...(process.env['JAVA_HOME'] ? { JAVA_HOME: process.env['JAVA_HOME'] } : {}), ...more });
const tour = (stateDir: string, kafka: Readonly<Record<string, string>> = {}, ...more: string[]): Promise<Ran> =>
  runToEnd(program('standalone'), ['--kafka', '--once', '--port', '0', '--state', stateDir, ...more], env(kafka));
const failedIn = ({ stdout }: Ran): readonly string[] => stdout.split('\n').filter((line) => /^ {2}FAIL /.test(line));
const heldIn = ({ stdout }: Ran): readonly string[] => stdout.split('\n').filter((line) => /^ {2}ok {3}/.test(line));

describe('on its own Kafka', () => {
  let state: Awaited<ReturnType<typeof newStateDir>>;
  beforeAll(async () => {
    state = await newStateDir();
  });
  afterAll(() => state.remove());

  it('holds every check with six processes, the broker refuses what the catalogue does not allow, and no process is left behind', async () => {
    const ran = await tour(state.dir);
    expect([failedIn(ran), ran.code, ran.stderr]).toEqual([[], 0, '']);
    expect(ran.stdout).toContain('six processes');
    expect(ran.stdout).toMatch(/^(\d+) of \1 checks held/m);
    expect(heldIn(ran).length).toBeGreaterThanOrEqual(39);
    expect(ran.stdout).toContain('denied: intake’s user of Kafka writes into approval’s topic (TOPIC_AUTHORIZATION_FAILED)');
    expect(await processesOf(state.dir)).toEqual([]);
  }, 240_000);

  it('R7.4 a SIEM reads every entry of the log and its checkpoints, each valid in the published schema; intake’s user may not', async () => {
    const entries = (await readFile(path.join(state.dir, 'exports/log.ndjson'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { index?: number; headers?: Record<string, string> })
      .filter((row) => row.index !== undefined);
    // Whatever the tour does at the targets is what its cases were for: the sweep raises nothing of it.
    expect(entries.map(({ headers = {} }) => headers['ce_type'])).not.toContain('readmit.finding.raised');
    const server = await startKafka({ dataDir: path.join(state.dir, 'kafka') });
    const readAll = async (user: string): Promise<readonly TopicRecord[]> => {
      const topics = new KafkaTopics({ brokers: server.brokers, sasl: server.credentials(user) }, user);
      try {
        const partitions = Array.from({ length: partitionsPerTopic }, (_, partition) => topics.read(auditOcsfTopic, partition, 0n, 1_000));
        return (await Promise.all(partitions)).flat();
      } finally {
        await topics.close();
      }
    };
    try {
      const shown = (await readAll('siem-soc')).map(({ value }) => JSON.parse(value.toString('utf8')) as { metadata: { uid: string } });
      expect(shown.flatMap(ocsfFaults)).toEqual([]);
      const uids = new Set(shown.map(({ metadata }) => metadata.uid));
      const unseen = entries.filter(({ headers = {} }) => !uids.has(headers['ce_id'] ?? ''));
      expect([...new Set(unseen.map(({ headers = {} }) => headers['ce_type']))]).toEqual([]);
      expect(entries.length).toBeGreaterThan(100);
      await expect(readAll('readmit-intake')).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' });
    } finally {
      await server.stop();
    }
  });

  it('is not continued on the embedded bus', async () => {
    const ran = await runToEnd(program('standalone'), ['--once', '--port', '0', '--state', state.dir], env());
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      `the data in ${state.dir} belongs to the Kafka bus: use --fresh to start from scratch, or another folder with --state`,
    );
    expect(await processesOf(state.dir)).toEqual([]);
  });
});

describe('on existing brokers', () => {
  let folder: string;
  let server: KafkaServer;
  let variables: Readonly<Record<string, string>>;
  let state: Awaited<ReturnType<typeof newStateDir>>;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-kafka-journey-'));
    server = await startKafka({ dataDir: path.join(folder, 'kafka') });
    state = await newStateDir();
    const file = path.join(folder, 'admin.password');
    const { mechanism, username, password } = server.credentials('admin');
    await writeFile(file, password, { mode: 0o600 });
    variables = {
      KAFKA_BROKERS: server.brokers.join(','),
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: username,
      KAFKA_SASL_PASSWORD_FILE: file,
    };
  }, 240_000);
  afterAll(async () => {
    await server?.stop();
    await removeKafka(path.join(folder, 'kafka'));
    await rm(folder, { recursive: true, force: true });
    await state.remove();
  });

  it('prints which topic is missing; readmit setup --kafka creates them and then has nothing to do; the tour holds', async () => {
    const without = await tour(state.dir, variables);
    expect(without.code).toBe(1);
    expect(without.stderr).toContain('UNKNOWN_TOPIC_OR_PARTITION');
    expect(without.stderr).toContain('readmit setup --kafka');
    expect(await processesOf(state.dir)).toEqual([]);

    const setUp = (...more: string[]): Promise<Ran> =>
      runToEnd(
        program('cli'),
        ['setup', '--kafka', '--provider', 'demo-idp', '--replication', '1', '--min-in-sync', '1', ...more],
        env({ ...variables, READMIT_HOME: folder }),
      );
    const would = await setUp();
    expect([would.code, would.stderr]).toEqual([0, '']);
    expect(would.stdout).toContain('create topic readmit.signals.demo-idp.v1: 4 partitions, replication factor 1');
    expect(would.stdout).toContain('Repeat with --apply');
    const done = await setUp('--apply');
    expect([done.code, done.stdout.split('\n')[0]]).toEqual([0, 'Done:']);
    expect((await setUp()).stdout).toContain('All topics and ACLs already exist.');

    const ran = await tour(state.dir, variables, '--fresh');
    expect([failedIn(ran), ran.code, ran.stderr]).toEqual([[], 0, '']);
    expect(ran.stdout).toContain('Not shown on these brokers');
    expect(heldIn(ran).length).toBeGreaterThanOrEqual(38);
    expect(await processesOf(state.dir)).toEqual([]);
  }, 300_000);
});
