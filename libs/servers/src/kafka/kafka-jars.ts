/** The jars of Apache Kafka, fetched once with Maven into the cache of the repository. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findJava, isFolder, maven } from '../java.js';

/** The version of Apache Kafka that is fetched and started. */
export const kafkaVersion = '4.4.0';
const oldestJava = 17;
const pom = fileURLToPath(new URL('./pom.xml', import.meta.url));
const root = fileURLToPath(new URL('../../../../', import.meta.url));

export interface KafkaPrograms {
  readonly java: string;
  /** For `java -cp`: every jar of the folder. */
  readonly classPath: string;
}

/** Finds Java and the jars, which are fetched on first use. Throws with what is missing and what to do. */
export async function kafkaPrograms(cacheDir: string | undefined, log: (line: string) => void): Promise<KafkaPrograms> {
  const java = await findJava(`Apache Kafka ${kafkaVersion}`, oldestJava, getJava);
  return { java, classPath: path.join(await kafkaJars(cacheDir ?? path.join(root, '.cache'), log), '*') };
}

const getJava = `install Java ${oldestJava} or newer (for example the package openjdk-${oldestJava}-jre-headless) or set JAVA_HOME, or set KAFKA_BROKERS to use your own Kafka`;

/** The name has the pom's hash and the folder is renamed into place when complete, so that an existing one has exactly these jars. */
async function kafkaJars(cacheDir: string, log: (line: string) => void): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 8);
  const folder = path.join(cacheDir, `kafka-${kafkaVersion}-${hash}`);
  if (await isFolder(folder)) return folder;
  log(`fetching Apache Kafka ${kafkaVersion} with Maven (about 45 MB, once)`);
  const fetching = `${folder}.${randomBytes(6).toString('hex')}`;
  await mkdir(fetching, { recursive: true });
  try {
    await copyJars(fetching);
    // If another process was faster, its folder is used; both have the same content.
    await rename(fetching, folder).catch(async (error: unknown) => {
      if (!(await isFolder(folder))) throw error;
    });
  } finally {
    await rm(fetching, { recursive: true, force: true });
  }
  return folder;
}

async function copyJars(folder: string): Promise<void> {
  const args = ['--file', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`];
  await maven(args, { cwd: folder, what: 'the jars of Apache Kafka', instead: 'set KAFKA_BROKERS to use your own Kafka' });
}
