import { expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { atDesk, desk } from './cli-run.js';

atDesk();

it.each([
  ['the commands', ['ca'], ['case']],
  ['those of a group', ['case', 'wi'], ['withdraw']],
  ['the options of a command', ['approve', 'case_1', '--re'], ['--reason']],
  ['the options after others with their values', ['--url', 'https://readmit.example.com', 'case', 'list', '--st'], ['--state']],
  ['nothing that no command has', ['case', 'approve'], []],
])('readmit completion completes %s in bash', async (_what, words, completed) => {
  const { stdout: script } = await desk.run('completion');
  const typed = ['readmit', ...words];
  const asked = `${script}COMP_WORDS=(${typed.join(' ')}); COMP_CWORD=${typed.length - 1}; _readmit; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-uc', asked], { encoding: 'utf8' });
  expect([status, stderr, stdout.split('\n').filter(Boolean)]).toEqual([0, '', completed]);
});
