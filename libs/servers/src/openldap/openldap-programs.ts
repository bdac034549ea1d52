/** OpenLDAP's programs: the installed ones, or Debian's packages unpacked into the cache, once. Nothing is installed into the system. */
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

/** Finds OpenLDAP 2.5 or newer on this machine or in the cache, or downloads it. Errors say what is missing and what to do. */
export async function openLdapPrograms(cacheDir: string | undefined, log: (line: string) => void): Promise<OpenLdapPrograms> {
  return (await installed()) ?? (await unpacked(cacheDir ?? path.join(checkout, '.cache'), log));
}

async function installed(): Promise<OpenLdapPrograms | undefined> {
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

/** In 2.4 ppolicy is different and needs a separate schema file. */
async function isRecent({ slapd, env }: OpenLdapPrograms): Promise<boolean> {
  // `-VV` prints the version on stderr and exits.
  const { stderr } = await run(slapd, ['-VV'], { env });
  const [, major, minor] = /slapd (\d+)\.(\d+)/.exec(stderr) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 5);
}

/** A folder with that name is complete: it gets the name last. */
async function unpacked(cacheDir: string, log: (line: string) => void): Promise<OpenLdapPrograms> {
  const folder = path.join(cacheDir, `openldap-debian-${process.arch}`);
  if (!(await isFolder(folder))) await downloadInto(folder, log);
  return programsOf(folder);
}

async function programsOf(folder: string): Promise<OpenLdapPrograms> {
  const libraries = path.join(folder, 'usr/lib');
  const triplets = (await readdir(libraries, { withFileTypes: true })).filter((one) => one.isDirectory() && one.name !== 'ldap');
  return programsIn(folder, { ...process.env, LD_LIBRARY_PATH: triplets.map(({ name }) => path.join(libraries, name)).join(':') });
}

async function downloadInto(folder: string, log: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux' || !(await exists('/usr/bin/apt-get')))
    throw new Error(`OpenLDAP is not installed and there is no apt-get to download it: ${byHand}`);
  log("downloading OpenLDAP from Debian's packages (about 3 MB, once)");
  const partial = `${folder}.${randomBytes(6).toString('hex')}`;
  const packages = path.join(partial, 'packages');
  await mkdir(packages, { recursive: true });
  try {
    await download(packages);
    for (const name of await readdir(packages)) {
      log(`unpacking ${name}`);
      await run('dpkg-deb', ['-x', path.join(packages, name), partial]);
    }
    await rm(packages, { recursive: true });
    const programs = await programsOf(partial);
    if (!(await isRecent(programs))) throw new Error(`the OpenLDAP in the packages of this system is older than 2.5: ${byHand}`);
    // Another process may have fetched it at the same time and finished first; both folders hold the same.
    await rename(partial, folder).catch(async (error: unknown) => {
      if (!(await isFolder(folder))) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** apt verifies downloads by the signed package lists of the release, so no checksum is pinned here. */
async function download(cwd: string): Promise<void> {
  const downloadAll = async (): Promise<void> => {
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
    // The C library is that of the system. Perl is only for back_perl, a module that is not loaded.
    const libraries = [...new Set(needed)].filter((name) => !/^lib(c6|crypt1|perl)/.test(name));
    await run('apt-get', ['-q', 'download', ...programs, ...libraries], { cwd });
  };
  const failed = await downloadAll().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failed === undefined) return;
  // A new machine has no package lists yet; only root may download them.
  if (process.getuid?.() === 0) {
    await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', 'update']).catch(() => undefined);
    await downloadAll().catch((error: unknown) => {
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
