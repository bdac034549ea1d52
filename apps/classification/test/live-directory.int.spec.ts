/** The live source end to end: a real OpenLDAP, classification's tables in PostgreSQL, and the directory that a case gets. */
import { describe, expect, it } from '@jest/globals';
import { Secret } from '@readmit/service';
import { blockOf, until } from '@readmit/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { classificationApp } from '../src/classification.app.js';
import { sourceFile } from '../src/outbound/source-settings.js';
import { sourceFigures } from '../src/outbound/source-figures.js';
import { SourceTables } from '../src/outbound/source-tables.js';
import {
  suffix,
  dnOf,
  groupDn,
  ldap,
  passwordFile,
  store,
  clock,
  now,
  later,
  entry,
  group,
  change,
  gone,
  settings,
  key,
  listed,
  rig,
} from './live-rig.js';
import { policyFile, whoIs } from './source-rig.js';

/** What is scraped. */
const figures = async () => sourceFigures(store, 'hr').read?.();

describe('a live source of the directory', () => {
  it('R1.6 cases wait until it was read completely; then it tells contacts, manager, accounts, employment and teams, each with its age', async () => {
    const { watch, of } = rig([]);
    await expect(of('ada')).rejects.toThrow('the directory source hr was never read completely with its present mapping');
    expect(await figures()).toEqual({ directory_source_failing: 0 });
    await watch.run();
    const [row] = await store.query<{ age: number }>(`SELECT extract(epoch FROM clock_timestamp() - $1)::float8 AS age`, [clock]);
    expect(await figures()).toEqual({ directory_source_failing: 0, directory_source_age_seconds: expect.any(Number) });
    expect(Math.abs(((await figures())?.['directory_source_age_seconds'] ?? 0) - (row?.age ?? 0))).toBeLessThan(60);
    later(7);
    const reading = await of('ada');
    expect(whoIs(reading, 'ada')).toEqual({
      id: 'ada',
      human: 'h-ada',
      name: 'ada',
      teams: [],
      authority: 0,
      employment: 'employee',
      privileged: false,
      keys: [],
      contacts: [{ kind: 'phone', value: '+44 20 7946 0101' }],
      accounts: [{ connector: 'ledger', object: 'ada' }],
    });
    expect(reading.live).toEqual({
      doubts: [],
      facts: [
        { name: 'source:hr', value: 'current', ageSeconds: 7 },
        { name: 'subject-employment:hr', value: 'employee', ageSeconds: 7 },
        { name: 'subject-manager:hr', value: 'boss', ageSeconds: 7 },
        { name: 'subject-privileged:hr', value: 'false', ageSeconds: 7 },
        { name: 'subject-contacts:hr', value: '1', ageSeconds: 7 },
        { name: 'subject-accounts:hr', value: '1', ageSeconds: 7 },
      ],
    });
    // Only who matters for the case: not the thirty others.
    expect(reading.directory.people.map(({ id }) => id).sort()).toEqual(['ada', 'boris', 'chidi', 'mallory']);
    expect(whoIs(await of('boss'), 'boss')).toMatchObject({ privileged: true });
  });

  it('gives teams by groups, nested ones and other spellings included, but nobody a key or a team that approves', async () => {
    const { watch, of } = rig([
      listed('chidi', 'security-oncall', { keys: [key('chidi')], authority: 9 }),
      listed('dana', 'security-oncall'),
    ]);
    await watch.run();
    const reading = await of('ada');
    expect(whoIs(reading, 'boris')).toMatchObject({ teams: ['help-desk'], keys: [] });
    // In the group of security as well, through which only people of the file approve.
    expect(whoIs(reading, 'mallory')).toMatchObject({ teams: ['help-desk'], keys: [] });
    expect(whoIs(reading, 'chidi')).toMatchObject({ teams: ['security-oncall'], authority: 5, keys: [{ kid: 'chidi' }] });
    // The file alone names dana, who is not in the directory any more.
    expect(whoIs(reading, 'dana')).toMatchObject({ teams: [], authority: 0 });
  });

  it('R1.6 takes changes over with the next poll: members, employment, a rename, a new account of the same human', async () => {
    const { watch, of } = rig([listed('chidi', 'security-oncall', { keys: [key('chidi')] })]);
    await watch.run();
    later(20);
    await change(groupDn('inner'), 'delete: member', `member: ${dnOf('mallory')}`);
    await change(dnOf('chidi'), 'replace: employeeType', 'employeeType: contractor');
    await ldap.modify('data', `dn: ${dnOf('boris')}\nchangetype: modrdn\nnewrdn: uid=bob\ndeleteoldrdn: 1\n`);
    await ldap.modify('data', entry('erin-2').replace('h-erin-2', 'h-ada'));
    await watch.run();
    const reading = await of('erin-2', { requester: 'ada' });
    expect(whoIs(reading, 'mallory')).toBeUndefined();
    expect(whoIs(reading, 'chidi')).toMatchObject({ employment: 'vendor' });
    expect(whoIs(reading, 'bob')).toMatchObject({ teams: ['help-desk'] });
    expect(whoIs(reading, 'boris')).toBeUndefined();
    expect([whoIs(reading, 'erin-2')?.human, whoIs(reading, 'ada')?.human]).toEqual(['h-ada', 'h-ada']);
    expect(await store.query('SELECT read_at, polled_at FROM directory_source')).toEqual([
      { read_at: new Date(clock.getTime() - 20_000), polled_at: clock },
    ]);
    await gone(dnOf('bob'));
  });

  it('R1.6 who was deleted is gone with the next complete pass', async () => {
    const { watch, of } = rig([listed('ada', 'owners')]);
    await watch.run();
    await gone(dnOf('ada'));
    later(20);
    await watch.run();
    expect(whoIs(await of('ada'), 'ada')).toMatchObject({ teams: ['owners'] });
    later(300);
    await watch.run();
    const reading = await of('ada');
    expect(whoIs(reading, 'ada')).toMatchObject({ teams: [], authority: 0 });
    expect(reading.live?.doubts).toEqual([expect.stringContaining('The source hr does not know ada, who can neither verify nor approve')]);
  });

  it('R1.6 one that is down or too old raises the tier, says why, and gives nothing, until it is back', async () => {
    const { watch, of, logged } = rig([listed('boris', 'help-desk')]);
    await watch.run();
    try {
      await ldap.stop();
      later(20);
      await watch.run();
      const down = await of('ada');
      expect(down.live?.doubts).toEqual([
        expect.stringMatching(
          /^The source hr could not be read \(.*cannot be reached.*\): what it had last still restricts, and gives nothing;/,
        ),
      ]);
      expect(whoIs(down, 'ada')).toMatchObject({ contacts: [], accounts: [] });
      expect(whoIs(down, 'mallory')).toBeUndefined();
      expect(whoIs(down, 'boris')).toMatchObject({ teams: ['help-desk'] });
      // Attested without a team, mallory could not verify even later.
      await expect(of('ada', { other: 'mallory' })).rejects.toThrow('and mallory is not in the signed file');
      expect(logged).toEqual([expect.stringContaining('the directory source has a problem')]);
      expect(watch.problem).toContain('cannot be reached');
      expect(await figures()).toMatchObject({ directory_source_failing: 1 });
    } finally {
      await ldap.restart();
    }
    await watch.run();
    expect((await of('ada')).live?.doubts).toEqual([]);
    expect(await figures()).toMatchObject({ directory_source_failing: 0 });
    expect([logged.length, logged[1], watch.problem]).toEqual([2, 'the directory source is available again', undefined]);

    // Nobody reads any more: a process that ended reports no problem.
    later(301);
    expect((await of('ada')).live?.doubts).toEqual([expect.stringContaining('no run ended for 301 s')]);
  });

  it('R1.6 a complete pass that would remove more than a tenth removes nobody and asks; an operator can accept it', async () => {
    const { watch, of, logged } = rig([]);
    await watch.run();
    await ldap.modify('data', `dn: ou=away,${suffix}\nchangetype: add\nobjectClass: organizationalUnit\nou: away\n`);
    const move = (from: string, to: string, n: number): string =>
      `dn: uid=extra-${n},ou=${from},${suffix}\nchangetype: modrdn\nnewrdn: uid=extra-${n}\ndeleteoldrdn: 0\nnewsuperior: ou=${to},${suffix}\n\n`;
    const four = [0, 1, 2, 3];
    await ldap.modify('data', four.map((n) => move('people', 'away', n)).join(''));
    try {
      later(300);
      await watch.run();
      expect(logged).toEqual([expect.stringMatching(/4 people are missing, more than a tenth: nobody is removed\..* atMost: 4 /)]);
      expect(whoIs(await of('extra-0'), 'extra-0')).toBeDefined();
      expect(await figures()).toMatchObject({ directory_source_failing: 1 });
      // Polls go on and do not hide it.
      later(20);
      await watch.run();
      expect([logged.length, watch.problem]).toEqual([1, expect.stringContaining('4 people are missing')]);
      // It gets old.
      later(3600);
      await watch.run();
      expect((await of('ada')).live?.doubts).toEqual([
        expect.stringContaining('was last read completely 3920 s ago, and the policy allows 3600 s'),
      ]);

      const until = new Date(clock.getTime() + 60_000).toISOString();
      for (const acceptRemovals of [
        { atMost: 3, until },
        { atMost: 4, until: clock.toISOString() },
      ]) {
        const refused = rig([], { acceptRemovals });
        await refused.watch.run();
        expect(refused.watch.problem).toContain('4 people are missing');
      }
      const accepted = rig([], { acceptRemovals: { atMost: 4, until } });
      await accepted.watch.run();
      expect(accepted.watch.problem).toBeUndefined();
      expect(whoIs(await accepted.of('extra-0'), 'extra-0')).toBeUndefined();
    } finally {
      await ldap.modify('data', four.map((n) => move('away', 'people', n)).join(''));
      await gone(`ou=away,${suffix}`);
    }
  });

  it('removes a tenth without asking', async () => {
    const { watch, of } = rig([]);
    await watch.run();
    await gone(dnOf('mallory'));
    later(300);
    await watch.run();
    expect(watch.problem).toBeUndefined();
    expect(whoIs(await of('mallory'), 'mallory')).toBeUndefined();
  });

  it.each([
    [
      'a group that it cannot see',
      { dn: groupDn('none'), team: 'x' },
      `the group ${groupDn('none')} of the mapping does not exist, or the reader may not see it`,
    ],
    [
      'a privileged group that looks empty',
      { dn: groupDn('empty'), privileged: true as const },
      `the privileged group ${groupDn('empty')} has no members`,
    ],
  ])('R1.6 a run fails by %s, and removes nobody', async (_what, mapped, message) => {
    await ldap.modify('data', group('empty'));
    try {
      const { watch, of } = rig([], { groups: { base: `ou=groups,${suffix}`, map: [mapped] } });
      await watch.run();
      expect(watch.problem).toContain(message);
      await expect(of('ada')).rejects.toThrow('was never read completely');
    } finally {
      await gone(groupDn('empty'));
    }
  });

  it('R1.6 an id of two entries counts for neither', async () => {
    const { watch, of } = rig([listed('chidi', 'security-oncall', { keys: [key('chidi')] })]);
    await watch.run();
    expect(whoIs(await of('ada'), 'chidi')).toMatchObject({ teams: ['security-oncall'] });
    const below = `ou=below,ou=people,${suffix}`;
    await ldap.modify('data', `dn: ${below}\nchangetype: add\nobjectClass: organizationalUnit\nou: below\n`);
    await ldap.modify('data', entry('chidi').replace('ou=people', 'ou=below,ou=people'));
    try {
      later(20);
      await watch.run();
      const reading = await of('chidi');
      expect(whoIs(reading, 'chidi')).toMatchObject({ teams: [], authority: 0 });
      expect(reading.live?.doubts).toEqual([
        'The source hr has several entries for chidi, and none of them counts; what is unknown never lowers a tier.',
      ]);
    } finally {
      await gone(`uid=chidi,${below}`);
      await gone(below);
    }
  });

  it('reads a directory of many pages; a reader who may not see all of it removes nobody', async () => {
    const base = `ou=many,${suffix}`;
    const many = Array.from({ length: 1_201 }, (_, n) => `many-${n}`);
    const at = (uid: string): string => dnOf(uid).replace('ou=people', 'ou=many');
    const people = { ...settings().people, base };
    const map = [{ dn: `cn=all,${base}`, team: 'help-desk' }];
    await ldap.modify(
      'data',
      [
        `dn: ${base}\nchangetype: add\nobjectClass: organizationalUnit\nou: many\n`,
        ...many.map((uid) => entry(uid).replace('ou=people', 'ou=many')),
        group('all', ...many.map(at)).replace('ou=groups', 'ou=many'),
      ].join('\n'),
    );
    const { watch, of } = rig([], { people, groups: { base, map } });
    await watch.run();
    expect(watch.problem).toBeUndefined();
    const counted = 'SELECT (SELECT count(*) FROM directory_person) AS people, (SELECT count(*) FROM directory_member) AS members';
    expect(await store.query(counted)).toEqual([{ people: '1201', members: '1201' }]);
    // A case gets some of a large team: its other members are attested when they act.
    const { directory } = await of('many-7', { requester: 'many-8', other: 'many-1200' });
    expect(directory.people.length).toBeLessThanOrEqual(204);
    expect(whoIs(await of('ada', { other: 'many-1200' }), 'many-1200')).toMatchObject({ teams: ['help-desk'] });

    later(300);
    const limited = { bindDn: `cn=readmit,ou=services,${suffix}`, passwordFile: ldap.passwordFile };
    const blind = rig([], { people, groups: { base, map }, ...limited });
    await blind.watch.run();
    expect(blind.watch.problem).toContain('4 (size limit exceeded');
    expect(await store.query(counted)).toEqual([{ people: '1201', members: '1201' }]);
  });

  it('reports an entry whose id cannot be used, and continues with the others', async () => {
    const { watch, of, logged } = rig([]);
    await change(dnOf('mallory'), 'add: uid', 'uid: another');
    await watch.run();
    expect(logged).toEqual([expect.stringMatching(/^[0-9a-f-]{36} uid has several values$/)]);
    expect(whoIs(await of('mallory'), 'mallory')).toBeUndefined();
    expect(whoIs(await of('ada'), 'ada')).toBeDefined();
  });

  it('is read by one process at a time, and a run that was overtaken saves nothing more', async () => {
    const one = rig([]);
    const other = new SourceTables(store, one.source, 'another process');
    const run = await one.tables.take();
    expect(await other.take()).toBeUndefined();
    if (!run) throw new Error('the first got no lease');
    await store.query(`UPDATE directory_source SET lease_until = '-infinity'`);
    expect(await other.take()).toBeDefined();
    const someone = {
      entry: 'e',
      place: 'p',
      id: 'late',
      human: 'h',
      employment: 'employee',
      managerPlace: undefined,
      contacts: [],
      accounts: [],
    } as const;
    await expect(one.tables.sink(run, now).people([{ ...someone, contacts: [], accounts: [] }])).rejects.toThrow(
      'another process reads the source hr by now',
    );
    expect(await store.query('SELECT id FROM directory_person')).toEqual([]);
  });

  it('a new password is used without a restart, and a wrong one is a problem with its remedy', async () => {
    const { watch } = rig([]);
    const right = blockOf('docs/directory.md', 'From your LDAP directory').match(/^userPassword: (.+)$/m)?.[1] ?? '';
    await writeFile(passwordFile, 'wrong\n', { mode: 0o600 });
    await watch.run();
    expect(watch.problem).toContain('49 (the bind DN or the password is wrong');
    expect(watch.problem).not.toContain(right);
    await writeFile(passwordFile, `${right}\n`, { mode: 0o600 });
    await watch.run();
    expect(watch.problem).toBeUndefined();
  });

  it('runs with the service: reads until the service stops, polls, and leaves the lease to another process', async () => {
    const file = path.join(ldap.dataDir, 'source.yaml');
    // JSON is YAML.
    await writeFile(file, JSON.stringify(settings({ pollSeconds: 5 })));
    const built = await classificationApp.build({
      settings: {
        READMIT_POLICY_FILE: policyFile,
        READMIT_DIRECTORY_URL: 'http://127.0.0.1:9/directory.jws',
        READMIT_DIRECTORY_KEY: 'x'.repeat(43),
        READMIT_DIRECTORY_CACHE_MS: 0,
        READMIT_DIRECTORY_SOURCE_FILE: sourceFile(file),
        READMIT_CONTACT_SALT_FILE: new Secret('salt'),
      },
      store,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      commands: { command: () => Promise.resolve({ reply: undefined, emitted: [] }) },
      newId: (prefix: string) => prefix,
      now: () => new Date(),
    } as never);
    const row = async () => (await store.query<{ pass: string; read_at: Date | null }>('SELECT pass, read_at FROM directory_source'))[0];
    try {
      await built.started?.();
      await until(async () => (await row())?.read_at, { what: 'the source was read completely' });
      await until(async () => (await row())?.pass === '2', { what: 'the second run' });
    } finally {
      await built.close?.();
    }
    expect(await store.query('SELECT lease_by, problem FROM directory_source')).toEqual([{ lease_by: null, problem: null }]);
  });
});
