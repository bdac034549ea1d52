import { describe, expect, it } from '@jest/globals';
import { isRefusedConnection, limitedText, printable, retryAfterMs } from './http-answers.js';

const noon = new Date('2026-11-29T12:00:00Z');

describe('Retry-After', () => {
  it.each<[string | null, number | undefined]>([
    ['30', 30_000],
    [' 0 ', 0],
    ['Sun, 29 Nov 2026 12:01:00 GMT', 60_000],
    ['Sun, 29 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', 0],
    ['', undefined],
    [null, undefined],
  ])('%j is a pause of %j ms', (header, expected) => {
    // Date.parse takes "-5" for a date in the past.
    expect(retryAfterMs(header, noon)).toBe(expected);
  });
});

it('a body is read up to a limit, and what comes after it is not read', async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    cancel: () => {
      cancelled = true;
    },
  });
  expect([await limitedText(new Response(endless), 10_000), cancelled]).toEqual([undefined, true]);
  expect(await limitedText(new Response('0123456789'), 10)).toBe('0123456789');
  expect(await limitedText(new Response('0123456789a'), 10)).toBeUndefined();
  expect(await limitedText(new Response(null, { status: 204 }), 10)).toBe('');
});

it('only a refused connection carried no request', () => {
  const failed = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
  expect(['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].map((code) => isRefusedConnection(failed(code)))).toEqual([true, false, false]);
  expect(isRefusedConnection(new Error('ECONNREFUSED'))).toBe(false);
});

it('text of a target has no line breaks, control or direction characters, and an end', () => {
  expect(printable('a\nb\u0007\u202Ec'.concat('x'.repeat(300)))).toBe(`a b c${'x'.repeat(195)}`);
});
