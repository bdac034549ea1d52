import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { writeWhole } from './whole-file.js';

const folders: string[] = [];
async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'readmit-file-'));
  folders.push(made);
  return made;
}
afterAll(async () => {
  for (const made of folders) await rm(made, { recursive: true, force: true });
});

describe('a file that is written whole', () => {
  it('has the new text and mode, and leaves no other file', async () => {
    const place = await folder();
    const file = path.join(place, 'kept.json');
    await writeWhole(file, '1');
    await writeWhole(file, '2', 0o600);
    expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777, await readdir(place)]).toEqual(['2', 0o600, ['kept.json']]);
  });
  it('has that mode under a closed umask too', async () => {
    const file = path.join(await folder(), 'kept.json');
    const before = process.umask(0o077);
    await writeWhole(file, '1', 0o644).finally(() => process.umask(before));
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  });
  it('keeps the old text when the new one cannot be written', async () => {
    const place = await folder();
    await mkdir(path.join(place, 'taken', 'inside'), { recursive: true });
    await expect(writeWhole(path.join(place, 'taken'), '1')).rejects.toThrow();
    expect(await readdir(place)).toEqual(['taken']);
  });
});
