/** docs/webhook-target.md: its commands start the example, each request gets the response on the page, and Readmit accepts each response. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blockOf } from '@readmit/testing';
import { Webhook } from 'standardwebhooks';
import { targetsFile } from '../../apps/execution/src/outbound/targets.js';
import { answerOf, refusedOf, type WebhookCall } from '../../libs/connectors/src/webhook/messages.js';
import { startReceiver, type Receiver } from './webhook.js';

const folder = mkdtempSync(path.join(tmpdir(), 'readmit-webhook-page-'));
const secretFile = path.join(folder, 'webhook.secret');

describe('docs/webhook-target.md', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    const [makeSecret = '', start = ''] = blockOf('docs/webhook-target.md', 'Run the example', 1).trimEnd().split('\n');
    const shell = spawn('bash', ['-euo', 'pipefail', '-c', makeSecret], { cwd: folder, stdio: 'inherit' });
    expect(await once(shell, 'exit')).toEqual([0, null]);
    expect(start).toBe('RECEIVER_SECRET_FILE=webhook.secret RECEIVER_PORT=9700 node deploy/webhook-target/receiver.mjs');
    receiver = await startReceiver(secretFile);
  });
  afterAll(async () => {
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = async (body: string, secret = readFileSync(secretFile, 'utf8').trim()) => {
    const [id, at] = ['msg_page', new Date()];
    const response = await fetch(receiver.url, {
      method: 'POST',
      body,
      headers: {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, at, body),
      },
    });
    return { status: response.status, body: await response.json() };
  };

  it('creates a secret that nobody else can read, and shows a valid entry for the targets file', () => {
    expect(statSync(secretFile).mode & 0o077).toBe(0);
    const entry = blockOf('docs/webhook-target.md', 'Run the example', 2).replace('/etc/readmit/webhook.secret', secretFile);
    const file = path.join(folder, 'targets.json');
    writeFileSync(file, entry, { mode: 0o600 });
    const targets = targetsFile(file);
    expect(targets.reveal()).toMatchObject([{ kind: 'webhook', name: 'tickets' }]);
    expect(targets.texts()).toEqual([readFileSync(secretFile, 'utf8').trim()]);
  });

  it.each<[WebhookCall, string, string]>([
    ['plan', blockOf('docs/webhook-target.md', 'plan', 1), blockOf('docs/webhook-target.md', 'plan', 2)],
    ['read', blockOf('docs/webhook-target.md', 'read', 1), blockOf('docs/webhook-target.md', 'read', 2)],
    ['execute', blockOf('docs/webhook-target.md', 'execute', 1), blockOf('docs/webhook-target.md', 'execute', 2)],
    ['undo', blockOf('docs/webhook-target.md', 'undo', 1), blockOf('docs/webhook-target.md', 'undo', 2)],
    // The account was deleted.
    ['undo', blockOf('docs/webhook-target.md', 'undo', 3), blockOf('docs/webhook-target.md', 'undo', 4)],
  ])('shows the response of the example to %s', async (call, request, answer) => {
    expect(await send(request)).toEqual({ status: 200, body: JSON.parse(answer) as unknown });
    expect(answerOf(call, JSON.parse(answer))).toEqual({ answer: JSON.parse(answer) as unknown });
  });

  it('shows the response of the example to check', async () => {
    const shown = JSON.parse(blockOf('docs/webhook-target.md', 'check', 2)) as { readonly at: string };
    const { status, body } = await send(blockOf('docs/webhook-target.md', 'check', 1));
    expect([status, { ...(body as object), at: shown.at }]).toEqual([200, shown]);
    expect(answerOf('check', body)).toEqual({ answer: body });
  });

  it('shows the response to observe of a target that sees who uses a secret', async () => {
    expect(await send(blockOf('docs/webhook-target.md', 'observe', 1))).toEqual({ status: 200, body: {} });
    expect(answerOf('observe', JSON.parse(blockOf('docs/webhook-target.md', 'observe', 2)))).toEqual({ answer: { takenOver: true } });
  });

  it('R6.3 the example takes back by ids: it does not touch an account that has the name of a deleted one', async () => {
    const [execute, read] = [blockOf('docs/webhook-target.md', 'execute', 1), blockOf('docs/webhook-target.md', 'read', 1)];
    const undo = blockOf('docs/webhook-target.md', 'undo', 1);
    const membership = async () => (await send(read)).body as unknown;
    await send(execute);
    expect(await membership()).toEqual({ facets: [{ name: 'membership', value: 'given' }] });
    expect(await send(undo.replace('account-17', 'account-3'))).toEqual({ status: 200, body: { undone: true, sessionsEnded: 0 } });
    expect(await membership()).toEqual({ facets: [{ name: 'membership', value: 'given' }] });
    await send(undo);
    expect(await membership()).toEqual({ facets: [{ name: 'membership', value: 'none' }] });
  });

  it('shows an error that Readmit accepts, and the example refuses a wrong signature with one', async () => {
    const shown = JSON.parse(blockOf('docs/webhook-target.md', 'Errors')) as unknown;
    expect(refusedOf(shown)).toEqual(shown);
    const read = blockOf('docs/webhook-target.md', 'read', 1);
    const { status, body } = await send(read, `whsec_${Buffer.alloc(32).toString('base64')}`);
    expect([status, refusedOf(body)]).toEqual([401, { code: 'refused', effect: 'none', message: 'No matching signature found' }]);
    expect((await send(read.replace('"ada"', '"bob"'))).body).toEqual({
      code: 'not-found',
      effect: 'none',
      message: 'there is no account bob',
    });
  });
});
