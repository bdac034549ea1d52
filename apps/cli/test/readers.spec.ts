/**
 * Who reads the output, and whether a disk takes it: `readmit` in a process's place, over real pipes and files. Not proved here: main.ts,
 * which hands the streams of the process to the same function.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import { logKey, vkeyOf } from '@readmit/domain';
import { run } from '../src/index.js';
import { sinkOf, type Stdout } from '../src/io.js';
import { newSigningKey } from '../src/keys.js';
import { logTools } from '../src/log-tools.js';
import { api, atDesk, desk, now } from './cli-run.js';
import { caseOfAda } from './samples.js';

atDesk();
const readers: ChildProcess[] = [];
afterEach(() => {
  for (const reader of readers.splice(0)) reader.kill();
});

/** A pipe whose reader has closed its end, as `true` does. */
async function abandoned(): Promise<Writable> {
  const reader = spawn('sh', ['-c', 'exec 0<&-; echo closed; exec sleep 600'], { stdio: ['pipe', 'pipe', 'ignore'] });
  readers.push(reader);
  await once(reader.stdout, 'data');
  return reader.stdin;
}
/** A pipe whose reader takes everything. */
function readable(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
const runTo = (stdout: Stdout, stderr: Stdout, ...argv: readonly string[]): Promise<number> =>
  run(argv, {
    stdout,
    stderr,
    env: desk.env,
    fetch,
    now: () => now,
    uuid: () => 'id',
    sleep: () => Promise.resolve(),
    confirm: undefined,
  });

async function badExport(): Promise<readonly string[]> {
  const trust = path.join(desk.home, 'trust.json');
  const { x } = newSigningKey();
  const key = vkeyOf(logKey('readmit.example/log/test', Buffer.from(x, 'base64url'), logTools), logTools);
  await writeFile(trust, JSON.stringify({ logKey: key, root: { kty: 'OKP', crv: 'Ed25519', x } }));
  const file = path.join(desk.home, 'bad.ndjson');
  await writeFile(file, '{"not":"an export"}\n');
  return ['audit', 'verify', file, '--keys', trust];
}

describe('a reader that has gone away', () => {
  it('R7.2 leaves a log that does not verify at exit code 3, no matter who reads', async () => {
    const argv = await badExport();
    expect(await runTo(sinkOf(readable()), sinkOf(readable()), ...argv)).toBe(3);
    expect(await runTo(sinkOf(await abandoned()), sinkOf(readable()), ...argv)).toBe(3);
    expect(await runTo(sinkOf(await abandoned()), sinkOf(await abandoned()), ...argv)).toBe(3);
    expect(await runTo(sinkOf(await abandoned()), sinkOf(readable()), ...argv, '--json')).toBe(3);
  });

  it('leaves a usage error at 2 and what was done at 0', async () => {
    await desk.signIn();
    api.on('listCases', [caseOfAda]);
    expect(await runTo(sinkOf(await abandoned()), sinkOf(await abandoned()), 'frobnicate')).toBe(2);
    expect(await runTo(sinkOf(await abandoned()), sinkOf(await abandoned()), 'case', 'list')).toBe(0);
  });

  it('ends a watch whose case is still open with 7', async () => {
    await desk.signIn();
    const entry = { at: '2026-11-22T10:00:00.000Z', id: 'e1', type: 'x', label: 'l', by: 'intake', says: '' };
    api.on('showCase', caseOfAda, caseOfAda, caseOfAda).on('caseTimeline', [entry]);
    expect(await runTo(sinkOf(await abandoned()), sinkOf(readable()), 'case', 'watch', 'case_1')).toBe(7);
  });
});

const stderrTo = (said: string[]): Stdout => ({ write: (text) => said.push(text), deliver: () => Promise.resolve() });
const toFull = (): Stdout => sinkOf(createWriteStream('/dev/full'));

describe('output to a disk that is full', () => {
  it('exits with 2 and says that no space is left; what was found out keeps its own code', async () => {
    await desk.signIn();
    api.on('listCases', [caseOfAda]);
    const said: string[] = [];
    const stderr = (): Stdout => stderrTo(said);
    expect(await runTo(toFull(), stderr(), 'case', 'list')).toBe(2);
    expect(said.join('')).toContain('no space left');
    expect(said.join('')).toContain('standard output');
    expect(await runTo(toFull(), stderr(), ...(await badExport()))).toBe(3);
    expect(await runTo(sinkOf(readable()), stderr(), 'case', 'list')).toBe(0);
  });

  it('ends a watch with 2 as well: that is no reader that has gone', async () => {
    await desk.signIn();
    const entry = { at: '2026-11-22T10:00:00.000Z', id: 'e1', type: 'x', label: 'l', by: 'intake', says: '' };
    api.on('showCase', caseOfAda).on('caseTimeline', [entry]);
    const said: string[] = [];
    expect(await runTo(toFull(), stderrTo(said), 'case', 'watch', 'case_1')).toBe(2);
    expect(said.join('')).toContain('no space left');
  });
});

describe('output to a file', () => {
  /** As a process's stream to a file: what is written to the stream itself goes nowhere. */
  const toFile = async (flags: string, act: (stdout: Stdout) => Promise<void>): Promise<void> => {
    const fd = openSync(path.join(desk.home, 'out'), flags);
    try {
      await act(sinkOf(Object.assign(readable(), { fd })));
    } finally {
      closeSync(fd);
    }
  };

  it('is in the file as a whole when the command ends; one that takes nothing ends it with 2', async () => {
    await desk.signIn();
    const cases = Array.from({ length: 200 }, () => caseOfAda);
    api.on('listCases', cases);
    await toFile('w', async (stdout) => expect(await runTo(stdout, sinkOf(readable()), 'case', 'list', '--json')).toBe(0));
    expect(JSON.parse(await readFile(path.join(desk.home, 'out'), 'utf8'))).toEqual(cases);
    const said: string[] = [];
    await toFile('r', async (stdout) => expect(await runTo(stdout, stderrTo(said), 'case', 'list')).toBe(2));
    expect(said.join('')).toContain('standard output');
  });
});
