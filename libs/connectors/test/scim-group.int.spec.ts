/** What the conformance suite does not ask of the SCIM connector, at a real scim2-server. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ask } from '@readmit/contracts';
import type { Connector } from '../src/index.js';
import { idOf } from '../src/encoded-names.js';
import { executed, planned, signal, undone } from './ldap-target.js';
import { connectorName, createGroup, createUser, membersOf, patch, startScimTarget, type ScimTarget } from './scim-target.js';

let target: ScimTarget;
let connector: Connector;
let count = 0;
let erin: string;
let dave: string;
/** A new name for each test: the server has groups of the tests before. */
let finance: string;
let group: string;

beforeAll(async () => {
  target = await startScimTarget();
  connector = target.at();
});
afterAll(async () => {
  await target?.stop();
});
beforeEach(async () => {
  count += 1;
  erin = await createUser(target.admin, `erin-${count}`);
  dave = await createUser(target.admin, `dave-${count}`);
  finance = `Finance ${count}`;
  group = await createGroup(target.admin, finance, [dave]);
});

const ask = (name = finance, object = erin): Ask => ({
  ...{ id: 'ask-1', kind: 'group.restore', connector: connectorName },
  ...{ object, entitlement: idOf(name) },
});
const valueOf = (facets: readonly { readonly name: string; readonly value: string }[], end: string): string | undefined =>
  facets.find(({ name }) => name.endsWith(end))?.value;

describe('names of groups', () => {
  it.each([
    ['quotes', 'the "admins"'],
    ['backslashes', String.raw`ACME\admins\"x`],
    ['a filter', 'x" or displayName pr or displayName eq "x'],
    ['other scripts and a direction mark', 'Führung 管理者 \u202Eadmins'],
    ['brackets and an ampersand', 'a] & (b) [c?d=e#f%20'],
  ])('find exactly the group that has %s', async (_what, name) => {
    await expect(planned(connector, ask(name))).rejects.toMatchObject({ code: 'not-found', effect: 'none' });
    const id = await createGroup(target.admin, name);
    const plan = await planned(connector, ask(name));
    expect(plan.steps[0]?.identity).toContainEqual({ name: 'group', value: id });
    expect(plan.steps[0]?.says).not.toMatch(/[\p{Cf}\p{Cc}]/u);
    await executed(connector, plan);
    expect(await membersOf(target.admin, id)).toEqual([erin]);
    await undone(connector, plan);
    expect(await membersOf(target.admin, id)).toEqual([]);
  });

  it('are refused where several groups have one, also in other case, and taken where there is one', async () => {
    expect((await planned(connector, ask())).steps).toHaveLength(1);
    await expect(planned(connector, ask(finance.toUpperCase()))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(`but ${finance}`),
    });
    await createGroup(target.admin, finance.toUpperCase());
    await expect(planned(connector, ask())).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('2 groups') });
  });

  it('of 5,000 characters fit into a plan, where such a group is above', async () => {
    const long = 'ü'.repeat(5_000);
    await createGroup(target.admin, long, [group]);
    const { steps, warnings = [], before } = await planned(connector, ask());
    expect(steps).toHaveLength(1);
    expect(warnings.join('\n')).toContain(`${finance} is in üüü`);
    expect(valueOf(before.facets, '/reach')).toMatch(/^1, sha256 /);
  });
});

