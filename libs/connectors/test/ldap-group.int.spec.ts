/** Group memberships in a real directory: who owns them, and what happens when entries are renamed, moved, deleted or recreated. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testOpenLdap, type TestOpenLdap } from '@readmit/testing';
import { Attribute, Change } from 'ldapts';
import type { Connector } from '../src/index.js';
import {
  asAdmin,
  connectorAt,
  dnOf,
  executed,
  financeAdmins,
  groupAsk,
  membersOf,
  placeholder,
  planned,
  refusal,
  suffix,
  undone,
} from './ldap-target.js';
import { valueOf } from './postgres-target.js';

let directory: TestOpenLdap;
let connector: Connector;
beforeEach(async () => {
  directory = await testOpenLdap();
  connector = connectorAt(directory);
});
afterEach(() => directory.remove());

const member = 'directory/erin/group/finance-admins';
const modify = (dn: string, lines: string) => directory.modify('data', `dn: ${dn}\nchangetype: modify\n${lines}\n`);
const add = (dn: string, lines: string) => directory.modify('data', `dn: ${dn}\nchangetype: add\n${lines}\n`);
const rename = (dn: string, rdn: string, below?: string) =>
  directory.modify(
    'data',
    `dn: ${dn}\nchangetype: modrdn\nnewrdn: ${rdn}\ndeleteoldrdn: 0\n${below === undefined ? '' : `newsuperior: ${below}\n`}`,
  );
const remove = (dn: string) => directory.modify('data', `dn: ${dn}\nchangetype: delete\n`);
const person = (uid: string) => add(dnOf(uid), `objectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: Example`);
const group = (cn: string, ...members: readonly string[]) =>
  add(`cn=${cn},ou=groups,${suffix}`, ['objectClass: groupOfNames', `cn: ${cn}`, ...members.map((dn) => `member: ${dn}`)].join('\n'));
/** Without the overlay that follows renames: the DNs in a group stay as they were written. */
const withoutRefint = () =>
  directory.modify(
    'config',
    'dn: olcOverlay={0}memberof,olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcMemberOfRefint\nolcMemberOfRefint: FALSE\n',
  );

