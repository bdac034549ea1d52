import { createHash } from 'node:crypto';
import { directoryKey, maxDirectoryBytes, openDirectory, type DirectorySnapshot } from '@readmit/signing';
import type { DirectoryPort } from './directory.js';

export interface HttpDirectoryOptions {
  readonly url: string;
  /** Public Ed25519 key that signs the directory: x of its JWK. */
  readonly key: string;
  /** For how long what was read is used again. MUST be much less than the age that the policy allows. */
  readonly cacheMs: number;
  /** Milliseconds of a clock that only goes on. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
  /** What makes a directory of the signed text: slow for a large one. */
  readonly open?: typeof openDirectory;
  readonly maxBytes?: number;
}

/** For all readers of one reading together: less than half of a lease, after which each is given up. */
const fetchMs = 10_000;
/** For so long a failure is answered again: many cases wait for one directory, and it is asked once for all. */
const failureMs = 1_000;

type Opened = { readonly snapshot: DirectorySnapshot } | { readonly error: Error };
interface Had {
  /** Of the text as it came. */
  readonly digest: string;
  readonly etag: string | undefined;
  readonly opened: Opened;
}

/**
 * A directory file served over HTTP as a compact JWS (EdDSA). Anybody can open a case, and the directory of a large house costs a quarter of a second to
 * verify: so readers at one time share one fetch, what was read is used again for a while, and one text is verified once.
 */
export function httpDirectory(options: HttpDirectoryOptions): DirectoryPort {
  const { url, cacheMs, now = () => performance.now(), open = openDirectory, maxBytes = maxDirectoryBytes } = options;
  const request = options.fetch ?? globalThis.fetch;
  const key = directoryKey(options.key);
  let had: Had | undefined;
  let kept: { readonly until: number; readonly answer: Opened } | undefined;
  let running: Promise<Opened> | undefined;

  async function fetched(): Promise<Opened> {
    const response = await request(url, {
      signal: AbortSignal.timeout(fetchMs),
      redirect: 'error',
      headers: { accept: 'application/jose', ...(had?.etag === undefined ? {} : { 'if-none-match': had.etag }) },
    });
    if (response.status === 304 && had?.etag !== undefined) return had.opened;
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the directory answered ${response.status}`);
    }
    const text = (await textOf(response, maxBytes)).trim();
    const digest = createHash('sha256').update(text).digest('hex');
    const etag = response.headers.get('etag') ?? undefined;
    const opened = had?.digest === digest ? had.opened : await outcomeOf(key.then((publicKey) => open(text, publicKey)));
    had = { digest, etag, opened };
    return opened;
  }

  async function asked(): Promise<Opened> {
    const answer = await outcomeOf(fetched().then((opened) => ('error' in opened ? Promise.reject(opened.error) : opened.snapshot)));
    kept = { until: now() + ('error' in answer ? Math.min(failureMs, cacheMs) : cacheMs), answer };
    return answer;
  }

  return {
    async read(signal) {
      signal.throwIfAborted();
      const answer =
        kept && now() < kept.until ? kept.answer : await untilAborted((running ??= asked().finally(() => (running = undefined))), signal);
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

/** One reader who is given up leaves the others their fetch. */
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

/** The body while it comes: what is too large is stopped there, whatever its headers said. */
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
