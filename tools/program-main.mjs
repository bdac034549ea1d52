#!/usr/bin/env node
/**
 * The first file of every program: the build puts it at `dist/apps/<app>/main.js`. It loads nothing before it has asked for the Node that the
 * rest needs, because an older one may not even be able to read that. Written for any Node.
 */
const needs = 24;
if (Number(process.versions.node.split('.')[0]) >= needs) {
  // URLs alone say how PostgreSQL is reached. The driver would also obey what a shell holds for other tools; a password may come so.
  for (const name of Object.keys(process.env))
    if (name === 'NODE_PG_FORCE_NATIVE' || (/^PG[A-Z]/.test(name) && name !== 'PGPASSWORD' && name !== 'PGPASSFILE'))
      delete process.env[name];
  // With NODE_USE_ENV_PROXY requests go through a proxy: those to this machine itself never do.
  const noProxy = 'no_proxy' in process.env ? 'no_proxy' : 'NO_PROXY';
  process.env[noProxy] = [process.env[noProxy], 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(',');
  await import('./main.checked.js');
} else {
  process.stderr.write(`Readmit needs Node ${needs} or newer; this is Node ${process.versions.node} (${process.execPath}).\n`);
  // EX_CONFIG, as for everything else that is wrong with what a program was started with.
  process.exitCode = 78;
}
