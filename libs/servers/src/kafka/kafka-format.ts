/** Makes the cluster of a data folder, once: identities, ports, passwords, and the storage of its nodes with the users in it. */
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

/** What a data folder holds. `passwords` is secret: by user, with broker, controller and admin. */
export interface KeptCluster {
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

/** The cluster that the data folder holds; made when there is none. It gets its name only when complete: an interrupted start begins anew. */
export async function keptCluster(wanted: Wanted): Promise<KeptCluster> {
  const { dataDir, nodes, users } = wanted;
  const kept = await readKept(dataDir);
  if (!kept) return makeCluster(wanted);
  const fresh = 'remove it to begin with an empty Kafka, or choose another data folder';
  if (kept.cluster.nodes.length !== nodes)
    throw new Error(`the Kafka in ${dataDir} has ${kept.cluster.nodes.length} node(s), not ${nodes}: ${fresh}`);
  const absent = users.filter((user) => !Object.hasOwn(kept.passwords, user));
  // Users are written when the storage is formatted; no client of Node can add one later.
  if (absent.length > 0) throw new Error(`the Kafka in ${dataDir} was made without the user(s) ${absent.join(', ')}: ${fresh}`);
  return kept;
}

async function readKept(dataDir: string): Promise<KeptCluster | undefined> {
  const file = path.join(clusterFolder(dataDir), 'cluster.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as KeptCluster;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`the Kafka of the data folder cannot be read (${file}): restore the file or begin with another data folder`, {
      cause: error,
    });
  }
}

async function makeCluster({ dataDir, nodes, users, programs, log }: Wanted): Promise<KeptCluster> {
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
  const everybody = new Set([brokerUser, controllerUser, adminUser, ...users]);
  const passwords = Object.fromEntries([...everybody].map((user) => [user, randomBytes(24).toString('base64url')]));
  const building = `${clusterFolder(dataDir)}.new`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { mode: 0o700 });
  await writeFile(loggingFile(dataDir), loggingProperties);
  const kept = { cluster, passwords };
  await Promise.all(cluster.nodes.map((node) => format(building, kept, node, programs, loggingFile(dataDir))));
  await writeFile(path.join(building, 'cluster.json'), JSON.stringify(kept), { mode: 0o600 });
  await rename(building, clusterFolder(dataDir));
  log(`made a Kafka of ${nodes} node(s) in ${dataDir}`);
  return kept;
}

async function format(
  folder: string,
  kept: KeptCluster,
  node: ClusterNode,
  { java, classPath }: KafkaPrograms,
  logging: string,
): Promise<void> {
  const { cluster, passwords } = kept;
  const properties = path.join(folder, `format-${node.id}.properties`);
  const args = path.join(folder, `format-${node.id}.args`);
  await writeFile(properties, propertiesOf(kept, node, folder, {}), { mode: 0o600 });
  const controllers = cluster.nodes.map((one) => `${one.id}@127.0.0.1:${one.controllerPort}:${one.directoryId}`);
  const users = Object.entries(passwords).filter(([user]) => user !== controllerUser);
  const words = [
    ...['-cp', classPath, `-Dlog4j2.configurationFile=${logging}`, 'kafka.tools.StorageTool'],
    ...['format', '-t', cluster.clusterId, '-c', properties, '--initial-controllers', controllers.join(',')],
    ...users.flatMap(([name, password]) => ['--add-scram', `SCRAM-SHA-512=[name=${name},password=${password}]`]),
  ];
  // Every user of the machine sees the arguments of a process; Java reads them from a file as well.
  await writeFile(args, words.map((word) => `"${word.replaceAll('\\', '\\\\')}"\n`).join(''), { mode: 0o600 });
  try {
    await run(java, [`@${args}`], { env: process.env });
  } catch (error) {
    // What the tool prints holds salts and keys of the users, and the error of execFile what it printed.
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string };
    const reason =
      /^\S*(?:Exception|Error)[^\n]*|^[^\n]*(?:not formatted|already formatted)[^\n]*/m.exec(stderr ?? '')?.[0] ?? 'it did not say why';
    throw new Error(`Kafka could not format its storage in ${folder} (exit code ${String(code)}): ${withoutSecrets(reason, passwords)}`);
  } finally {
    await rm(properties, { force: true });
    await rm(args, { force: true });
  }
}

/** The configuration of a node whose storage is in the folder. Secret. */
export function propertiesOf(kept: KeptCluster, node: ClusterNode, folder: string, settings: Readonly<Record<string, string>>): string {
  return nodeProperties({
    cluster: kept.cluster,
    node,
    logDir: logDirOf(folder, node),
    brokerPassword: kept.passwords[brokerUser] ?? '',
    controllerPassword: kept.passwords[controllerUser] ?? '',
    settings,
  });
}

const withoutSecrets = (text: string, passwords: Readonly<Record<string, string>>): string =>
  Object.values(passwords).reduce((rest, password) => rest.replaceAll(password, '[secret]'), text);

/** Kafka writes its ids as base64url of 16 bytes; a leading dash would be taken for an option. */
function kafkaUuid(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? kafkaUuid() : id;
}

async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  return [...found];
}
