/**
 * `readmit directory` with classification's own reader, which must accept what is signed; what it would refuse is not signed. Every possible
 * fault of a directory is tested in libs/domain/src/classification/directory-faults.spec.ts and apps/classification/test/http-directory.spec.ts.
 */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { httpDirectory, openDirectory, signDirectory } from '@readmit/signing';
import { DirectorySource, type Directory } from '@readmit/contracts';
import { blockOf } from '@readmit/testing';
import { parse, stringify } from 'yaml';
import { parsePolicy } from '../../apps/classification/src/outbound/policy-file.js';
import { Desk, json, modeOf, now } from '../../apps/cli/test/cli-run.js';

interface Entry {
  id: string;
  teams: string[];
  keys: object[];
}
interface Source {
  people: Entry[];
  machines: { ownerTeam: string }[];
}

let desk: Desk;
let keyId: string;
const at = (name: string): string => path.join(desk.home, name);
const source = async (): Promise<Source> => parse(await readFile(at('directory.yaml'), 'utf8')) as Source;
/** Writes the example with a change. */
async function edited(change: (source: Source) => void): Promise<void> {
  const document = await source();
  change(document);
  await writeFile(at('directory.yaml'), stringify(document, { aliasDuplicateObjects: false }));
}
const sign = (...more: string[]) =>
  desk.run('directory', 'sign', at('directory.yaml'), '--key', at('directory-key.json'), '--out', at('directory.jws'), ...more);
/** Reads it like classification, with the key in its configuration. */
const read = (text: string, key = keyId) =>
  httpDirectory({
    url: 'https://directory.example.test/',
    key,
    cacheMs: 0,
    open: openDirectory,
    now: () => 0,
    fetch: () => Promise.resolve(new Response(text)),
  }).read(new AbortController().signal);
const approverKey = async (id: string): Promise<object> =>
  json((await desk.run('key', 'create', '--for', 'approver', '--id', id, '--out', at(`${id}.json`), '--json')).stdout);
const first = ({ people }: Source): Entry => people[0] ?? { id: '', teams: [], keys: [] };

beforeEach(async () => {
  desk = await Desk.of('http://127.0.0.1:1');
  await desk.run('directory', 'init', desk.home);
  const created = await desk.run('key', 'create', '--for', 'directory', '--id', 'directory-1', '--out', at('directory-key.json'));
  keyId = created.stdout.trim();
});
afterEach(() => desk.leave());

describe('readmit directory init', () => {
  it('writes a valid example with every team of the default policy and its schema, and overwrites nothing', async () => {
    const policy = parsePolicy(await readFile('deploy/policies/default.yaml', 'utf8'), 'default.yaml').document;
    const asked = [...Object.values(policy.classes), { ...policy.privilegedSubject, verifiers: [] }].flatMap(({ verifiers, quorum }) => [
      ...verifiers,
      ...quorum.flatMap(({ teams }) => teams),
    ]);
    const teams = (await source()).people.flatMap((person) => person.teams);
    expect(teams).toEqual(expect.arrayContaining(asked));
    expect(await readFile(at('directory.yaml'), 'utf8')).toMatch(/^# yaml-language-server: \$schema=directory\.schema\.json\n/);
    expect(json(await readFile(at('directory.schema.json'), 'utf8'))['required']).toEqual(['version', 'people', 'machines', 'privileged']);
    expect(await desk.run('directory', 'check', at('directory.yaml'))).toMatchObject({
      code: 0,
      stderr: 'No one has a key, so no one can approve: readmit key create --for approver\n',
    });
    const again = await desk.run('directory', 'init', desk.home);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('The file already exists')]);
  });
});

describe('docs/directory.md', () => {
  it('shows what init writes, and explains exactly the fields of the schema', async () => {
    // The fields of a live source are in a later section.
    const [page = ''] = (await readFile('docs/directory.md', 'utf8')).split('\n## From your LDAP directory');
    expect(blockOf('docs/directory.md', 'The file')).toBe(await readFile(at('directory.yaml'), 'utf8'));
    const named = [...page.matchAll(/^\| `(\.?[a-zA-Z]+)` +\|/gm)].map(([, name]) => name);
    const { people, machines } = DirectorySource.properties;
    const below = [people, machines].flatMap(({ items }) => Object.keys(items.properties).map((name) => `.${name}`));
    expect(named.toSorted()).toEqual([...Object.keys(DirectorySource.properties), ...below].toSorted());
  });
});

