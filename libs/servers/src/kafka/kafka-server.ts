/** A real Apache Kafka: brokers as child processes, with SCRAM users and an authorizer that allows nothing by default. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { launchBroker, type BrokerProcess } from './broker-process.js';
import { clusterFolder, storedCluster, loggingFile, propertiesOf, type StoredCluster } from './kafka-format.js';
import { kafkaPrograms } from './kafka-jars.js';
import { loggingProperties, type ClusterNode } from './kafka-layout.js';
import { leaveFolder, recordStarted, releaseFolder, takeFolder } from '../left-behind.js';

export interface KafkaOptions {
  /** Has the cluster, the passwords of its users (mode 0600) and the process that started it. Created if absent. */
  readonly dataDir: string;
  /** Users that may authenticate with SCRAM-SHA-512; what they may do depends on ACLs. `admin`, who may do everything, always exists. */
  readonly users?: readonly string[];
  /** Number of nodes, each a broker and controller. Default: 1. */
  readonly nodes?: 1 | 3;
  /** Further broker properties, such as `broker.session.timeout.ms`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Receives lines of the brokers' logs, and what is fetched or created. */
  readonly log?: (line: string) => void;
  /** Where the jars are stored. Default: `.cache` of the repository. */
  readonly cacheDir?: string;
}

/** User and password for SASL; `mechanism` as named by kafkajs. */
export interface KafkaCredentials {
  readonly mechanism: 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface KafkaServer {
  /** `127.0.0.1:<port>` of each node. */
  readonly brokers: readonly string[];
  readonly dataDir: string;
  /** Process ids by node: `1`, or `1`, `2` and `3`; absent while a node is down. */
  readonly pids: ReadonlyMap<number, number>;
  /** Resolves when a node has ended unexpectedly. */
  readonly failed: Promise<{ readonly node: number; readonly code: number | null }>;
  /** The user's credentials; `admin` is the super user. Secret. */
  credentials(user: string): KafkaCredentials;
  /** Stops all nodes; idempotent. */
  stop(): Promise<void>;
  /** Kills a node, like a power failure, and resolves when its process has ended. */
  kill(node: number): Promise<void>;
  /** Stops the node if it runs, and starts it again on its data and port. */
  restart(node: number): Promise<void>;
}

/**
 * Starts the Kafka of the data folder; creates it if there is none, and fetches its programs if they are missing. Resolves when every node is
 * ready. Stops brokers that a dead process left running; refuses a folder that a live process uses.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const log = options.log ?? (() => {});
  const dataDir = path.resolve(options.dataDir);
  for (const user of options.users ?? [])
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(user))
      throw new Error(`"${user}" cannot be the name of a Kafka user: only letters, digits, dots, dashes and underscores`);
  const programs = await kafkaPrograms(options.cacheDir, log);
  await mkdir(dataDir, { recursive: true });
  await takeFolder('Kafka', dataDir, log);
  const running = new Map<number, BrokerProcess>();
  let fail: (failure: { node: number; code: number | null }) => void = () => {};
  const failed = new Promise<{ node: number; code: number | null }>((resolve) => (fail = resolve));

  const start = async (stored: StoredCluster, node: ClusterNode): Promise<void> => {
    const properties = path.join(dataDir, `node-${node.id}.properties`);
    await writeFile(properties, propertiesOf(stored, node, clusterFolder(dataDir), options.settings ?? {}), { mode: 0o600 });
    await writeFile(loggingFile(dataDir), loggingProperties);
    const broker = await launchBroker({
      id: node.id,
      programs,
      properties,
      logging: loggingFile(dataDir),
      log,
      started: (pid) => recordStarted(dataDir, `node-${node.id}`, pid),
    });
    running.set(node.id, broker);
    void broker.exited.then((code) => {
      if (running.get(node.id) !== broker) return;
      running.delete(node.id);
      fail({ node: node.id, code });
    });
  };
  /** Removed from the list first, so that it does not count as a failure. */
  const end = async (node: number, how: 'stop' | 'kill'): Promise<void> => {
    const broker = running.get(node);
    running.delete(node);
    await broker?.[how]();
  };
  const stop = async (): Promise<void> => {
    await Promise.all([...running.keys()].map((node) => end(node, 'stop')));
    await leaveFolder(dataDir);
  };

  try {
    const stored = await storedCluster({ dataDir, nodes: options.nodes ?? 1, users: options.users ?? [], programs, log });
    const nodeOf = (id: number): ClusterNode => {
      const found = stored.cluster.nodes.find((node) => node.id === id);
      if (!found) throw new Error(`there is no node ${id}: the nodes are ${stored.cluster.nodes.map((node) => node.id).join(', ')}`);
      return found;
    };
    // All at once, waiting for all: nodes that have started must be stopped if another one fails.
    const outcomes = await Promise.allSettled(stored.cluster.nodes.map((node) => start(stored, node)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return {
      brokers: stored.cluster.nodes.map((node) => `127.0.0.1:${node.clientPort}`),
      dataDir,
      get pids() {
        return new Map([...running].map(([id, broker]) => [id, broker.pid]));
      },
      failed,
      credentials: (user) => credentialsOf(stored, user),
      stop,
      kill: async (node) => end(nodeOf(node).id, 'kill'),
      restart: async (node) => {
        await end(nodeOf(node).id, 'stop');
        await start(stored, nodeOf(node));
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function credentialsOf(stored: StoredCluster, username: string): KafkaCredentials {
  const password = Object.hasOwn(stored.passwords, username) ? stored.passwords[username] : undefined;
  if (password === undefined) throw new Error(`this Kafka has no user ${username}: add it to "users" when it is created`);
  return { mechanism: 'scram-sha-512', username, password };
}

/** Removes a data folder with its cluster, and stops brokers that a dead process left running. Refuses if a live process uses it. */
export async function removeKafka(dataDir: string, log: (line: string) => void = () => {}): Promise<void> {
  await releaseFolder('Kafka', dataDir, log);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
}
