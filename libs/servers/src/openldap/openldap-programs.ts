/** OpenLDAP's programs: those of the machine, or Debian's packages unpacked into the cache, once. Nothing is installed into the system. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../../../../', import.meta.url));
const byHand = 'install the packages slapd and ldap-utils by hand (OpenLDAP 2.5 or newer)';

export interface OpenLdapPrograms {
  readonly slapd: string;
  readonly slapadd: string;
  readonly ldapmodify: string;
  /** `olcModulePath`: the folder of back_mdb and the overlays. */
  readonly modules: string;
  /** The folder of core.ldif. */
  readonly schema: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Finds OpenLDAP 2.5 or newer on this machine, else in the cache, else fetches it. Throws with what is missing and what to do. */
export async function openLdapPrograms(cacheDir: string | undefined, log: (line: string) => void): Promise<OpenLdapPrograms> {
  return (await ofMachine()) ?? (await unpacked(cacheDir ?? path.join(checkout, '.cache'), log));
}

async function ofMachine(): Promise<OpenLdapPrograms | undefined> {
  const found = programsIn('/', process.env);
  for (const file of [found.slapd, found.slapadd, found.ldapmodify]) if (!(await exists(file, constants.X_OK))) return undefined;
  for (const file of [path.join(found.schema, 'core.ldif'), found.modules]) if (!(await exists(file))) return undefined;
  return (await isRecent(found)) ? found : undefined;
}

const programsIn = (root: string, env: NodeJS.ProcessEnv): OpenLdapPrograms => ({
  slapd: path.join(root, 'usr/sbin/slapd'),
  slapadd: path.join(root, 'usr/sbin/slapadd'),
  ldapmodify: path.join(root, 'usr/bin/ldapmodify'),
  modules: path.join(root, 'usr/lib/ldap'),
  schema: path.join(root, 'etc/ldap/schema'),
  env,
});

const exists = (file: string, mode?: number): Promise<boolean> =>
  access(file, mode).then(
    () => true,
    () => false,
  );

/** 2.4 has another ppolicy, which needs a schema file of its own. */
async function isRecent({ slapd, env }: OpenLdapPrograms): Promise<boolean> {
  // `-VV` prints the version on stderr and ends.
  const { stderr } = await run(slapd, ['-VV'], { env });
  const [, major, minor] = /slapd (\d+)\.(\d+)/.exec(stderr) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 5);
}

/** A folder of that name is complete: it is renamed to it at the end. */
async function unpacked(cacheDir: string, log: (line: string) => void): Promise<OpenLdapPrograms> {
  const folder = path.join(cacheDir, `openldap-debian-${process.arch}`);
  if (!(await isFolder(folder))) await fetchInto(folder, log);
  return programsOf(folder);
}

async function programsOf(folder: string): Promise<OpenLdapPrograms> {
  const libraries = path.join(folder, 'usr/lib');
  const triplets = (await readdir(libraries, { withFileTypes: true })).filter((one) => one.isDirectory() && one.name !== 'ldap');
  return programsIn(folder, { ...process.env, LD_LIBRARY_PATH: triplets.map(({ name }) => path.join(libraries, name)).join(':') });
}

async function fetchInto(folder: string, log: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux' || !(await exists('/usr/bin/apt-get')))
    throw new Error(`OpenLDAP is not on this machine and there is no apt-get to fetch it: ${byHand}`);
  log("fetching OpenLDAP from Debian's packages (about 3 MB, once)");
  const fetching = `${folder}.${randomBytes(6).toString('hex')}`;
  const packages = path.join(fetching, 'packages');
  await mkdir(packages, { recursive: true });
  try {
    await download(packages);
    for (const name of await readdir(packages)) {
      log(`unpacking ${name}`);
      await run('dpkg-deb', ['-x', path.join(packages, name), fetching]);
    }
    await rm(packages, { recursive: true });
    const programs = await programsOf(fetching);
    if (!(await isRecent(programs))) throw new Error(`Debian's packages here hold an OpenLDAP before 2.5: ${byHand}`);
    // Another process may have fetched it at the same time and finished first; both folders hold the same.
    await rename(fetching, folder).catch(async (error: unknown) => {
      if (!(await isFolder(folder))) throw error;
    });
  } finally {
    await rm(fetching, { recursive: true, force: true });
  }
}

/** apt verifies what it downloads by the signed lists of the release, so no checksum is pinned here. */
async function download(cwd: string): Promise<void> {
  const fetchAll = async (): Promise<void> => {
    const programs = ['slapd', 'ldap-utils'];
    const { stdout } = await run('apt-cache', [
      'depends',
      '--no-recommends',
      '--no-suggests',
      '--no-conflicts',
      '--no-breaks',
      ...programs,
    ]);
    const needed = [...stdout.matchAll(/^ *\|?Depends: (lib[\w.+-]+)$/gm)].flatMap(([, name = '']) => name);
    // The C library is the machine's. Perl is for back_perl alone, a module that is not loaded.
    const libraries = [...new Set(needed)].filter((name) => !/^lib(c6|crypt1|perl)/.test(name));
    await run('apt-get', ['-q', 'download', ...programs, ...libraries], { cwd });
  };
  const failed = await fetchAll().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failed === undefined) return;
  // A fresh machine has no lists of packages yet; only root may fetch them.
  if (process.getuid?.() === 0) {
    await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', 'update']).catch(() => undefined);
    await fetchAll().catch((error: unknown) => {
      throw new Error(`apt-get could not download OpenLDAP; check the network and try again, or ${byHand}. ${lastLines(error)}`, {
        cause: error,
      });
    });
    return;
  }
  throw new Error(`apt-get could not download OpenLDAP; run "apt-get update" as root and try again, or ${byHand}. ${lastLines(failed)}`, {
    cause: failed,
  });
}

const lastLines = (error: unknown): string => ((error as { readonly stderr?: string }).stderr ?? '').trim().split('\n').slice(-3).join(' ');

const isFolder = (folder: string): Promise<boolean> =>
  stat(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
