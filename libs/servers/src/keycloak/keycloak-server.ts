/** Runs Keycloak as a child process on loopback, with its data in a folder that the caller chooses. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { writeWhole } from '@readmit/platform';
import { freePort } from '../free-port.js';
import { leaveFolder, recordStarted, releaseFolder, takeFolder } from '../left-behind.js';
import { keycloakProgram } from './keycloak-distribution.js';

export interface KeycloakOptions {
  /** Contains the database, the ports and the administrator's password (mode 0600), and who started it. Created if absent. */
  readonly dataDir: string;
  /** Lines of Keycloak's log, and what is downloaded or built. */
  readonly log?: (line: string) => void;
  /** Folder for the distribution. Default: `.cache` of the checkout. */
  readonly cacheDir?: string;
}

export interface KeycloakServer {
  /** `http://localhost:<port>`, the same after a restart. Not `127.0.0.1`, because browsers create passkeys only for names. */
  readonly url: string;
  /** Administrator of the realm `master`, who may do everything. Secret. */
  readonly admin: { readonly username: string; readonly password: string };
  readonly pid: number;
  /** Resolves with the exit code if it ends without `stop`. */
  readonly failed: Promise<number | null>;
  /** Stops it; idempotent. */
  stop(): Promise<void>;
}

interface Kept {
  readonly port: number;
  readonly managementPort: number;
  readonly password: string;
}

const username = 'readmit-admin';
/** The first start creates the schema: 40 s on a busy machine, two minutes on a very busy one. */
const readyWithinMs = 300_000;
const stopWithinMs = 20_000;

/**
 * Starts the Keycloak in the data folder; creates its data and downloads the program if they do not exist. Returns when it is ready. A Keycloak
 * left behind by a process that died is stopped; a folder that a live process uses is refused.
 */
export async function startKeycloak(options: KeycloakOptions): Promise<KeycloakServer> {
  const log = options.log ?? (() => {});
  const dataDir = path.resolve(options.dataDir);
  const program = await keycloakProgram(options.cacheDir, log);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await takeFolder('Keycloak', dataDir, log);
  let end: () => Promise<void> = () => Promise.resolve();
  try {
    const kept = await keptIn(dataDir);
    const url = `http://localhost:${kept.port}`;
    const child = spawn(program.java, [...program.args, ...startArguments(kept, url, dataDir)], {
      // In a separate process group: Ctrl-C reaches the services first, which stop it last.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, KC_BOOTSTRAP_ADMIN_USERNAME: username, KC_BOOTSTRAP_ADMIN_PASSWORD: kept.password },
    });
    const exited = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
      child.once('error', () => resolve(null));
    });
    let stopping = false;
    end = async () => {
      stopping = true;
      await endGroup(child, exited);
    };
    // Last resort if the process ends without `stop`, including while Keycloak starts.
    const onExit = (): void => signal(child, 'SIGTERM');
    process.once('exit', onExit);
    void exited.then(() => process.removeListener('exit', onExit));
    const last = follow(child, log);
    if (child.pid !== undefined) await recordStarted(dataDir, 'keycloak', child.pid);
    await ready(kept, exited, last);
    return {
      url,
      admin: { username, password: kept.password },
      pid: child.pid ?? 0,
      failed: new Promise((resolve) => void exited.then((code) => (stopping ? undefined : resolve(code)))),
      stop: async () => {
        await end();
        await leaveFolder(dataDir);
      },
    };
  } catch (error) {
    await end();
    await leaveFolder(dataDir);
    throw error;
  }
}

/** Removes a data folder, and first stops a Keycloak that a dead process left there. Refuses while a live process uses it. */
export async function removeKeycloak(dataDir: string, log: (line: string) => void = () => {}): Promise<void> {
  await releaseFolder('Keycloak', dataDir, log);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
}

const startArguments = ({ port, managementPort }: Kept, url: string, dataDir: string): readonly string[] => [
  ...['start', '--optimized', '--cache', 'local', '--hostname', url],
  ...['--http-enabled', 'true', '--http-host', '127.0.0.1', '--http-port', String(port)],
  // Without a host it would listen on every address.
  ...['--http-management-host', '127.0.0.1', '--http-management-port', String(managementPort)],
  ...['--db-url', `jdbc:h2:file:${path.join(dataDir, 'h2', 'keycloak')};NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE`],
  // While it starts it would log each poll.
  ...['--log-level', 'info,io.smallrye.health:error'],
];

/** Ports and password stay the same: issuer and passkeys remain valid after restarts, and only the first start sets the password. */
async function keptIn(dataDir: string): Promise<Kept> {
  const file = path.join(dataDir, 'keycloak.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) return JSON.parse(text) as Kept;
  const port = await freePort();
  let managementPort = await freePort();
  while (managementPort === port) managementPort = await freePort();
  const kept = { port, managementPort, password: randomBytes(24).toString('base64url') };
  await writeWhole(file, JSON.stringify(kept), 0o600);
  return kept;
}

/** The last lines of the log, for the error of a start that fails. */
function follow(child: ChildProcess, log: (line: string) => void): readonly string[] {
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on('line', (line) => {
        log(`keycloak: ${line}`);
        if (last.push(line) > 20) last.shift();
      });
  return last;
}

/** Polls the health check: log and port report a start seconds before anyone can sign in. */
async function ready({ managementPort }: Kept, exited: Promise<number | null>, last: readonly string[]): Promise<void> {
  let gone: { readonly code: number | null } | undefined;
  void exited.then((code) => (gone = { code }));
  for (const giveUp = Date.now() + readyWithinMs; Date.now() < giveUp; await pause(200)) {
    if (gone) throw new Error(`Keycloak ended while starting (exit code ${gone.code}):\n${last.join('\n')}`);
    const answer = await fetch(`http://127.0.0.1:${managementPort}/health/ready`, { signal: AbortSignal.timeout(5_000) }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    if (answer?.ok) return;
  }
  throw new Error(`Keycloak was not ready after ${readyWithinMs / 1000} s:\n${last.join('\n')}`);
}

async function endGroup(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) signal(child, 'SIGTERM');
  const hard = setTimeout(() => signal(child, 'SIGKILL'), stopWithinMs);
  await exited;
  clearTimeout(hard);
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
