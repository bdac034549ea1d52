/** Locked accounts in a real directory with a password policy. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { testOpenLdap, type TestOpenLdap } from '@readmit/testing';
import type { Connector } from '../src/index.js';
import { asAdmin, badPasswords, connectorAt, dnOf, executed, mayBind, planned, refusal, suffix, undone, unlockAsk } from './ldap-target.js';
import { valueOf } from './postgres-target.js';

let directory: TestOpenLdap;
let connector: Connector;
beforeEach(async () => {
  directory = await testOpenLdap();
  connector = connectorAt(directory);
});
afterEach(() => directory.remove());

const erin = dnOf('erin');
const password = 'erin-test-password-0001';
const locked = 'directory/erin/locked';
const modify = (lines: string) => directory.modify('data', `dn: ${erin}\nchangetype: modify\n${lines}\n`);
const lockedForGood = 'replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z';
const attributeOf = (name: string) =>
  asAdmin(directory, async (client) => {
    const { searchEntries } = await client.search(erin, { scope: 'base', attributes: [name] });
    return [searchEntries[0]?.[name] ?? []].flat().map(String);
  });

it('R2.2 lifts the lock that wrong passwords caused, and resets their count', async () => {
  expect((await planned(connector, unlockAsk())).steps).toEqual([]);
  await badPasswords(directory, erin);
  expect(await mayBind(directory, erin, password)).toBe(false);
  const plan = await planned(connector, unlockAsk());
  expect(plan.steps.map(({ kind }) => kind)).toEqual(['account.unlock']);
  expect(valueOf(await executed(connector, plan), locked)).toBe('no');
  expect(await attributeOf('pwdFailureTime')).toEqual([]);
  expect(await mayBind(directory, erin, password)).toBe(true);
});

it('R2.1 leaves the password, and whether it must be changed, as they are, and warns that it must be changed', async () => {
  await modify('replace: pwdReset\npwdReset: TRUE');
  const hash = await attributeOf('userPassword');
  await badPasswords(directory, erin);
  const plan = await planned(connector, unlockAsk());
  expect(plan.warnings).toEqual([expect.stringContaining('must change its password')]);
  await executed(connector, plan);
  expect([await attributeOf('pwdReset'), await attributeOf('userPassword')]).toEqual([['TRUE'], hash]);
});

it('R2.1 leaves the lock of an administrator, from before or after the plan', async () => {
  await badPasswords(directory, erin);
  const plan = await planned(connector, unlockAsk());
  await modify(lockedForGood);
  for (const call of [() => planned(connector, unlockAsk()), () => executed(connector, plan)])
    expect(await refusal(call())).toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('locked by an administrator'),
    });
  expect(await attributeOf('pwdAccountLockedTime')).toEqual(['000001010000Z']);
});

it('R5.4 locks the account until an administrator unlocks it when the case is repudiated, also under another name', async () => {
  await badPasswords(directory, erin);
  const plan = await planned(connector, unlockAsk());
  await executed(connector, plan);
  await directory.modify('data', `dn: ${erin}\nchangetype: modrdn\nnewrdn: uid=erin.married\ndeleteoldrdn: 1\n`);
  const married = dnOf('erin.married');
  expect(await mayBind(directory, married, password)).toBe(true);
  for (const read of [await undone(connector, plan), await undone(connector, plan)]) expect(valueOf(read, locked)).toBe('yes');
  expect(await mayBind(directory, married, password)).toBe(false);
  expect(await mayBind(directory, dnOf('dave'), 'dave-test-password-0001')).toBe(true);
});

it('R5.4 has nothing to lock if the account was deleted', async () => {
  await badPasswords(directory, erin);
  const plan = await planned(connector, unlockAsk());
  await executed(connector, plan);
  await directory.modify('data', `dn: ${erin}\nchangetype: delete\n`);
  expect(valueOf(await undone(connector, plan), 'directory/erin/id')).toBe('none');
});

it('R2.5 does not unlock another account that got the name since the plan', async () => {
  await badPasswords(directory, erin);
  const plan = await planned(connector, unlockAsk());
  await directory.modify('data', `dn: ${erin}\nchangetype: delete\n`);
  await directory.modify(
    'data',
    `dn: ${erin}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: erin\ncn: Erin\nsn: Other\nuserPassword: ${password}\n`,
  );
  await badPasswords(directory, erin);
  expect(await refusal(executed(connector, plan))).toMatchObject({ code: 'changed', effect: 'none' });
  expect(await mayBind(directory, erin, password)).toBe(false);
});

it('R6.5 the executor does not unlock itself', async () => {
  const all = connectorAt(directory, { people: { base: suffix, name: 'cn' } });
  expect(await refusal(planned(all, unlockAsk('readmit')))).toMatchObject({
    code: 'refused',
    message: expect.stringContaining('the executor itself'),
  });
});
