/** Programs that Node runs without jest: an import that only jest resolves would break them, and no other spec would notice. */
import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { workspace } from './world.js';

describe('a program that no gate runs starts, and refuses an unknown bus', () => {
  it.each([
    ['npm run fault', ['tools/fault.mjs'], 'error: --bus none: there is no such bus; use embedded or kafka'],
    ['npm run bench -- memory', ['tools/bench.mjs', 'memory'], '--bus takes embedded or kafka, not "none"'],
    ['npm run bench -- pipeline', ['tools/bench.mjs', 'pipeline'], '--bus takes embedded or kafka, not "none"'],
  ])('%s', (_name, program, message) => {
    const { status, stderr } = spawnSync(process.execPath, [...program, '--bus', 'none'], { cwd: workspace, encoding: 'utf8' });
    expect(stderr).toContain(message);
    expect(status).not.toBe(0);
  });
});
