import { createHash } from 'node:crypto';
import { directoryKey, maxDirectoryBytes, type DirectorySnapshot, type openDirectory } from './signed-directory.js';

/**
 * The signed directory of people and machines, or what its reader keeps of it. Throws if it is unavailable, not signed by the configured
 * key, or invalid.
 */
export interface DirectoryPort<Kept = DirectorySnapshot> {
  read(signal: AbortSignal): Promise<Kept>;
}

export interface HttpDirectoryOptions<Kept = DirectorySnapshot> {
  readonly url: string;
  /** Public Ed25519 key that signs the directory: x of its JWK. */
  readonly key: string;
  /** How long a directory is cached. MUST be much less than the age that the policy allows. */
  readonly cacheMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
  /**
   * Verifies the signed text (`openDirectory`) and returns what is kept of it in memory. Slow for a large directory, and not repeated for the
   * same text, even after a failure: it MUST fail only because of the text.
   */
  readonly open: (...directory: Parameters<typeof openDirectory>) => Promise<Kept>;
  readonly maxBytes?: number;
}

/** For one fetch, shared by all readers: less than half a lease, at which each reader's call is aborted. */
const fetchMs = 10_000;
/** How long a failure is cached: many cases wait for one directory, which is fetched once for all of them. */
const failureMs = 1_000;

type Opened<Kept> = { readonly kept: Kept } | { readonly error: Error };
interface Fetched<Kept> {
  /** Of the text as received. */
  readonly digest: string;
  readonly etag: string | undefined;
  readonly opened: Opened<Kept>;
}

/**
 * A directory served over HTTP as a compact JWS (EdDSA). Anyone can open a case, and a large directory takes a quarter of a second to
 * verify: so concurrent readers share one fetch, the result is cached for a while, and the same text is verified only once.
 */
export function httpDirectory<Kept>(options: HttpDirectoryOptions<Kept>): DirectoryPort<Kept> {
  const { url, cacheMs, now = () => performance.now(), open, maxBytes = maxDirectoryBytes } = options;
  const request = options.fetch ?? globalThis.fetch;
  const key = directoryKey(options.key);
  let last: Fetched<Kept> | undefined;
  let cached: { readonly until: number; readonly answer: Opened<Kept> } | undefined;
  let pending: Promise<Opened<Kept>> | undefined;

  async function fetchDirectory(): Promise<Opened<Kept>> {
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

  async function refresh(): Promise<Opened<Kept>> {
    const answer = await outcomeOf(fetchDirectory().then((opened) => ('error' in opened ? Promise.reject(opened.error) : opened.kept)));
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
      return answer.kept;
    },
  };
}

async function outcomeOf<Kept>(kept: Promise<Kept>): Promise<Opened<Kept>> {
  try {
    return { kept: await kept };
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
