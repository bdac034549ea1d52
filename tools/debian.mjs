/**
 * Debian packages that some tests need: consumers of Readmit's topics by others, and reverse proxies. They are installed if possible (as root on a
 * machine with apt), otherwise the error names them. `node tools/debian.mjs` installs all.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** @type {import('./debian.d.mts').DebianProgram[]} */
export const siemReaders = [
  { package: 'kcat', finds: () => inPath('kcat') },
  { package: 'rsyslog', finds: () => inPath('rsyslogd') },
  { package: 'rsyslog-kafka', finds: () => globSync('/usr/lib/*/rsyslog/imkafka.so').length > 0 },
];
/** @type {import('./debian.d.mts').DebianProgram[]} The reverse proxy in front of the services, and other programs that the documentation uses. */
export const frontPrograms = [
  { package: 'nginx', finds: () => inPath('nginx') },
  { package: 'openssl', finds: () => inPath('openssl') },
  { package: 'curl', finds: () => inPath('curl') },
  { package: 'jq', finds: () => inPath('jq') },
];
/** @type {import('./debian.d.mts').DebianProgram[]} The browser that signs in at real login pages. */
export const browsers = [{ package: 'chromium', finds: () => inPath('chromium') }];

/** @type {import('./debian.d.mts').DebianProgram[]} Moves the clock of a server. */
export const clocks = [{ package: 'libfaketime', finds: () => globSync('/usr/lib/*/faketime/libfaketime.so.1').length > 0 }];

function inPath(name) {
  return [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return true;
    } catch {
      // Not in this folder.
      return false;
    }
  });
}

/** @param {import('./debian.d.mts').DebianProgram[]} programs @returns {string | undefined} what is missing and why it could not be installed */
export function ensureDebian(programs) {
  const missing = programs.filter((one) => !one.finds()).map((one) => one.package);
  if (missing.length === 0) return undefined;
  const byHand = `install ${missing.join(', ')} by hand: apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (!existsSync('/usr/bin/apt-get')) return `this machine has no apt-get; ${byHand}`;
  if (process.getuid?.() !== 0) return `only root may install packages; ${byHand}`;
  const install = ['-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', 'install', ...missing];
  let done = apt(install);
  // A new machine has no package lists yet.
  if (done.status !== 0 && apt(['-q', '-o', 'DPkg::Lock::Timeout=300', 'update']).status === 0) done = apt(install);
  const still = programs.filter((one) => !one.finds()).map((one) => one.package);
  if (still.length === 0) return undefined;
  return `apt-get could not install ${still.join(', ')}: ${(done.stderr ?? '').trim().split('\n').slice(-2).join(' ')}`;
}

const apt = (args) =>
  spawnSync('/usr/bin/apt-get', args, { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: 300_000 });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = [...siemReaders, ...frontPrograms, ...browsers, ...clocks];
  const reason = ensureDebian(all);
  process.stdout.write(`${reason ?? `${all.map((one) => one.package).join(', ')} are installed`}\n`);
  process.exitCode = reason === undefined ? 0 : 1;
}
