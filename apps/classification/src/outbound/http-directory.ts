import { createHash } from 'node:crypto';
import { directoryKey, maxDirectoryBytes, openDirectory, type DirectorySnapshot } from '@readmit/signing';
import type { DirectoryPort } from './directory.js';

export interface HttpDirectoryOptions {
  readonly url: string;
  /** Public Ed25519 key that signs the directory: x of its JWK. */
  readonly key: string;
  /** How long a directory is cached. MUST be much less than the age that the policy allows. */
  readonly cacheMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
  /** Verifies and parses the signed text: slow for a large directory. */
  readonly open?: typeof openDirectory;
  readonly maxBytes?: number;
}

/** For one fetch, shared by all readers: less than half a lease, at which each reader's call is aborted. */
const fetchMs = 10_000;
/** How long a failure is cached: many cases wait for one directory, which is fetched once for all of them. */
const failureMs = 1_000;

type Opened = { readonly snapshot: DirectorySnapshot } | { readonly error: Error };
interface Fetched {
  /** Of the text as received. */
  readonly digest: string;
  readonly etag: string | undefined;
  readonly opened: Opened;
}

/**
 * A directory served over HTTP as a compact JWS (EdDSA). Anyone can open a case, and a large directory takes a quarter of a second to
 * verify: so concurrent readers share one fetch, the result is cached for a while, and the same text is verified only once.
 */
export function httpDirectory(options: HttpDirectoryOptions): DirectoryPort {
  const { url, cacheMs, now = () => performance.now(), open = openDirectory, maxBytes = maxDirectoryBytes } = options;
  const request = options.fetch ?? globalThis.fetch;
  const key = directoryKey(options.key);
  let last: Fetched | undefined;
  let cached: { readonly until: number; readonly answer: Opened } | undefined;
  let pending: Promise<Opened> | undefined;

  async function fetchDirectory(): Promise<Opened> {
    const response = await request(url, {
      signal: AbortSignal.timeout(fetchMs),
      redirect: 'error',
      headers: { accept: 'application/jose', ...(last?.etag === undefined ? {} : { 'if-none-match': last.etag }) },
    });
    if (response.status === 304 && last?.etag !== undefined) return last.opened;
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the directory responded with ${response.status}`);
    }
    const text = (await textOf(response, maxBytes)).trim();
    const digest = createHash('sha256').update(text).digest('hex');
    const etag = response.headers.get('etag') ?? undefined;
    const opened = last?.digest === digest ? last.opened : await outcomeOf(key.then((publicKey) => open(text, publicKey)));
    last = { digest, etag, opened };
    return opened;
  }

  async function refresh(): Promise<Opened> {
    const answer = await outcomeOf(fetchDirectory().then((opened) => ('error' in opened ? Promise.reject(opened.error) : opened.snapshot)));
    cached = { until: now() + ('error' in answer ? Math.min(failureMs, cacheMs) : cacheMs), answer };
    return answer;
  }

  return {
    async read(signal) {
      signal.throwIfAborted();
      const answer =
        cached && now() < cached.until
          ? cached.answer
          : await untilAborted((pending ??= refresh().finally(() => (pending = undefined))), signal);
      if ('error' in answer) throw answer.error;
      return answer.snapshot;
    },
  };
}

async function outcomeOf(snapshot: Promise<DirectorySnapshot>): Promise<Opened> {
  try {
    return { snapshot: await snapshot };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** Aborting one reader does not abort the fetch that others share. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Reads the body as a stream: one that is too large is cancelled, whatever its headers claim. */
async function textOf(response: Response, maxBytes: number): Promise<string> {
  const tooLarge = (): Error => new Error(`the directory is larger than ${maxBytes} bytes`);
  if (Number(response.headers.get('content-length') ?? 0) > maxBytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the body.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
