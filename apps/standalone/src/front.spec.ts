import { afterEach, describe, expect, it } from '@jest/globals';
import { areaNames, type Area } from '@readmit/contracts';
import { freePort } from '@readmit/servers';
import { rawResponse } from '@readmit/testing';
import { createServer, request, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problemInFront, startFront } from './front.js';

const open: { close(): unknown }[] = [];
const failures: string[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  // What clients did wrong, or a service, is no failure of the front.
  expect(failures.splice(0)).toEqual([]);
});

async function upstream(answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))) });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
async function frontOf(url: string): Promise<string> {
  const upstreams = Object.fromEntries(areaNames.map((area) => [area, url])) as Record<Area, string>;
  const front = await startFront({ port: await freePort(), upstreams, onFailure: (line) => void failures.push(line) });
  open.push(front);
  return front.url;
}
async function post(front: string): Promise<readonly [number, unknown, string | null, string | null]> {
  const response = await fetch(`${front}/api/intake/cases`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const { reason } = (await response.json()) as { reason?: unknown };
  return [response.status, reason, response.headers.get('content-type'), response.headers.get('retry-after')];
}

describe('the one origin while a service is away', () => {
  it('R8.1 answers 503 with a problem that says that the request never arrived', async () => {
    const front = await frontOf(`http://127.0.0.1:${await freePort()}`);
    expect(await post(front)).toEqual([503, 'service-away', 'application/problem+json; charset=utf-8', '1']);
  });

  it('R8.1 tells a request whose answer was lost: it may have been carried out', async () => {
    const front = await frontOf(await upstream((request) => void request.socket.destroy()));
    expect(await post(front)).toEqual([503, 'answer-lost', 'application/problem+json; charset=utf-8', '1']);
  });

  it('control: passes the answer of a service that is there', async () => {
    const front = await frontOf(
      await upstream((_, response) => response.writeHead(422, { 'content-type': 'application/problem+json' }).end('{"reason":"its-own"}')),
    );
    expect(await post(front)).toEqual([422, 'its-own', 'application/problem+json', null]);
  });
});

describe('the one origin', () => {
  it('R8.3 answers a body that is too large itself, and passes one that is not', async () => {
    let reached = 0;
    const front = await frontOf(
      await upstream((request, response) => {
        reached++;
        request.resume().on('end', () => response.writeHead(202, { 'content-type': 'application/json' }).end('{}'));
      }),
    );
    const send = async (bytes: number): Promise<number> =>
      (
        await fetch(`${front}/api/intake/cases`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: 'a'.repeat(bytes),
        })
      ).status;
    expect(await send(256 * 1024 + 1)).toBe(413);
    expect(reached).toBe(0);
    expect(await send(256 * 1024)).toBe(202);
    expect(reached).toBe(1);
  });

  it('R8.3 tells the services the address that it saw, never one that a client claims', async () => {
    const front = await frontOf(await upstream((request, response) => response.end(JSON.stringify(request.headers['x-forwarded-for']))));
    const seen = async (headers: Record<string, string>) => (await fetch(`${front}/api/intake/cases`, { headers })).json();
    expect(await seen({ 'x-forwarded-for': '203.0.113.9' })).toBe('127.0.0.1');
    expect(await seen({})).toBe('127.0.0.1');
  });

  it('R8.2 passes a request that waits for leave to send its body', async () => {
    const front = await frontOf(
      await upstream((request, response) => {
        let body = '';
        request.on('data', (bytes) => (body += String(bytes))).on('end', () => response.end(JSON.stringify(body)));
      }),
    );
    const answer = await new Promise<readonly [number | undefined, string]>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': 2, expect: '100-continue' };
      const asked = request(`${front}/api/intake/signals`, { method: 'POST', headers });
      asked.on('error', reject).on('response', (response) => {
        let text = '';
        response.on('data', (bytes) => (text += String(bytes))).on('end', () => resolve([response.statusCode, text]));
      });
      asked.on('continue', () => asked.end('{}')).flushHeaders();
    });
    expect(answer).toEqual([200, '"{}"']);
  });

  it('answers with problems whatever it does not pass: paths, methods, and what is no request', async () => {
    const front = await frontOf(await upstream((_, response) => response.end('{}')));
    const asked = async (method: string, path: string, type?: string, body: string | null = null) => {
      const response = await fetch(`${front}${path}`, { method, headers: type === undefined ? {} : { 'content-type': type }, body });
      const { reason } = (await response.json()) as { reason?: unknown };
      return [response.status, response.headers.get('content-type'), reason, response.headers.get('allow')];
    };
    const problem = 'application/problem+json; charset=utf-8';
    expect(await asked('GET', '/api/nonsense')).toEqual([404, problem, 'no-such-route', null]);
    expect(await asked('POST', '/docs')).toEqual([404, problem, 'no-such-route', null]);
    for (const method of ['QUERY', 'PROPFIND', 'LOCK'])
      expect(await asked(method, '/api/intake/cases?x=y')).toEqual([405, problem, 'method-not-allowed', 'GET, HEAD, POST']);
    expect(await asked('QUERY', '/api/nonsense')).toEqual([404, problem, 'no-such-route', null]);
    for (const [type, body] of [
      ['application/json', '{'],
      ['application/json', ''],
      ['application/xml', '<a/>'],
      ['json', '{}'],
    ] as const)
      expect(await asked('POST', '/docs', type, body)).toEqual([404, problem, 'no-such-route', null]);
    for (const type of ['json', ''])
      expect(await asked('POST', '/api/intake/signals', type, '{}')).toEqual([415, problem, 'media-type', null]);
    expect(await asked('GET', '/docs/%zz')).toEqual([400, problem, 'bad-url', null]);
    expect(await asked('GET', '/api/intake/..%2fapproval')).toEqual([400, problem, 'bad-url', null]);
    expect(await rawResponse(front, 'NO HTTP\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 Bad Request\r\ncontent-type: application\/problem\+json[^]*"reason":"malformed"/,
    );
  });
});

describe('an error in the one origin', () => {
  it('is told to people with its request and its stack when it is a bug', () => {
    const bug = new Error('no such thing');
    expect(problemInFront(bug, 'req_1', (line) => void failures.push(line))).toMatchObject({ status: 500, reason: 'internal' });
    expect(failures.splice(0)).toEqual([`request req_1 failed in the front: ${bug.stack}`]);
  });

  it('control: is not told when it is a mistake of the client', () => {
    const wrongType = Object.assign(new Error('no such type'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 });
    expect(problemInFront(wrongType, 'req_1', (line) => void failures.push(line))).toMatchObject({ status: 415, reason: 'media-type' });
    expect(failures).toEqual([]);
  });
});
