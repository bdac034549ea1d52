/** Stands between a connector and its target over HTTP: a spec decides what becomes of each request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Asks the server behind, and returns its answer without sending it on. */
  forward(): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }>;
}

/** Answers, or returns `false`: then the request is sent to the server. */
export type Rule = (passing: Passing, response: ServerResponse) => Promise<boolean> | boolean;

/** Answers in place of the target. */
export const answer = (response: ServerResponse, status: number, text = '', headers: Readonly<Record<string, string>> = {}): true => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  return true;
};

export interface Proxy {
  readonly url: string;
  /** In force until the next call. */
  use(rule: Rule): void;
  readonly seen: Passing[];
  stop(): Promise<void>;
}

/** `url`: of the server behind, e.g. `http://127.0.0.1:8080/v2`; the proxy's has the same path. */
export async function startProxy(url: string): Promise<Proxy> {
  const seen: Passing[] = [];
  let rule: Rule = () => false;
  const { origin, pathname } = new URL(url);
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const { method = 'GET', url: path = '/', headers } = request;
    const forward: Passing['forward'] = async () => {
      const on = Object.entries(headers).filter(([name]) => ['authorization', 'content-type', 'if-match', 'accept'].includes(name));
      const answer = await fetch(`${origin}${path}`, {
        method,
        headers: Object.fromEntries(on) as Record<string, string>,
        ...(body === '' ? {} : { body }),
      });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    const passing = { method, path, headers, body, forward };
    seen.push(passing);
    if (await rule(passing, response)) return;
    const answer = await forward();
    response.statusCode = answer.status;
    for (const name of ['etag', 'content-type']) {
      const value = answer.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    response.end(answer.text);
  };
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    use: (next) => (rule = next),
    seen,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
