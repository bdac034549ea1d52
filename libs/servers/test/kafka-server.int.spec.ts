/** The real Apache Kafka that libs/servers starts: created once, with authentication; survives a crash of its starter and of a node. */
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { removeKafka, startKafka, type KafkaCredentials, type KafkaServer } from '../src/index.js';

// Each test creates a cluster and starts it more than once: seconds on an idle machine, much longer on a busy one.
jest.setTimeout(240_000);

const folders: string[] = [];
const running: KafkaServer[] = [];
async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'readmit-kafka-'));
  folders.push(made);
  return made;
}
async function start(options: Parameters<typeof startKafka>[0]): Promise<KafkaServer> {
  const server = await startKafka(options);
  running.push(server);
  return server;
}
afterAll(async () => {
  for (const server of running) await server.stop();
  for (const made of folders) await rm(made, { recursive: true, force: true });
});

async function asked<T>(server: KafkaServer, sasl: KafkaCredentials, question: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = new Kafka({ clientId: 'test', brokers: [...server.brokers], sasl, logLevel: logLevel.NOTHING, retry: { retries: 10 } });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await question(admin);
  } finally {
    await admin.disconnect();
  }
}
const topicsSeenBy = (server: KafkaServer, user: string): Promise<string[]> =>
  asked(server, server.credentials(user), (admin) => admin.listTopics());

