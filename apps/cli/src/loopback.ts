import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CliError } from './errors.js';

/** The answer of the issuer, as the browser brought it. */
export interface Arrival {
  readonly url: URL;
  /** The page that the person sees. */
  answer(message: string): void;
}
export interface Loopback {
  readonly redirectUri: string;
  /** The first request that carries our state. */
  arrival(timeoutMs: number): Promise<Arrival>;
  close(): Promise<void>;
}

const path = '/callback';
const headers = {
  'content-type': 'text/plain; charset=utf-8',
  'content-security-policy': "default-src 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
};
const page = (response: ServerResponse, status: number, message: string): void =>
  void response.writeHead(status, headers).end(`${message}\n`);

/**
 * Waits for the browser on a free port of this machine (RFC 8252, section 7.3). `state` is known to the issuer and to us alone: a request
 * without it comes from some other page in the browser, and neither ends the sign-in nor reaches it.
 */
export async function openLoopback(state: string): Promise<Loopback> {
  const { promise, resolve } = Promise.withResolvers<Arrival>();
  let taken: ServerResponse | undefined;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', redirectUri);
    if (request.method !== 'GET' || url.pathname !== path) return page(response, 404, 'There is nothing here.');
    if (url.searchParams.get('state') !== state || taken)
      return page(response, 400, 'This sign-in is not awaited here. Start again in your terminal.');
    taken = response;
    resolve({ url, answer: (message) => page(response, 200, message) });
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  return {
    redirectUri,
    arrival: async (timeoutMs) => {
      const late = AbortSignal.timeout(timeoutMs);
      return Promise.race([
        promise,
        new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(timedOut(timeoutMs, redirectUri)))),
      ]);
    },
    close: async () => {
      if (taken && !taken.writableFinished && !taken.destroyed)
        await new Promise((sent) => taken?.once('finish', sent).once('close', sent));
      // Browsers open connections in advance and send nothing on them.
      await new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      });
    },
  };
}

const timedOut = (timeoutMs: number, redirectUri: string): CliError =>
  new CliError('notSignedIn', `Nobody signed in within ${Math.round(timeoutMs / 1000)} s`, {
    where: redirectUri,
    next: `If the issuer showed an error, allow the redirect URI http://127.0.0.1${path} with any port for this client. On a machine without a browser use readmit login --device.`,
  });
