/** The targets file: each target is on this machine or reached by verified TLS, and a fault names target and field, never a secret. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blockOf } from '@readmit/testing';
import { openTargets, targetsFile } from '../src/outbound/targets.js';

const postgres = {
  kind: 'postgres',
  name: 'ledger',
  url: 'postgres://readmit_exec:pass%2Fword-1@db.example.com:6432/ledger',
  accounts: [{ object: 'payroll', ownerRole: 'payroll', logins: ['payroll_a', 'payroll_b'] }],
};
const idp = {
  kind: 'demo-idp',
  name: 'idp',
  url: 'https://idp.example.com/admin',
  tokenUrl: 'https://idp.example.com/token',
  clientId: 'readmit-execution',
  clientSecret: 'client-secret-1',
};
const ldap = {
  kind: 'ldap',
  name: 'directory',
  profile: 'openldap',
  url: 'ldaps://ldap.example.com',
  bindDn: 'cn=readmit,dc=acme,dc=test',
  passwordFile: '/run/secrets/readmit-ldap',
  base: 'dc=acme,dc=test',
  people: { base: 'ou=people,dc=acme,dc=test', name: 'uid' },
  groups: { base: 'ou=groups,dc=acme,dc=test', name: 'cn' },
  cacheSeconds: 300,
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(...targets: readonly unknown[]) {
  const file = path.join(folder, 'targets.json');
  await writeFile(file, JSON.stringify(targets), { mode: 0o600 });
  return targetsFile(file);
}

describe('targets file', () => {
  it('accepts remote hosts that are verified, and opens a connector for each', async () => {
    const bonus = { object: 'bonus', ownerRole: 'bonus', logins: ['bonus_a', 'bonus_b'] };
    const targets = await read({ ...postgres, accounts: [...postgres.accounts, bonus] }, idp, {
      ...idp,
      name: 'here',
      url: 'http://127.0.0.1:9/admin',
      tokenUrl: 'http://localhost:9/token',
    });
    expect([...openTargets(targets.reveal()).keys()]).toEqual(['ledger', 'idp', 'here']);
    expect(JSON.stringify({ targets })).not.toMatch(/word-1|client-secret-1/);
  });

  it('accepts the example of docs/targets.md, but not if others can read the file', async () => {
    const example = /^```json\n([^]*?)^```$/m.exec(await readFile('docs/targets.md', 'utf8'))?.[1] ?? '';
    const file = path.join(folder, 'page.json');
    await writeFile(file, example, { mode: 0o600 });
    expect([...openTargets(targetsFile(file).reveal()).keys()]).toEqual(['ledger']);
    await writeFile(file, blockOf('docs/targets.md', 'Connect your LDAP directory', 3), { mode: 0o600 });
    const directory = openTargets(targetsFile(file).reveal()).get('directory');
    expect(directory?.capabilities).toMatchObject({ asks: ['account.unlock', 'group.restore'], residualSeconds: 300 });
    await chmod(file, 0o640);
    expect(() => targetsFile(file)).toThrow('mode 0600');
  });

  it.each([
    [
      'a remote PostgreSQL without verification',
      { ...postgres, url: `${postgres.url}?sslmode=disable` },
      /ledger a safe url: sslmode must be verify-full/,
    ],
    [
      'a PostgreSQL whose query names another host',
      { ...postgres, url: `${postgres.url}?host=evil.example.com` },
      /ledger a safe url: parameter host is not supported/,
    ],
    [
      'a PostgreSQL without a password',
      { ...postgres, url: 'postgres://readmit_exec@db.example.com/ledger' },
      /ledger a safe url: must name user, password and database/,
    ],
    ['two turns of one login', { ...postgres, accounts: [{ ...postgres.accounts[0], logins: ['a', 'a'] }] }, /duplicate items/],
    [
      'two accounts with the same owner role',
      { ...postgres, accounts: [...postgres.accounts, { object: 'bonus', ownerRole: 'payroll', logins: ['bonus_a', 'bonus_b'] }] },
      /must give every account of ledger its own owner role: payroll is the owner role of two accounts/,
    ],
    ['a remote identity provider without TLS', { ...idp, url: 'http://idp.example.com/admin' }, /idp a safe url: must be an https URL/],
    ['a remote directory without TLS', { ...ldap, url: 'ldap://ldap.example.com' }, /directory a safe url: must be an ldaps URL/],
    ['a directory with the password in its URL', { ...ldap, url: 'ldaps://cn=x:secret@ldap.example.com' }, /must not contain credentials/],
    [
      'a directory with an untested profile',
      { ...ldap, profile: 'active-directory' },
      /has wrong entries; \/0\/profile must be equal to constant$/,
    ],
    [
      'a directory without a password file',
      { ...ldap, passwordFile: undefined },
      /has wrong entries; \/0 must have required property 'passwordFile'$/,
    ],
    ['an unknown field', { ...ldap, bindPassword: 'x' }, /has wrong entries; \/0 must NOT have additional properties: bindPassword$/],
    ['an unknown kind', { ...ldap, kind: 'ldpa' }, /\/0 value of tag "kind" must be in oneOf/],
    [
      'a remote token endpoint without TLS',
      { ...idp, tokenUrl: 'http://idp.example.com/token' },
      /idp a safe tokenUrl: must be an https URL/,
    ],
  ])('refuses %s', async (_what, target, says) => {
    await expect(read(target)).rejects.toThrow(says);
    await expect(read(target)).rejects.not.toThrow(/word-1|client-secret-1/);
    await expect(read(postgres, idp)).resolves.toBeDefined();
  });
});
