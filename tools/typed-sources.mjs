/**
 * Lets Node 24 run TypeScript in a folder without a build (bench/, tests/, libs/servers/src), because it strips the types itself. An import of a
 * service's source (`../apps/<app>/src/...`) resolves to its build. An import of the testing library, which is never built, resolves to its source,
 * and so does one of the platform library in libs/servers: the test runner starts servers before anything is built.
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const workspace = path.resolve(import.meta.dirname, '..');

/** Whether the URL is in one of the folders. */
const within = (folders, url) => folders.some((folder) => url?.startsWith(`${pathToFileURL(path.join(workspace, folder)).href}/`));

const indexOf = (library) => pathToFileURL(path.join(workspace, 'libs', library, 'src/index.ts')).href;

export function runTyped(folder, file) {
  const typed = [folder, 'libs/testing/src', 'libs/platform/src'];
  registerHooks({
    resolve(specifier, context, next) {
      if (!within(typed, context.parentURL)) return next(specifier, context);
      if (specifier === '@readmit/testing') return next(indexOf('testing'), context);
      if (specifier === '@readmit/platform' && within(['libs/servers/src'], context.parentURL)) return next(indexOf('platform'), context);
      if (!specifier.startsWith('.')) return next(specifier, context);
      const asked = path.resolve(path.dirname(fileURLToPath(context.parentURL)), specifier);
      const source = /^apps\/([^/]+)\/src\/(.+)$/.exec(path.relative(workspace, asked).split(path.sep).join('/'));
      if (source) return next(pathToFileURL(path.join(workspace, 'dist/apps', source[1], source[2])).href, context);
      const written = asked.replace(/\.js$/, '.ts');
      return next(existsSync(written) ? pathToFileURL(written).href : specifier, context);
    },
  });
  return import(pathToFileURL(path.join(workspace, folder, file)).href);
}
