/**
 * One Keycloak for the run, started when the first spec needs it and shared by all (libs/testing finds it by READMIT_TEST_KEYCLOAK).
 * It belongs to the main process of the run, because workers come and go.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { runTyped } from '../typed-sources.mjs';
import { isRunning } from '../is-running.mjs';

const prefix = 'readmit-keycloak-of-jest-';

/** Starts nothing until it is requested. `stop` stops what was started and removes its data. */
export async function serveKeycloak() {
  const secret = randomBytes(16).toString('hex');
  let started;
  const server = createServer((request, response) => {
    if (request.url !== `/${secret}`) {
      response.writeHead(404).end();
      return;
    }
    started ??= removeLeftovers().then(start);
    started.then(
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
      await (await started?.catch(() => undefined))?.stop();
    },
  };
}

async function start() {
  const { startKeycloak, removeKeycloak } = await keycloakServer();
  const dataDir = await mkdtemp(path.join(os.tmpdir(), `${prefix}${process.pid}-`));
  const server = await startKeycloak({ dataDir });
  return {
    answer: { url: server.url, admin: server.admin },
    stop: async () => {
      await server.stop();
      await removeKeycloak(dataDir);
    },
  };
}

const keycloakServer = () => runTyped('libs/servers/src', 'keycloak/keycloak-server.ts');

/** Folders of killed runs, by the process id in their name: a folder of a run that is just starting has no record yet. */
async function removeLeftovers() {
  const { removeKeycloak } = await keycloakServer();
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length).split('-')[0]))) continue;
    await removeKeycloak(path.join(os.tmpdir(), name)).catch((error) => {
      if (!String(error).includes('in use by process')) console.warn(`could not remove ${name}: ${error}`);
    });
  }
}
