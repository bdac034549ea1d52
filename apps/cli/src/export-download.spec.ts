import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { keepExport } from './export-download.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'readmit-export-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* sent(broken: boolean): AsyncGenerator<Uint8Array> {
  // A line of an entry may come in pieces.
  yield Buffer.from('{"format":"x"}\n{"ind');
  yield Buffer.from('ex":0}\n{"checkpoint":"x"}\n');
  if (broken) throw new Error('terminated');
}
async function kept(file: string, broken = false) {
  const handle = await open(file, 'w');
  try {
    return await keepExport(sent(broken), handle, { file: 'log.ndjson', origin: 'http://127.0.0.1:1' });
  } finally {
    await handle.close();
  }
}

describe('an export as it arrives', () => {
  it('is kept byte for byte, and its lines and entries are counted', async () => {
    const file = path.join(folder, 'log');
    expect(await kept(file)).toMatchObject({ lines: 3, entries: 1, bytes: 46 });
    expect(await readFile(file, 'utf8')).toBe('{"format":"x"}\n{"index":0}\n{"checkpoint":"x"}\n');
  });

  it('tells a disk that is full by the file, and a service that sends no more by its address', async () => {
    await expect(kept('/dev/full')).rejects.toMatchObject({
      exit: 'usage',
      where: 'log.ndjson',
      message: expect.stringContaining('no space left'),
    });
    await expect(kept(path.join(folder, 'log'), true)).rejects.toMatchObject({ exit: 'unreachable', where: 'http://127.0.0.1:1' });
  });
});
