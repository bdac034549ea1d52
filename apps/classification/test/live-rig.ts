/** A real OpenLDAP with the reader of docs/directory.md, classification's tables in PostgreSQL, and a clock. Importing it starts them for the spec. */
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Directory } from '@readmit/contracts';
import type { Store } from '@readmit/store';
import { blockOf, testDatabase, testOpenLdap, type TestDatabase, type TestOpenLdap } from '@readmit/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ldapSource } from '../src/outbound/ldap-source.js';
import { parseSource, type LdapSourceSettings } from '../src/outbound/source-settings.js';
import { person } from './people.js';
import { sourceRig, type Rig } from './source-rig.js';

export const suffix = 'dc=acme,dc=test';
export const dnOf = (uid: string): string => `uid=${uid},ou=people,${suffix}`;
export const groupDn = (cn: string): string => `cn=${cn},ou=groups,${suffix}`;

export let ldap: TestOpenLdap;
export let passwordFile: string;
let database: TestDatabase;
export let store: Store;
export let clock: Date;
export const now = (): Date => clock;
export const later = (seconds: number): void => void (clock = new Date(clock.getTime() + seconds * 1000));

export const entry = (uid: string, more = ''): string => `dn: ${dnOf(uid)}
changetype: add
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: Example
employeeNumber: h-${uid}
employeeType: employee
${more}
`;
export const group = (cn: string, ...members: readonly string[]): string => `dn: ${groupDn(cn)}
changetype: add
objectClass: ${members.length > 0 ? 'groupOfNames' : 'groupOfMembers'}
cn: ${cn}
${members.map((dn) => `member: ${dn}\n`).join('')}
`;
export const change = (dn: string, ...lines: readonly string[]): Promise<void> =>
  ldap.modify('data', `dn: ${dn}\nchangetype: modify\n${lines.join('\n')}\n`);
export const gone = (dn: string): Promise<void> => ldap.modify('data', `dn: ${dn}\nchangetype: delete\n`);

beforeAll(async () => {
  database = await testDatabase();
  store = await database.store('classification');
  ldap = await testOpenLdap();
  const reader = blockOf('docs/directory.md', 'From your LDAP directory');
  await ldap.modify('data', reader);
  await ldap.modify('config', blockOf('docs/directory.md', 'From your LDAP directory', 2));
  passwordFile = path.join(ldap.dataDir, 'reader-password');
  await writeFile(passwordFile, `${/^userPassword: (.+)$/m.exec(reader)?.[1] ?? ''}\n`, { mode: 0o600 });
  await ldap.modify('data', [entry('boss'), ...Array.from({ length: 30 }, (_, n) => entry(`extra-${n}`))].join('\n'));
});
beforeEach(async () => {
  clock = new Date();
  await ldap.modify(
    'data',
    [
      entry('ada', `telephoneNumber: +44 20 7946 0101\nmanager: ${dnOf('boss')}`),
      entry('boris', 'telephoneNumber: +44 20 7946 0102'),
      entry('chidi'),
      entry('mallory'),
      group('inner', dnOf('mallory'), dnOf('chidi').toUpperCase(), groupDn('help-desk')),
      group('help-desk', dnOf('boris'), groupDn('inner'), dnOf('ghost')),
      group('security', dnOf('chidi'), dnOf('mallory')),
      group('seniors', dnOf('chidi')),
      group('admins', dnOf('boss')),
    ].join('\n'),
  );
});
afterEach(async () => {
  await store.query('DELETE FROM directory_person');
  await store.query('DELETE FROM directory_source');
  for (const dn of [
    ...['ada', 'boris', 'chidi', 'mallory', 'erin-2'].map(dnOf),
    ...['inner', 'help-desk', 'security', 'seniors', 'admins'].map(groupDn),
  ])
    await gone(dn).catch(() => undefined);
});
afterAll(async () => {
  await ldap.remove();
  await database.drop();
});

export const settings = (more: Partial<LdapSourceSettings> = {}): LdapSourceSettings => ({
  ...(parseSource(blockOf('docs/directory.md', 'From your LDAP directory', 3)) as LdapSourceSettings),
  url: ldap.url,
  passwordFile,
  ...more,
});

export const key = (kid: string) => ({
  kid,
  type: 'software-key' as const,
  key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: 'x'.repeat(43) },
});
export const listed = (id: string, team: string, more: Partial<Directory['people'][number]> = {}) =>
  person(id, team, { human: `h-${id}`, accounts: [], ...more });

export function rig(people: Directory['people'], more: Partial<LdapSourceSettings> = {}): Rig {
  const logged: string[] = [];
  const source = ldapSource(settings(more), { callTimeoutMs: 10_000, now, unusable: (id, why) => void logged.push(`${id} ${why}`) });
  return sourceRig({ source, store, people, now, logged, reader: `reader-${more.name ?? ''}` });
}
