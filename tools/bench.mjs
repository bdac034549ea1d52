/** `npm run bench -- <name> [options]`: runs bench/<name>.ts on what was built. */
import process from 'node:process';
import { runTyped } from './typed-sources.mjs';

/** Benchmarks are the files that can be named; the others are their parts. */
const benchmarks = ['memory', 'pipeline'];
/** Started by those, in processes of their own. */
const parts = ['pipeline/program', 'pipeline/one-service'];

const [name] = process.argv.slice(2);
if (!name || ![...benchmarks, ...parts].includes(name)) {
  process.stderr.write(`usage: npm run bench -- <${benchmarks.join('|')}> [options]\n`);
  process.exit(2);
}
process.argv.splice(2, 1);
await runTyped('bench', `${name}.ts`);