describe('a membership', () => {
  it('R6.3 is in memberOf of the account while it lasts, and no longer: many applications read only that', async () => {
    const memberOf = async (): Promise<readonly string[]> =>
      asAdmin(directory, async (client) => {
        const { searchEntries } = await client.search(dnOf('erin'), { scope: 'base', attributes: ['memberOf'] });
        return [searchEntries[0]?.['memberOf'] ?? []].flat().map(String);
      });
    const plan = await planned(connector, groupAsk());
    expect(await memberOf()).toEqual([]);
    await executed(connector, plan);
    expect(await memberOf()).toEqual([financeAdmins]);
    await undone(connector, plan);
    expect(await memberOf()).toEqual([]);
  });

  it('R6.3 is given and removed, and other members who are added or removed meanwhile are left alone', async () => {
    await person('frank');
    const plan = await planned(connector, groupAsk());
    await modify(financeAdmins, `add: member\nmember: ${dnOf('frank')}`);
    expect(valueOf(await executed(connector, plan), member)).toBe('member');
    expect(await membersOf(directory)).toEqual([dnOf('dave'), dnOf('erin'), dnOf('frank')]);
    await modify(financeAdmins, `delete: member\nmember: ${dnOf('dave')}`);
    expect(valueOf(await undone(connector, plan), member)).toBe('absent');
    expect(await membersOf(directory)).toEqual([dnOf('frank')]);
  });

  it('R6.5 that existed before is neither given nor removed, however its DN is spelled', async () => {
    await modify(financeAdmins, 'add: member\nmember: UID=Erin ,  OU=People,DC=ACME,DC=test');
    const standing = await planned(connector, groupAsk());
    expect([standing.steps, standing.obligations]).toEqual([[], []]);
    await modify(financeAdmins, `delete: member\nmember: ${dnOf('erin')}`);
    // The control: without it, there is a step.
    expect((await planned(connector, groupAsk())).steps).toHaveLength(1);
  });

  it('R5.5 is given again after a crash with the same result', async () => {
    const plan = await planned(connector, groupAsk());
    const once = await executed(connector, plan);
    expect(await executed(connector, plan)).toEqual(once);
    expect(await membersOf(directory)).toEqual([dnOf('dave'), dnOf('erin')]);
  });

  it('R6.3 of the last member is removed: the placeholder replaces it in the same change', async () => {
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    await modify(financeAdmins, `delete: member\nmember: ${dnOf('dave')}`);
    expect(await membersOf(directory)).toEqual([dnOf('erin')]);
    await undone(connector, plan);
    expect(await membersOf(directory)).toEqual([placeholder]);
  });

  it('R6.3 is refused if the last member could not be removed again: no placeholder is configured, or it does not exist', async () => {
    const groups = { base: `ou=groups,${suffix}`, name: 'cn' };
    expect(await refusal(planned(connectorAt(directory, { groups }), groupAsk()))).toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('set groups.placeholder'),
    });
    expect(await refusal(planned(connectorAt(directory, { groups: { ...groups, placeholder: dnOf('gone') } }), groupAsk()))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('groups.placeholder does not exist'),
    });
    // The control: a group that may be empty needs none.
    await add(`cn=ops,ou=groups,${suffix}`, 'objectClass: groupOfMembers\ncn: ops');
    expect((await planned(connectorAt(directory, { groups }), groupAsk('erin', 'ops'))).steps).toHaveLength(1);
  });

  it('R2.4 through another group is named in the plan, given in addition, and named again when the direct one is removed', async () => {
    await group('contractors', dnOf('erin'));
    await group('everyone', `cn=contractors,ou=groups,${suffix}`);
    await modify(financeAdmins, `add: member\nmember: cn=everyone,ou=groups,${suffix}`);
    await group('board', financeAdmins);
    const plan = await planned(connector, groupAsk());
    expect(plan.warnings).toEqual([
      `erin is in finance-admins through another group already, and stays so after the end: cn=everyone,ou=groups,${suffix}`,
      `finance-admins is in cn=board,ou=groups,${suffix}: applications that follow nested groups give erin those, too.`,
      expect.stringContaining('connections of applications do not end'),
    ]);
    await executed(connector, plan);
    const after = await undone(connector, plan);
    expect(valueOf(after, member)).toBe('absent');
    expect(valueOf(after, `${member}/through`)).toContain(`cn=everyone,ou=groups,${suffix}`);
  });

  it('R2.4 through a hundred groups fits into a plan, and through too many is refused', async () => {
    const nested = (from: number, to: number) =>
      asAdmin(directory, async (client) => {
        for (let at = from; at < to; at += 1) {
          const dn = `cn=nested-${at},ou=groups,${suffix}`;
          await client.add(dn, { objectClass: 'groupOfNames', member: dnOf('erin') });
          await client.modify(
            financeAdmins,
            new Change({ operation: 'add', modification: new Attribute({ type: 'member', values: [dn] }) }),
          );
        }
      });
    await nested(0, 100);
    const plan = await planned(connector, groupAsk());
    expect(plan.warnings?.[0]).toMatch(/^.{490,500}$/);
    expect(valueOf(plan.before.facets, `${member}/through`)).toMatch(/^100, sha256 /);
    await nested(100, 201);
    expect(await refusal(planned(connector, groupAsk()))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('more than 200'),
    });
  });

  it('R6.3 in a group of 20,000 is given and removed without reading the other members', async () => {
    const others = Array.from({ length: 20_000 }, (_, at) => `uid=person-${at},ou=people,${suffix}`);
    await directory.modify('config', 'dn: olcOverlay={0}memberof,olcDatabase={1}mdb,cn=config\nchangetype: delete\n');
    await modify(financeAdmins, ['add: member', ...others.map((dn) => `member: ${dn}`)].join('\n'));
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    expect(await membersOf(directory)).toHaveLength(20_002);
    await undone(connector, plan);
    expect(await membersOf(directory)).toHaveLength(20_001);
  });

  it('R2.5 is not given when a group was nested meanwhile', async () => {
    const plan = await planned(connector, groupAsk());
    await group('board', financeAdmins);
    expect(await refusal(executed(connector, plan))).toMatchObject({ code: 'changed', effect: 'none' });
    expect(await membersOf(directory)).toEqual([dnOf('dave')]);
  });
});

