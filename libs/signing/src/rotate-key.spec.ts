/** Another signing key for a service, in the files of an installation. */
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { keyIdOf } from './hashing.js';
import { keyFiles, rootFile, type KeyFiles } from './key-files.js';
import { loadKeyRing, makeSigningKey, openKeyList, signKeyList, whyNotToSign, type PublicJwk } from './key-ring.js';
import { rotateServiceKey, type RotationOptions } from './rotate-key.js';
import { Signer, type PrivateJwk } from './signer.js';

const hour = 3_600_000;
let folder: string;
let files: KeyFiles;
beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(os.tmpdir(), 'readmit-rotate-')), 'keys');
  files = await keyFiles(folder, 'acme');
});
afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

const rotate = (more: Partial<RotationOptions> = {}) =>
  rotateServiceKey({ folder, service: 'approval', overlapMs: hour, now: new Date(), apply: true, ...more });
const root = (): PublicJwk => ({ kty: 'OKP', crv: 'Ed25519', x: files.rootKey });
const listText = () => readFile(files.keyListFile, 'utf8');
const ring = async () => loadKeyRing(await listText(), root());
const keyOf = async () => JSON.parse(await readFile(files.serviceKeyFile.approval, 'utf8')) as PrivateJwk & { kid: string };
const everything = async () =>
  Object.fromEntries(
    await Promise.all((await readdir(folder)).map(async (name) => [name, await readFile(path.join(folder, name), 'utf8')] as const)),
  );

