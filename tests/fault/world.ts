import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Bus } from '@readmit/bus';
import { Stage, startSystem } from '@readmit/standalone';
import { freePort } from '@readmit/servers';
import { parse } from 'yaml';
import type { World } from './recoveries.js';
import { Witness } from './witness.js';

export const workspace = path.resolve(import.meta.dirname, '../..');

/** A state folder that the database's user can access, too. */
export async function stateFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-fault-'));
  await chmod(folder, 0o755);
  return folder;
}

/** Starts the whole system with its own state folder and signs everybody in. */
export async function startWorld(options: {
  readonly processes: boolean;
  /** Additional logins of Erin at the target. */
  readonly logins: readonly string[];
  /** Additional people, each with an account at the demo's identity provider. */
  readonly people?: readonly string[];
  /** Folder of the apps; default: the built ones. */
  readonly appsDir?: string;
  readonly otlpEndpoint?: string;
  /** Default: embedded. */
  readonly bus?: Bus['kind'];
}): Promise<
  World & {
    /** Log lines of the launcher. */
    readonly lines: readonly string[];
    stop(): Promise<void>;
  }
> {
  const built = path.join(workspace, 'dist/apps');
  await access(path.join(built, 'standalone/supervised.js')).catch((error: unknown) => {
    throw new Error('there is no build: run npm run build first', { cause: error });
  });
  const stateDir = await stateFolder();
  const directoryFile = `${stateDir}.directory.json`;
  await writeFile(directoryFile, JSON.stringify(await directoryWith(options.logins, options.people ?? [])));
  const lines: string[] = [];
  const system = await startSystem({
    stateDir,
    policyFile: path.join(workspace, 'deploy/policies/default.yaml'),
    appsDir: options.appsDir ?? built,
    processes: options.processes,
    fresh: true,
    directoryFile,
    port: await freePort(),
    databaseUrl: undefined,
    ...(options.bus === 'kafka' ? { kafka: 'own' as const } : {}),
    ...(options.otlpEndpoint === undefined ? {} : { otlpEndpoint: options.otlpEndpoint }),
    log: (line) => lines.push(line),
  });
  const witness = new Witness(system);
  const stop = async (): Promise<void> => {
    await witness.close();
    await system.stop();
    await rm(stateDir, { recursive: true, force: true });
    await rm(directoryFile);
  };
  try {
    const stage = new Stage({
      origin: system.origin,
      issuer: system.demo.issuer,
      homes: path.join(stateDir, 'homes'),
      color: false,
      write: () => undefined,
    });
    for (const persona of ['boris', 'chidi', 'dana', 'erin', 'gita', 'pat']) await stage.done(persona, ['login', '--as', persona]);
    return { system, stage, witness, lines, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The demo's directory, with the logins as Erin's accounts (people only get their own accounts restored) and the people as employees. */
async function directoryWith(logins: readonly string[], people: readonly string[]): Promise<unknown> {
  const seed = parse(await readFile(path.join(workspace, 'apps/demo/src/directory.yaml'), 'utf8')) as {
    people: { id: string; human: string; name: string; contacts: unknown[]; accounts: { connector: string; object: string }[] }[];
  };
  const of = (wanted: string) => {
    const person = seed.people.find(({ id }) => id === wanted);
    if (!person) throw new Error(`${wanted} is not in the directory`);
    return person;
  };
  of('erin').accounts.push(...logins.map((object) => ({ connector: 'target-postgres', object })));
  for (const [at, id] of people.entries())
    seed.people.push({
      ...of('ada'),
      ...{ id, human: id, name: id },
      contacts: [{ kind: 'phone', value: `+44 20 7946 ${1000 + at}` }],
      accounts: [{ connector: 'demo-idp', object: id }],
    });
  return seed;
}
