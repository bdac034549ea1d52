/**
 * `npm run start:real -- --once`: the tour on Keycloak, OpenLDAP, PostgreSQL and Kafka, with people who sign in at Keycloak in a real browser. Every
 * check holds, and nothing is left behind.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { blockOf } from '@readmit/testing';
import { newStateDir, processesOf, program, runToEnd, shell, workspace, type Ran } from './installation.js';

let state: Awaited<ReturnType<typeof newStateDir>>;
let ran: Ran;
beforeAll(async () => {
  state = await newStateDir();
  const java = process.env['JAVA_HOME'] ? { JAVA_HOME: process.env['JAVA_HOME'] } : {};
  ran = await runToEnd(program('standalone'), [...argumentsIn(command()), '--port', '0', '--state', state.dir], shell(java));
}, 600_000);
afterAll(() => state.remove());

/** Of the README: what it runs is the script of package.json, with the arguments after `--`. */
const command = (): string =>
  blockOf('README.md', 'On real systems')
    .trim()
    .replace(/ +#.*$/, '');
const argumentsIn = (line: string): readonly string[] => {
  const [, script = '', more = ''] = /^npm run (\S+) -- (.+)$/.exec(line) ?? [];
  if (script !== 'start:real') throw new Error(`the README runs something else: ${line}`);
  return ['--real', ...more.split(' ')];
};

it('is the script that the README names', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(workspace, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  expect(scripts['start:real']).toBe('node tools/run.mjs start --real');
});

it('holds every check, exits with 0, prints how long the start took, and leaves no process behind', async () => {
  const failed = ran.stdout.split('\n').filter((line) => /^ {2}FAIL /.test(line));
  expect([failed, ran.code, ran.stderr]).toEqual([[], 0, '']);
  expect(ran.stdout).toMatch(/^(\d+) of \1 checks held/m);
  expect(ran.stdout).toMatch(/ready after [\d.]+ s: the first start/);
  expect(await processesOf(state.dir)).toEqual([]);
});

it.each([
  'granted: OpenLDAP lists Erin in finance-admins',
  'the end of one leaves what the other grants: Erin is still in the group (R6.5)',
  'with her password Keycloak asks for the one-time code; the stolen phone is not accepted any more',
  'after: her password and the new device sign in',
  'after its end the code is refused',
  'the old login payroll_a is refused',
  'the grant expired while OpenLDAP was down: each try to end it is recorded, and that it is overdue (R6.3)',
  'the revocation is proven: OpenLDAP does not list Erin any more',
  'the mail server received notices of',
  'the export verifies offline',
])('checks: %s', (what) => {
  expect(heldChecks(ran.stdout).filter((line) => line.includes(what))).not.toEqual([]);
});

/** A long text continues on indented lines. */
const heldChecks = (output: string): readonly string[] =>
  output
    .replaceAll(/\n {7}/g, ' ')
    .split('\n')
    .filter((line) => /^ {2}ok {3}/.test(line));
