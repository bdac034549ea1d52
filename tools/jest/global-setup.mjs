/**
 * One PostgreSQL for the whole run: the server of DATABASE_URL, or an embedded one that is created here and removed at the end.
 * Specs find it through the environment (libs/testing). Plain JavaScript, because Node loads this file before swc compiles
 * anything; Node 24 strips the types of the modules in libs/servers. Kafka and Keycloak are started when a spec needs them.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { runTyped } from '../typed-sources.mjs';
import { serveKafka, serveKeycloak } from './servers-on-demand.mjs';

const prefix = 'readmit-jest-';
const services = ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit'];

export default async function globalSetup() {
  // A broker runs only for seconds here: without the optimizing compiler it needs half of the CPU time.
  process.env.JAVA_TOOL_OPTIONS = [process.env.JAVA_TOOL_OPTIONS, '-XX:TieredStopAtLevel=1'].filter(Boolean).join(' ');
  process.env.READMIT_TEST_RUN = randomBytes(4).toString('hex');
  globalThis.readmitTestKafka = await serveKafka(services);
  process.env.READMIT_TEST_KAFKA = globalThis.readmitTestKafka.url;
  globalThis.readmitTestKeycloak = await serveKeycloak();
  process.env.READMIT_TEST_KEYCLOAK = globalThis.readmitTestKeycloak.url;
  if (process.env.DATABASE_URL) {
    const { host } = new URL(process.env.DATABASE_URL);
    process.env.READMIT_TEST_OWNER_URL = process.env.DATABASE_URL;
    // Roles belong to the cluster: all runs on it must use the same passwords.
    const mark = createHash('sha256').update(`${os.userInfo().uid} ${host}`).digest('hex').slice(0, 12);
    process.env.READMIT_TEST_SECRETS = path.join(os.tmpdir(), `readmit-test-secrets-${mark}`);
    await mkdir(process.env.READMIT_TEST_SECRETS, { recursive: true, mode: 0o700 });
    return;
  }
  const { startPostgres, removePostgres } = await runTyped('libs/servers/src', 'postgres/postgres-server.ts');
  await removeLeftovers(removePostgres);
  const folder = await mkdtemp(path.join(os.tmpdir(), prefix));
  const server = await startPostgres({ dataDir: folder, durable: false });
  process.env.READMIT_TEST_OWNER_URL = server.url;
  process.env.READMIT_TEST_SECRETS = path.join(server.dataDir, 'secrets');
  globalThis.readmitTestPostgres = {
    stop: async () => {
      await server.stop();
      await removePostgres(folder);
    },
  };
}

/** Killed runs leave a server and a folder behind. A folder that is still being set up has no record of its process yet: it is left for an hour. */
async function removeLeftovers(removePostgres) {
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const folder = path.join(os.tmpdir(), name);
    const known = await stat(path.join(folder, 'started-by.json')).catch(() => undefined);
    const age = Date.now() - ((await stat(folder).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (!known && age < 3_600_000) continue;
    await removePostgres(folder).catch((error) => {
      if (!String(error).includes('in use by process')) console.warn(`could not remove ${folder}: ${error}`);
    });
  }
}
