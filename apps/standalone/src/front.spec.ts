import { afterEach, describe, expect, it } from '@jest/globals';
import { areaNames, type Area } from '@readmit/contracts';
import { freePort } from '@readmit/store';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFront } from './front.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function upstream(answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))) });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
async function frontOf(url: string): Promise<string> {
  const upstreams = Object.fromEntries(areaNames.map((area) => [area, url])) as Record<Area, string>;
  const front = await startFront({ port: await freePort(), upstreams });
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
});
