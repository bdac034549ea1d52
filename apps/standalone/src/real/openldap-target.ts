/** The directory that groups are restored in: an OpenLDAP with the executor and its rights of docs/targets.md. */
import { createHash, randomBytes } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { removeOpenLdap, startOpenLdap, type OpenLdapServer } from '@readmit/servers';
import { Client } from 'ldapts';
import { passwordIn } from '../target/password-file.js';

const suffix = 'dc=acme,dc=test';
const executor = `cn=readmit,ou=services,${suffix}`;
const groupDn = (group: string): string => `cn=${group},ou=groups,${suffix}`;

export interface OpenLdapTarget extends Pick<OpenLdapServer, 'url' | 'kill' | 'restart' | 'stop'> {
  /** Entry of the file of targets. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** Accounts in the group, as the administrator sees them. */
  membersOf(group: string): Promise<readonly string[]>;
}

/** `deployDir`: the folder with the LDIF files. */
export async function startOpenLdapTarget(options: {
  readonly dataDir: string;
  readonly deployDir: string;
  readonly log: (line: string) => void;
}): Promise<OpenLdapTarget> {
  const { dataDir, deployDir, log } = options;
  const prepared = path.join(dataDir, 'prepared');
  // A start that ended half-way begins again.
  const isPrepared = await access(prepared).then(
    () => true,
    () => false,
  );
  if (!isPrepared) await removeOpenLdap(dataDir);
  const server = await startOpenLdap({ dataDir, log });
  try {
    const passwordFile = path.join(dataDir, 'executor.password');
    const password = await passwordIn(passwordFile);
    if (!isPrepared) {
      const accounts = await readFile(path.join(deployDir, 'executor.ldif'), 'utf8');
      await server.modify('data', accounts.replace('userPassword: change-me', `userPassword: ${salted(password)}`));
      await server.modify('config', await readFile(path.join(deployDir, 'executor-rights.ldif'), 'utf8'));
      await writeFile(prepared, '');
    }
    return {
      url: server.url,
      kill: () => server.kill(),
      restart: () => server.restart(),
      stop: () => server.stop(),
      entry: {
        kind: 'ldap',
        name: 'directory',
        profile: 'openldap',
        url: server.url,
        bindDn: executor,
        passwordFile,
        base: suffix,
        people: { base: `ou=people,${suffix}`, name: 'uid' },
        groups: { base: `ou=groups,${suffix}`, name: 'cn', placeholder: `uid=nobody,ou=services,${suffix}` },
        cacheSeconds: 0,
      },
      membersOf: (group) =>
        bound(server.url, server.admin.dn, server.admin.password, async (client) => {
          const { searchEntries } = await client.search(groupDn(group), { scope: 'base', attributes: ['member'] });
          return [searchEntries[0]?.['member'] ?? []].flat().map((dn) => /^uid=([^,]+)/.exec(String(dn))?.[1] ?? String(dn));
        }),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A salted hash that OpenLDAP accepts without more modules (RFC 2307, `{SSHA}`). The password is random, so a slow hash is not needed. */
function salted(password: string): string {
  const salt = randomBytes(16);
  return `{SSHA}${Buffer.concat([createHash('sha1').update(password).update(salt).digest(), salt]).toString('base64')}`;
}

async function bound<T>(url: string, dn: string, password: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ url, timeout: 10_000, connectTimeout: 10_000 });
  try {
    await client.bind(dn, password);
    return await work(client);
  } finally {
    await client.unbind();
  }
}
