/** Who sits between a service and its database, where that is another machine, is told nothing. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server, type Socket } from 'node:net';
import { openStore, setup } from '../src/index.js';

/** Answers as a PostgreSQL does that has no TLS and wants the password in clear. */
async function between(): Promise<{ readonly port: number; readonly heard: () => string; close(): Promise<void> }> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      chunks.push(data);
      const sslRequest = data.length === 8 && data.readInt32BE(4) === 80_877_103;
      if (sslRequest) socket.write('N');
      // AuthenticationCleartextPassword, then the end, which is enough: the answer is what matters.
      else if (chunks.filter((one) => one.length > 8).length === 1) socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return {
    port: (server.address() as { port: number }).port,
    heard: () => Buffer.concat(chunks).toString('latin1'),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a database that answers without TLS and asks for the password in clear', () => {
  let man: Awaited<ReturnType<typeof between>> | undefined;
  afterEach(() => man?.close());
  const tried = async (host: string): Promise<{ readonly error: unknown; readonly heard: string }> => {
    man = await between();
    const url = `postgres://readmit_intake:the-secret-word@${host}:${man.port}/readmit`;
    const error: unknown = await openStore({ url, schema: 'intake', applicationName: 'spec' }).catch((thrown: unknown) => thrown);
    return { error, heard: man.heard() };
  };

  it('is told neither password nor role when it is another machine', async () => {
    // An address that is not on the list of this machine's, and yet reaches it.
    const { error, heard } = await tried('0.0.0.0');
    expect(String(error)).toContain('The server does not support SSL connections');
    expect(heard).not.toContain('readmit_intake');
    expect(heard).not.toContain('the-secret-word');
  });

  it('is told both when it is this machine: nobody sits on the way', async () => {
    const { heard } = await tried('127.0.0.1');
    expect(heard).toContain('readmit_intake');
    expect(heard).toContain('the-secret-word');
  });

  it("is not set up by an owner's URL that wants less than verified TLS", async () => {
    await expect(setup({ ownerUrl: 'postgres://postgres@db.example.org/readmit?sslmode=require', secretsDir: 'none' })).rejects.toThrow(
      "the URL of the database's owner must have sslmode=verify-full or none",
    );
  });
});
