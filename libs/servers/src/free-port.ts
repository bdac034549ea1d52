import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what systems give to outgoing connections: Linux from 32768 on (ip_local_port_range), others from 49152 (RFC 6335 section 6). */
const lowestPort = 20_000;
const portsEnd = 32_000;

/**
 * A TCP port of 127.0.0.1 that nobody listens on at this moment. A server keeps its port over restarts, and somebody's connection
 * must not sit on it before its start or meanwhile: so it is none that outgoing connections are given.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(lowestPort, portsEnd);
    const why = await whyTaken(port);
    if (why === undefined) return port;
    if (why === 'EADDRNOTAVAIL' || why === 'EAFNOSUPPORT')
      throw new Error(`this machine has no 127.0.0.1 (${why}): Readmit's servers listen on IPv4 loopback and cannot do without it`);
  }
  throw new Error(`no free port between ${lowestPort} and ${portsEnd} was found on 127.0.0.1`);
}

/** Why nobody could listen on the port at this moment (`EADDRINUSE`); `undefined`: one could. */
export const whyTaken = (port: number, host = '127.0.0.1'): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