describe('readmit directory check', () => {
  it('prints all faults with place and entry and exits with 2, or with 0 if there are none', async () => {
    const key = await approverKey('dana-1');
    await edited((document) => {
      document.people.push(structuredClone(first(document)));
      first(document).keys.push(key);
      document.people[1]?.keys.push(key);
    });
    const ran = await desk.run('directory', 'check', at('directory.yaml'));
    expect(ran).toEqual({
      code: 2,
      stdout: 'two entries have the person id u-1001\nu-1001 and u-1002 have the same public key (dana-1)\n',
      stderr: expect.stringContaining('Correct these 2 in'),
    });
    await edited((document) => {
      document.people.pop();
      document.people[1]?.keys.pop();
    });
    expect(await desk.run('directory', 'check', at('directory.yaml'))).toMatchObject({ code: 0, stderr: '' });
  });

  it('prints why a file cannot be read, like every command', async () => {
    const missing = await desk.run('directory', 'check', at('none.yaml'));
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('there is no such file or folder (ENOENT)')]);
    const isFolder = { code: 2, stderr: expect.stringContaining('it is a folder (EISDIR)') };
    expect(await desk.run('directory', 'check', desk.home)).toMatchObject(isFolder);
    const out = ['--key', at('directory-key.json'), '--out', desk.home];
    expect(await desk.run('directory', 'sign', at('directory.yaml'), ...out)).toMatchObject(isFolder);
  });

  it.each<[string, (source: Source) => void, string]>([
    [
      'an unknown field',
      (document) => Object.assign(first(document), { team: 'staff' }),
      '/people/0 must NOT have additional properties: team (u-1001)',
    ],
    [
      'a field of another type',
      (document) => Object.assign(first(document), { authority: '5' }),
      '/people/0/authority must be integer (u-1001)',
    ],
    ['an issuedAt', (document) => Object.assign(document, { issuedAt: now.toISOString() }), '/issuedAt must be left out: signing sets it'],
  ])('reports %s with place and entry', async (_, change, fault) => {
    await edited(change);
    const ran = await desk.run('directory', 'check', at('directory.yaml'), '--json');
    expect([ran.code, json(ran.stdout)]).toEqual([2, { ok: false, file: at('directory.yaml'), faults: [fault] }]);
  });

  it('reports a file that is not YAML, one with aliases, and one that is not a directory', async () => {
    await writeFile(at('directory.yaml'), 'people: &some []\nmachines: *some\n');
    expect(await desk.run('directory', 'check', at('directory.yaml'))).toMatchObject({
      code: 2,
      stdout: 'aliases (*name) are not allowed: write each entry out\n',
    });
    await writeFile(at('directory.yaml'), 'people: [\n');
    expect(await desk.run('directory', 'check', at('directory.yaml'))).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('line 2'),
    });
    await writeFile(at('directory.yaml'), '- a list\n');
    expect(await desk.run('directory', 'check', at('directory.yaml'))).toMatchObject({ code: 2, stdout: '/ must be object\n' });
  });

  it('warns about a machine whose owning team is empty, but accepts it', async () => {
    await edited((document) => document.machines.forEach((machine) => (machine.ownerTeam = 'payrol-team')));
    expect(await desk.run('directory', 'check', at('directory.yaml'))).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('payrol-team, which owns svc-payroll, has no members.'),
    });
  });
});

