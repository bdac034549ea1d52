/** For root, the server runs as another user. If that user cannot reach the data folder or the programs, another place is used. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Paths of the two programs, next to each other in a folder `bin`. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** PostgreSQL refuses to run as root, so it runs as the system user `postgres`, which is created if absent. */
export async function serverAccount(): Promise<Account | undefined> {
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
        'PostgreSQL does not run as root and the user postgres could not be created: create it, run as another user, or set DATABASE_URL',
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

export interface Reach {
  readonly account: Account | undefined;
  readonly log: (line: string) => void;
  readonly fallbackDir: string;
}

export const defaultFallback = '/var/lib/readmit';
export const elsewhere = (fallbackDir: string, wanted: string, what: string): string =>
  path.join(fallbackDir, `${what}-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`);

export async function reachableFolder(wanted: string, { account, log, fallbackDir }: Reach): Promise<string> {
  await mkdir(wanted, { recursive: true, mode: 0o755 });
  if (!account) return wanted;
  const folder = elsewhere(fallbackDir, wanted, 'postgres');
  const holdsData = (place: string): Promise<boolean> =>
    stat(path.join(place, 'cluster')).then(
      () => true,
      () => false,
    );
  // Existing data stays where it is, even if permissions have changed since: a new, empty cluster would not match the existing keys and
  // offsets.
  const open = await reaches(path.dirname(wanted), account);
  if (open && ((await holdsData(wanted)) || !(await holdsData(folder)))) {
    if (!(await reaches(wanted, account))) await chmod(wanted, 0o711);
    return wanted;
  }
  if (await holdsData(wanted))
    throw new Error(`the user postgres can no longer reach the data in ${wanted}: make its parent folders accessible (chmod o+x)`);
  log(
    open
      ? `the data of ${wanted} is in ${folder}, because the user postgres could not reach ${wanted} when it was created: to move it, stop the server and move the content of ${folder} to ${wanted}`
      : `the data of ${wanted} is in ${folder}: the user postgres cannot access the parent folders of ${wanted} (chmod o+x makes them accessible)`,
  );
  await makeOpen(fallbackDir);
  await makeOpen(folder);
  return folder;
}

/** Creates a folder that others can pass through, whatever the umask and its current mode. */
async function makeOpen(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await chmod(folder, ((await stat(folder)).mode & 0o777) | 0o711);
}

/** If the server's user cannot execute the programs because of a parent folder's mode, they are copied next to the data. */
export async function reachableBinaries(found: PostgresBinaries, { account, log, fallbackDir }: Reach): Promise<PostgresBinaries> {
  if (!account || (await reaches(found.postgres, account))) return { initdb: found.initdb, postgres: found.postgres };
  const native = path.resolve(found.postgres, '..', '..');
  const copy = elsewhere(fallbackDir, native, 'binaries');
  const complete = path.join(copy, '.complete');
  if (!(await stat(complete).catch(() => undefined))) {
    log(`the user postgres cannot reach ${native}: the programs are copied to ${copy}`);
    await makeOpen(fallbackDir);
    const building = `${copy}.${process.pid}`;
    await cp(native, building, { recursive: true, verbatimSymlinks: true });
    await openToAll(building);
    await writeFile(path.join(building, '.complete'), '');
    await rename(building, copy).catch(async (error: unknown) => {
      await rm(building, { recursive: true, force: true });
      if (!(await stat(complete).catch(() => undefined))) throw error;
    });
  }
  return { initdb: path.join(copy, 'bin', path.basename(found.initdb)), postgres: path.join(copy, 'bin', path.basename(found.postgres)) };
}

/** Programs that were installed with a restrictive umask can only be read by their owner. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const at = path.join(entry.parentPath, entry.name);
    const { mode } = await stat(at);
    await chmod(at, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}
