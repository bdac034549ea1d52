/** `readmit key rotate` as an operator runs it. What it does to the files is proved in libs/signing. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Desk } from './cli-run.js';

// As the command itself does: other commands do without the bus.
const { keyFiles, loadKeyRing } = await import('@readmit/signing');

let desk: Desk;
let folder: string;
let rootKey: string;
beforeEach(async () => {
  desk = await Desk.of('http://127.0.0.1:1');
  folder = path.join(desk.home, 'keys');
  ({ rootKey } = await keyFiles(folder, 'acme'));
});
afterEach(() => desk.leave());

const kidInFile = async (): Promise<string> =>
  (JSON.parse(await readFile(path.join(folder, 'approval.jwk'), 'utf8')) as { kid: string }).kid;
const ring = async () =>
  loadKeyRing(await readFile(path.join(folder, 'service-keys.jws'), 'utf8'), { kty: 'OKP', crv: 'Ed25519', x: rootKey });

it('says what it would do and does nothing without --apply', async () => {
  const before = await kidInFile();
  const ran = await desk.run('key', 'rotate', '--service', 'approval', '--keys-dir', folder);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toContain(`end key ${before} at 2026-11-23T10:00:00.000Z, in the same list`);
  expect(await kidInFile()).toBe(before);
});

it('rotates with --apply and tells the new key, the end of the present one and what to do next, and no secret', async () => {
  const before = await kidInFile();
  const ran = await desk.run('key', 'rotate', '--service', 'approval', '--keys-dir', folder, '--overlap', '2', '--apply');
  expect(ran.code).toBe(0);
  const after = await kidInFile();
  expect(after).not.toBe(before);
  expect(ran.stdout).toContain(after);
  expect(ran.stdout).toContain(`${before} at 2026-11-22T12:00:00.000Z`);
  expect(ran.stderr).toContain('Restart approval before the current key expires.');
  expect((await ring()).get(after)?.owner).toBe('approval');
  const { d } = JSON.parse(await readFile(path.join(folder, 'approval.jwk'), 'utf8')) as { d: string };
  expect(ran.stdout + ran.stderr).not.toContain(d);
});

it('refuses a service that is none, hours that are none, and a folder without the root key; nothing is replaced', async () => {
  const before = await kidInFile();
  const rotate = (...more: string[]) => desk.run('key', 'rotate', '--keys-dir', folder, '--apply', ...more);
  expect((await rotate('--service', 'gate')).code).toBe(2);
  expect(await rotate('--service', 'approval', '--overlap', '0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Use whole hours, from 1 to 2160.'),
  });
  await rm(path.join(folder, 'root-belongs-offline.jwk'));
  expect(await rotate('--service', 'approval')).toMatchObject({ code: 2, stderr: expect.stringContaining('Bring the root key') });
  expect(await kidInFile()).toBe(before);
});
