/** How the connector connects to the directory: TLS, password and rights, and what it does when it may not see something. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { testOpenLdap, type TestOpenLdap } from '@readmit/testing';
import { Attribute, Change, Client } from 'ldapts';
import {
  badPasswords,
  connectorAt,
  dnOf,
  executed,
  financeAdmins,
  groupAsk,
  mayBind,
  membersOf,
  planned,
  refusal,
  signal,
  suffix,
  undone,
  unlockAsk,
} from './ldap-target.js';

let directory: TestOpenLdap;
afterEach(() => directory.remove());

const executor = `cn=readmit,ou=services,${suffix}`;
const rule = (text: string) =>
  directory.modify('config', `dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\nolcAccess: {0}${text}\n`);

describe('TLS', () => {
  let folder: string;
  let authority: string;
  let tls: { readonly certificate: string; readonly key: string };
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
    const file = (name: string): string => path.join(folder, name);
    const openssl = (...words: readonly string[]) => promisify(execFile)('openssl', [...words]);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    authority = file('authority.pem');
    await openssl('req', '-x509', ...key, '-keyout', file('authority.key'), '-out', authority, '-days', '2', '-subj', '/CN=test authority');
    await openssl('req', ...key, '-keyout', file('server.key'), '-out', file('server.csr'), '-subj', '/CN=localhost');
    await writeFile(file('names'), 'subjectAltName=DNS:localhost\n');
    const signed = ['-CA', authority, '-CAkey', file('authority.key'), '-CAcreateserial', '-days', '2', '-extfile', file('names')];
    await openssl('x509', '-req', '-in', file('server.csr'), '-out', file('server.pem'), ...signed);
    tls = { certificate: await readFile(file('server.pem'), 'utf8'), key: await readFile(file('server.key'), 'utf8') };
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('restores and undoes over ldaps with the configured CA', async () => {
    directory = await testOpenLdap({ tls });
    const connector = connectorAt(directory, { url: directory.secureUrl ?? '', caFile: authority });
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    expect(await membersOf(directory)).toContain(dnOf('erin'));
    await undone(connector, plan);
    expect(await membersOf(directory)).not.toContain(dnOf('erin'));
  });

  it('refuses a certificate of an unknown CA or for another host, and a server without TLS', async () => {
    directory = await testOpenLdap({ tls });
    const url = directory.secureUrl ?? '';
    for (const [more, message] of [
      [{ url }, /unable to verify|self-signed|certificate/],
      [{ url: url.replace('localhost', '127.0.0.1'), caFile: authority }, /does not match certificate/],
      [{ url: `ldaps://localhost:${directory.port}`, caFile: authority }, /cannot be reached|did not respond/],
    ] as const)
      expect(await refusal(connectorAt(directory, { ...more, callTimeoutMs: 2_000 }).read(groupAsk(), signal))).toMatchObject({
        effect: 'none',
        message: expect.stringMatching(message),
      });
  });
});

describe('the password', () => {
  it('is not locked by wrong passwords, as those of people are', async () => {
    directory = await testOpenLdap();
    await badPasswords(directory, executor);
    expect(await connectorAt(directory).read(groupAsk(), signal)).not.toEqual([]);
    // The control: three wrong passwords lock a person.
    await badPasswords(directory, dnOf('erin'));
    expect(await mayBind(directory, dnOf('erin'), 'erin-test-password-0001')).toBe(false);
  });

  it('can be changed without a restart', async () => {
    directory = await testOpenLdap();
    const connector = connectorAt(directory);
    await connector.read(groupAsk(), signal);
    await directory.modify('data', `dn: ${executor}\nchangetype: modify\nreplace: userPassword\nuserPassword: the-next-password-0002\n`);
    expect(await refusal(connector.read(groupAsk(), signal))).toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('the bind DN or the password is wrong'),
    });
    await writeFile(directory.passwordFile, 'the-next-password-0002\n');
    expect(await connector.read(groupAsk(), signal)).not.toEqual([]);
  });

  it('must be in a file that is not empty and that only its owner can read', async () => {
    directory = await testOpenLdap();
    const connector = connectorAt(directory);
    await chmod(directory.passwordFile, 0o644);
    expect(await refusal(connector.read(groupAsk(), signal))).toMatchObject({ code: 'refused', message: expect.stringContaining('0600') });
    await chmod(directory.passwordFile, 0o600);
    await connector.read(groupAsk(), signal);
    // A bind with an empty password succeeds as an anonymous one.
    await writeFile(directory.passwordFile, '\n');
    expect(await refusal(connector.read(groupAsk(), signal))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('is empty'),
    });
    await rm(directory.passwordFile);
    expect(await refusal(connector.read(groupAsk(), signal))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('ENOENT'),
    });
  });
});

describe('what the executor may not see', () => {
  it('R6.3 does not count as absent: an undo fails if the executor does not see its own entry or may not see members', async () => {
    directory = await testOpenLdap();
    const connector = connectorAt(directory);
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    for (const [text, message] of [
      [`to dn.subtree="${suffix}" by dn.exact="${executor}" none by * break`, /answered 32|does not see its own entry/],
      [`to dn.exact="${financeAdmins}" attrs=member by dn.exact="${executor}" none by * break`, /lacks a right/],
    ] as const) {
      await rule(text);
      expect(await refusal(undone(connector, plan))).toMatchObject({ message: expect.stringMatching(message) });
      await directory.modify('config', 'dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\ndelete: olcAccess\nolcAccess: {0}\n');
    }
    expect(await membersOf(directory)).toContain(dnOf('erin'));
    await undone(connector, plan);
    expect(await membersOf(directory)).not.toContain(dnOf('erin'));
  });

  it("R6.3 does not count as absent if the base does not contain the executor's own entry", async () => {
    directory = await testOpenLdap();
    const elsewhere = connectorAt(directory, { base: `ou=groups,${suffix}` });
    expect(await refusal(elsewhere.read(groupAsk(), signal))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining("does not return the executor's own entry"),
    });
  });

  it('includes a lock, which then does not count as absent', async () => {
    directory = await testOpenLdap();
    await directory.modify(
      'data',
      `dn: ${dnOf('erin')}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 20261122140742Z\n`,
    );
    await rule(`to dn.exact="${dnOf('erin')}" attrs=pwdAccountLockedTime by dn.exact="${executor}" none by * break`);
    expect(await refusal(planned(connectorAt(directory), unlockAsk()))).toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('lacks a right'),
    });
  });

  it('R2.2 includes the controls that make a change conditional: without them no plan is made', async () => {
    directory = await testOpenLdap();
    await directory.modify(
      'config',
      'dn: olcDatabase={-1}frontend,cn=config\nchangetype: modify\nadd: olcAccess\nolcAccess: to dn.base="" by * none\n',
    );
    for (const ask of [groupAsk(), unlockAsk()])
      expect(await refusal(planned(connectorAt(directory), ask))).toMatchObject({
        code: 'unsupported',
        effect: 'none',
        message: expect.stringContaining('assertion control'),
      });
  });

  it('R2.2 is not left out if it is on another server or beyond the size limit', async () => {
    directory = await testOpenLdap();
    const connector = connectorAt(directory);
    for (const name of ['one', 'two'])
      await directory.modify(
        'data',
        `dn: cn=${name},ou=groups,${suffix}\nchangetype: add\nobjectClass: groupOfNames\ncn: ${name}\nmember: ${dnOf('erin')}\n`,
      );
    await directory.modify(
      'config',
      `dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcLimits\nolcLimits: dn.exact="${executor}" size=1\n`,
    );
    expect(await refusal(planned(connector, groupAsk()))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('size limit'),
    });
    await directory.modify('config', 'dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\ndelete: olcLimits\n');
    await planned(connector, groupAsk());
    await directory.modify(
      'data',
      `dn: ou=abroad,ou=people,${suffix}\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: abroad\nref: ldap://192.0.2.1/ou=abroad\n`,
    );
    expect(await refusal(planned(connector, groupAsk()))).toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('referrals are not followed'),
    });
  });
});

it('R8.4 has only the rights that it needs with the settings of docs/targets.md', async () => {
  directory = await testOpenLdap();
  const client = new Client({ url: directory.url, timeout: 5_000, connectTimeout: 5_000 });
  const change = (dn: string, operation: 'add' | 'replace', type: string, value: string) =>
    client.modify(dn, new Change({ operation, modification: new Attribute({ type, values: [value] }) }));
  try {
    await client.bind(executor, directory.executorPassword);
    for (const forbidden of [
      () => change(financeAdmins, 'add', 'member', executor),
      () => change(financeAdmins, 'replace', 'description', 'x'),
      () => change(`cn=prod-admins,ou=groups,${suffix}`, 'add', 'member', dnOf('erin')),
      () => change(dnOf('erin'), 'replace', 'userPassword', 'x'),
      () => change(dnOf('erin'), 'replace', 'pwdReset', 'FALSE'),
      () => client.compare(dnOf('erin'), 'userPassword', 'erin-test-password-0001'),
      () => client.del(financeAdmins),
    ])
      await expect(forbidden()).rejects.toMatchObject({ code: 50 });
    // The control: what it needs.
    await change(financeAdmins, 'add', 'member', dnOf('erin'));
  } finally {
    await client.unbind();
  }
});
