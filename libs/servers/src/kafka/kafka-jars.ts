/** The jars of Apache Kafka, fetched once with Maven into a folder of the house, and the Java that runs them. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version of Apache Kafka that is fetched and run. */
export const kafkaVersion = '4.4.0';
const oldestJava = 17;
const pom = fileURLToPath(new URL('./pom.xml', import.meta.url));
const house = fileURLToPath(new URL('../../../../', import.meta.url));

export interface KafkaPrograms {
  readonly java: string;
  /** What `java -cp` gets: every jar of the folder. */
  readonly classPath: string;
}

/** Finds Java and the jars, fetching those at first. Throws with what is missing and what to do. */
export async function kafkaPrograms(cacheDir: string | undefined, log: (line: string) => void): Promise<KafkaPrograms> {
  const java = await findJava();
  return { java, classPath: path.join(await kafkaJars(cacheDir ?? path.join(house, '.cache'), log), '*') };
}

const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
const getJava = `install Java ${oldestJava} or newer (for example the package openjdk-${oldestJava}-jre-headless) or let JAVA_HOME name one, or set KAFKA_BROKERS to a Kafka of yours`;

async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = home ? path.join(home, 'bin', 'java') : 'java';
  const said = await run(java, ['-version'], { env: process.env }).catch((error: unknown) => {
    throw new Error(`Apache Kafka needs Java and "${java}" ${missing(error) ? 'is not there' : 'does not run'}: ${getJava}`, {
      cause: error,
    });
  });
  const version = /version "(?:1\.)?(\d+)/.exec(said.stderr)?.[1];
  if (version === undefined || Number(version) < oldestJava)
    throw new Error(
      `Apache Kafka ${kafkaVersion} needs Java ${oldestJava} and "${java}" is ${version ?? 'of an unknown version'}: ${getJava}`,
    );
  return java;
}

/** The name holds the pom's hash, so that a folder which is there is complete and is what this version of the code wants. */
async function kafkaJars(cacheDir: string, log: (line: string) => void): Promise<string> {
  const wanted = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 8);
  const folder = path.join(cacheDir, `kafka-${kafkaVersion}-${wanted}`);
  if (await isFolder(folder)) return folder;
  log(`fetching Apache Kafka ${kafkaVersion} with Maven (about 45 MB, once)`);
  const fetching = `${folder}.${randomBytes(6).toString('hex')}`;
  await mkdir(fetching, { recursive: true });
  try {
    await copyJars(fetching);
    // Whoever fetched at the same time and came first has won; both folders hold the same.
    await rename(fetching, folder).catch(async (error: unknown) => {
      if (!(await isFolder(folder))) throw error;
    });
  } finally {
    await rm(fetching, { recursive: true, force: true });
  }
  return folder;
}

async function copyJars(folder: string): Promise<void> {
  const args = ['--batch-mode', '--no-transfer-progress', '--quiet', '--strict-checksums', '--file', pom];
  args.push('dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`);
  await run('mvn', args, { cwd: folder, env: process.env, maxBuffer: 16 * 1024 * 1024 }).catch((error: unknown) => {
    if (missing(error))
      throw new Error(
        'the jars of Apache Kafka are fetched with Maven and "mvn" is not there: install it (for example the package maven), or set KAFKA_BROKERS to a Kafka of yours',
        { cause: error },
      );
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-8).join('\n');
    throw new Error(`Maven could not fetch the jars of Apache Kafka; check the network and try again. It said:\n${said}`, { cause: error });
  });
}

const isFolder = async (folder: string): Promise<boolean> =>
  (await stat(folder).catch((error: unknown) => {
    if (missing(error)) return undefined;
    throw error;
  })) !== undefined;
