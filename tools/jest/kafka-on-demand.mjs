/**
 * A Kafka for each worker of the run that needs one, started on demand and shared by its specs (libs/testing finds it by
 * READMIT_TEST_KAFKA). It belongs to the main process of the run, because workers come and go.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { runTyped } from '../typed-sources.mjs';
import { isRunning } from '../is-running.mjs';

const prefix = 'readmit-kafka-of-jest-';

/** Starts nothing until it is requested. `stop` stops what was started and removes its data. */
export async function serveKafka(services) {
  const secret = randomBytes(16).toString('hex');
  const started = new Map();
  let tidy;
  const server = createServer((request, response) => {
    const [, given, worker] = (request.url ?? '').split('/');
    if (given !== secret || !/^\d+$/.test(worker ?? '')) {
      response.writeHead(404).end();
      return;
    }
    if (!started.has(worker))
      started.set(
        worker,
        (tidy ??= removeLeftovers()).then(() => start(services)),
      );
    started.get(worker).then(
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
      for (const kafka of started.values()) await (await kafka.catch(() => undefined))?.stop();
    },
  };
}

async function start(services) {
  const { startKafka, removeKafka } = await kafkaServer();
  const dataDir = await mkdtemp(path.join(os.tmpdir(), `${prefix}${process.pid}-`));
  const users = services.map((service) => `readmit-${service}`);
  const server = await startKafka({ dataDir, users, settings: { 'group.min.session.timeout.ms': '200' } });
  const sasl = Object.fromEntries(['admin', ...users].map((user) => [user, server.credentials(user)]));
  return {
    answer: { brokers: server.brokers, sasl },
    stop: async () => {
      await server.stop();
      await removeKafka(dataDir);
    },
  };
}

const kafkaServer = () => runTyped('libs/servers/src', 'kafka/kafka-server.ts');

/** Folders of killed runs, by the process id in their name: a folder of a run that is just starting has no record yet. */
async function removeLeftovers() {
  const { removeKafka } = await kafkaServer();
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length).split('-')[0]))) continue;
    await removeKafka(path.join(os.tmpdir(), name)).catch((error) => {
      if (!String(error).includes('in use by process')) console.warn(`could not remove ${name}: ${error}`);
    });
  }
}
