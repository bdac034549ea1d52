/**
 * `npm run bench -- <name> [options]`: runs bench/<name>.ts on what was built. Node 24 erases the types of bench/ by itself; an
 * import of a service's source (`../apps/<app>/src/...`) is answered by its build in dist/apps/<app>.
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const house = path.resolve(import.meta.dirname, '..');
const folder = path.join(house, 'bench');
/** Benchmarks are the files that can be named; the others are their parts. */
const benchmarks = ['memory', 'pipeline'];
/** Started by those, in processes of their own. */
const parts = ['pipeline/program'];

const [name] = process.argv.slice(2);
if (!name || ![...benchmarks, ...parts].includes(name)) {
  process.stderr.write(`usage: npm run bench -- <${benchmarks.join('|')}> [options]\n`);
  process.exit(2);
}

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !context.parentURL?.startsWith(pathToFileURL(folder).href)) return next(specifier, context);
    const asked = path.resolve(path.dirname(fileURLToPath(context.parentURL)), specifier);
    const source = /^apps\/([^/]+)\/src\/(.+)$/.exec(path.relative(house, asked).split(path.sep).join('/'));
    if (source) return next(pathToFileURL(path.join(house, 'dist/apps', source[1], source[2])).href, context);
    const typed = asked.replace(/\.js$/, '.ts');
    return next(existsSync(typed) ? pathToFileURL(typed).href : specifier, context);
  },
});
process.argv.splice(2, 1);
await import(pathToFileURL(path.join(folder, `${name}.ts`)).href);
