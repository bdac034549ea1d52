/** `connector check` at a receiver: one that knows the call, one of before, one that takes any signature, and one with another secret. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { webhookConnector, type Connector } from '../src/index.js';
import { behindOwnCertificate, checked, faultsIn, toldBy } from './checked.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const now = () => new Date('2026-12-01T10:00:00.500Z');

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}
type Request = { readonly call: string; readonly ask?: { readonly object: string } };
const notFound: Answer = { status: 409, body: { code: 'not-found', effect: 'none', message: 'there is no such account' } };
const denied: Answer = { status: 401, body: { code: 'refused', effect: 'none', message: 'No matching signature found' } };
const found = { at: '2026-12-01T10:00:00.000Z', checks: [{ check: 'accounts', result: 'ok', message: 'sees 12 accounts' }] };

let folder: string;
let secretFile: string;
let close: (() => Promise<void>) | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
  secretFile = path.join(folder, 'secret');
  await writeFile(secretFile, `${secret}\n`, { mode: 0o600 });
});
afterEach(async () => {
  await close?.();
  close = undefined;
  await rm(folder, { recursive: true });
});

const at = (url: string): Connector =>
  webhookConnector({
    ...{ name: 'tickets', url, secretFile, ids: () => 'msg_1', now },
    capabilities: { asks: ['group.restore'], can: ['read-back'], residualSeconds: 0 },
  });

/** Answers each call, and keeps what it was asked. `verifies`: refuses a wrong signature. */
async function receiver(answer: (request: Request) => Answer, { verifies = true, secretOfIt = secret } = {}) {
  const asked: Request[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      // The library would compare the time of the request with the clock of this machine.
      const genuine = new Webhook(secretOfIt).sign('msg_1', now(), text) === request.headers['webhook-signature'];
      const parsed = JSON.parse(text) as Request;
      asked.push(parsed);
      const { status, body } = genuine || !verifies ? answer(parsed) : denied;
      response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { connector: at(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), asked };
}
const knowing = ({ call }: Request): Answer => (call === 'check' ? { status: 200, body: found } : notFound);

describe('connector check at a receiver', () => {
  it('shows what the receiver finds, and sends only calls that read', async () => {
    const { connector, asked } = await receiver(knowing);
    const results = await checked(connector);
    expect(results).toEqual([
      { check: 'connection', result: 'ok', message: 'not encrypted, on this machine' },
      { check: 'credentials', result: 'ok', message: 'accepts the signature' },
      { check: 'signature', result: 'ok', message: 'refuses a wrong signature' },
      { check: 'clock', result: 'ok' },
      { check: 'receiver: accounts', result: 'ok', message: 'sees 12 accounts' },
    ]);
    expect(asked.map(({ call }) => call)).toEqual(['check', 'read']);
  });

  it('shows what the receiver is missing, and a clock that differs', async () => {
    const lacks = { check: 'groups', result: 'missing', message: 'may not change groups', next: 'Give it the role group-admin.' };
    const { connector } = await receiver(({ call }) =>
      call === 'check' ? { status: 200, body: { at: '2026-12-01T10:01:00.000Z', checks: [lacks] } } : notFound,
    );
    const results = await checked(connector);
    expect(faultsIn(results)).toEqual(['clock: wrong', 'receiver: groups: missing']);
    expect(results.at(-1)).toEqual({ ...lacks, check: 'receiver: groups' });
    expect(toldBy(results, 'clock')).toContain('60 s ahead of');
  });

  it.each<[string, Answer]>([
    [
      'refuses it as unsupported',
      { status: 409, body: { code: 'unsupported', effect: 'none', message: 'this receiver is for version 1' } },
    ],
    ['fails on it', { status: 500, body: { code: 'refused', effect: 'unknown', message: 'an error of the receiver; see its log' } }],
    ['has no such page', { status: 404 }],
  ])('gives a clear line for a receiver that does not know the call yet and %s', async (_what, unknown) => {
    const { connector, asked } = await receiver(({ call }) => (call === 'check' ? unknown : notFound));
    const results = await checked(connector);
    expect(faultsIn(results)).toEqual([]);
    expect(toldBy(results, 'receiver')).toContain('does not know the call check yet: its own system and rights are not checked');
    expect(asked.map(({ call }) => call)).toEqual(['check', 'read', 'read']);
    expect(asked[2]?.ask).toEqual({ kind: 'group.restore', object: 'readmit-connector-check', entitlement: 'readmit-connector-check' });
  });

  it('finds a receiver that works neither with check nor otherwise', async () => {
    const { connector } = await receiver(() => ({ status: 500 }));
    const results = await checked(connector);
    expect(faultsIn(results)).toEqual(['receiver: wrong']);
    expect(toldBy(results, 'receiver')).toContain('responded with 500 to a read');
  });

  it('finds an answer that is not as documented', async () => {
    const { connector } = await receiver(({ call }) => (call === 'check' ? { status: 200, body: { checks: [] } } : notFound));
    const results = await checked(connector);
    expect(faultsIn(results)).toEqual(['receiver: wrong']);
    expect(toldBy(results, 'receiver')).toContain("must have required property 'at'");
  });

  it('finds a receiver that accepts a wrong signature', async () => {
    const { connector } = await receiver(knowing, { verifies: false });
    const results = await checked(connector);
    expect(faultsIn(results)).toEqual(['signature: too much']);
    expect(toldBy(results, 'signature')).toContain('Anybody who reaches it could use it');
  });

  it('finds another secret, and a file without one', async () => {
    const { connector } = await receiver(knowing, { secretOfIt: `whsec_${Buffer.alloc(32, 9).toString('base64')}` });
    const results = await checked(connector);
    expect(faultsIn(results)).toEqual(['credentials: wrong', 'signature: not checked', 'clock: not checked', 'receiver: not checked']);
    expect(toldBy(results, 'credentials')).toContain('Compare the secrets of both sides, and their clocks.');
    await writeFile(secretFile, 'not a secret\n', { mode: 0o600 });
    const without = await checked(connector);
    expect(faultsIn(without)[0]).toBe('credentials: wrong');
    expect(JSON.stringify([results, without])).not.toMatch(/whsec_[A-Za-z0-9+/]{8}|not a secret/);
  });

  it('finds a certificate of an unknown authority before anything is sent, and a receiver that is down', async () => {
    await behindOwnCertificate(async (origin, requests) => {
      const results = await checked(at(`${origin}/`));
      expect(faultsIn(results)[0]).toBe('connection: wrong');
      expect(toldBy(results, 'connection')).toMatch(/NODE_EXTRA_CA_CERTS/);
      expect(results[0]).not.toHaveProperty('unreachable');
      expect(requests()).toBe(0);
    });
    const [first] = await checked(at('http://127.0.0.1:1/'));
    expect(first).toMatchObject({ check: 'connection', result: 'wrong', unreachable: true });
  });
});