describe('an Apache Kafka', () => {
  it('has the same topics, users and ports after a restart, and leaves no process and no secret in readable files', async () => {
    const dataDir = await folder();
    const said: string[] = [];
    const first = await start({ dataDir, users: ['readmit-intake'], log: (line) => said.push(line) });
    await asked(first, first.credentials('admin'), (admin) => admin.createTopics({ topics: [{ topic: 'kept.v1', numPartitions: 2 }] }));
    const { password } = first.credentials('readmit-intake');
    const [pid] = first.pids.values();
    await first.stop();
    await first.stop();
    expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');

    const second = await start({ dataDir, users: ['readmit-intake'], log: (line) => said.push(line) });
    expect(second.brokers).toEqual(first.brokers);
    expect(second.credentials('readmit-intake').password).toBe(password);
    expect(await topicsSeenBy(second, 'admin')).toEqual(['kept.v1']);
    for (const file of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const name = path.join(file.parentPath, file.name);
      if ((await readFile(name)).includes(second.credentials('admin').password)) expect((await stat(name)).mode & 0o077).toBe(0);
    }
    expect(said.join('\n')).not.toContain(password);
    await second.stop();
  });

  it('authenticates users by password, and allows only the super user what no ACL allows', async () => {
    const server = await start({ dataDir: await folder(), users: ['readmit-intake'] });
    const wrong = { ...server.credentials('readmit-intake'), password: 'wrong' };
    await expect(asked(server, wrong, (admin) => admin.listTopics())).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' });
    const make = (user: string): Promise<boolean> =>
      asked(server, server.credentials(user), (admin) => admin.createTopics({ topics: [{ topic: 'made.v1' }] }));
    await expect(make('readmit-intake')).rejects.toMatchObject({ errors: [{ type: 'TOPIC_AUTHORIZATION_FAILED' }] });
    expect(await make('admin')).toBe(true);
    expect(await topicsSeenBy(server, 'readmit-intake')).toEqual([]);
    expect(await topicsSeenBy(server, 'admin')).toEqual(['made.v1']);
    expect(() => server.credentials('nobody')).toThrow('this Kafka has no user nobody');
    await server.stop();
  });

  it('refuses a folder that a live process uses, another number of nodes, and a user it was created without', async () => {
    const dataDir = await folder();
    const server = await start({ dataDir });
    await expect(startKafka({ dataDir })).rejects.toThrow(`in use by process ${process.pid}`);
    await expect(removeKafka(dataDir)).rejects.toThrow(`in use by process ${process.pid}`);
    await server.stop();
    await expect(startKafka({ dataDir, nodes: 3 })).rejects.toThrow('has 1 node(s), not 3: remove it to start with an empty Kafka');
    await expect(startKafka({ dataDir, users: ['late'] })).rejects.toThrow('was created without the user(s) late: remove it');
    await expect(startKafka({ dataDir, users: ['a"b'] })).rejects.toThrow('"a"b" cannot be the name of a Kafka user');
    await removeKafka(dataDir);
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('removes a folder with records of its starter and a broker that a power failure corrupted', async () => {
    for (const left of ['', '{"pid":1']) {
      const dataDir = await folder();
      await mkdir(path.join(dataDir, 'running'));
      for (const file of ['started-by.json', 'running/node-1.json']) await writeFile(path.join(dataDir, file), left);
      await removeKafka(dataDir);
      await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });

  it('stops the broker of a killed starter, and continues with its data', async () => {
    const dataDir = await folder();
    const script = path.join(await folder(), 'starter.mjs');
    await writeFile(script, starterScript(dataDir));
    const starter = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(starter.stdout, 'data')) as [Buffer];
    const orphan = Number(String(line));
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    expect(() => process.kill(orphan, 0)).not.toThrow();

    const said: string[] = [];
    const server = await start({ dataDir, log: (text) => said.push(text) });
    expect(said).toContain(`stopping the Kafka (process ${orphan}) that a dead process left in ${dataDir}`);
    expect(() => process.kill(orphan, 0)).toThrow('ESRCH');
    expect(await topicsSeenBy(server, 'admin')).toEqual([]);
    await server.stop();
  });

  it('reports a node that ends by itself, and restarts a killed one with its data', async () => {
    const server = await start({ dataDir: await folder() });
    await asked(server, server.credentials('admin'), (admin) => admin.createTopics({ topics: [{ topic: 'kept.v1' }] }));
    await server.kill(1);
    expect(server.pids.size).toBe(0);
    await server.restart(1);
    expect(await topicsSeenBy(server, 'admin')).toEqual(['kept.v1']);
    await expect(server.kill(2)).rejects.toThrow('there is no node 2');
    const pid = server.pids.get(1) ?? 0;
    process.kill(pid, 'SIGKILL');
    expect(await server.failed).toEqual({ node: 1, code: null });
    await server.stop();
  });

  it('reports what to install if Java or Maven is missing', async () => {
    const { PATH, JAVA_HOME } = process.env;
    const dataDir = await folder();
    try {
      process.env['JAVA_HOME'] = '/nowhere';
      await expect(startKafka({ dataDir })).rejects.toThrow('"/nowhere/bin/java" was not found: install Java 17 or newer');
      delete process.env['JAVA_HOME'];
      const java = (await promisify(execFile)('which', ['java'])).stdout.trim();
      const bin = await folder();
      await promisify(execFile)('ln', ['-s', java, path.join(bin, 'java')]);
      process.env['PATH'] = bin;
      await expect(startKafka({ dataDir, cacheDir: await folder() })).rejects.toThrow('"mvn" was not found: install it');
    } finally {
      process.env['PATH'] = PATH;
      if (JAVA_HOME === undefined) delete process.env['JAVA_HOME'];
      else process.env['JAVA_HOME'] = JAVA_HOME;
    }
  });
});

describe('an Apache Kafka with three nodes', () => {
  it('continues when one node is killed, and takes it back', async () => {
    const settings = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
    const server = await start({ dataDir: await folder(), nodes: 3, settings });
    const topics = [{ topic: 'spread.v1', numPartitions: 3, replicationFactor: 3 }];
    const admin = server.credentials('admin');
    const leaders = async (): Promise<number[]> => {
      try {
        const { topics: described } = await asked(server, admin, (one) => one.fetchTopicMetadata({ topics: ['spread.v1'] }));
        return (described[0]?.partitions ?? []).map((partition) => partition.leader);
      } catch (error) {
        // The response of a node that does not know the topic yet.
        if ((error as { type?: unknown }).type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
        return [];
      }
    };
    await asked(server, admin, (one) => one.createTopics({ topics, waitForLeaders: false }));
    await until(async () => (await leaders()).length === 3);
    await server.kill(1);
    await until(async () => {
      const now = await leaders();
      return now.length === 3 && now.every((leader) => leader === 2 || leader === 3);
    });
    await server.restart(1);
    expect((await asked(server, admin, (one) => one.describeCluster())).brokers).toHaveLength(3);
    await server.stop();
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 40_000; !(await holds());) if (Date.now() > end) throw new Error('timed out');
}

/** Runs the sources in a plain Node, without the test runner between the starter and its broker. */
const starterScript = (dataDir: string): string => `
import { runTyped } from ${JSON.stringify(new URL('../../../tools/typed-sources.mjs', import.meta.url).href)};
const { startKafka } = await runTyped('libs/servers/src', 'kafka/kafka-server.ts');
const server = await startKafka({ dataDir: ${JSON.stringify(dataDir)} });
console.log(server.pids.get(1));
setInterval(() => {}, 1000);
`;
