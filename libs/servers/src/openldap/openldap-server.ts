/** Runs OpenLDAP on loopback: slapd as a child process with its own data folder. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inUse, leaveFolder, liveProcess, liveStarter, processMark, recordProcess, takeFolder } from '../data-folder.js';
import { freePort } from '../free-port.js';
import { openLdapPrograms, type OpenLdapPrograms } from './openldap-programs.js';

const run = promisify(execFile);
const ldif = (name: string): string => fileURLToPath(new URL(`../../../../deploy/openldap/${name}`, import.meta.url));

export interface OpenLdapOptions {
  /** Contains configuration, database and the administrator's password (mode 0600). Created from the LDIF files if absent. */
  readonly dataDir: string;
  /** Certificate and key (PEM), to listen for ldaps too. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly log?: (line: string) => void;
  /** Folder for downloaded programs. Default: `.cache` of the checkout. */
  readonly cacheDir?: string;
}

export interface OpenLdapServer {
  /** `ldap://127.0.0.1:<port>`, on loopback only. */
  readonly url: string;
  /** `ldaps://localhost:<port>`, if a certificate was given. */
  readonly secureUrl: string | undefined;
  readonly port: number;
  /** Of the running process. */
  readonly pid: number;
  readonly dataDir: string;
  /** May change all data: `cn=admin,dc=acme,dc=test`. The password is secret and also that of `cn=config`. */
  readonly admin: { readonly dn: string; readonly password: string };
  /** Applies LDIF with ldapmodify, as the administrator of the configuration (`cn=config`) or of the data. */
  modify(as: 'config' | 'data', text: string): Promise<void>;
  /** Stops it and waits; idempotent. */
  stop(): Promise<void>;
  /** SIGKILL; returns when the process has ended. */
  kill(): Promise<void>;
  /** Stops it if it runs, and starts it again with the same data and ports. */
  restart(): Promise<void>;
}

/**
 * Starts the directory in the data folder, and creates it first if there is none. Returns when it accepts connections. A slapd left behind by
 * a process that died is stopped; a folder that a live process uses is refused.
 */
