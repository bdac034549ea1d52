/**
 * Servers of a test run that start when the first spec needs one: a Kafka for each worker (libs/testing finds it by READMIT_TEST_KAFKA) and one
 * Keycloak for all (READMIT_TEST_KEYCLOAK). They belong to the main process of the run, because workers come and go.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { runTyped } from '../typed-sources.mjs';
import { isRunning } from '../is-running.mjs';

/** A Kafka for each worker: `<url>/<worker>`. */
export const serveKafka = (services) =>
  serve({
    prefix: 'readmit-kafka-of-jest-',
    keys: /^\/\d+$/,
    load: async () => {
      const { startKafka, removeKafka } = await runTyped('libs/servers/src', 'kafka/kafka-server.ts');
      const users = services.map((service) => `readmit-${service}`);
      return {
        remove: removeKafka,
        start: async (dataDir) => {
          const server = await startKafka({ dataDir, users, settings: { 'group.min.session.timeout.ms': '200' } });
          const sasl = Object.fromEntries(['admin', ...users].map((user) => [user, server.credentials(user)]));
          return { answer: { brokers: server.brokers, sasl }, stop: () => server.stop() };
        },
      };
    },
  });

/** One Keycloak for the run: `<url>`. */
export const serveKeycloak = () =>
  serve({
    prefix: 'readmit-keycloak-of-jest-',
    keys: /^$/,
    load: async () => {
      const { startKeycloak, removeKeycloak } = await runTyped('libs/servers/src', 'keycloak/keycloak-server.ts');
      return {
        remove: removeKeycloak,
        start: async (dataDir) => {
          const server = await startKeycloak({ dataDir });
          return { answer: { url: server.url, admin: server.admin }, stop: () => server.stop() };
        },
      };
    },
  });

/**
 * Answers with how to reach the server of a key, which it starts first if necessary. `prefix`: of the names of data folders. `keys`: what may
 * follow the URL. `load`: how to start a server in a folder, and to remove that. `stop` stops what was started and removes its data.
 */
async function serve({ prefix, keys, load }) {
  const secret = randomBytes(16).toString('hex');
  const started = new Map();
  let tidy;
  const start = async () => {
    const kind = await load();
    await (tidy ??= removeLeftovers(prefix, kind.remove));
    const dataDir = await mkdtemp(path.join(os.tmpdir(), `${prefix}${process.pid}-`));
    const { answer, stop } = await kind.start(dataDir);
    return { answer, stop: () => stop().then(() => kind.remove(dataDir)) };
  };
  const server = createServer((request, response) => {
    const { url = '' } = request;
    const key = url.slice(1 + secret.length);
    if (!url.startsWith(`/${secret}`) || !keys.test(key)) {
      response.writeHead(404).end();
      return;
    }
    if (!started.has(key)) started.set(key, start());
    started.get(key).then(
      ({ answer }) => response.end(JSON.stringify(answer)),
      (error) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/${secret}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      for (const one of started.values()) await (await one.catch(() => undefined))?.stop();
    },
  };
}

/** Folders of killed runs, by the process id in their name: a folder of a run that is just starting has no record yet. */
async function removeLeftovers(prefix, remove) {
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length).split('-')[0]))) continue;
    await remove(path.join(os.tmpdir(), name)).catch((error) => {
      if (!String(error).includes('in use by process')) console.warn(`could not remove ${name}: ${error}`);
    });
  }
}
