/** One mail through a real SMTP server: its headers and text, TLS, sign-in, refusals, deadlines, the connection. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { smtpRelay, type SmtpRelay, type SmtpRelayOptions } from '../src/outbound/smtp-relay.js';
import { localhostCertificate, openMailServer, parsed, type MailServer } from './mail-server.js';

const never = new AbortController().signal;
const from = 'readmit@example.com';
const mail = { id: 'case_1/notice-opened', to: 'ada@example.org', subject: 'Access recovery was requested', text: 'Case case_1.' };
let folder: string;
let certificate: Awaited<ReturnType<typeof localhostCertificate>>;
let server: MailServer | undefined;
let relay: SmtpRelay | undefined;
let logged: object[] = [];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'smtp-'));
  certificate = await localhostCertificate(folder);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  relay?.close();
  await server?.close();
});

async function start(security: 'tls' | 'starttls' | 'none', more: Partial<SmtpRelayOptions> & { user?: string; host?: string } = {}) {
  const { user, host = 'localhost', ...options } = more;
  logged = [];
  server = await openMailServer({ security, ...certificate, ...(user === undefined ? {} : { user }) });
  relay = smtpRelay({
    url: new URL(`${security === 'tls' ? 'smtps' : 'smtp'}://${host}:${server.port}`),
    from,
    log: { warn: (about: object) => void logged.push(about) },
    ...options,
  });
  return { server, relay };
}

describe('a mail', () => {
  it('R2.6 R5.4 is plain text with the headers of an automatic message, without links, attachments or other addresses', async () => {
    const { server, relay } = await start('none');
    expect(await relay.send(mail, never)).toBe('accepted');
    const [received] = server.received;
    expect(received?.to).toEqual(['ada@example.org']);
    const { headers, text } = parsed(received?.raw ?? '');
    expect(text).toBe('Case case_1.');
    expect(Object.fromEntries(headers)).toEqual({
      from,
      to: 'ada@example.org',
      subject: mail.subject,
      'auto-submitted': 'auto-generated',
      'message-id': expect.stringMatching(/^<[0-9a-f]{40}@example\.com>$/),
      date: expect.any(String),
      'mime-version': '1.0',
      'content-type': expect.stringMatching(/^text\/plain; charset=utf-8/),
      'content-transfer-encoding': expect.any(String),
    });
    expect(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it('R5.4 has the same Message-ID at each attempt and each address, and another for another notice', async () => {
    const { server, relay } = await start('none');
    for (const one of [mail, mail, { ...mail, to: 'ada@old.example' }, { ...mail, id: 'case_2/notice-opened' }])
      await relay.send(one, never);
    const ids = server.received.map(({ raw }) => parsed(raw).headers.get('message-id'));
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(new Set(ids).size).toBe(2);
  });

  it('keeps text that is not ASCII, and lines that are long', async () => {
    const { server, relay } = await start('none');
    const text = `Zoë asked for ${'a very long line, '.repeat(80)}\n.\n\u202Eright to left\u202C 日本語 = 100 %`;
    await relay.send({ ...mail, text, subject: 'Für Zoë' }, never);
    const { headers, text: received } = parsed(server.received[0]?.raw ?? '');
    expect(received.replaceAll('\r\n', '\n')).toBe(text);
    expect(headers.get('subject')).toMatch(/^=\?UTF-8\?/);
  });

  it('takes no header from any field', async () => {
    const { server, relay } = await start('none');
    const evil = '\r\nBcc: mallory@example.net\r\n\r\nhttps://evil.example';
    const outcomes = [
      await relay.send({ ...mail, id: `x${evil}` }, never),
      await relay.send({ ...mail, subject: `x${evil}` }, never),
      await relay.send({ ...mail, text: `x${evil}` }, never),
    ];
    expect(outcomes).toEqual(['accepted', 'accepted', 'accepted']);
    for (const { raw, to } of server.received) {
      const { headers } = parsed(raw);
      expect([to, headers.has('bcc'), headers.size]).toEqual([['ada@example.org'], false, 9]);
    }
  });
});

describe('the way to the SMTP server', () => {
  it('is TLS with a certificate of the configured authority', async () => {
    const { server, relay } = await start('tls', { ca: certificate.cert });
    expect(await relay.send(mail, never)).toBe('accepted');
    expect(server.received.map(({ secure }) => secure)).toEqual([true]);
  });

  it('is not taken if the certificate is of somebody else, on this machine too', async () => {
    const { server, relay } = await start('tls');
    expect(await relay.send(mail, never)).toBe('waiting');
    expect(server.received).toEqual([]);
    expect(logged).toEqual([expect.objectContaining({ reason: expect.stringMatching(/self-signed certificate/) })]);
  });

  it('is STARTTLS for smtp:// to another machine, and not taken where it is not offered', async () => {
    // This machine by an address that counts as another's.
    const offered = await start('starttls', { ca: certificate.cert, host: '0.0.0.0' });
    expect(await offered.relay.send(mail, never)).toBe('accepted');
    expect(offered.server.received.map(({ secure }) => secure)).toEqual([true]);
    offered.relay.close();
    await offered.server.close();
    const plain = await start('none', { ca: certificate.cert, host: '0.0.0.0' });
    expect(await plain.relay.send(mail, never)).toBe('waiting');
    expect(plain.server.received).toEqual([]);
    plain.relay.close();
    await plain.server.close();
    // Control: to this machine it may be without.
    const local = await start('none');
    expect(await local.relay.send(mail, never)).toBe('accepted');
    expect(local.server.received.map(({ secure }) => secure)).toEqual([false]);
  });

  it('is one connection for many mails, which is closed at the end', async () => {
    const { server, relay } = await start('none');
    expect(await Promise.all(Array.from({ length: 20 }, (_, n) => relay.send({ ...mail, id: `n-${n}` }, never)))).toEqual(
      Array.from({ length: 20 }, () => 'accepted'),
    );
    expect([server.connections, server.open]).toEqual([1, 1]);
    relay.close();
    await until(() => server.open === 0, { what: 'the connection is closed' });
    expect(await relay.send(mail, never)).toBe('waiting');
  });

  it('signs in with the password that the file has now', async () => {
    const file = path.join(folder, 'password');
    await writeFile(file, 'first-password');
    let now = 'first-password';
    const { server, relay } = await start('tls', {
      ca: certificate.cert,
      user: 'readmit',
      signIn: { username: 'readmit', password: () => now },
    });
    expect(await relay.send(mail, never)).toBe('accepted');
    server.password = 'second-password';
    now = 'wrong-password';
    expect(await relay.send(mail, never)).toBe('waiting');
    now = 'second-password';
    expect(await relay.send(mail, never)).toBe('accepted');
    expect(server.received.map(({ user }) => user)).toEqual(['readmit', 'readmit']);
    expect(logged).toEqual([expect.objectContaining({ code: 'EAUTH', responseCode: 535 })]);
    expect(JSON.stringify(logged)).not.toContain('password"');
  });
});

describe('a mail that is not accepted', () => {
  it.each([
    ['greylist', 'waiting', 451],
    ['refuse', 'refused', 550],
  ] as const)('R5.4 because of a %s is %s, and no address is in the log', async (manner, outcome, responseCode) => {
    const { server, relay } = await start('none');
    server.treat('ada@example.org', manner);
    expect(await relay.send(mail, never)).toBe(outcome);
    expect(logged).toEqual([expect.objectContaining({ noticeId: mail.id, responseCode })]);
    expect(JSON.stringify(logged)).not.toMatch(/ada|example\.org/);
    server.treat('ada@example.org', 'accept');
    expect(await relay.send(mail, never)).toBe('accepted');
  });

  it('R5.4 that the server takes and does not answer ends at its deadline, as one to repeat; the next goes over a new connection', async () => {
    const { server, relay } = await start('none', { mailMs: 1_000 });
    server.treat('ada@example.org', 'hang');
    expect(await relay.send(mail, never)).toBe('waiting');
    expect(await relay.send({ ...mail, to: 'boris@example.org' }, never)).toBe('accepted');
    expect(server.received.map(({ to }) => to)).toEqual([['ada@example.org'], ['boris@example.org']]);
  });

  it('ends with its caller, also while it waits behind another', async () => {
    const { server, relay } = await start('none', { mailMs: 20_000 });
    server.treat('ada@example.org', 'hang');
    const stop = new AbortController();
    const both = [relay.send(mail, stop.signal), relay.send({ ...mail, to: 'boris@example.org' }, stop.signal)];
    await until(() => server.received.length === 1, { what: 'the server has the first mail' });
    stop.abort();
    expect(await Promise.all(both)).toEqual(['waiting', 'waiting']);
    expect(await relay.send({ ...mail, to: 'chidi@example.org' }, never)).toBe('accepted');
    expect(server.received.map(({ to }) => to)).toEqual([['ada@example.org'], ['chidi@example.org']]);
  });

  it('because there is no server waits', async () => {
    const { server, relay } = await start('none');
    await server.close();
    expect(await relay.send(mail, never)).toBe('waiting');
  });
});