describe('names and entries', () => {
  it.each([
    ['commas and quotes', 'erin "e" one, two', 'cn=erin \\"e\\" one\\, two', 'erin%20%22e%22%20one%2C%20two'],
    ['unicode', 'Эрин Müller ‏x', 'cn=Эрин Müller ‏x', undefined],
    ['signs of filters', 'erin*()(uid=*)\\', 'cn=erin*()(uid=*)\\\\', undefined],
    ['a slash and a sign of escapes', 'erin/100%', 'cn=erin/100%', 'erin%2F100%25'],
  ])('R6.5 with %s are given and taken back', async (_what, uid, rdn, id) => {
    const { idOf } = await import('../src/encoded-names.js');
    if (id !== undefined) expect(idOf(uid)).toBe(id);
    const dn = `${rdn},ou=people,${suffix}`;
    await asAdmin(directory, (client) => client.add(dn, { objectClass: 'inetOrgPerson', uid, sn: 'Example' }));
    const plan = await planned(connector, groupAsk(idOf(uid)));
    await executed(connector, plan);
    expect(await membersOf(directory)).toHaveLength(2);
    await undone(connector, plan);
    expect(await membersOf(directory)).toEqual([dnOf('dave')]);
  });

  it('R6.5 with a DN that is longer than a value in a plan are given and removed', async () => {
    let base = `ou=people,${suffix}`;
    for (const letter of ['é', 'ü', 'ñ']) {
      base = `ou=${letter.repeat(100)},${base}`;
      await asAdmin(directory, (client) => client.add(base, { objectClass: 'organizationalUnit' }));
    }
    const dn = `uid=deep,${base}`;
    await asAdmin(directory, (client) => client.add(dn, { objectClass: 'inetOrgPerson', cn: 'Deep', sn: 'Example' }));
    const plan = await planned(connector, groupAsk('deep'));
    await executed(connector, plan);
    expect(await membersOf(directory)).toEqual([dnOf('dave'), dn]);
    await undone(connector, plan);
    expect(await membersOf(directory)).toEqual([dnOf('dave')]);
  });

  it('R6.5 have one id each: another case, another encoding and two entries with one name are refused', async () => {
    for (const [object, message] of [
      ['Erin', 'there is no Erin, but there is erin'],
      ['%65rin', 'not percent-encoded'],
      ['erin%', 'not percent-encoded'],
      ['nobody-here', 'there is no nobody-here'],
    ] as const)
      expect(await refusal(planned(connector, groupAsk(object)))).toMatchObject({
        code: 'not-found',
        effect: 'none',
        message: expect.stringContaining(message),
      });
    await add(`ou=vendors,ou=people,${suffix}`, 'objectClass: organizationalUnit\nou: vendors');
    await add(`uid=erin,ou=vendors,ou=people,${suffix}`, 'objectClass: inetOrgPerson\nuid: erin\ncn: Erin\nsn: Other');
    expect(await refusal(planned(connector, groupAsk()))).toMatchObject({ code: 'refused', message: expect.stringContaining('several') });
  });

  it.each([
    ['renamed', () => rename(dnOf('erin'), 'uid=erin.married')],
    [
      'moved',
      async () => {
        await add(`ou=vendors,ou=people,${suffix}`, 'objectClass: organizationalUnit\nou: vendors');
        await rename(dnOf('erin'), 'uid=erin', `ou=vendors,ou=people,${suffix}`);
      },
    ],
    [
      'deleted and made again',
      async () => {
        await remove(dnOf('erin'));
        await person('erin');
      },
    ],
    ['deleted', () => remove(dnOf('erin'))],
  ])('R2.5 nothing is given to an account that was %s since the plan', async (_what, change) => {
    const plan = await planned(connector, groupAsk());
    await change();
    expect(await refusal(executed(connector, plan))).toMatchObject({ code: 'changed', effect: 'none' });
    expect(await membersOf(directory)).toEqual([dnOf('dave')]);
  });

  it('R2.5 nothing is given if the group was deleted and recreated since the plan', async () => {
    const plan = await planned(connector, groupAsk());
    await remove(financeAdmins);
    await group('finance-admins', dnOf('dave'));
    expect(await refusal(executed(connector, plan))).toMatchObject({ code: 'changed', effect: 'none' });
    expect(await membersOf(directory)).toEqual([dnOf('dave')]);
  });

  it('R6.5 the undo follows an account and a group that were renamed, even if the server does not', async () => {
    await withoutRefint();
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    await rename(dnOf('erin'), 'uid=erin.married');
    // Rights at OpenLDAP go by DN.
    await directory.modify(
      'config',
      `dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\nolcAccess: {0}to dn.exact="cn=money,ou=groups,${suffix}" attrs=member by dn.exact="cn=readmit,ou=services,${suffix}" write by * break\n`,
    );
    await rename(financeAdmins, 'cn=money');
    const money = `cn=money,ou=groups,${suffix}`;
    expect(await membersOf(directory, money)).toEqual([dnOf('dave'), dnOf('erin')]);
    await undone(connector, plan);
    expect(await membersOf(directory, money)).toEqual([dnOf('dave')]);
  });

  it('R6.3 the undo removes the DN of a deleted account from the group', async () => {
    await withoutRefint();
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    await remove(dnOf('erin'));
    expect(await membersOf(directory)).toContain(dnOf('erin'));
    await undone(connector, plan);
    expect(await membersOf(directory)).toEqual([dnOf('dave')]);
  });

  it('R6.5 the undo removes nothing from another account that has the DN now, and asks for manual work', async () => {
    await withoutRefint();
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    await remove(dnOf('erin'));
    await person('erin');
    expect(await refusal(undone(connector, plan))).toMatchObject({
      code: 'changed',
      message: expect.stringContaining('remove it by hand'),
    });
    expect(await membersOf(directory)).toEqual([dnOf('dave'), dnOf('erin')]);
    await modify(financeAdmins, `delete: member\nmember: ${dnOf('erin')}`);
    expect(valueOf(await undone(connector, plan), member)).toBe('absent');
  });

  it('R6.3 the undo succeeds if the group was deleted, and fails if a recreated one contains the account', async () => {
    const plan = await planned(connector, groupAsk());
    await executed(connector, plan);
    await remove(financeAdmins);
    expect(valueOf(await undone(connector, plan), member)).toBe('absent');
    await group('finance-admins', dnOf('dave'), dnOf('erin'));
    expect(await refusal(undone(connector, plan))).toMatchObject({ code: 'changed', message: expect.stringContaining('recreated') });
  });

  it('R6.5 the executor itself gets nothing, and an entry that is not a group is refused', async () => {
    await add(`cn=plain,ou=groups,${suffix}`, 'objectClass: organizationalRole\ncn: plain');
    expect(await refusal(planned(connector, groupAsk('erin', 'plain')))).toMatchObject({ code: 'unsupported' });
    const own = connectorAt(directory, { people: { base: suffix, name: 'cn' } });
    expect(await refusal(planned(own, groupAsk('readmit')))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('the executor itself'),
    });
  });
});
