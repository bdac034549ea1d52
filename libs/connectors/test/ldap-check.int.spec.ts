/** `connector check` at OpenLDAP: rights are tried by changes that cannot take place; the directory is the same afterwards, to the last timestamp. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testOpenLdap, type TestOpenLdap } from '@readmit/testing';
import { checked, faultsIn, selfSigned, toldBy } from './checked.js';
import { asAdmin, connectorAt, executed, financeAdmins, groupAsk, placeholder, planned, suffix } from './ldap-target.js';

let directory: TestOpenLdap;
let folder: string;
beforeEach(async () => {
  directory = await testOpenLdap();
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
});
afterEach(async () => {
  await directory.remove();
  await rm(folder, { recursive: true });
});

const executor = `cn=readmit,ou=services,${suffix}`;
const rule = (text: string) =>
  directory.modify('config', `dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\nolcAccess: {0}${text}\n`);
/** Every entry with its operational attributes: entryCSN, modifyTimestamp, modifiersName, failures of passwords. */
const everything = () =>
  asAdmin(directory, async (client) => (await client.search(suffix, { scope: 'sub', attributes: ['*', '+'] })).searchEntries);
const passwordFile = async (password: string): Promise<string> => {
  const file = path.join(folder, 'password');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return file;
};

describe('connector check at OpenLDAP', () => {
  it('finds nothing wrong with the documented rights, and changes nothing, not even a timestamp', async () => {
    const before = await everything();
    expect(JSON.stringify(before)).toContain('modifyTimestamp');
    const results = await checked(connectorAt(directory));
    expect(faultsIn(results)).toEqual([]);
    expect(results.map(({ check }) => check)).toEqual([
      'connection',
      'credentials',
      'controls',
      'canary',
      'placeholder',
      'groups',
      'unlock',
      'other rights',
    ]);
    expect(toldBy(results, 'groups')).toContain(`may change the members of ${financeAdmins}`);
    expect(await everything()).toEqual(before);
  });

  it('finds and changes nothing where everybody is already a member', async () => {
    const connector = connectorAt(directory);
    await executed(connector, await planned(connector, groupAsk()));
    const everybody = (await everything()).filter(({ dn }) => dn.endsWith(`,ou=people,${suffix}`)).map(({ dn }) => dn);
    await directory.modify(
      'data',
      `dn: ${financeAdmins}\nchangetype: modify\nreplace: member\n${[...everybody, placeholder].map((dn) => `member: ${dn}`).join('\n')}\n`,
    );
    const before = await everything();
    expect(faultsIn(await checked(connector))).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it.each<[what: string, rule: string, fault: string, told: string]>([
    [
      'no right to change members',
      `to dn.exact="${financeAdmins}" attrs=member by dn.exact="${executor}" read by * break`,
      'groups: missing',
      'may change the members of no group Add rule 0',
    ],
    [
      'no right to put in the placeholder',
      `to dn.exact="${financeAdmins}" attrs=member val.base="${placeholder}" by dn.exact="${executor}" read by * break`,
      'groups: missing',
      'may not put the placeholder into',
    ],
    [
      'no right to unlock',
      `to dn.children="ou=people,${suffix}" attrs=pwdAccountLockedTime by dn.exact="${executor}" read by * break`,
      'unlock: missing',
      'may not write pwdAccountLockedTime of uid=',
    ],
    [
      'its own entry hidden',
      `to dn.exact="${executor}" by dn.exact="${executor}" none by anonymous auth by * break`,
      'canary: missing',
      'does not see its own entry',
    ],
    [
      'the placeholder hidden',
      `to dn.exact="${placeholder}" by dn.exact="${executor}" none by * break`,
      'placeholder: missing',
      `does not see ${placeholder}`,
    ],
    [
      'a right to add itself',
      `to dn.exact="${financeAdmins}" attrs=member by dn.exact="${executor}" write by * break`,
      'groups: too much',
      `may add itself to ${financeAdmins}`,
    ],
    [
      'a right to set passwords',
      `to dn.children="ou=people,${suffix}" attrs=userPassword by dn.exact="${executor}" write by * break`,
      'other rights: too much',
      'may also set passwords of people Take these rights away',
    ],
    [
      'a right to change people',
      `to dn.children="ou=people,${suffix}" attrs=description by dn.exact="${executor}" write by * break`,
      'other rights: too much',
      'may also change people',
    ],
  ])('finds %s, and nothing else', async (_what, text, fault, told) => {
    await rule(text);
    const before = await everything();
    const results = await checked(connectorAt(directory));
    expect(faultsIn(results)).toEqual([fault]);
    expect(toldBy(results, fault.split(':')[0] ?? '')).toContain(told);
    expect(await everything()).toEqual(before);
  });

  it('finds that the executor is the administrator, and changes nothing with its rights', async () => {
    const before = await everything();
    const results = await checked(
      connectorAt(directory, { bindDn: directory.admin.dn, passwordFile: await passwordFile(directory.admin.password) }),
    );
    expect(faultsIn(results)).toEqual(expect.arrayContaining(['other rights: too much', 'groups: too much', 'canary: missing']));
    expect(toldBy(results, 'other rights')).toContain('It looks like an administrator (olcRootDN)');
    expect(await everything()).toEqual(before);
  });

  it('finds bases that are not there', async () => {
    const results = await checked(
      connectorAt(directory, {
        people: { base: `ou=nobody,${suffix}`, name: 'uid' },
        groups: { base: `ou=nowhere,${suffix}`, name: 'cn', placeholder },
      }),
    );
    expect(faultsIn(results)).toEqual(['groups: missing', 'unlock: missing']);
    expect(toldBy(results, 'unlock')).toContain(`sees no entry with uid below ou=nobody,${suffix}`);
    const elsewhere = await checked(connectorAt(directory, { base: 'dc=elsewhere,dc=test' }));
    expect(faultsIn(elsewhere)).toEqual(['canary: missing', 'other rights: missing']);
    expect(toldBy(elsewhere, 'canary')).toMatch(/responded with 32.*Check base/);
  });

  it('finds a wrong password and a file that others can read, without the password', async () => {
    const results = await checked(connectorAt(directory, { passwordFile: await passwordFile('a-wrong-password') }));
    expect(faultsIn(results).slice(0, 2)).toEqual(['credentials: wrong', 'controls: not checked']);
    expect(toldBy(results, 'credentials')).toContain('the bind DN or the password is wrong');
    const open = await passwordFile(directory.executorPassword);
    await chmod(open, 0o644);
    const readable = await checked(connectorAt(directory, { passwordFile: open }));
    expect(toldBy(readable, 'credentials')).toContain('must have mode 0600');
    expect(JSON.stringify([results, readable])).not.toMatch(new RegExp(`a-wrong-password|${directory.executorPassword}"`));
    await chmod(open, 0o600);
    expect(faultsIn(await checked(connectorAt(directory, { passwordFile: open })))).toEqual([]);
  });

  it('finds a certificate of an unknown authority, and accepts it with caFile', async () => {
    const tls = selfSigned();
    const secure = await testOpenLdap({ tls });
    try {
      const caFile = path.join(folder, 'authority.pem');
      await writeFile(caFile, tls.certificate);
      const url = secure.secureUrl ?? '';
      const results = await checked(connectorAt(secure, { url }));
      expect(faultsIn(results).slice(0, 2)).toEqual(['connection: wrong', 'credentials: not checked']);
      expect(toldBy(results, 'connection')).toMatch(/self-signed certificate.*caFile/);
      expect(results[0]).not.toHaveProperty('unreachable');
      expect(faultsIn(await checked(connectorAt(secure, { url, caFile })))).toEqual([]);
    } finally {
      await secure.remove();
    }
  });

  it('says that a directory cannot be reached', async () => {
    const [first, ...rest] = await checked(connectorAt(directory, { url: 'ldap://127.0.0.1:1' }));
    expect(first).toMatchObject({ check: 'connection', result: 'wrong', unreachable: true });
    expect(new Set(rest.map(({ result }) => result))).toEqual(new Set(['not checked']));
  });
});
