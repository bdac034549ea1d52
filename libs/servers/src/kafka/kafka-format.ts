/** Creates the cluster of a data folder, once: ids, ports, passwords, and the formatted storage of its nodes with the users. */
import { freePort } from '../free-port.js';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { KafkaPrograms } from './kafka-jars.js';
import {
  adminUser,
  brokerUser,
  controllerUser,
  loggingProperties,
  nodeProperties,
  type Cluster,
  type ClusterNode,
} from './kafka-layout.js';

const run = promisify(execFile);

/** The content of a data folder. `passwords` is secret: by user, with broker, controller and admin. */
export interface StoredCluster {
  readonly cluster: Cluster;
  readonly passwords: Readonly<Record<string, string>>;
}

export const clusterFolder = (dataDir: string): string => path.join(dataDir, 'cluster');
export const logDirOf = (folder: string, node: ClusterNode): string => path.join(folder, `node-${node.id}`);
export const loggingFile = (dataDir: string): string => path.join(dataDir, 'log4j2.properties');

interface Wanted {
  readonly dataDir: string;
  readonly nodes: 1 | 3;
  readonly users: readonly string[];
  readonly programs: KafkaPrograms;
  readonly log: (line: string) => void;
}

/** The cluster in the data folder, created if there is none. Renamed into place only when complete: an interrupted start begins again. */
export async function storedCluster(wanted: Wanted): Promise<StoredCluster> {
  const { dataDir, nodes, users } = wanted;
  const stored = await readStored(dataDir);
  if (!stored) return makeCluster(wanted);
  const fresh = 'remove it to start with an empty Kafka, or choose another data folder';
  if (stored.cluster.nodes.length !== nodes)
    throw new Error(`the Kafka in ${dataDir} has ${stored.cluster.nodes.length} node(s), not ${nodes}: ${fresh}`);
  const absent = users.filter((user) => !Object.hasOwn(stored.passwords, user));
  // Users are created when the storage is formatted; no Node client can add one later.
  if (absent.length > 0) throw new Error(`the Kafka in ${dataDir} was created without the user(s) ${absent.join(', ')}: ${fresh}`);
  return stored;
}

async function readStored(dataDir: string): Promise<StoredCluster | undefined> {
  const file = path.join(clusterFolder(dataDir), 'cluster.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as StoredCluster;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`the Kafka of the data folder cannot be read (${file}): restore the file or choose another data folder`, {
      cause: error,
    });
  }
}

async function makeCluster({ dataDir, nodes, users, programs, log }: Wanted): Promise<StoredCluster> {
  const ports = await freePorts(nodes * 2);
  const cluster: Cluster = {
    clusterId: kafkaUuid(),
    nodes: Array.from({ length: nodes }, (_, at) => ({
      id: at + 1,
      directoryId: kafkaUuid(),
      clientPort: ports[at * 2] ?? 0,
      controllerPort: ports[at * 2 + 1] ?? 0,
    })),
  };
  const allUsers = new Set([brokerUser, controllerUser, adminUser, ...users]);
  const passwords = Object.fromEntries([...allUsers].map((user) => [user, randomBytes(24).toString('base64url')]));
  const building = `${clusterFolder(dataDir)}.new`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { mode: 0o700 });
  await writeFile(loggingFile(dataDir), loggingProperties);
  const stored = { cluster, passwords };
  await Promise.all(cluster.nodes.map((node) => format(building, stored, node, programs, loggingFile(dataDir))));
  await writeFile(path.join(building, 'cluster.json'), JSON.stringify(stored), { mode: 0o600 });
  await rename(building, clusterFolder(dataDir));
  log(`created a Kafka with ${nodes} node(s) in ${dataDir}`);
  return stored;
}

async function format(
  folder: string,
  stored: StoredCluster,
  node: ClusterNode,
  { java, classPath }: KafkaPrograms,
  logging: string,
): Promise<void> {
  const { cluster, passwords } = stored;
  const properties = path.join(folder, `format-${node.id}.properties`);
  const args = path.join(folder, `format-${node.id}.args`);
  await writeFile(properties, propertiesOf(stored, node, folder, {}), { mode: 0o600 });
  const controllers = cluster.nodes.map((one) => `${one.id}@127.0.0.1:${one.controllerPort}:${one.directoryId}`);
  const users = Object.entries(passwords).filter(([user]) => user !== controllerUser);
  const words = [
    ...['-cp', classPath, `-Dlog4j2.configurationFile=${logging}`, 'kafka.tools.StorageTool'],
    ...['format', '-t', cluster.clusterId, '-c', properties, '--initial-controllers', controllers.join(',')],
    ...users.flatMap(([name, password]) => ['--add-scram', `SCRAM-SHA-512=[name=${name},password=${password}]`]),
  ];
  // Not as arguments, which every user of the machine can see: Java reads them from a file.
  await writeFile(args, words.map((word) => `"${word.replaceAll('\\', '\\\\')}"\n`).join(''), { mode: 0o600 });
  try {
    await run(java, [`@${args}`], { env: process.env });
  } catch (error) {
    // The tool prints salts and keys of the users, and the error of execFile has that output.
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string };
    const reason =
      /^\S*(?:Exception|Error)[^\n]*|^[^\n]*(?:not formatted|already formatted)[^\n]*/m.exec(stderr ?? '')?.[0] ?? 'no reason was given';
    throw new Error(`Kafka could not format its storage in ${folder} (exit code ${String(code)}): ${withoutSecrets(reason, passwords)}`);
  } finally {
    await rm(properties, { force: true });
    await rm(args, { force: true });
  }
}

/** The configuration of a node with its storage in the folder. Secret. */
export function propertiesOf(stored: StoredCluster, node: ClusterNode, folder: string, settings: Readonly<Record<string, string>>): string {
  return nodeProperties({
    cluster: stored.cluster,
    node,
    logDir: logDirOf(folder, node),
    brokerPassword: stored.passwords[brokerUser] ?? '',
    controllerPassword: stored.passwords[controllerUser] ?? '',
    settings,
  });
}

const withoutSecrets = (text: string, passwords: Readonly<Record<string, string>>): string =>
  Object.values(passwords).reduce((rest, password) => rest.replaceAll(password, '[secret]'), text);

/** Kafka's ids are base64url of 16 bytes; a leading dash would be parsed as an option. */
function kafkaUuid(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? kafkaUuid() : id;
}

async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  return [...found];
}