describe('rotating the key of a service', () => {
  it('R8.3 adds the new key to the present one, which ends after the overlap, and leaves the others alone', async () => {
    const before = await openKeyList(await listText(), root());
    const old = await keyOf();
    const now = new Date();
    const { retired, made, until } = await rotate({ now });
    expect({ retired, until }).toEqual({ retired: old.kid, until: new Date(now.getTime() + hour).toISOString() });
    const { x, kid } = await keyOf();
    expect([kid, keyIdOf(x)]).toEqual([made, made]);
    expect((await stat(files.serviceKeyFile.approval)).mode & 0o777).toBe(0o600);
    const after = await openKeyList(await listText(), root());
    expect(Date.parse(after.issuedAt)).toBeGreaterThan(Date.parse(before.issuedAt));
    expect(after.keys).toEqual([
      ...before.keys.map((key) => (key.kid === old.kid ? { ...key, notAfter: until } : key)),
      {
        kid: made,
        owner: 'approval',
        key: { kty: 'OKP', crv: 'Ed25519', x },
        notBefore: new Date(now.getTime() - 600_000).toISOString(),
        notAfter: null,
        revokedAt: null,
      },
    ]);
    expect(await readdir(folder)).not.toContainEqual(expect.stringMatching(/next$/));
    // What checks the folder at each set-up still finds that everything belongs together.
    expect((await keyFiles(folder, 'acme')).made).toEqual([]);
  });

  it('R8.3 writes the environment into the list: set-up does, and a rotation into a list of before', async () => {
    expect((await openKeyList(await listText(), root())).environment).toBe('acme');
    await expect(loadKeyRing(await listText(), root(), 'staging')).rejects.toThrow(
      /^the key list of .* is that of the environment acme, this is staging/,
    );
    const { environment, ...before } = await openKeyList(await listText(), root());
    const rootKey = JSON.parse(await readFile(path.join(folder, rootFile), 'utf8')) as PrivateJwk;
    await writeFile(files.keyListFile, await signKeyList(before, rootKey));
    expect((await loadKeyRing(await listText(), root(), 'staging')).issuedAt).toBe(before.issuedAt);
    await rotate();
    expect((await openKeyList(await listText(), root())).environment).toBe(environment);
    await expect(loadKeyRing(await listText(), root(), 'staging')).rejects.toThrow('environment acme');
  });

  it('lets both keys sign during the overlap, and the present one no more when it ends', async () => {
    const { retired, made = '' } = await rotate();
    const loaded = await ring();
    const why = (kid: string, after: number) => whyNotToSign(loaded, 'approval', kid, new Date(Date.now() + after));
    expect([why(made, 0), why(retired, 0), why(retired, hour - 6 * 60_000), why(made, 10 * hour)]).toEqual(Array(4).fill(undefined));
    expect(why(retired, hour - 4 * 60_000)).toMatch(new RegExp(`^key ${retired} ends at 20`));
    expect(why(retired, 2 * hour)).toMatch(new RegExp(`^key ${retired} ends at 20`));
  });

  it('revokes the present key at once when it was stolen', async () => {
    const { retired, made = '' } = await rotate({ revoke: true });
    const loaded = await ring();
    expect(whyNotToSign(loaded, 'approval', retired, new Date())).toMatch(/was revoked at/);
    expect(whyNotToSign(loaded, 'approval', made, new Date())).toBeUndefined();
  });

  it('does not make a key last longer that was to end sooner, when it is rotated again', async () => {
    const first = await rotate();
    const second = await rotate({ overlapMs: 50 * hour });
    const loaded = await ring();
    expect(second.retired).toBe(first.made);
    expect(loaded.get(first.retired)?.notAfter).toBe(Date.parse(first.until));
    expect(loaded.get(second.retired)?.notAfter).toBe(Date.parse(second.until));
  });

  it('writes nothing without being told to apply it', async () => {
    const before = await everything();
    expect(await rotate({ apply: false })).toEqual({
      retired: (await keyOf()).kid,
      until: expect.any(String),
      keyFile: files.serviceKeyFile.approval,
      keyListFile: files.keyListFile,
    });
    expect(await everything()).toEqual(before);
  });

  it('refuses without the root key, with another root, and for a file that is not a key of the service; with the right ones it goes', async () => {
    const rootFile = path.join(folder, 'root-belongs-offline.jwk');
    const away = path.join(path.dirname(folder), 'root.jwk');
    await rename(rootFile, away);
    const before = await everything();
    await expect(rotate()).rejects.toThrow(`${rootFile} is missing. Bring the root key from its offline storage, or name its file`);
    const other = path.join(path.dirname(folder), 'other.jwk');
    await writeFile(other, JSON.stringify(makeSigningKey().private));
    await expect(rotate({ rootFile: other })).rejects.toThrow('is not the root key that signed');
    const own = await readFile(files.serviceKeyFile.approval, 'utf8');
    await writeFile(files.serviceKeyFile.approval, await readFile(files.serviceKeyFile.audit, 'utf8'));
    await expect(rotate({ rootFile: away })).rejects.toThrow('approval.jwk is not a key of approval in');
    await writeFile(files.serviceKeyFile.approval, own);
    expect(await everything()).toEqual(before);
    expect((await rotate({ rootFile: away })).made).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('a service signs with a key that is believed', () => {
  it('R8.3 and with none that is unknown, of another service, not valid yet, revoked or at its end', async () => {
    const loaded = await ring();
    const { kid } = await keyOf();
    const unknown = makeSigningKey().kid;
    expect(whyNotToSign(loaded, 'approval', kid, new Date())).toBeUndefined();
    expect(whyNotToSign(loaded, 'approval', unknown, new Date())).toBe(`key ${unknown} is not in the key list of ${loaded.issuedAt}`);
    expect(whyNotToSign(loaded, 'audit', kid, new Date())).toBe(`key ${kid} belongs to approval, not to audit`);
    expect(whyNotToSign(loaded, 'approval', kid, new Date(0))).toBe(`key ${kid} is not valid before ${loaded.issuedAt}`);
  });

  it('and the signer refuses as soon as its events would be rejected', async () => {
    const reasons = [undefined, 'key 1 ends at noon'];
    const signer = new Signer(await keyOf(), () => reasons.shift());
    const record = { topic: 'readmit.approval.v1', key: 'case-1', headers: {}, value: Buffer.from('{}') };
    expect(signer.sign('acme', [record])).toHaveLength(1);
    expect(() => signer.sign('acme', [record])).toThrow('cannot sign: key 1 ends at noon. Restart the service with its new key');
  });
});
