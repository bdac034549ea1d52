/**
 * Lets Node 24 run TypeScript of a folder without a build (bench/, tests/, libs/servers/src): it erases the types by itself. An import of a
 * service's source (`../apps/<app>/src/...`) resolves to its build, one of the testing library, which is never built, to its source. So does
 * what the server launchers import of the platform library: the test runner starts them before anything was built.
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const house = path.resolve(import.meta.dirname, '..');

/** Whether the file is imported by one of the folders. */
const within = (folders, url) => folders.some((folder) => url?.startsWith(`${pathToFileURL(path.join(house, folder)).href}/`));

const indexOf = (library) => pathToFileURL(path.join(house, 'libs', library, 'src/index.ts')).href;

export function runTyped(folder, file) {
  const typed = [folder, 'libs/testing/src', 'libs/platform/src'];
  registerHooks({
    resolve(specifier, context, next) {
      if (!within(typed, context.parentURL)) return next(specifier, context);
      if (specifier === '@readmit/testing') return next(indexOf('testing'), context);
      if (specifier === '@readmit/platform' && within(['libs/servers/src'], context.parentURL)) return next(indexOf('platform'), context);
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