export async function startOpenLdap(options: OpenLdapOptions): Promise<OpenLdapServer> {
  const log = options.log ?? (() => {});
  const dataDir = path.resolve(options.dataDir);
  const programs = await openLdapPrograms(options.cacheDir, log);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const record = path.join(dataDir, 'slapd.json');
  const starter = await liveStarter(dataDir);
  // This process may have started one there, too.
  if (starter !== undefined && (await liveProcess(record)) !== undefined) throw inUse(dataDir, starter);
  await takeFolder(dataDir);
  let slapd: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = slapd;
    slapd = undefined;
    if (!ending) return;
    if (ending.exitCode === null && ending.signalCode === null) {
      const gone = new Promise((resolve) => ending.once('exit', resolve));
      ending.kill(signal);
      const hard = setTimeout(() => ending.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(hard);
    }
    await rm(record, { force: true });
  };
  try {
    await stopLeftBehind(record, log);
    const created = await createdDirectory(dataDir, options.tls !== undefined, programs, options.tls);
    const urls = [`ldap://127.0.0.1:${created.port}/`, ...(options.tls ? [`ldaps://127.0.0.1:${created.securePort}/`] : [])];
    const start = async (): Promise<void> => {
      const child = spawn(programs.slapd, ['-d', '0', '-F', path.join(dataDir, 'conf'), '-h', urls.join(' ')], {
        env: programs.env,
        // In a separate session: Ctrl-C reaches the services first.
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      slapd = child;
      let output = '';
      child.stderr?.on('data', (bytes: Buffer) => {
        output = `${output}${bytes.toString()}`.slice(-2000);
        log(`slapd: ${bytes.toString().trimEnd()}`);
      });
      // Last resort if this process ends without `stop`.
      const onExit = (): void => void child.kill('SIGTERM');
      process.once('exit', onExit);
      const ended = new Promise<never>((_, reject) => {
        child.once('error', (error) => reject(new Error('slapd could not be started', { cause: error })));
        child.once('exit', (code) => {
          process.removeListener('exit', onExit);
          reject(new Error(`slapd ended while starting (exit code ${code}): ${output.trim()}`));
        });
      });
      ended.catch(() => undefined);
      if (child.pid !== undefined && (await processMark(child.pid)) !== undefined) await recordProcess(record, child.pid);
      await Promise.race([listening(created.port), ended]);
    };
    await start();
    return {
      url: `ldap://127.0.0.1:${created.port}`,
      secureUrl: options.tls ? `ldaps://localhost:${created.securePort}` : undefined,
      port: created.port,
      get pid() {
        return slapd?.pid ?? 0;
      },
      dataDir,
      admin: { dn: 'cn=admin,dc=acme,dc=test', password: created.password },
      modify: async (as, text) => {
        const who = as === 'config' ? 'cn=config' : 'cn=admin,dc=acme,dc=test';
        const file = path.join(dataDir, `change-${randomBytes(4).toString('hex')}.ldif`);
        await writeFile(file, text, { mode: 0o600 });
        const words = ['-x', '-H', `ldap://127.0.0.1:${created.port}`, '-D', who, '-y', path.join(dataDir, 'password'), '-f', file];
        try {
          await run(programs.ldapmodify, words, { env: programs.env });
        } finally {
          await rm(file, { force: true });
        }
      },
      stop: async () => {
        await end('SIGTERM');
        await leaveFolder(dataDir);
      },
      kill: () => end('SIGKILL'),
      restart: async () => {
        await end('SIGTERM');
        await start();
      },
    };
  } catch (error) {
    await end('SIGKILL');
    await leaveFolder(dataDir);
    throw error;
  }
}

/** Removes a data folder with its directory, and first stops a slapd that a dead process left there. Refuses while a live process uses it. */
export async function removeOpenLdap(dataDir: string, log: (line: string) => void = () => {}): Promise<void> {
  const record = path.join(dataDir, 'slapd.json');
  const starter = await liveStarter(dataDir);
  if (starter !== undefined && (await liveProcess(record)) !== undefined) throw inUse(dataDir, starter);
  await stopLeftBehind(record, log);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
}

interface Settings {
  readonly port: number;
  readonly securePort: number;
  readonly password: string;
}

/** `kept.json` is written last, so that an interrupted creation starts over. */
async function createdDirectory(
  dataDir: string,
  secure: boolean,
  programs: OpenLdapPrograms,
  tls: OpenLdapOptions['tls'],
): Promise<Settings> {
  const file = path.join(dataDir, 'kept.json');
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept !== undefined) return JSON.parse(kept) as Settings;
  for (const name of ['conf', 'db']) {
    await rm(path.join(dataDir, name), { recursive: true, force: true });
    await mkdir(path.join(dataDir, name), { mode: 0o700 });
  }
  const made: Settings = { port: await freePort(), securePort: await freePort(), password: randomBytes(18).toString('base64url') };
  const certificate = path.join(dataDir, 'certificate.pem');
  const key = path.join(dataDir, 'key.pem');
  if (secure && tls) {
    await writeFile(certificate, tls.certificate);
    await writeFile(key, tls.key, { mode: 0o600 });
  }
  await writeFile(path.join(dataDir, 'password'), made.password, { mode: 0o600 });
  const filled = (await readFile(ldif('config.ldif'), 'utf8'))
    .replaceAll('@DATA@', dataDir)
    .replaceAll('@MODULES@', programs.modules)
    .replaceAll('@SCHEMA@', programs.schema)
    .replaceAll('@PASSWORD@', made.password)
    .replace(/^@TLS@\n/m, secure ? `olcTLSCertificateFile: ${certificate}\nolcTLSCertificateKeyFile: ${key}\n` : '');
  const config = path.join(dataDir, 'config.ldif');
  await writeFile(config, filled, { mode: 0o600 });
  const conf = path.join(dataDir, 'conf');
  await run(programs.slapadd, ['-n', '0', '-F', conf, '-l', config], { env: programs.env });
  await run(programs.slapadd, ['-q', '-n', '1', '-F', conf, '-l', ldif('acme.ldif')], { env: programs.env });
  await rm(config);
  await writeFile(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

/** Polls, because the process is not a child of this one. */
async function stopLeftBehind(record: string, log: (line: string) => void): Promise<void> {
  for (let waited = 0; ; waited += 50) {
    const pid = await liveProcess(record);
    if (pid === undefined) return;
    if (waited === 0) {
      log(`stopping the slapd (process ${pid}) that a dead process left behind`);
      process.kill(pid, 'SIGTERM');
    }
    if (waited > 15_000) throw new Error(`the slapd process ${pid} that was left behind does not stop: stop it by hand`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function listening(port: number): Promise<void> {
  for (let waited = 0; ; waited += 10) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => socket.destroy());
      socket.once('connect', () => socket.end());
    });
    if (open) return;
    if (waited > 20_000) throw new Error(`slapd does not accept connections on port ${port} after 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
