/**
 * Builds one project with swc: sources to ESM JavaScript, without bundling. Libraries go to `<lib>/dist`, where their
 * package `exports` point; apps go to `dist/apps/<app>`, where an operator starts them, with a link from `<app>/dist`. A program's
 * `main.js` is tools/program-main.mjs, which imports the compiled `main.ts`.
 */
import { transformFile } from '@swc/core';
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

const project = process.argv[2];
if (!project) throw new Error('usage: node tools/build.mjs <project folder>');
const source = path.join(project, 'src');
const target = project.startsWith('apps/') ? path.join('dist', project) : path.join(project, 'dist');
const mainFile = path.join(target, 'main.js');
const checked = path.join(target, 'main.checked.js');
await rm(target, { recursive: true, force: true });

for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || /\.spec\.ts$/.test(entry.name)) continue;
  const from = path.join(entry.parentPath, entry.name);
  const to = path.join(target, path.relative(source, from));
  await mkdir(path.dirname(to), { recursive: true });
  if (!entry.name.endsWith('.ts')) {
    await cp(from, to);
    continue;
  }
  const { code, map } = await transformFile(from, {
    sourceMaps: true,
    jsc: {
      target: 'es2024',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'es6' },
  });
  const compiled = to.replace(/\.ts$/, '.js');
  const out = compiled === mainFile && project.startsWith('apps/') ? checked : compiled;
  await writeFile(out, `${code}//# sourceMappingURL=${path.basename(out)}.map\n`);
  if (map) await writeFile(`${out}.map`, map);
}
if (existsSync(checked)) {
  await copyFile('tools/program-main.mjs', mainFile);
  // This file is the package's `readmit` command; npx sets the executable bit only once, not after a later build.
  await chmod(mainFile, 0o755);
}
if (project.startsWith('apps/')) {
  const link = path.join(project, 'dist');
  await rm(link, { recursive: true, force: true });
  await symlink(path.join('..', '..', target), link, 'junction');
}
