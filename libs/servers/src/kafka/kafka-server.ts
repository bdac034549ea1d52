/** An Apache Kafka of our own: real brokers as child processes, with SCRAM users and an authorizer that allows nothing by itself. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { launchBroker, type BrokerProcess } from './broker-process.js';
import { clusterFolder, keptCluster, loggingFile, propertiesOf, type KeptCluster } from './kafka-format.js';
import { kafkaPrograms } from './kafka-jars.js';
import { loggingProperties, type ClusterNode } from './kafka-layout.js';
import { leaveFolder, recordBroker, releaseFolder, takeFolder } from './left-behind.js';

export interface KafkaOptions {
  /** Holds the cluster, the passwords of its users (mode 0600) and who started it. Made when absent. */
  readonly dataDir: string;
  /** Users that may sign in with SCRAM-SHA-512 and may do nothing until an ACL says so. `admin`, who may do everything, is always there. */
  readonly users?: readonly string[];
  /** Nodes, each broker and controller. Default: 1. */
  readonly nodes?: 1 | 3;
  /** Further broker properties, such as `broker.session.timeout.ms`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of the brokers' logs, and what is fetched or made. */
  readonly log?: (line: string) => void;
  /** Where the jars are kept. Default: `.cache` of the house. */
  readonly cacheDir?: string;
}

/** A user and password for SASL; `mechanism` is the name that kafkajs has for it. */
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
  /** Resolves when a node has ended that nobody told to. */
  readonly failed: Promise<{ readonly node: number; readonly code: number | null }>;
  /** The user's credentials; `admin` is the super user. Secret. */
  credentials(user: string): KafkaCredentials;
  /** Stops all nodes; idempotent. */
  stop(): Promise<void>;
  /** Ends a node as a power cut would, and returns when its process is gone. */
  kill(node: number): Promise<void>;
  /** Stops the node if it runs, and starts it again on its data and port. */
  restart(node: number): Promise<void>;
}

/**
 * Starts the Kafka of the data folder, making it first when there is none and fetching its programs when they are not there.
 * Returns when every node is ready. Brokers left behind by a starter that died are stopped; a folder that a live process uses is refused.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const log = options.log ?? (() => {});
  const dataDir = path.resolve(options.dataDir);
  for (const user of options.users ?? [])
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(user))
      throw new Error(`"${user}" cannot name a user of Kafka: letters, digits, dots, dashes and underscores only`);
  const programs = await kafkaPrograms(options.cacheDir, log);
  await mkdir(dataDir, { recursive: true });
  await takeFolder(dataDir, log);
  const running = new Map<number, BrokerProcess>();
  let fail: (failure: { node: number; code: number | null }) => void = () => {};
  const failed = new Promise<{ node: number; code: number | null }>((resolve) => (fail = resolve));

  const start = async (kept: KeptCluster, node: ClusterNode): Promise<void> => {
    const properties = path.join(dataDir, `node-${node.id}.properties`);
    await writeFile(properties, propertiesOf(kept, node, clusterFolder(dataDir), options.settings ?? {}), { mode: 0o600 });
    await writeFile(loggingFile(dataDir), loggingProperties);
    const broker = await launchBroker({
      id: node.id,
      programs,
      properties,
      logging: loggingFile(dataDir),
      log,
      started: (pid) => recordBroker(dataDir, node.id, pid),
    });
    running.set(node.id, broker);
    void broker.exited.then((code) => {
      if (running.get(node.id) !== broker) return;
      running.delete(node.id);
      fail({ node: node.id, code });
    });
  };
  /** Taken off the list first: an end that was ordered is no failure. */
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
    const kept = await keptCluster({ dataDir, nodes: options.nodes ?? 1, users: options.users ?? [], programs, log });
    const nodeOf = (id: number): ClusterNode => {
      const found = kept.cluster.nodes.find((node) => node.id === id);
      if (!found) throw new Error(`there is no node ${id}: the nodes are ${kept.cluster.nodes.map((node) => node.id).join(', ')}`);
      return found;
    };
    // All at once, and all the outcomes: nodes that have started must be stopped when one of them could not.
    const outcomes = await Promise.allSettled(kept.cluster.nodes.map((node) => start(kept, node)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return {
      brokers: kept.cluster.nodes.map((node) => `127.0.0.1:${node.clientPort}`),
      dataDir,
      get pids() {
        return new Map([...running].map(([id, broker]) => [id, broker.pid]));
      },
      failed,
      credentials: (user) => credentialsOf(kept, user),
      stop,
      kill: async (node) => end(nodeOf(node).id, 'kill'),
      restart: async (node) => {
        await end(nodeOf(node).id, 'stop');
        await start(kept, nodeOf(node));
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function credentialsOf(kept: KeptCluster, username: string): KafkaCredentials {
  const password = Object.hasOwn(kept.passwords, username) ? kept.passwords[username] : undefined;
  if (password === undefined) throw new Error(`this Kafka has no user ${username}: name it under "users" when it is made`);
  return { mechanism: 'scram-sha-512', username, password };
}

/** Removes a data folder with its cluster, stopping brokers that a dead process left there. Refuses while a live process uses it. */
export async function removeKafka(dataDir: string, log: (line: string) => void = () => {}): Promise<void> {
  await releaseFolder(dataDir, log);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
}