describe('readmit directory sign', () => {
  it('R8.3 signs what classification accepts with this key, but not with another, or with a changed byte', async () => {
    const ran = await sign('--json');
    const text = await readFile(at('directory.jws'), 'utf8');
    expect([ran.code, json(ran.stdout)]).toEqual([
      0,
      expect.objectContaining({ issuedAt: now.toISOString(), directoryKey: keyId, people: 4 }),
    ]);
    const accepted = await read(text);
    expect(accepted).toMatchObject({ issuedAt: now.toISOString(), directory: { ...(await source()), issuedAt: now.toISOString() } });
    expect(await modeOf(at('directory.jws'))).toBe(0o600);
    const other = await desk.run('key', 'create', '--for', 'directory', '--id', 'other', '--out', at('other.json'));
    await expect(read(text, other.stdout.trim())).rejects.toThrow('signature verification failed');
    const middle = Math.floor(text.length / 2);
    const changed = `${text.slice(0, middle)}${text[middle] === 'A' ? 'B' : 'A'}${text.slice(middle + 1)}`;
    await expect(read(changed)).rejects.toThrow('signature verification failed');
  });

  it('checks whether classification would accept a signed file, and exits with 3 if not', async () => {
    await sign();
    const check = () => desk.run('directory', 'check', at('directory.jws'), '--signed-by', keyId);
    expect(await check()).toMatchObject({ code: 0, stdout: expect.stringContaining(now.toISOString()) });
    await writeFile(at('directory.jws'), `${await readFile(at('directory.jws'), 'utf8')}A`);
    expect(await check()).toMatchObject({ code: 3, stderr: expect.stringContaining('Classification would refuse this') });
  });

  it('R1.6 signs nothing that check refuses', async () => {
    await edited((document) => document.people.push(structuredClone(first(document))));
    expect(await sign()).toMatchObject({
      code: 2,
      stdout: 'two entries have the person id u-1001\n',
      stderr: expect.stringContaining('Nothing was signed.'),
    });
    await expect(readFile(at('directory.jws'))).rejects.toMatchObject({ code: 'ENOENT' });
    await edited((document) => document.people.pop());
    expect(await sign()).toMatchObject({ code: 0 });
  });

  it('replaces an earlier issue, but not a later one or one with another key', async () => {
    await sign();
    const before = await readFile(at('directory.jws'), 'utf8');
    expect(await sign()).toMatchObject({ code: 0 });
    desk.now = new Date(now.getTime() - 1);
    expect(await sign()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `The existing directory was issued at ${now.toISOString()}, later than now (${desk.now.toISOString()})`,
      ),
    });
    desk.now = new Date(now.getTime() + 1);
    await desk.run('key', 'create', '--for', 'directory', '--id', 'other', '--out', at('other.json'));
    expect(
      await desk.run('directory', 'sign', at('directory.yaml'), '--key', at('other.json'), '--out', at('directory.jws')),
    ).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Choose another file with --out'),
    });
    expect((await read(before)).issuedAt).toBe((await read(await readFile(at('directory.jws'), 'utf8'))).issuedAt);
    expect(await sign()).toMatchObject({ code: 0 });
    expect((await read(await readFile(at('directory.jws'), 'utf8'))).issuedAt).toBe(desk.now.toISOString());
  });

  it('replaces an earlier issue with faults, but not one without issuedAt', async () => {
    const { d } = JSON.parse(await readFile(at('directory-key.json'), 'utf8')) as { d: string };
    const existing = async (more: object): Promise<string> => {
      const faulty = { version: 1, people: 'none', ...more } as unknown as Directory;
      const text = await signDirectory(faulty, { kty: 'OKP', crv: 'Ed25519', x: keyId, d });
      await writeFile(at('directory.jws'), text);
      return text;
    };
    for (const undated of [{}, { issuedAt: 'now' }]) {
      await existing(undated);
      expect(await sign()).toMatchObject({ code: 2, stderr: expect.stringContaining('it has no issuedAt') });
    }
    await existing({ issuedAt: new Date(now.getTime() + 1).toISOString() });
    expect(await sign()).toMatchObject({ code: 2, stderr: expect.stringContaining('later than now') });
    const faulty = await existing({ issuedAt: now.toISOString() });
    await expect(read(faulty)).rejects.toThrow('fix it: ');
    expect(await sign()).toMatchObject({ code: 0 });
    expect((await read(await readFile(at('directory.jws'), 'utf8'))).issuedAt).toBe(now.toISOString());
  });

  it('refuses a key file that others can read, and prints no secret', async () => {
    const { d } = JSON.parse(await readFile(at('directory-key.json'), 'utf8')) as { d: string };
    await chmod(at('directory-key.json'), 0o644);
    const refused = await sign();
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('A private file can be read by others') });
    await chmod(at('directory-key.json'), 0o600);
    const done = await sign();
    expect(done.code).toBe(0);
    expect([refused, done].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(d);
  });
});
