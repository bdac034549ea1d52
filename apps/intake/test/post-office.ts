/** A mailbox and its token endpoint, for specs that read notices. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Letter {
  readonly id: string;
  readonly to: string;
  readonly about: string;
  readonly text: string;
}
export interface PostOffice {
  readonly letters: readonly Letter[];
  /** Settings of intake that point here. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function openPostOffice(): Promise<PostOffice> {
  const letters: Letter[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/token') return void response.end(JSON.stringify({ access_token: 'token', expires_in: 300 }));
      const letter = JSON.parse(Buffer.concat(parts).toString()) as Letter;
      if (letter.to === 'nobody') return void response.writeHead(404).end('{}');
      letters.push(letter);
      response.end(JSON.stringify({ id: letter.id, addresses: 2 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    letters,
    env: { READMIT_MAILBOX_URL: `${url}/mailbox`, READMIT_TOKEN_URL: `${url}/token` },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
