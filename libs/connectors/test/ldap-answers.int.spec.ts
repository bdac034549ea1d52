/** The reported effect when a response of the directory is lost, garbled or late, and when somebody else changes the same entry. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { testOpenLdap, until, type TestOpenLdap } from '@readmit/testing';
import type { Connector } from '../src/index.js';
import type { Plan } from '@readmit/contracts';
import {
  connectorAt,
  dnOf,
  executed,
  financeAdmins,
  groupAsk,
  isChange,
  membersOf,
  planned,
  refusal,
  signal,
  throughProxy,
  undone,
} from './ldap-target.js';

let directory: TestOpenLdap;
let connector: Connector;
let plan: Plan;
beforeEach(async () => {
  directory = await testOpenLdap();
  connector = connectorAt(directory);
  plan = await planned(connector, groupAsk());
});
afterEach(() => directory.remove());

const both = [dnOf('dave'), dnOf('erin')];
const before = [dnOf('dave')];

/** Executes through a proxy that tampers with the change and the response to it. */
const executedWith = (
  atChange: (sides: { readonly send: () => void; readonly cut: () => void; readonly answer: (bytes: Buffer) => void }) => void,
  callTimeoutMs = 5_000,
) =>
  throughProxy(
    directory,
    ({ client, server }) => {
      let silent = false;
      server.on('data', (bytes) => silent || client.write(bytes));
      client.on('data', (bytes) => {
        if (!isChange(bytes)) return void server.write(bytes);
        atChange({
          send: () => server.write(bytes),
          cut: () => client.destroy(),
          answer: (answer) => {
            silent = true;
            server.write(bytes);
            client.write(answer);
          },
        });
      });
    },
    (url) => refusal(executed(connectorAt(directory, { url, callTimeoutMs }), plan)),
  );

it('R5.5 reports an unknown effect when a change was sent and not answered; reading the directory settles it', async () => {
  expect(await executedWith(({ cut }) => cut())).toMatchObject({ code: 'unreachable', effect: 'unknown' });
  expect(await membersOf(directory)).toEqual(before);
  expect(
    await executedWith(({ send, cut }) => {
      send();
      cut();
    }),
  ).toMatchObject({ code: 'unreachable', effect: 'unknown' });
  await until(async () => (await membersOf(directory)).length === 2, { what: 'the change with the lost response is in the directory' });
  await executed(connector, plan);
  await undone(connector, plan);
  expect(await membersOf(directory)).toEqual(before);
});

it.each([
  ['not LDAP', Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
  ['half a message', Buffer.from([0x30, 0x40, 0x02, 0x01])],
  ['a response to another request', Buffer.from([0x30, 0x0c, 0x02, 0x01, 0x7f, 0x67, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00])],
])('R5.5 reports an unknown effect when the response to the change is %s', async (_what, answer) => {
  expect(await executedWith((sides) => sides.answer(answer), 500)).toMatchObject({ effect: 'unknown' });
  await until(async () => (await membersOf(directory)).length === 2, { what: 'the change was done' });
});

it('R2.4 does not count a member that somebody else adds at the same moment as its own', async () => {
  const raced = await executedWith(({ send }) => {
    void directory.modify('data', `dn: ${financeAdmins}\nchangetype: modify\nadd: member\nmember: ${dnOf('erin')}\n`).then(send);
  });
  expect(raced).toMatchObject({ code: 'changed', effect: 'none', message: expect.stringContaining('at the same time') });
  expect(await membersOf(directory)).toEqual(both);
});

it('R2.5 adds nobody to another group that takes over the DN at the same moment', async () => {
  const raced = await executedWith(({ send }) => {
    const away = `dn: ${financeAdmins}\nchangetype: modrdn\nnewrdn: cn=old-admins\ndeleteoldrdn: 1\n`;
    const other = `dn: ${financeAdmins}\nchangetype: add\nobjectClass: groupOfNames\ncn: finance-admins\nmember: ${dnOf('dave')}\n`;
    void directory.modify('data', `${away}\n${other}`).then(send);
  });
  expect(raced).toMatchObject({ code: 'changed', effect: 'none' });
  expect(await membersOf(directory)).toEqual(before);
  expect(await membersOf(directory, financeAdmins.replace('finance', 'old'))).toEqual(before);
});

it('R2.4 is not disturbed by another member that changes at the same moment', async () => {
  const raced = await executedWith(({ send }) => {
    void directory
      .modify('data', `dn: ${financeAdmins}\nchangetype: modify\nadd: member\nmember: uid=nobody,ou=services,dc=acme,dc=test\n`)
      .then(send);
  });
  expect(raced).toEqual({ message: 'it was not refused' });
  expect(await membersOf(directory)).toHaveLength(3);
});

it('never continues over a second connection, which would be anonymous', async () => {
  let searches = 0;
  const [refused, connections] = await throughProxy(
    directory,
    ({ client, server }) => {
      client.pipe(server);
      server.on('data', (bytes) => {
        client.write(bytes);
        // The connection is lost two responses after the bind.
        if (++searches === 3) client.end();
      });
    },
    async (url, count) => [await refusal(connectorAt(directory, { url }).read(groupAsk(), signal)), count()] as const,
  );
  expect(refused).toMatchObject({ code: 'unreachable', effect: 'none' });
  expect(connections).toBe(1);
});

it('opens at most eight connections, and a call that waits for one can be cancelled', async () => {
  let open = 0;
  let most = 0;
  const stop = new AbortController();
  await throughProxy(
    directory,
    // There is never a response.
    ({ client }) => {
      most = Math.max(most, ++open);
      client.on('close', () => (open -= 1));
      client.resume();
    },
    async (url) => {
      const slow = connectorAt(directory, { url, callTimeoutMs: 60_000 });
      const calls = Array.from({ length: 12 }, () => refusal(slow.read(groupAsk(), stop.signal)));
      await until(() => open === 8, { what: 'eight connections are open' });
      stop.abort();
      for (const call of calls) expect(await call).toMatchObject({ code: 'timeout', effect: 'none' });
      expect(most).toBe(8);
      await until(() => open === 0, { what: 'every connection is closed' });
      // The connections are available again.
      const next = new AbortController();
      const call = refusal(slow.read(groupAsk(), next.signal));
      await until(() => open === 1, { what: 'another call has a connection' });
      next.abort();
      expect(await call).toMatchObject({ code: 'timeout' });
    },
  );
});
