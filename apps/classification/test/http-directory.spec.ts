/** How often the directory is fetched and verified, what is refused, and that a failure is reported. The only clock is passed in. */
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { httpDirectory, openDirectory, type DirectoryPort, type HttpDirectoryOptions } from '@readmit/signing';
import type { Engine } from '@readmit/runtime';
import type { Directory } from '@readmit/contracts';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { withDirectory } from '../src/inbound/directory-progress.js';
import { watchedDirectory } from '../src/outbound/watched-directory.js';

const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
const key = String((await exportJWK(pair.publicKey)).x);
const at = '2026-11-22T09:00:00.000Z';
const keyOf = (seed: string) => createHash('sha256').update(seed).digest('base64url');
const person = (id: string, more: Partial<Directory['people'][number]> = {}): Directory['people'][number] => ({
  id,
  human: id,
  teams: ['staff'],
  authority: 1,
  employment: 'employee',
  privileged: false,
  keys: [{ kid: 'k', type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: keyOf(id) } }],
  name: id,
  contacts: [],
  accounts: [],
  ...more,
});
const signed = (document: object): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(document))).setProtectedHeader({ alg: 'EdDSA' }).sign(pair.privateKey);
const directory: Directory = { version: 1, issuedAt: at, people: [person('ada'), person('boris')], machines: [], privileged: [] };
const first = await signed(directory);
const second = await signed({ ...directory, issuedAt: '2026-11-22T09:01:00.000Z' });
const never = new AbortController().signal;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
async function served(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/directory.jws`;
}

/** A directory that counts fetches and verifications, and a clock. */
function counted(answer: () => Response | Promise<Response>, more: Partial<HttpDirectoryOptions> = {}) {
  const counts = { fetched: 0, opened: 0 };
  const asked: (string | null)[] = [];
  const clock = { now: 0 };
  const port = httpDirectory({
    url: 'https://directory.example.test/',
    key,
    cacheMs: 10_000,
    now: () => clock.now,
    fetch: async (_, init) => {
      counts.fetched++;
      asked.push(new Headers(init?.headers).get('if-none-match'));
      return answer();
    },
    open: (text, publicKey) => {
      counts.opened++;
      return openDirectory(text, publicKey);
    },
    ...more,
  });
  return { port, counts, asked, clock };
}

describe('the directory over HTTP', () => {
  it('is fetched and verified once for concurrent readers, and for those that come soon after', async () => {
    const { port, counts, clock } = counted(() => new Response(first));
    const together = await Promise.all(Array.from({ length: 50 }, () => port.read(never)));
    expect(counts).toEqual({ fetched: 1, opened: 1 });
    // The same object, so that what is derived from it, such as its index, is made once.
    expect(new Set(together.map((snapshot) => snapshot.directory)).size).toBe(1);
    clock.now = 9_999;
    await port.read(never);
    expect(counts.fetched).toBe(1);
    clock.now = 10_000;
    await port.read(never);
    expect(counts.fetched).toBe(2);
  });

  it('is verified again only if its bytes have changed', async () => {
    let text = first;
    const { port, counts, clock } = counted(() => new Response(text));
    const before = await port.read(never);
    clock.now = 20_000;
    expect((await port.read(never)).directory).toBe(before.directory);
    expect(counts).toEqual({ fetched: 2, opened: 1 });
    text = second;
    clock.now = 40_000;
    expect((await port.read(never)).issuedAt).toBe('2026-11-22T09:01:00.000Z');
    expect(counts).toEqual({ fetched: 3, opened: 2 });
  });

  it('is requested with its ETag, and "not modified" is accepted only in response to one', async () => {
    const answers = [new Response(first, { headers: { etag: '"one"' } }), new Response(null, { status: 304 })];
    const { port, counts, asked, clock } = counted(() => answers.shift() ?? new Response(null, { status: 500 }));
    const before = await port.read(never);
    clock.now = 20_000;
    expect((await port.read(never)).digest).toBe(before.digest);
    expect(asked).toEqual([null, '"one"']);
    expect(counts).toEqual({ fetched: 2, opened: 1 });
    const unasked = counted(() => new Response(null, { status: 304 }));
    await expect(unasked.port.read(never)).rejects.toThrow('the directory responded with 304');
  });

  it('is fetched again after a failure, once and not by each case', async () => {
    let status = 500;
    const { port, counts, clock } = counted(() => (status === 200 ? new Response(first) : new Response(null, { status })));
    for (let reader = 0; reader < 20; reader++) await expect(port.read(never)).rejects.toThrow('the directory responded with 500');
    expect(counts.fetched).toBe(1);
    status = 200;
    clock.now = 1_000;
    expect((await port.read(never)).issuedAt).toBe(at);
  });

  it('R1.6 that was refused is refused again without another verification, until its text changes', async () => {
    let text = await signed({ ...directory, people: [person('ada'), person('ada', { privileged: true })] });
    const { port, counts, clock } = counted(() => new Response(text));
    for (clock.now = 0; clock.now < 100_000; clock.now += 20_000)
      await expect(port.read(never)).rejects.toThrow('two entries have the person id ada');
    expect(counts).toEqual({ fetched: 5, opened: 1 });
    text = first;
    await expect(port.read(never)).resolves.toMatchObject({ issuedAt: at });
  });

  it('an aborted reader does not abort the fetch of others', async () => {
    let answer: (response: Response) => void = () => undefined;
    const { port, counts } = counted(() => new Promise<Response>((resolve) => (answer = resolve)));
    const gone = new AbortController();
    const [left, stays] = [port.read(gone.signal), port.read(never)];
    gone.abort(new Error('aborted'));
    await expect(left).rejects.toThrow('aborted');
    answer(new Response(first));
    await expect(stays).resolves.toMatchObject({ issuedAt: at });
    expect(counts.fetched).toBe(1);
  });

  it('that is too large is cancelled while it is received, with or without a content-length', async () => {
    let sent = 0;
    let ended: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (ended = resolve));
    const endless = await served((_, response) => {
      response.on('close', ended);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000))) sent += 10_000;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    await expect(httpDirectory({ open: openDirectory, url: endless, key, cacheMs: 0, maxBytes: 100_000 }).read(never)).rejects.toThrow(
      'the directory is larger than 100000 bytes',
    );
    // The response never ends by itself: the reader closed the connection.
    await closed;
    expect(sent).toBeGreaterThan(0);
    const long = await served((_, response) => response.writeHead(200, { 'content-length': '100001' }).write('x'));
    await expect(httpDirectory({ open: openDirectory, url: long, key, cacheMs: 0, maxBytes: 100_000 }).read(never)).rejects.toThrow(
      'larger than 100000',
    );
    const right = await served((_, response) => response.end(first));
    await expect(httpDirectory({ open: openDirectory, url: right, key, cacheMs: 0, maxBytes: 100_000 }).read(never)).resolves.toMatchObject(
      { issuedAt: at },
    );
  });

  it.each<[string, object, string]>([
    ['two entries of one id', { people: [person('ada'), person('ada', { keys: [] })] }, 'two entries have the person id ada'],
    [
      'humans that differ by case',
      { people: [person('ada', { human: 'Ada' }), person('boris', { human: 'ada' })] },
      'the humans Ada (of ada) and ada (of boris)',
    ],
    [
      'one key of two people',
      { people: [person('ada'), person('boris', { keys: person('ada').keys })] },
      'ada and boris have the same public key (k)',
    ],
    [
      'a key of 3 bytes',
      { people: [person('ada', { keys: [{ kid: 'k', type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } }] })] },
      'the key k of ada is not 32 bytes',
    ],
    [
      'more keys than anybody has',
      {
        people: [
          person('ada', {
            keys: Array.from({ length: 21 }, (_, n) => ({
              kid: `k${n}`,
              type: 'software-key' as const,
              key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: keyOf(`k${n}`) },
            })),
          }),
        ],
      },
      '/people/0/keys must NOT have more than 20 items',
    ],
  ])('R1.6 with %s is refused whole, with the entries by name', async (_, more, says) => {
    const text = await signed({ ...directory, ...more });
    await expect(counted(() => new Response(text)).port.read(never)).rejects.toThrow(says);
  });

  it('R1.6 names the first twenty faults and counts the rest', async () => {
    const text = await signed({ ...directory, people: Array.from({ length: 31 }, () => person('ada', { keys: [] })) });
    await expect(counted(() => new Response(text)).port.read(never)).rejects.toThrow(/and 10 more$/);
  });

  it('R8.3 signed with another key is refused', async () => {
    const other = String((await exportJWK((await generateKeyPair('EdDSA', { crv: 'Ed25519' })).publicKey)).x);
    await expect(counted(() => new Response(first), { key: other }).port.read(never)).rejects.toThrow('signature verification failed');
  });
});

describe('an unusable directory', () => {
  const lines: [string, unknown][] = [];
  const log = {
    error: (about: unknown, says: string) => void lines.push([says, about]),
    info: (says: string) => void lines.push([says, undefined]),
  };
  const options = { log: log as never, now: () => new Date(at), maxAgeSeconds: 3600 };

  it('R1.6 is logged once with its reason, stays visible until it is usable, and its recovery is logged', async () => {
    lines.length = 0;
    let wrong: string | undefined = 'the directory responded with 500';
    const snapshot = { directory, digest: 'd'.repeat(64), issuedAt: at };
    const port: DirectoryPort = { read: () => (wrong === undefined ? Promise.resolve(snapshot) : Promise.reject(new Error(wrong))) };
    const watched = watchedDirectory(port, options);
    expect(watched.problem).toBeUndefined();
    for (let tries = 0; tries < 3; tries++) await expect(watched.read(never)).rejects.toThrow('responded with 500');
    expect(watched.problem).toBe('the directory responded with 500');
    wrong = 'two entries have the person id ada';
    await expect(watched.read(never)).rejects.toThrow('two entries');
    wrong = undefined;
    await expect(watched.read(never)).resolves.toBe(snapshot);
    expect(watched.problem).toBeUndefined();
    expect(lines).toEqual([
      ['the directory is unavailable: cases wait', { error: 'the directory responded with 500' }],
      ['the directory is unavailable: cases wait', { error: 'two entries have the person id ada' }],
      ['the directory is available again', undefined],
    ]);
  });

  it('R1.6 shows in the readiness message, and does not make the service unready', async () => {
    const progress = { ready: true, lag: 0, lastBatchAt: null, workWaiting: 1, parked: 0, says: 'up to date' };
    const engine = { progress: () => Promise.resolve(progress) } as unknown as Engine;
    expect(await withDirectory(engine, { problem: 'the directory responded with 500' }).progress()).toEqual({
      ...progress,
      says: 'up to date; cases wait: the directory responded with 500',
    });
    expect(await withDirectory(engine, { problem: undefined }).progress()).toEqual(progress);
  });

  it('R1.6 may also be one that is too old: the error names when it was issued', async () => {
    const aged = (issuedAt: string) =>
      watchedDirectory({ read: () => Promise.resolve({ directory, digest: 'd'.repeat(64), issuedAt }) }, options);
    await expect(aged('2026-11-22T07:59:59.000Z').read(never)).rejects.toThrow(
      'the directory was issued at 2026-11-22T07:59:59.000Z; the policy allows at most 3600 s',
    );
    await expect(aged('2026-11-22T08:00:00.000Z').read(never)).resolves.toMatchObject({ directory });
  });
});
