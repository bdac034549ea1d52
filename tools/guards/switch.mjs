/** Runs in each spec file, before it: which guard is switched off (READMIT_GUARD), and which were asked at all (READMIT_GUARD_HITS, a folder). */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect } from '@jest/globals';

const off = Number(process.env.READMIT_GUARD ?? -1);
const asked = new Set();
globalThis.readmitGuard = (number) => {
  asked.add(number);
  return number === off;
};
const folder = process.env.READMIT_GUARD_HITS;
if (folder)
  afterAll(() => {
    const hits = { spec: expect.getState().testPath, guards: [...asked] };
    writeFileSync(path.join(folder, `${randomUUID()}.json`), JSON.stringify(hits));
  });
