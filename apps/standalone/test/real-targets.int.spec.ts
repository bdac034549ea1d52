/** What `--real` starts in addition: a directory with the executor of the documentation, and a mail server that keeps mail. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectorKinds, type Connector } from '@readmit/connectors';
import { blockOf } from '@readmit/testing';
import { createTransport } from 'nodemailer';
import { startMailServer } from '../src/real/mail-server.js';
import { startOpenLdapTarget } from '../src/real/openldap-target.js';

const deployDir = fileURLToPath(new URL('../../../deploy/openldap', import.meta.url));
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the directory', () => {
  it('has the executor and the rights that docs/targets.md describes', async () => {
    const file = (name: string): Promise<string> => readFile(path.join(deployDir, name), 'utf8');
    expect(await file('executor.ldif')).toBe(blockOf('docs/targets.md', 'Connect your LDAP directory', 1));
    expect(await file('executor-rights.ldif')).toBe(blockOf('docs/targets.md', 'Connect your LDAP directory', 2));
  });

  it('serves the connector with the entry for the file of targets, is unreachable while it is killed, and serves it again after a restart and another start', async () => {
    const start = () => startOpenLdapTarget({ dataDir: path.join(folder, 'openldap'), deployDir, log: () => undefined });
    const ask = { id: 'ask-1', kind: 'group.restore', connector: 'directory', object: 'erin', entitlement: 'finance-admins' } as const;
    const read = (connector: Connector) => connector.read(ask, new AbortController().signal);
    const absent = expect.objectContaining({ name: 'directory/erin/group/finance-admins', value: 'absent' });
    let target = await start();
    const connector = (): Connector => {
      const ldap = connectorKinds.find(({ kind }) => kind === 'ldap');
      if (!ldap) throw new Error('there is no connector for LDAP');
      return ldap.open(target.entry as Parameters<typeof ldap.open>[0], { callTimeoutMs: 5_000 });
    };
    try {
      expect(await target.membersOf('finance-admins')).toEqual(['dave']);
      expect(await read(connector())).toContainEqual(absent);
      await target.kill();
      await expect(read(connector())).rejects.toMatchObject({ code: 'unreachable' });
      await target.restart();
      expect(await read(connector())).toContainEqual(absent);
      await target.stop();
      target = await start();
      expect(await read(connector())).toContainEqual(absent);
    } finally {
      await target.stop();
    }
  });
});

describe('the mail server', () => {
  it('keeps each mail for its recipient, whole, and has none for others', async () => {
    const mail = await startMailServer(path.join(folder, 'mail'));
    const { hostname, port } = new URL(mail.url);
    const transport = createTransport({ host: hostname, port: Number(port), secure: false });
    const word = `case_${'0123456789abcdef'.repeat(6)}`;
    try {
      await transport.sendMail({ from: 'a@example.test', to: 'erin@example.test', subject: 'one', text: `é ${word} ${word}` });
      expect(await mail.to('erin@example.test')).toEqual([expect.stringContaining(`${word} ${word}`)]);
      expect(await mail.to('ada@example.test')).toEqual([]);
    } finally {
      transport.close();
      await mail.stop();
    }
  });
});
