import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ephemeral ports: Linux uses 32768 and up (ip_local_port_range), others 49152 and up (RFC 6335 section 6). */
const lowestPort = 20_000;
const portsEnd = 32_000;

/**
 * A TCP port of 127.0.0.1 that is free now. Not an ephemeral one: a server has the same port after a restart, and an outgoing connection must
 * not use it in between.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(lowestPort, portsEnd);
    const why = await whyTaken(port);
    if (why === undefined) return port;
    if (why === 'EADDRNOTAVAIL' || why === 'EAFNOSUPPORT')
      throw new Error(`this machine has no 127.0.0.1 (${why}): Readmit's servers need the IPv4 loopback`);
  }
  throw new Error(`no free port between ${lowestPort} and ${portsEnd} on 127.0.0.1`);
}

/** Why the port cannot be listened on now, such as `EADDRINUSE`; `undefined` if it can. */
export const whyTaken = (port: number, host = '127.0.0.1'): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
