/** Every service dies at every crash point that it has on the embedded bus; and the registry of the points. */
import { describe, expect, it } from '@jest/globals';
import { crashPoints, type CrashPoint } from '@readmit/platform';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CrashRun } from './crash-run.js';
import { house } from './stand.js';

describe('SIGKILL at every crash point of every service', () => {
  const run = new CrashRun('embedded');

  it('R6.1 R6.2 R8.1 every case reaches its end, and log, topics and targets agree', async () => {
    await run.expectAllWell();
  }, 600_000);
});

describe('the registry of crash points', () => {
  const sources = async (): Promise<readonly { readonly file: string; readonly text: string }[]> => {
    const files: { file: string; text: string }[] = [];
    for (const root of ['apps', 'libs'])
      for (const entry of await readdir(path.join(house, root), { recursive: true, withFileTypes: true })) {
        const file = path.relative(house, path.join(entry.parentPath, entry.name));
        if (/\/src\/.*\.ts$/.test(file) && !file.includes('/dist/') && !file.endsWith('.spec.ts'))
          files.push({ file, text: await readFile(path.join(house, file), 'utf8') });
      }
    return files;
  };
  it('R8.1 has exactly the points that the code has', async () => {
    const found = (await sources()).flatMap(({ text }) =>
      [...text.matchAll(/\bcrashPoint\('([^']+)'\)/g)].map(([, name]) => name as CrashPoint),
    );
    expect([...new Set(found)].sort()).toEqual(Object.keys(crashPoints).sort());
  });
  it('is written down in docs/faults.md, each point in its row', async () => {
    const text = await readFile(path.join(house, 'docs/faults.md'), 'utf8');
    // Once where they are explained, once where their hits are counted.
    for (const chapter of ['## Crash points', '## Figures']) {
      const [section = ''] = text.slice(text.indexOf(chapter) + chapter.length).split('\n## ');
      const rows = [...section.matchAll(/^\| `([a-z]+\.[a-z-]+)`/gm)].map(([, name]) => name);
      expect([chapter, ...rows.sort()]).toEqual([chapter, ...Object.keys(crashPoints).sort()]);
    }
  });
  it('is switched on by no program: only the file that has the hook names what installs it', async () => {
    const naming = (await sources()).filter(({ text }) => text.includes('installCrashHook')).map(({ file }) => file);
    expect(naming).toEqual(['libs/platform/src/crash-points.ts']);
  });
});
