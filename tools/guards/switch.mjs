/** Runs before each spec file: switches a guard off (READMIT_GUARD) and records which guards were evaluated (READMIT_GUARD_HITS, a folder). */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect } from '@jest/globals';

const off = Number(process.env.READMIT_GUARD ?? -1);
const evaluated = new Set();
globalThis.readmitGuard = (number) => {
  evaluated.add(number);
  return number === off;
};
const folder = process.env.READMIT_GUARD_HITS;
if (folder)
  afterAll(() => {
    const hits = { spec: expect.getState().testPath, guards: [...evaluated] };
    writeFileSync(path.join(folder, `${randomUUID()}.json`), JSON.stringify(hits));
  });
