/** A signed directory over HTTP that a spec replaces while services read it. */
import { makeSigningKey, signDirectory } from '@readmit/signing';
import type { Directory } from '@readmit/contracts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface DirectoryServer {
  readonly url: string;
  /** x of the public key. */
  readonly key: string;
  /** Signs and serves the directory with these people and their mail addresses. */
  publish(people: Readonly<Record<string, readonly string[]>>, issuedAt?: Date): Promise<void>;
  set down(down: boolean);
  close(): Promise<void>;
}

export const directoryOf = (people: Readonly<Record<string, readonly string[]>>, issuedAt: Date): Directory => ({
  version: 1,
  issuedAt: issuedAt.toISOString(),
  people: Object.entries(people).map(([id, addresses]) => ({
    id,
    human: id,
    teams: ['staff'],
    authority: 1,
    employment: 'employee',
    privileged: false,
    keys: [],
    name: id,
    contacts: [{ kind: 'phone' as const, value: '+49 30 1234' }, ...addresses.map((value) => ({ kind: 'email' as const, value }))],
    accounts: [{ connector: 'demo-idp', object: id }],
  })),
  machines: [],
  privileged: [],
});

export async function openDirectoryServer(): Promise<DirectoryServer> {
  const key = makeSigningKey();
  const state = { text: '', down: false };
  const server = createServer((_request, response) => {
    if (state.down) return void response.writeHead(503).end();
    response.end(state.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/directory.jws`,
    key: key.public.x,
    async publish(people, issuedAt = new Date()) {
      state.text = await signDirectory(directoryOf(people, issuedAt), key.private);
    },
    set down(down: boolean) {
      state.down = down;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
