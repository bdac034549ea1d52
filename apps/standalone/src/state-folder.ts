/** The folder of everything that a start keeps. */
import { access, constants, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  freePort,
  leaveFolder,
  releasePostgres,
  removeKafka,
  removeKeycloak,
  removeOpenLdap,
  removePostgres,
  takeFolder,
  whyTaken,
} from '@readmit/servers';
import { writeWhole } from '@readmit/platform';

/**
 * Takes the folder for this process, made when absent, and stops the servers that a dead one left running on it; `fresh` removes first
 * what the last start left, there and elsewhere. Returns what gives it back.
 * @throws {Error} a live process has it; then nothing was removed.
 */
export async function takeState(stateDir: string, { fresh }: { readonly fresh: boolean }): Promise<() => Promise<void>> {
  await makeFolder(stateDir);
  await takeFolder(stateDir);
  const leave = (): Promise<void> => leaveFolder(stateDir);
  const servers = ['database', 'target'].map((name) => path.join(stateDir, name));
  try {
    for (const folder of servers) await releasePostgres(folder);
    if (!fresh) return leave;
    await removeKafka(path.join(stateDir, 'kafka'));
    await removeKeycloak(path.join(stateDir, 'keycloak'));
    await removeOpenLdap(path.join(stateDir, 'openldap'));
    for (const folder of servers) await removePostgres(folder);
  } catch (error) {
    await leave();
    throw error;
  }
  await rm(stateDir, { recursive: true, force: true });
  await makeFolder(stateDir);
  await takeFolder(stateDir);
  return leave;
}

async function makeFolder(stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true });
    await access(stateDir, constants.W_OK);
  } catch (error) {
    throw new Error(`${stateDir} is not writable: choose another folder with --state`, { cause: error });
  }
}

export interface Ports {
  readonly database: number;
  readonly target: number;
  readonly demo: number;
}

/** Ports stay the same over restarts: the issuer's name holds one, and people bookmark. */
export async function keptPorts(file: string): Promise<Ports> {
  const kept = await readKept(file, 'remove it to choose other ports; everyone must then sign in again');
  if (kept !== undefined) {
    const { database, target, demo } = kept as Partial<Ports>;
    if (database !== undefined && target !== undefined && demo !== undefined) return { database, target, demo };
  }
  const ports = { database: await freePort(), target: await freePort(), demo: await freePort() };
  await writeWhole(file, JSON.stringify(ports));
  return ports;
}

/**
 * Before anything is started on them.
 * @throws {Error} something else listens on one; it says where the port comes from.
 */
export async function assertPortsFree(port: number, kept: Partial<Ports>, file: string): Promise<void> {
  if ((await whyTaken(port)) !== undefined)
    throw new Error(`port ${port} of 127.0.0.1 is in use: stop the process that listens there, or use another --port (0 for any free one)`);
  for (const [name, number] of Object.entries(kept) as readonly [keyof Ports, number][])
    if ((await whyTaken(number)) !== undefined)
      throw new Error(
        `port ${number} of 127.0.0.1, which the first start chose for the ${partOf[name]}, is in use: stop the process that listens there, or remove ${file} to choose other ports (everyone must then sign in again)`,
      );
}
const partOf: Readonly<Record<keyof Ports, string>> = {
  database: 'database',
  target: 'target PostgreSQL',
  demo: 'demo identity provider',
};

/** Positions and outboxes belong to one bus: data that was begun on one is not continued on another. */
export async function keepBus(file: string, stateDir: string, bus: 'embedded' | 'kafka'): Promise<void> {
  const kept = await readKept(file, 'remove it and start on its original bus, or use --fresh to start from scratch');
  const before = (kept as { readonly bus?: unknown } | undefined)?.bus;
  if (before !== undefined && before !== bus)
    throw new Error(
      `the data in ${stateDir} belongs to the ${before === 'kafka' ? 'Kafka' : 'embedded'} bus: use --fresh to start from scratch, or another folder with --state`,
    );
  if (before === undefined) await writeWhole(file, JSON.stringify({ bus }));
}

/** A line about how long the start took, compared to the first one in this folder, which downloads and creates what is missing. */
export async function startTimes(stateDir: string, seconds: number): Promise<string> {
  const file = path.join(stateDir, 'first-start.json');
  const kept = await readKept(file, 'remove it');
  const first = (kept as { readonly seconds?: unknown } | undefined)?.seconds;
  const now = `ready after ${seconds.toFixed(1)} s`;
  if (typeof first === 'number') return `${now}; the first start took ${first.toFixed(1)} s`;
  await writeWhole(file, JSON.stringify({ seconds }));
  return `${now}: the first start, later ones are faster`;
}

/** What the file holds; `undefined`: there is none. */
async function readKept(file: string, advice: string): Promise<object | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const kept: unknown = JSON.parse(text);
    if (typeof kept === 'object' && kept !== null) return kept;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(`${file} is empty or broken: ${advice}`);
}
