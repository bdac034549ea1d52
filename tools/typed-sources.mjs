/**
 * Lets Node 24 run TypeScript of a folder that is never built (bench/, tests/): it erases the types by itself; an import of a service's
 * source (`../apps/<app>/src/...`) is answered by its build, one of the testing library, which nobody builds, by its source.
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const house = path.resolve(import.meta.dirname, '..');

/** Whether the file is imported by one of the folders. */
const within = (folders, url) => folders.some((folder) => url?.startsWith(`${pathToFileURL(path.join(house, folder)).href}/`));

export function runTyped(folder, file) {
  const typed = [folder, 'libs/testing/src'];
  registerHooks({
    resolve(specifier, context, next) {
      if (!within(typed, context.parentURL)) return next(specifier, context);
      if (specifier === '@readmit/testing') return next(pathToFileURL(path.join(house, 'libs/testing/src/index.ts')).href, context);
      if (!specifier.startsWith('.')) return next(specifier, context);
      const asked = path.resolve(path.dirname(fileURLToPath(context.parentURL)), specifier);
      const source = /^apps\/([^/]+)\/src\/(.+)$/.exec(path.relative(house, asked).split(path.sep).join('/'));
      if (source) return next(pathToFileURL(path.join(house, 'dist/apps', source[1], source[2])).href, context);
      const written = asked.replace(/\.js$/, '.ts');
      return next(existsSync(written) ? pathToFileURL(written).href : specifier, context);
    },
  });
  return import(pathToFileURL(path.join(house, folder, file)).href);
}
