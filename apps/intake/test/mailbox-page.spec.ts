/** docs/notices.md against what intake posts, and how it handles each response. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Work } from '@readmit/runtime';
import { blockOf } from '@readmit/testing';
import { Facts, type Context } from '@readmit/domain';
import { clientToken, mailboxService } from '../src/outbound/mailbox-service.js';
import { intakeDefinition } from '../src/intake.definition.js';
import type { NoticePort } from '../src/outbound/notice.js';

interface Asked {
  readonly method: string | undefined;
  readonly authorization: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}
const now = new Date('2026-11-22T09:00:00.000Z');
const none = new Facts([]);
let asked: Record<string, Asked[]>;
let answer: { readonly status: number; readonly body: string };
let port: NoticePort;
let close: () => Promise<void>;
beforeEach(async () => {
  asked = { '/token': [], '/mailbox': [] };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { authorization, 'content-type': type } = request.headers;
      asked[request.url ?? '']?.push({ method: request.method, authorization, type, body: Buffer.concat(parts).toString() });
      if (request.url === '/token') return void response.end(JSON.stringify({ access_token: 'the-token', expires_in: 300 }));
      response.writeHead(answer.status).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = clientToken({ tokenUrl: `${url}/token`, clientId: 'readmit-intake', clientSecret: 'word', scope: 'mailbox:write' });
  port = mailboxService(`${url}/mailbox`, token);
  close = () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections());
});
afterEach(() => close());

/** One notice as intake's worker sends it, and its outcome. */
async function outcomeOf(status: number, body: string, tries = 1) {
  answer = { status, body };
  const work = { id: 'case_1/notice-opened', key: 'case_1', tries, input: { about: 'opened', to: 'u-1001' } } as unknown as Work;
  const { notice: handler } = intakeDefinition({ notices: port, codeOf: async () => 'CODE', freeze: async () => 'done' }).work;
  if (!handler) throw new Error('intake sends no notices');
  const outcome = await handler
    .call(work, none, AbortSignal.timeout(10_000), async () => true)
    .catch((error: unknown) => ({ error: error as Error }));
  return handler.finish(work, outcome, none, { now, key: 'case_1' } as Context);
}

describe('docs/notices.md', () => {
  it('shows the request that is posted: its fields, its sign-in, and one token for two notices', async () => {
    const example = JSON.parse(blockOf('docs/notices.md', 'The request')) as Record<string, string>;
    await outcomeOf(200, '{"addresses":2}');
    await outcomeOf(200, '{"addresses":2}');
    const posted = asked['/mailbox']?.map(({ body }) => JSON.parse(body) as Record<string, string>) ?? [];
    expect(posted.map((one) => Object.keys(one))).toEqual([Object.keys(example), Object.keys(example)]);
    expect(posted[0]).toEqual(posted[1]);
    expect(posted[0]?.['text']).toMatch(new RegExp(`^${example['text']?.replace(/ \.\.\.$/, '')}`));
    expect(asked['/mailbox']?.[0]).toMatchObject({ method: 'POST', authorization: 'Bearer the-token', type: 'application/json' });
    expect(asked['/token']).toEqual([
      {
        method: 'POST',
        authorization: `Basic ${Buffer.from('readmit-intake:word').toString('base64')}`,
        type: 'application/x-www-form-urlencoded;charset=UTF-8',
        body: 'grant_type=client_credentials&scope=mailbox%3Awrite',
      },
    ]);
  });

  it.each([
    [200, '{"addresses":2}', ['readmit.notice.sent', { addresses: 2 }]],
    [201, '{"addresses":1,"id":"x"}', ['readmit.notice.sent', { addresses: 1 }]],
    [200, '{"addresses":0}', ['readmit.notice.given-up', { reason: 'no address is on record' }]],
    [404, '', ['readmit.notice.given-up', { reason: 'no address is on record' }]],
  ])('R5.4 has the effect of %d %s that its table lists', async (status, body, [type, data]) => {
    expect(await outcomeOf(status, body)).toEqual({
      emit: [expect.objectContaining({ type, data: expect.objectContaining(data as object) })],
    });
  });

  it.each([
    [200, '{}'],
    [200, ''],
    [401, ''],
    [503, ''],
  ])('R5.4 retries the notice after %d "%s", with the listed pauses, and gives up after 8 tries', async (status, body) => {
    const pauses: number[] = [];
    for (let tries = 1; tries < 8; tries++) {
      const { emit, retryAt } = await outcomeOf(status, body, tries);
      expect(emit).toEqual([]);
      pauses.push((Number(retryAt) - now.getTime()) / 1000);
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128]);
    expect(await outcomeOf(status, body, 8)).toMatchObject({ emit: [{ type: 'readmit.notice.given-up' }] });
  });
});
