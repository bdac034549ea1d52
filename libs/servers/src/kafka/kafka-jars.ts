/** The jars of Apache Kafka, fetched once with Maven into the cache of the repository, and the Java that runs them. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

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
  const java = await findJava();
  return { java, classPath: path.join(await kafkaJars(cacheDir ?? path.join(root, '.cache'), log), '*') };
}

const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
const getJava = `install Java ${oldestJava} or newer (for example the package openjdk-${oldestJava}-jre-headless) or set JAVA_HOME, or set KAFKA_BROKERS to use your own Kafka`;

async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = home ? path.join(home, 'bin', 'java') : 'java';
  const output = await run(java, ['-version'], { env: process.env }).catch((error: unknown) => {
    throw new Error(`Apache Kafka needs Java and "${java}" ${missing(error) ? 'was not found' : 'does not run'}: ${getJava}`, {
      cause: error,
    });
  });
  const version = /version "(?:1\.)?(\d+)/.exec(output.stderr)?.[1];
  if (version === undefined || Number(version) < oldestJava)
    throw new Error(`Apache Kafka ${kafkaVersion} needs Java ${oldestJava} and "${java}" has version ${version ?? 'unknown'}: ${getJava}`);
  return java;
}

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
  const args = ['--batch-mode', '--no-transfer-progress', '--quiet', '--strict-checksums', '--file', pom];
  args.push('dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`);
  await run('mvn', args, { cwd: folder, env: process.env, maxBuffer: 16 * 1024 * 1024 }).catch((error: unknown) => {
    if (missing(error))
      throw new Error(
        'the jars of Apache Kafka are fetched with Maven and "mvn" was not found: install it (for example the package maven), or set KAFKA_BROKERS to use your own Kafka',
        { cause: error },
      );
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    const output = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-8).join('\n');
    throw new Error(`Maven could not fetch the jars of Apache Kafka; check the network and try again. Its output:\n${output}`, {
      cause: error,
    });
  });
}

const isFolder = async (folder: string): Promise<boolean> =>
  (await stat(folder).catch((error: unknown) => {
    if (missing(error)) return undefined;
    throw error;
  })) !== undefined;
