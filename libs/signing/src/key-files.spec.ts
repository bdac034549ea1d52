/** The keys of an installation as files. */
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { services } from '@readmit/contracts';
import { keyFiles, planKeyFiles } from './key-files.js';
import { loadKeyRing, makeSigningKey } from './key-ring.js';

let folder: string;
beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(os.tmpdir(), 'readmit-keys-')), 'keys');
});
afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

it('makes a root, a signed list with a key for each service, the key of the log, the salt and what a verifier needs', async () => {
  const plan = (await planKeyFiles(folder, 'acme')).join('\n');
  const files = await keyFiles(folder, 'acme');
  const ring = await loadKeyRing(await readFile(files.keyListFile, 'utf8'), { kty: 'OKP', crv: 'Ed25519', x: files.rootKey });
  for (const service of services) {
    const { kid } = JSON.parse(await readFile(files.serviceKeyFile[service], 'utf8')) as { kid: string };
    expect(ring.get(kid)?.owner).toBe(service);
  }
  expect(JSON.parse(await readFile(files.trustFile, 'utf8'))).toEqual({
    logKey: expect.stringMatching(/^readmit\.example\/log\/acme\+[0-9a-f]{8}\+/),
    root: { kty: 'OKP', crv: 'Ed25519', x: files.rootKey },
  });
  expect(files.made).toHaveLength(services.length + 5);
  for (const file of files.made) expect([file, (await stat(file)).mode & 0o777]).toEqual([file, 0o600]);
  for (const file of files.made) expect(plan).toContain(file);
  expect(await planKeyFiles(folder, 'acme')).toEqual([]);
});

it('keeps what is there, also when the root has been taken offline', async () => {
  const first = await keyFiles(folder, 'acme');
  await rm(path.join(folder, 'root-belongs-offline.jwk'));
  expect(await keyFiles(folder, 'acme')).toEqual({ ...first, made: [] });
});

it('refuses a folder that holds half a set, names the file and replaces nothing', async () => {
  const { trustFile, logKeyFile } = await keyFiles(folder, 'acme');
  const before = await readFile(logKeyFile, 'utf8');
  await rm(trustFile);
  await expect(keyFiles(folder, 'acme')).rejects.toThrow('intake.jwk exists but');
  expect(await readFile(logKeyFile, 'utf8')).toBe(before);
});

it('refuses keys of another environment, a missing file and a key that the list does not name', async () => {
  const { serviceKeyFile, contactSaltFile } = await keyFiles(folder, 'acme');
  await expect(keyFiles(folder, 'other')).rejects.toThrow('for the environment other');
  await rename(contactSaltFile, `${contactSaltFile}.away`);
  await expect(keyFiles(folder, 'acme')).rejects.toThrow('contact.salt is missing');
  await rename(`${contactSaltFile}.away`, contactSaltFile);
  const own = await readFile(serviceKeyFile.audit, 'utf8');
  await writeFile(serviceKeyFile.audit, JSON.stringify(makeSigningKey().private));
  await expect(keyFiles(folder, 'acme')).rejects.toThrow('audit.jwk is not a key of audit');
  await writeFile(serviceKeyFile.audit, own);
  expect((await keyFiles(folder, 'acme')).made).toEqual([]);
});
