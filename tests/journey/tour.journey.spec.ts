/** The tour of `npm start -- --once`: every check holds, nothing is left behind, and a second start continues with its data. */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blockOf } from '@readmit/testing';
import { workspace, newStateDir, processesOf, program, readmit, runToEnd, shell, startInstallation, type Ran } from './installation.js';
import { Engineer, runReadmeCase, type Substitution } from './walk.js';

const tour = (stateDir: string, ...more: string[]): Promise<Ran> =>
  runToEnd(program('standalone'), ['--once', '--port', '0', '--state', stateDir, ...more]);
const heldIn = (output: string): readonly string[] => output.split('\n').filter((line) => /^ {2}ok {3}/.test(line));
const idsIn = (output: string): readonly string[] => [...new Set(output.match(/case_[0-9a-f-]{36}/g))];

let state: Awaited<ReturnType<typeof newStateDir>>;
let first: Ran;
beforeAll(async () => {
  state = await newStateDir();
  first = await tour(state.dir, '--fresh');
});
afterAll(() => state.remove());

it('holds every check, exits with 0 and leaves no process behind', async () => {
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(first.stdout).not.toContain('FAIL');
  expect(first.stdout).toMatch(/^(\d+) of \1 checks held/m);
  expect(heldIn(first.stdout).length).toBeGreaterThanOrEqual(39);
  expect(await processesOf(state.dir)).toEqual([]);
});

it('prints who acts, refusals before their consequences, complete texts, and what it has shown', () => {
  const [, cast = '', played = '', end = ''] = /Who is who\n([\s\S]*?)\n\n([\s\S]*)\nWhat you saw\n([\s\S]*)$/.exec(first.stdout) ?? [];
  const actors = new Set([...played.matchAll(/^ {2}([\w-]+)\$ readmit/gm)].map(([, actor = '']) => actor));
  expect(actors.size).toBeGreaterThanOrEqual(9);
  for (const actor of actors) expect(cast).toMatch(new RegExp(`\\b${actor}\\b`, 'i'));
  // A long text continues on indented lines.
  const lines = played.replaceAll(/\n {40,}/g, ' ').split('\n');
  for (const reason of ['contact-not-on-record', 'approver-is-verifier', 'approver-is-subject', 'approver-is-requester', 'plan-changed']) {
    const refused = lines.findIndex((line) => line.includes(' refused ') && line.includes(` ${reason})`));
    const concluded = lines.findIndex((line) => line.includes('denied: ') && line.includes(`(${reason})`));
    expect([reason, refused >= 0, refused < concluded]).toEqual([reason, true, true]);
  }
  expect(played.replaceAll(/\s+/g, ' ')).toContain('sealed to the key of the case: it opens a session that can only enrol a new factor. ');
  expect(end).toContain(`${lines.filter((line) => line.includes('denied: ')).length} attempts`);
});

it('control: a process that uses the folder is found', async () => {
  const sleeper = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)', state.dir], { stdio: 'ignore', env: shell() });
  try {
    await new Promise((resolve) => sleeper.once('spawn', resolve));
    expect(await processesOf(state.dir)).toEqual([expect.stringContaining(String(sleeper.pid))]);
  } finally {
    sleeper.kill();
  }
});

it('holds every check with six processes, exits with 0 and leaves no process behind', async () => {
  const other = await newStateDir();
  try {
    const ran = await tour(other.dir, '--fresh', '--processes');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain('six processes');
    expect(heldIn(ran.stdout).length).toBe(heldIn(first.stdout).length);
    expect(await processesOf(other.dir)).toEqual([]);
  } finally {
    await other.remove();
  }
});

describe('a second start', () => {
  it('runs the tour again on the same data, and its log continues from the checkpoint of the first start', async () => {
    const seen = await readFile(path.join(state.dir, 'exports/seen.checkpoint'), 'utf8');
    const earlier = path.join(state.dir, 'earlier.checkpoint');
    await writeFile(earlier, seen);
    const second = await tour(state.dir);
    expect([second.code, second.stderr]).toEqual([0, '']);
    expect(second.stdout).not.toContain('FAIL');
    const verified = await runToEnd(
      program('cli'),
      [
        'audit',
        'verify',
        path.join(state.dir, 'exports/log.ndjson'),
        '--checkpoint',
        earlier,
        '--keys',
        path.join(state.dir, 'keys/trust.json'),
        '--json',
      ],
      shell({ READMIT_HOME: path.join(state.dir, 'homes/gita') }),
    );
    expect(verified.code).toBe(0);
    const { size } = JSON.parse(verified.stdout) as { size: number };
    expect(size).toBeGreaterThan(Number(seen.split('\n')[1]));
  });

  it('lists the cases of the first, and the commands that it prints work', async () => {
    const system = await startInstallation(state.dir);
    try {
      await readmit(system, 'visitor', ['login', '--as', 'gita']);
      const listed = await readmit(system, 'visitor', ['case', 'list']);
      for (const caseId of idsIn(first.stdout)) expect(listed.stdout).toContain(caseId);

      const ofThisMachine: readonly Substitution[] = [
        ['http://127.0.0.1:7400', system.origin],
        ['http://127.0.0.1:<port of the demo identity provider>', system.issuer],
        ['.readmit', state.dir],
      ];
      const printed = /another terminal:\n\n([^]*)$/.exec(system.printed)?.[1]?.replaceAll(/^ {4}/gm, '').trim();
      const expected = ofThisMachine.reduce((text, [from, to]) => text.replaceAll(from, to), blockOf('README.md', 'Try it by hand'));
      expect(printed).toBe(expected.trim());
      // Nobody is at the terminal to confirm.
      const confirmations: readonly Substitution[] = [
        ['npx readmit', `'${process.execPath}' '${program('cli')}'`],
        ['--reason checked', '--reason checked --yes'],
      ];
      const visitor = new Engineer(workspace, shell({ NO_COLOR: '1' }), [...ofThisMachine, ...confirmations]);
      await runReadmeCase(visitor);
      expect(visitor.unused).toEqual([]);
    } finally {
      expect(await system.stop()).toBe(130);
    }
    expect(await processesOf(state.dir)).toEqual([]);
  });
});
