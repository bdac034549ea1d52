/** Notices to several addresses on a real database and a real SMTP server: who gets what, how often, and which addresses are remembered. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Store } from '@readmit/store';
import { testDatabase, type TestDatabase } from '@readmit/testing';
import { directoryKey, makeSigningKey, signDirectory } from '@readmit/signing';
import { NoticeAddresses, openAddresses, type ListedAddresses } from '../src/outbound/notice-addresses.js';
import { forgetDelivered, NoticeDeliveries } from '../src/outbound/notice-deliveries.js';
import type { NoticePort } from '../src/outbound/notice.js';
import { smtpNotices } from '../src/outbound/smtp-notices.js';
import { smtpRelay, type SmtpRelay } from '../src/outbound/smtp-relay.js';
import { directoryOf } from './directory-server.js';
import { openMailServer, parsed, type MailServer } from './mail-server.js';

const never = new AbortController().signal;
const now = new Date();
const three = ['ada@one.example', 'ada@two.example', 'ada@three.example'];
let database: TestDatabase;
let store: Store;
let mail: MailServer;
let relay: SmtpRelay;
let listed: readonly string[];
let port: NoticePort;
beforeAll(async () => {
  database = await testDatabase();
  store = await database.store('intake');
});
afterAll(() => database.drop());
beforeEach(async () => {
  await store.query('DELETE FROM notice_address');
  await store.query('DELETE FROM notice_source');
  await store.query('DELETE FROM notice_turn');
  mail = await openMailServer({ security: 'none' });
  relay = smtpRelay({
    url: new URL(`smtp://127.0.0.1:${mail.port}`),
    from: 'readmit@example.com',
    log: { warn: () => undefined },
    mailMs: 2_000,
  });
  listed = three;
  port = smtpNotices({ relay, addressesOf: async () => listed, deliveries: new NoticeDeliveries(store, 3) });
});
afterEach(async () => {
  relay.close();
  await mail.close();
});

const send = (id: string, mayWait = false) => port.send({ id, to: 'ada', about: 'opened', text: 'Case x.', mayWait }, never);
const recipients = (): readonly string[] => mail.received.flatMap(({ to }) => to);

describe('a notice to three addresses', () => {
  it('R5.4 is one mail to each, and never a second one', async () => {
    expect(await send('a-1')).toEqual({ addresses: 3, waiting: 0, refused: 0 });
    expect(await send('a-1')).toEqual({ addresses: 3, waiting: 0, refused: 0 });
    expect(recipients().toSorted()).toEqual(three.toSorted());
  });

  it.each([
    ['greylisted', 'greylist', { addresses: 2, waiting: 1, refused: 0 }],
    ['refused', 'refuse', { addresses: 2, waiting: 0, refused: 1 }],
  ] as const)('R5.4 of which one is %s counts the others, and is repeated to that one alone', async (_what, manner, report) => {
    mail.treat('ada@two.example', manner);
    expect(await send(`b-${manner}`)).toEqual(report);
    expect(recipients().toSorted()).toEqual(['ada@one.example', 'ada@three.example']);
    mail.treat('ada@two.example', 'accept');
    expect(await send(`b-${manner}`)).toEqual({ addresses: 3, waiting: 0, refused: 0 });
    expect(recipients().slice(2)).toEqual(['ada@two.example']);
  });

  it('R5.4 of which one hangs after DATA reaches the others, and is repeated with the same Message-ID, last', async () => {
    mail.treat('ada@one.example', 'hang');
    expect(await send('c-1')).toEqual({ addresses: 2, waiting: 1, refused: 0 });
    mail.treat('ada@one.example', 'accept');
    listed = [...three, 'ada@four.example'];
    expect(await send('c-1')).toEqual({ addresses: 4, waiting: 0, refused: 0 });
    expect(recipients().slice(-2)).toEqual(['ada@four.example', 'ada@one.example']);
    const ids = mail.received.filter(({ to }) => to.includes('ada@one.example')).map(({ raw }) => parsed(raw).headers.get('message-id'));
    expect(ids).toEqual([ids[0], ids[0]]);
  });

  it('R5.4 of which one uses up the time reports the others, and leaves none out for good', async () => {
    const hurried = smtpNotices({ relay, addressesOf: async () => listed, deliveries: new NoticeDeliveries(store, 3), budgetMs: 1_000 });
    mail.treat('ada@one.example', 'hang');
    const notice = { id: 'd-1', to: 'ada', about: 'opened', text: 'Case x.', mayWait: false } as const;
    expect(await hurried.send(notice, never)).toEqual({ addresses: 0, waiting: 3, refused: 0 });
    // The others first, with the whole time: the one that hangs is last now.
    expect(await port.send(notice, never)).toEqual({ addresses: 2, waiting: 1, refused: 0 });
  });

  it('R5.4 to nobody is reported as no address', async () => {
    listed = [];
    expect(await send('e-1')).toEqual({ addresses: 0 });
  });

  it('leaves no address behind once it is sent or given up', async () => {
    await send('f-1');
    await send('f-2');
    const done = [{ added: [{ type: 'readmit.notice.sent', data: { noticeId: 'f-1' } }] }] as unknown as Parameters<
      typeof forgetDelivered
    >[1];
    await store.transaction((tx) => forgetDelivered(tx, done));
    const rows = await store.query<{ notice_id: string }>(`SELECT DISTINCT notice_id FROM notice_delivery WHERE notice_id LIKE 'f-%'`);
    expect(rows).toEqual([{ notice_id: 'f-2' }]);
  });
});

describe('many notices to one person', () => {
  it('R5.4 are sent up to the limit, and the others an hour after; what must not wait is sent at once', async () => {
    listed = ['ada@one.example'];
    const held = [];
    for (const id of ['g-1', 'g-2', 'g-3', 'g-4', 'g-5']) held.push((await send(id, true)).heldMs ?? 0);
    expect(held.map((ms) => Math.round(ms / 60_000))).toEqual([0, 0, 0, 60, 60]);
    expect(recipients()).toHaveLength(3);
    // It keeps its turn, however often it is asked for.
    expect(Math.round(((await send('g-4', true)).heldMs ?? 0) / 60_000)).toBe(60);
    expect(await send('g-6', false)).toEqual({ addresses: 1, waiting: 0, refused: 0 });
    // Of another person: not affected.
    expect((await port.send({ id: 'g-7', to: 'boris', about: 'opened', text: 'x', mayWait: true }, never)).addresses).toBe(1);
    await store.query(`UPDATE notice_turn SET due_at = due_at - interval '1 hour'`);
    expect(await send('g-4', true)).toEqual({ addresses: 1, waiting: 0, refused: 0 });
  });
});

describe('the addresses of a person', () => {
  const key = makeSigningKey();
  const read = async (people: Readonly<Record<string, readonly string[]>>, issuedAt = now): Promise<ListedAddresses> =>
    openAddresses(await signDirectory(directoryOf(people, issuedAt), key.private), await directoryKey(key.public.x));
  const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);

  it('R5.4 are those of the directory, and those from before a change for the configured days', async () => {
    const addresses = new NoticeAddresses(store, 30);
    await addresses.save(await read({ ada: ['a@old.example', 'a@both.example'], boris: ['b@x.example'] }), now);
    await addresses.save(await read({ ada: ['a@both.example', 'a@new.example'] }, later(1)), now);
    expect(await addresses.of('ada')).toEqual(['a@both.example', 'a@new.example', 'a@old.example']);
    expect(await addresses.of('boris')).toEqual(['b@x.example']);
    expect(await addresses.of('nobody')).toEqual([]);

    await store.query(`UPDATE notice_address SET gone_at = gone_at - interval '29 days 23 hours' WHERE gone_at IS NOT NULL`);
    await addresses.forget();
    expect(await addresses.of('ada')).toContain('a@old.example');
    await store.query(`UPDATE notice_address SET gone_at = gone_at - interval '1 hour' WHERE gone_at IS NOT NULL`);
    expect(await addresses.of('ada')).toEqual(['a@both.example', 'a@new.example']);
    await addresses.forget();
    expect((await store.query('SELECT address FROM notice_address ORDER BY address')).length).toBe(2);
  });

  it('R5.4 are not pushed out by many changes in a row', async () => {
    const addresses = new NoticeAddresses(store, 30);
    await addresses.save(await read({ ada: ['a@true.example'] }), now);
    for (let n = 1; n <= 3; n++)
      await addresses.save(await read({ ada: Array.from({ length: 19 }, (_, i) => `m-${n}-${i}@evil.example`) }, later(n)), now);
    const all = await addresses.of('ada');
    expect(all).toHaveLength(40);
    expect(all.slice(0, 19).every((one) => one.startsWith('m-3-'))).toBe(true);
    expect(all[19]).toBe('a@true.example');
  });

  it('come back to use when the directory lists them again, and an older directory changes nothing', async () => {
    const addresses = new NoticeAddresses(store, 30);
    await addresses.save(await read({ ada: ['a@x.example'] }), now);
    await addresses.save(await read({ ada: ['a@y.example'] }, later(1)), now);
    await addresses.save(await read({ ada: ['a@x.example'] }, later(2)), now);
    expect(await addresses.of('ada')).toEqual(['a@x.example', 'a@y.example']);
    await addresses.save(await read({ ada: ['a@z.example'] }, later(-60)), now);
    expect(await addresses.of('ada')).toEqual(['a@x.example', 'a@y.example']);
    await expect(addresses.save(await read({ ada: [] }, later(3_600)), now)).rejects.toThrow('which is in the future');
  });

  it('exclude what mail cannot be sent to', async () => {
    const evil = [
      'a@x.example\r\nBcc: m@x.example',
      'Ada <a@x.example>',
      'a@x.example, m@x.example',
      'a',
      '@x',
      'a@',
      'a b@x.example',
      '-f@-x',
    ];
    const read1 = await read({ ada: [...evil, 'a@x.example', 'zoë@exämple.example'] });
    expect(read1.unusable).toBe(evil.length);
    expect(read1.unsaved?.addresses).toEqual(['a@x.example', 'zoë@exämple.example']);
  });

  it('of 100,000 people are saved in seconds, a change of a few as well, and are not kept in memory', async () => {
    const addresses = new NoticeAddresses(store, 30);
    const people = Array.from({ length: 100_000 }, (_, n) => `person-${n}`);
    const of = (issuedAt: Date, more: readonly string[]): ListedAddresses => ({
      digest: issuedAt.toISOString(),
      issuedAt: issuedAt.toISOString(),
      unusable: 0,
      unsaved: { people, addresses: people.map((id, n) => (more.includes(id) ? `new-${n}@x.example` : `${n}@x.example`)) },
    });
    const first = of(now, []);
    const begun = performance.now();
    const before = store.counters.statements;
    await addresses.save(first, now);
    expect(first.unsaved).toBeUndefined();
    await addresses.save(of(later(1), ['person-5', 'person-6']), now);
    expect(store.counters.statements - before).toBe(6);
    expect(performance.now() - begun).toBeLessThan(60_000);
    expect(await addresses.of('person-5')).toEqual(['new-5@x.example', '5@x.example']);
    expect(await store.query('SELECT count(*)::int AS n FROM notice_address WHERE gone_at IS NULL')).toEqual([{ n: 100_000 }]);
  });
});
