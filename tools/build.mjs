/**
 * Builds one project with swc: sources to ESM JavaScript, nothing bundled. Libraries go to `<lib>/dist`, so that their
 * package `exports` find them; apps go to `dist/apps/<app>`, where an operator starts them, with a link from `<app>/dist`. What a program
 * consists of is loaded only by a Node that can run it: its `main.js` asks that, and then imports what was made of `main.ts`.
 */
import { transformFile } from '@swc/core';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

const project = process.argv[2];
if (!project) throw new Error('usage: node tools/build.mjs <project folder>');
const source = path.join(project, 'src');
const target = project.startsWith('apps/') ? path.join('dist', project) : path.join(project, 'dist');
/** EX_CONFIG, as for every other thing that is wrong with what a program was started with. */
const wrongConfiguration = 78;
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
  await writeFile(mainFile, await checkOfNode());
  // The package's `readmit` is this file; npx sets the bit once, and never again for what a later build has written.
  await chmod(mainFile, 0o755);
}
if (project.startsWith('apps/')) {
  const link = path.join(project, 'dist');
  await rm(link, { recursive: true, force: true });
  await symlink(path.join('..', '..', target), link, 'junction');
}

/** A program's first file. Whatever else it imported would be read before it could say a word, and an old Node may not be able to read that. */
async function checkOfNode() {
  const { engines } = JSON.parse(await readFile('package.json', 'utf8'));
  const needs = /^>=(\d+)$/.exec(engines.node)?.[1];
  if (!needs) throw new Error(`engines.node of package.json must be >= and one number, was ${engines.node}`);
  return `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) >= ${needs}) await import('./${path.basename(checked)}');
else {
  process.stderr.write(\`Readmit needs Node ${needs} or newer; this is Node \${process.versions.node} (\${process.execPath}).\\n\`);
  process.exitCode = ${wrongConfiguration};
}
`;
}
