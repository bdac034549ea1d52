import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Bus } from '@readmit/bus';
import { Stage, startSystem } from '@readmit/standalone';
import { freePort } from '@readmit/servers';
import { parse } from 'yaml';
import type { World } from './recoveries.js';
import { Witness } from './witness.js';

export const house = path.resolve(import.meta.dirname, '../..');

/** A folder that also the database's user can reach. */
export async function stateFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-fault-'));
  await chmod(folder, 0o755);
  return folder;
}

/** The whole system on a state folder of its own, with everybody signed in. */
export async function startWorld(options: {
  readonly processes: boolean;
  /** Further accounts of Erin at the target. */
  readonly logins: readonly string[];
  /** Further people, each with an account at the demo's identity provider. */
  readonly people?: readonly string[];
  /** Folder of the apps; absent: the built ones as they are. */
  readonly appsDir?: string;
  readonly otlpEndpoint?: string;
  /** Default: embedded. */
  readonly bus?: Bus['kind'];
}): Promise<
  World & {
    /** What the launcher said. */
    readonly lines: readonly string[];
    stop(): Promise<void>;
  }
> {
  const built = path.join(house, 'dist/apps');
  await access(path.join(built, 'standalone/supervised.js')).catch((error: unknown) => {
    throw new Error('the processes run what was built: run npm run build first', { cause: error });
  });
  const stateDir = await stateFolder();
  const directoryFile = `${stateDir}.directory.json`;
  await writeFile(directoryFile, JSON.stringify(await directoryWith(options.logins, options.people ?? [])));
  const lines: string[] = [];
  const system = await startSystem({
    stateDir,
    policyFile: path.join(house, 'deploy/policies/default.yaml'),
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

/** The demo's directory, in which the logins are Erin's too (nobody is given back what is not hers), and the people are employees. */
async function directoryWith(logins: readonly string[], people: readonly string[]): Promise<unknown> {
  const seed = parse(await readFile(path.join(house, 'apps/demo/src/directory.yaml'), 'utf8')) as {
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
