/** A directory for one spec, with the executor and its rights as docs/targets.md says. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { removeOpenLdap, startOpenLdap, type OpenLdapOptions, type OpenLdapServer } from '@readmit/servers';
import { blockOf } from './code-blocks.js';

export interface TestOpenLdap extends OpenLdapServer {
  /** Holds the executor's password. */
  readonly passwordFile: string;
  readonly executorPassword: string;
  /** Stops it and deletes its folder. */
  remove(): Promise<void>;
}

/** Starts one: about a quarter of a second. */
export async function testOpenLdap(options: Pick<OpenLdapOptions, 'tls' | 'log'> = {}): Promise<TestOpenLdap> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
  const server = await startOpenLdap({ ...options, dataDir });
  const remove = async (): Promise<void> => {
    await server.stop();
    await removeOpenLdap(dataDir);
  };
  try {
    const executor = blockOf('docs/targets.md', 'Connect your LDAP directory', 1);
    await server.modify('data', executor);
    await server.modify('config', blockOf('docs/targets.md', 'Connect your LDAP directory', 2));
    const executorPassword = /^userPassword: (.+)$/m.exec(executor)?.[1] ?? '';
    const passwordFile = path.join(dataDir, 'executor-password');
    await writeFile(passwordFile, `${executorPassword}\n`, { mode: 0o600 });
    return Object.assign(Object.create(server) as OpenLdapServer, { passwordFile, executorPassword, remove });
  } catch (error) {
    await remove();
    throw error;
  }
}
