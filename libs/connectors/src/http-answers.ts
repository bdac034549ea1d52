/** What every connector over HTTP must know about answers of a target: whether a request was sent at all, how long to wait, what may be shown. */

/** A target may ask for a pause, but must not be able to delay a revocation for longer than this. */
export const maxRetryAfterMs = 60_000;

/**
 * The code of the system error behind a failed request, such as ECONNREFUSED or CERT_HAS_EXPIRED: `fetch` itself says only "fetch failed". By
 * shape, because errors of the platform may be of another realm.
 */
export function failureCode(error: unknown): string | undefined {
  for (let one = error; typeof one === 'object' && one !== null; one = (one as { readonly cause?: unknown }).cause) {
    const { code } = one as { readonly code?: unknown };
    // The codes of libraries that wrap it are in lower case, or start with OAUTH.
    if (typeof code === 'string' && /^[A-Z][A-Z\d_]+$/.test(code) && !code.startsWith('OAUTH')) return code;
  }
  return undefined;
}

/** A refused connection carried no request, so nothing was changed. */
export const isRefusedConnection = (error: unknown): boolean => failureCode(error) === 'ECONNREFUSED';

/** Retry-After in milliseconds: seconds or a date (RFC 9110, section 10.2.3). Undefined: absent or invalid. */
export function retryAfterMs(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

/** The body, or undefined if it has more bytes. */
export async function limitedText(response: Response, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // Leaving the loop cancels the rest.
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Text of the target without line breaks, control and direction characters, for logs and cases. */
export const printable = (text: string, maxLength = 200): string => text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').slice(0, maxLength);
