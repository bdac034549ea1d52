#!/usr/bin/env node
/**
 * The first file of every program: the build copies it to `dist/apps/<app>/main.js`. It checks the version of Node before it loads anything else,
 * which an older one may not even be able to parse. Runs under any Node.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const needs = 24;
if (Number(process.versions.node.split('.')[0]) >= needs) {
  // Only URLs configure how PostgreSQL is reached. The driver would also use environment variables that are meant for other tools; only a
  // password may come from there.
  for (const name of Object.keys(process.env))
    if (name === 'NODE_PG_FORCE_NATIVE' || (/^PG[A-Z]/.test(name) && name !== 'PGPASSWORD' && name !== 'PGPASSFILE'))
      delete process.env[name];
  // With NODE_USE_ENV_PROXY requests go through a proxy, but never those to this machine.
  const noProxy = 'no_proxy' in process.env ? 'no_proxy' : 'NO_PROXY';
  process.env[noProxy] = [process.env[noProxy], 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(',');
  // Compiled code is kept in dist, with the rights of the build, so that the next start costs less. Nothing is kept if dist is read-only.
  const { enableCompileCache, flushCompileCache } = await import('node:module');
  enableCompileCache(fileURLToPath(new URL('../../.compile-cache', import.meta.url)));
  await import(new URL(`../../programs/${path.basename(import.meta.dirname)}.js`, import.meta.url).href);
  // Otherwise only a process that ends by itself would keep it.
  flushCompileCache();
} else {
  process.stderr.write(`Readmit needs Node ${needs} or newer; this is Node ${process.versions.node} (${process.execPath}).\n`);
  // EX_CONFIG, as for every other mistake in how a program was started.
  process.exitCode = 78;
}