describe('what is planned', () => {
  it('R2.2 R6.5 is nothing for an account that is a member already, and nothing is taken away then', async () => {
    const parts = await connector.plan(
      ask(finance, dave),
      {
        ceiling: { steps: ['role.grant'], entitlements: [idOf(finance)], maxDurationSeconds: 900 },
        ...{ durationSeconds: 900, overlapSeconds: 0, recipients: [] },
      },
      signal,
    );
    expect([parts.steps, parts.obligations]).toEqual([[], []]);
  });

  it('R2.1 is refused for a deactivated account, for the canary, and for who is not there', async () => {
    const gone = await createUser(target.admin, `gone-${count}`, false);
    await expect(planned(connector, ask(finance, gone))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('deactivated'),
    });
    const { member } = target.canary;
    await target.admin('PATCH', `/Users/${member}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: true }],
    });
    await expect(planned(connector, ask(finance, member))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('canary'),
    });
    await expect(planned(connector, ask('readmit-canary'))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('canary'),
    });
    await expect(planned(connector, ask(finance, 'nobody'))).rejects.toMatchObject({ code: 'not-found', effect: 'none' });
  });

  it('names groups that nest, and the undo says through which the account is still in', async () => {
    const inner = await createGroup(target.admin, `Inner ${count}`, [erin]);
    await patch(target.admin, group, { op: 'add', path: 'members', value: [{ value: inner, type: 'Group' }] });
    const outer = await createGroup(target.admin, `Outer ${count}`, [group]);
    const plan = await planned(connector, ask());
    expect(plan.warnings?.join('\n')).toContain(`through another group already, and stays so after the end: Inner ${count} (${inner})`);
    expect(plan.warnings?.join('\n')).toContain(`${finance} is in Outer ${count} (${outer})`);
    await executed(connector, plan);
    const readBack = await undone(connector, plan);
    expect(valueOf(readBack, '/through')).toContain(inner);
    expect(await membersOf(target.admin, group)).toEqual([dave, inner].toSorted());
  });
});

describe('an account in many groups', () => {
  it('is found on every page, and too many to compare are refused in a plan, never at the undo', async () => {
    const join = async (times: number): Promise<void> => {
      for (let at = 0; at < times; at += 1) await createGroup(target.admin, `many-${count}-${at}`, [erin]);
    };
    await join(105);
    const plan = await planned(connector, ask());
    // The last one that was made is on the second page.
    await executed(connector, plan);
    expect(valueOf(await connector.read(ask(), signal), `/group/${encodeURIComponent(idOf(finance))}`)).toBe('member');
    await join(100);
    await expect(planned(connector, ask())).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('too many groups'),
    });
    const readBack = await undone(connector, plan);
    expect([valueOf(readBack, '/through'), await membersOf(target.admin, group)]).toEqual(['too many', [dave]]);
  });
});

describe('between plan and undo', () => {
  it('R2.4 does nothing in a group that was renamed, and R6.5 takes out by id whatever it is called', async () => {
    const plan = await planned(connector, ask());
    const rename = (displayName: string) => patch(target.admin, group, { op: 'replace', path: 'displayName', value: displayName });
    await rename(`Other ${count}`);
    await expect(executed(connector, plan)).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    expect(await membersOf(target.admin, group)).toEqual([dave]);
    await rename(finance);
    await executed(connector, plan);
    await rename(`Other ${count}`);
    const decoy = await createGroup(target.admin, finance, [erin]);
    await undone(connector, plan);
    expect([await membersOf(target.admin, group), await membersOf(target.admin, decoy)]).toEqual([[dave], [erin]]);
  });

  it('R6.5 leaves members that others add', async () => {
    const plan = await planned(connector, ask());
    const frank = await createUser(target.admin, `frank-${count}`);
    await executed(connector, plan);
    await patch(target.admin, group, { op: 'add', path: 'members', value: [{ value: frank }] });
    await undone(connector, plan);
    expect(await membersOf(target.admin, group)).toEqual([dave, frank].toSorted());
  });

  it('R6.3 is undone with the group that was deleted, unless it was made again with the account', async () => {
    const plan = await planned(connector, ask());
    await executed(connector, plan);
    await target.admin('DELETE', `/Groups/${group}`);
    expect(valueOf(await undone(connector, plan), `/group/${encodeURIComponent(idOf(finance))}`)).toBe('absent');
    await createGroup(target.admin, finance, [erin]);
    await expect(undone(connector, plan)).rejects.toMatchObject({ code: 'changed', message: expect.stringContaining('made again') });
  });

  it('R6.3 is undone for an account that was deleted', async () => {
    const plan = await planned(connector, ask());
    await executed(connector, plan);
    await target.admin('DELETE', `/Users/${erin}`);
    await undone(connector, plan);
    expect(await membersOf(target.admin, group)).toEqual([dave]);
  });
});

describe('a connection that may not see everything', () => {
  it('R6.3 counts nothing as absent while it does not show the canary', async () => {
    const { canary, admin } = target;
    const plan = await planned(connector, ask());
    await executed(connector, plan);
    const member = (op: 'add' | 'remove') =>
      patch(admin, canary.group, op === 'add' ? { op, path: 'members', value: [{ value: canary.member }] } : { op, path: 'members' });
    await member('remove');
    await expect(undone(connector, plan)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('canary') });
    await expect(planned(connector, ask())).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('canary') });
    await member('add');
    expect(valueOf(await undone(connector, plan), '/through')).toBe('none');
  });
});

describe('the token', () => {
  it('is read again when its file changes, and is in no error', async () => {
    const { server, tokenFile } = target;
    const wrong = async (text: string, message: string) => {
      await writeFile(tokenFile, text);
      await expect(connector.read(ask(), signal)).rejects.toMatchObject({
        code: 'refused',
        effect: 'none',
        message: expect.stringContaining(message),
      });
    };
    await wrong('a-wrong-token-0123456789', 'check the token of the executor');
    await wrong('two words', 'does not contain a bearer token');
    await writeFile(tokenFile, server.token);
    expect(valueOf(await connector.read(ask(), signal), '/active')).toBe('yes');
    await expect(connector.read({ ...ask(), object: 'with space' }, signal)).rejects.toMatchObject({ code: 'not-found' });
  });
});
