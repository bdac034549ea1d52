/** Files with a secret of an executor: who may read them, and that a new secret is used without a restart, for each kind of target that has one. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { connectorKinds, type Connector } from '../src/index.js';
import { readSecretFile } from '../src/secret-file.js';

const folder = mkdtempSync(path.join(tmpdir(), 'readmit-secret-file-'));
const file = path.join(folder, 'secret');
const never = new AbortController().signal;
interface Seen {
  readonly headers: Record<string, string>;
  readonly body: string;
}
let server: Server;
let origin: string;
let seen: Seen[];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ headers: request.headers as Record<string, string>, body });
      response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  seen = [];
  rmSync(file, { recursive: true, force: true });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const write = (text: string, mode = 0o600): void => {
  writeFileSync(file, text);
  chmodSync(file, mode);
};

describe('a file with a secret', () => {
  it.each<[string, () => void, RegExp]>([
    ['that is not there', () => {}, /secret cannot be read \(ENOENT\)/],
    ['that others may read', () => write('hunter2', 0o644), /secret must have mode 0600, not 0644/],
    ['that its group may read', () => write('hunter2', 0o640), /secret must have mode 0600, not 0640/],
    ['that is a folder', () => mkdirSync(file), /secret is not a file/],
    ['that is too large', () => write('hunter2'.repeat(3000)), /secret is larger than 16384 bytes/],
  ])('is refused: one %s', (_what, make, message) => {
    make();
    expect(() => readSecretFile(file)).toThrow(message);
    expect(() => readSecretFile(file)).not.toThrow('hunter2');
    rmSync(file, { recursive: true, force: true });
    write('hunter2');
    expect(readSecretFile(file)).toBe('hunter2');
  });
});

interface Kind {
  readonly kind: string;
  readonly settings: () => object;
  /** The file with the first or the second secret. */
  readonly text: (which: 1 | 2) => string;
  /** Whether the request was made with that secret. */
  readonly uses: (request: Seen, which: 1 | 2) => boolean;
}
const signing = (which: 1 | 2): string => `whsec_${Buffer.alloc(32, which).toString('base64')}`;
const client = (which: 1 | 2): string => JSON.stringify({ clientId: 'readmit', clientSecret: `secret-${which}` });
const asClient = ({ body }: Seen, which: 1 | 2): boolean => new URLSearchParams(body).get('client_secret') === `secret-${which}`;
const canary = { group: 'g', member: 'm' };
const kinds: readonly (readonly [string, Kind])[] = [
  [
    'Keycloak',
    {
      kind: 'keycloak',
      settings: () => ({ url: `${origin}/realms/acme`, credentialsFile: file, accessTokenSeconds: 300 }),
      text: client,
      uses: asClient,
    },
  ],
  [
    'SCIM by a token',
    {
      kind: 'scim',
      settings: () => ({ url: origin, tokenFile: file, canary, cacheSeconds: 0 }),
      text: (which) => `token-${which}\n`,
      uses: ({ headers }, which) => headers['authorization'] === `Bearer token-${which}`,
    },
  ],
  [
    'SCIM by credentials',
    {
      kind: 'scim',
      settings: () => ({ url: origin, tokenUrl: `${origin}/token`, credentialsFile: file, canary, cacheSeconds: 0 }),
      text: client,
      uses: asClient,
    },
  ],
  [
    'webhook',
    {
      kind: 'webhook',
      settings: () => ({ url: `${origin}/`, secretFile: file, asks: ['group.restore'], can: ['read-back'], residualSeconds: 0 }),
      text: signing,
      uses({ headers, body }, which) {
        try {
          return new Webhook(signing(which)).verify(body, headers) !== undefined;
        } catch {
          return false;
        }
      },
    },
  ],
];

describe.each(kinds)('the secret of a target: %s', (_name, { kind, settings, text, uses }) => {
  const connector = (): Connector => {
    const found = connectorKinds.find((one) => one.kind === kind);
    if (!found) throw new Error(`there is no kind ${kind}`);
    return found.open({ name: 'target', ...settings() }, { callTimeoutMs: 5_000 });
  };
  const read = (of: Connector) =>
    of.read({ id: 'ask-1', kind: 'group.restore', connector: 'target', object: 'erin', entitlement: 'finance' }, never);

  it('is used again from the file at the next call after it changed, without a restart', async () => {
    const one = connector();
    for (const which of [1, 2] as const) {
      write(text(which));
      seen = [];
      await expect(read(one)).rejects.toMatchObject({ code: 'unreachable' });
      expect(seen.map((request) => [uses(request, 1), uses(request, 2)])).toEqual([[which === 1, which === 2]]);
    }
  });

  it('is sent nowhere from a file that others may read', async () => {
    const one = connector();
    write(text(1), 0o644);
    await expect(read(one)).rejects.toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringMatching(/^the (secret|token|credentials) of target cannot be used: .* must have mode 0600, not 0644$/),
    });
    expect(seen).toEqual([]);
    chmodSync(file, 0o600);
    await expect(read(one)).rejects.toMatchObject({ code: 'unreachable' });
    expect(seen.length).toBe(1);
  });
});
