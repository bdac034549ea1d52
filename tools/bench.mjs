/** `npm run bench -- <name> [options]`: runs bench/<name>.ts on the build. */
import process from 'node:process';
import { runTyped } from './typed-sources.mjs';

/** Benchmarks that a user can name. */
const benchmarks = ['connectors', 'memory', 'pipeline'];
/** Started by the benchmarks as separate processes. */
const parts = ['pipeline/program', 'pipeline/one-service'];

const [name] = process.argv.slice(2);
if (!name || ![...benchmarks, ...parts].includes(name)) {
  process.stderr.write(`usage: npm run bench -- <${benchmarks.join('|')}> [options]\n`);
  process.exit(2);
}
process.argv.splice(2, 1);
await runTyped('bench', `${name}.ts`);
