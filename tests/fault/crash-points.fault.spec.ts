/** Every service is killed at each of its crash points on the embedded bus; and the registry of the points. */
import { describe, expect, it } from '@jest/globals';
import { crashPoints, type CrashPoint } from '@readmit/platform';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CrashRun } from './crash-run.js';
import { workspace } from './world.js';

describe('SIGKILL at every crash point of every service', () => {
  const run = new CrashRun('embedded');

  it('R6.1 R6.2 R8.1 every case reaches its end, and log, topics and targets agree', async () => {
    await run.expectNoViolations();
  }, 600_000);
});

describe('the registry of crash points', () => {
  const sources = async (): Promise<readonly { readonly file: string; readonly text: string }[]> => {
    const files: { file: string; text: string }[] = [];
    for (const root of ['apps', 'libs'])
      for (const entry of await readdir(path.join(workspace, root), { recursive: true, withFileTypes: true })) {
        const file = path.relative(workspace, path.join(entry.parentPath, entry.name));
        if (/\/src\/.*\.ts$/.test(file) && !file.includes('/dist/') && !file.endsWith('.spec.ts'))
          files.push({ file, text: await readFile(path.join(workspace, file), 'utf8') });
      }
    return files;
  };
  it('R8.1 has exactly the points in the code', async () => {
    const found = (await sources()).flatMap(({ text }) =>
      [...text.matchAll(/\bcrashPoint\('([^']+)'\)/g)].map(([, name]) => name as CrashPoint),
    );
    expect([...new Set(found)].sort()).toEqual(Object.keys(crashPoints).sort());
  });
  it('is documented in docs/faults.md, with a row for each point', async () => {
    const text = await readFile(path.join(workspace, 'docs/faults.md'), 'utf8');
    // In the explanation, and in the counts of hits.
    for (const chapter of ['## Crash points', '## Figures']) {
      const [section = ''] = text.slice(text.indexOf(chapter) + chapter.length).split('\n## ');
      const rows = [...section.matchAll(/^\| `([a-z]+\.[a-z-]+)`/gm)].map(([, name]) => name);
      expect([chapter, ...rows.sort()]).toEqual([chapter, ...Object.keys(crashPoints).sort()]);
    }
  });
  it('is not switched on by any program: only the file with the hook names the function that installs it', async () => {
    const naming = (await sources()).filter(({ text }) => text.includes('installCrashHook')).map(({ file }) => file);
    expect(naming).toEqual(['libs/platform/src/crash-points.ts']);
  });
});
