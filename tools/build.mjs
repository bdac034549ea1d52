/**
 * Builds one project with swc: sources to ESM JavaScript, nothing bundled. Libraries go to `<lib>/dist`, so that their
 * package `exports` find them; apps go to `dist/apps/<app>`, where an operator starts them, with a link from `<app>/dist`.
 */
import { transformFile } from '@swc/core';
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

const project = process.argv[2];
if (!project) throw new Error('usage: node tools/build.mjs <project folder>');
const source = path.join(project, 'src');
const target = project.startsWith('apps/') ? path.join('dist', project) : path.join(project, 'dist');
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
  const out = to.replace(/\.ts$/, '.js');
  await writeFile(out, `${code}//# sourceMappingURL=${path.basename(out)}.map\n`);
  if (map) await writeFile(`${out}.map`, map);
}
if (project.startsWith('apps/')) {
  const link = path.join(project, 'dist');
  await rm(link, { recursive: true, force: true });
  await symlink(path.join('..', '..', target), link, 'junction');
}
