/** How often the directory is fetched and verified, what of it is refused, and that a directory in trouble is told. No times but a clock that is passed in. */
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openDirectory } from '@readmit/signing';
import type { Engine } from '@readmit/runtime';
import type { Directory } from '@readmit/contracts';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { withDirectory } from '../src/inbound/directory-progress.js';
import type { DirectoryPort } from '../src/outbound/directory.js';
import { httpDirectory, type HttpDirectoryOptions } from '../src/outbound/http-directory.js';
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

/** A directory behind a counter of fetches and verifications, and a clock. */
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
  it('is fetched and verified once for readers at one time, and for those that come soon after', async () => {
    const { port, counts, clock } = counted(() => new Response(first));
    const together = await Promise.all(Array.from({ length: 50 }, () => port.read(never)));
    expect(counts).toEqual({ fetched: 1, opened: 1 });
    // One object: what is made of it once, its lookup for example, is made once.
    expect(new Set(together.map((snapshot) => snapshot.directory)).size).toBe(1);
    clock.now = 9_999;
    await port.read(never);
    expect(counts.fetched).toBe(1);
    clock.now = 10_000;
    await port.read(never);
    expect(counts.fetched).toBe(2);
  });

  it('is not verified again when its bytes are the same, and is when they are not', async () => {
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

  it('is asked for by its ETag, and "not modified" is an answer only to that', async () => {
    const answers = [new Response(first, { headers: { etag: '"one"' } }), new Response(null, { status: 304 })];
    const { port, counts, asked, clock } = counted(() => answers.shift() ?? new Response(null, { status: 500 }));
    const before = await port.read(never);
    clock.now = 20_000;
    expect((await port.read(never)).digest).toBe(before.digest);
    expect(asked).toEqual([null, '"one"']);
    expect(counts).toEqual({ fetched: 2, opened: 1 });
    const unasked = counted(() => new Response(null, { status: 304 }));
    await expect(unasked.port.read(never)).rejects.toThrow('the directory answered 304');
  });

  it('is fetched again after a failure, which is not asked for by each case anew', async () => {
    let status = 500;
    const { port, counts, clock } = counted(() => (status === 200 ? new Response(first) : new Response(null, { status })));
    for (let reader = 0; reader < 20; reader++) await expect(port.read(never)).rejects.toThrow('the directory answered 500');
    expect(counts.fetched).toBe(1);
    status = 200;
    clock.now = 1_000;
    expect((await port.read(never)).issuedAt).toBe(at);
  });

  it('R1.6 that was refused once is refused again without another look, until it is another', async () => {
    let text = await signed({ ...directory, people: [person('ada'), person('ada', { privileged: true })] });
    const { port, counts, clock } = counted(() => new Response(text));
    for (clock.now = 0; clock.now < 100_000; clock.now += 20_000)
      await expect(port.read(never)).rejects.toThrow('two entries have the person id ada');
    expect(counts).toEqual({ fetched: 5, opened: 1 });
    text = first;
    await expect(port.read(never)).resolves.toMatchObject({ issuedAt: at });
  });

  it('a reader who gives up leaves the others their fetch', async () => {
    let answer: (response: Response) => void = () => undefined;
    const { port, counts } = counted(() => new Promise<Response>((resolve) => (answer = resolve)));
    const gone = new AbortController();
    const [left, stays] = [port.read(gone.signal), port.read(never)];
    gone.abort(new Error('given up'));
    await expect(left).rejects.toThrow('given up');
    answer(new Response(first));
    await expect(stays).resolves.toMatchObject({ issuedAt: at });
    expect(counts.fetched).toBe(1);
  });

  it('that is too large is stopped while it comes, with and without a length in front', async () => {
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
    await expect(httpDirectory({ url: endless, key, cacheMs: 0, maxBytes: 100_000 }).read(never)).rejects.toThrow(
      'the directory is larger than 100000 bytes',
    );
    // It never ends by itself: that the connection closed is our doing.
    await closed;
    expect(sent).toBeGreaterThan(0);
    const long = await served((_, response) => response.writeHead(200, { 'content-length': '100001' }).write('x'));
    await expect(httpDirectory({ url: long, key, cacheMs: 0, maxBytes: 100_000 }).read(never)).rejects.toThrow('larger than 100000');
    const right = await served((_, response) => response.end(first));
    await expect(httpDirectory({ url: right, key, cacheMs: 0, maxBytes: 100_000 }).read(never)).resolves.toMatchObject({ issuedAt: at });
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

  it("R8.3 of another key is nobody's directory", async () => {
    const other = String((await exportJWK((await generateKeyPair('EdDSA', { crv: 'Ed25519' })).publicKey)).x);
    await expect(counted(() => new Response(first), { key: other }).port.read(never)).rejects.toThrow('signature verification failed');
  });
});

describe('a directory in trouble', () => {
  const lines: [string, unknown][] = [];
  const log = {
    error: (about: unknown, says: string) => void lines.push([says, about]),
    info: (says: string) => void lines.push([says, undefined]),
  };
  const options = { log: log as never, now: () => new Date(at), maxAgeSeconds: 3600 };

  it('R1.6 is told once with its reason, shows until it is over, and that it is over is told', async () => {
    lines.length = 0;
    let wrong: string | undefined = 'the directory answered 500';
    const snapshot = { directory, digest: 'd'.repeat(64), issuedAt: at };
    const port: DirectoryPort = { read: () => (wrong === undefined ? Promise.resolve(snapshot) : Promise.reject(new Error(wrong))) };
    const watched = watchedDirectory(port, options);
    expect(watched.trouble).toBeUndefined();
    for (let tries = 0; tries < 3; tries++) await expect(watched.read(never)).rejects.toThrow('answered 500');
    expect(watched.trouble).toBe('the directory answered 500');
    wrong = 'two entries have the person id ada';
    await expect(watched.read(never)).rejects.toThrow('two entries');
    wrong = undefined;
    await expect(watched.read(never)).resolves.toBe(snapshot);
    expect(watched.trouble).toBeUndefined();
    expect(lines).toEqual([
      ['the directory cannot be used: cases wait', { error: 'the directory answered 500' }],
      ['the directory cannot be used: cases wait', { error: 'two entries have the person id ada' }],
      ['the directory can be used again', undefined],
    ]);
  });

  it('R1.6 shows in what the service says of its progress, and does not make it unready', async () => {
    const progress = { ready: true, lag: 0, lastBatchAt: null, workWaiting: 1, parked: 0, says: 'up to date' };
    const engine = { progress: () => Promise.resolve(progress) } as unknown as Engine;
    expect(await withDirectory(engine, { trouble: 'the directory answered 500' }).progress()).toEqual({
      ...progress,
      says: 'up to date; cases wait: the directory answered 500',
    });
    expect(await withDirectory(engine, { trouble: undefined }).progress()).toEqual(progress);
  });

  it('R1.6 is one that is too old as well, and says from when it is', async () => {
    const aged = (issuedAt: string) =>
      watchedDirectory({ read: () => Promise.resolve({ directory, digest: 'd'.repeat(64), issuedAt }) }, options);
    await expect(aged('2026-11-22T07:59:59.000Z').read(never)).rejects.toThrow(
      'the directory was issued at 2026-11-22T07:59:59.000Z; the policy takes one of the last 3600 s',
    );
    await expect(aged('2026-11-22T08:00:00.000Z').read(never)).resolves.toMatchObject({ directory });
  });
});
