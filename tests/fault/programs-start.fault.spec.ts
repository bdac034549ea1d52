/** Programs that Node runs without jest: an import that only jest resolves would break them, and no other spec would notice. */
import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { workspace } from './world.js';

describe('a program that no gate runs starts, and refuses a wrong option', () => {
  it.each([
    ['npm run fault', ['tools/fault.mjs', '--bus', 'none'], 'error: --bus none: there is no such bus; use embedded or kafka'],
    ['npm run bench -- memory', ['tools/bench.mjs', 'memory', '--bus', 'none'], '--bus takes embedded or kafka, not "none"'],
    ['npm run bench -- pipeline', ['tools/bench.mjs', 'pipeline', '--bus', 'none'], '--bus takes embedded or kafka, not "none"'],
    ['npm run bench -- connectors', ['tools/bench.mjs', 'connectors', '--pairs', '0'], '--pairs takes a whole number from 1, not "0"'],
  ])('%s', (_name, program, message) => {
    const { status, stderr } = spawnSync(process.execPath, program, { cwd: workspace, encoding: 'utf8' });
    expect(stderr).toContain(message);
    expect(status).not.toBe(0);
  });
});
