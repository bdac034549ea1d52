/** The distribution of Keycloak, downloaded and built once in the cache of the checkout, and the Java that runs it. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findJava, isFolder, maven } from '../java.js';

const run = promisify(execFile);

/** The version of Keycloak that is downloaded and run. */
export const keycloakVersion = '26.7.5';
const sha256 = '30ef87fb7101c43d29688d1ae80c0588ff4a151b3330e9f664bf9692d398658a';
const oldestJava = 17;
const artifact = `org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`;
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const checkout = fileURLToPath(new URL('../../../../', import.meta.url));

/** Build options. With other options at the start Keycloak would build itself again. `scim-api` and the rotation are preview features. */
const buildOptions = ['--db', 'dev-file', '--health-enabled', 'true', '--features', 'scim-api,client-secret-rotation'];

export interface KeycloakProgram {
  readonly java: string;
  /** Arguments of `java` before those of Keycloak itself. */
  readonly args: readonly string[];
}

/** Finds Java and the distribution, which is downloaded and built the first time. Errors say what is missing and what to do. */
export async function keycloakProgram(cacheDir: string | undefined, log: (line: string) => void): Promise<KeycloakProgram> {
  const java = await findJava(
    `Keycloak ${keycloakVersion}`,
    oldestJava,
    `install Java ${oldestJava} or newer (for example the package openjdk-${oldestJava}-jre-headless) or let JAVA_HOME name one`,
  );
  return { java, args: javaArguments(await distribution(java, cacheDir ?? path.join(checkout, '.cache'), log)) };
}

/** The arguments of bin/kc.sh, with another garbage collector and less memory. Without the script there is one process, whose id is known. */
const javaArguments = (folder: string): readonly string[] => [
  ...['-XX:+UseSerialGC', '-Xms64m', '-Xmx320m', '-XX:MaxMetaspaceSize=256m', '-XX:+ExitOnOutOfMemoryError'],
  ...['java.util', 'java.util.concurrent', 'java.security', 'java.lang'].map((one) => `--add-opens=java.base/${one}=ALL-UNNAMED`),
  ...['--enable-native-access=ALL-UNNAMED', '-Dfile.encoding=UTF-8', '-Duser.language=en', '-Duser.country=US'],
  '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
  ...['-Djava.util.logging.manager=org.jboss.logmanager.LogManager', '-Dpicocli.disable.closures=true'],
  ...[`-Dkc.home.dir=${folder}`, `-Djboss.server.config.dir=${path.join(folder, 'conf')}`],
  ...['-cp', path.join(folder, 'lib', 'quarkus-run.jar'), 'io.quarkus.bootstrap.runner.QuarkusEntryPoint'],
];

/** The folder's name depends on what was downloaded and how it was built, and is given last: an existing folder is complete and up to date. */
async function distribution(java: string, cacheDir: string, log: (line: string) => void): Promise<string> {
  const wanted = createHash('sha256')
    .update([sha256, ...buildOptions].join(' '))
    .digest('hex')
    .slice(0, 8);
  const folder = path.join(cacheDir, `keycloak-${keycloakVersion}-${wanted}`);
  if (await isFolder(folder)) return folder;
  const partial = `${folder}.${randomBytes(6).toString('hex')}`;
  await mkdir(partial, { recursive: true });
  try {
    log(`downloading Keycloak ${keycloakVersion} with Maven (about 175 MB, once)`);
    const fetched = { cwd: partial, what: `Keycloak ${keycloakVersion}`, instead: 'use your own Keycloak' };
    await maven([`${plugin}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${partial}`], fetched);
    const zip = path.join(partial, `keycloak-quarkus-dist-${keycloakVersion}.zip`);
    await mustBeGenuine(zip);
    await maven([`${plugin}:unpack`, `-Dartifact=${artifact}`, `-DoutputDirectory=${partial}`], fetched);
    await rm(zip);
    log('building Keycloak for fast starts (about half a minute, once)');
    const unpacked = path.join(partial, `keycloak-${keycloakVersion}`);
    await run(java, [...javaArguments(unpacked), 'build', ...buildOptions], { env: process.env, maxBuffer: 16 * 1024 * 1024 });
    // Another process may have created it at the same time and finished first; both folders are the same.
    await rename(unpacked, folder).catch(async (error: unknown) => {
      if (!(await isFolder(folder))) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

async function mustBeGenuine(zip: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(zip), hash);
  const found = hash.digest('hex');
  if (found !== sha256)
    throw new Error(`the downloaded Keycloak ${keycloakVersion} has SHA-256 ${found} instead of ${sha256}: do not use it`);
}
