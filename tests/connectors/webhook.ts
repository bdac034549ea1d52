import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { webhookConnector } from '@readmit/connectors';
import type { Ask } from '@readmit/contracts';
import type { AskHere, Harness } from './harness.js';

const connector = 'tickets';
const of = (kind: Ask['kind'], object: string, entitlement?: string): AskHere => ({
  ask: { id: 'ask-1', kind, connector, object, ...(entitlement === undefined ? {} : { entitlement }) },
});
const asks = [
  of('role.restore', 'ada', 'db-admin'),
  of('group.restore', 'ada', 'finance'),
  // It is not locked again at a set time.
  { ...of('account.unlock', 'ada'), lasting: [`${connector}/ada/locked`] },
  of('secret.rotate', 'payroll'),
  of('secret.reissue', 'payroll'),
];

/** A secret in the format for receivers. */
export const webhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export interface Receiver {
  readonly url: string;
  stop(): Promise<void>;
}

/** The example of docs/webhook-target.md, as a separate process. */
export async function startReceiver(secretFile: string): Promise<Receiver> {
  const child = spawn(process.execPath, ['deploy/webhook-target/receiver.mjs'], {
    env: { RECEIVER_PORT: '0', RECEIVER_SECRET_FILE: secretFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { url: await addressOf(child), stop: () => stopped(child) };
}

export function webhookHarness(): Harness {
  const folder = mkdtempSync(path.join(tmpdir(), 'readmit-webhook-'));
  const secretFile = path.join(folder, 'secret');
  const secret = webhookSecret();
  writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
  let receiver: Receiver | undefined;
  const capabilities = { asks: asks.map(({ ask }) => ask.kind), can: ['read-back', 'end-sessions'] as const, residualSeconds: 0 };
  const at = (url: string) =>
    webhookConnector({
      name: connector,
      url,
      secretFile,
      ids: () => `msg_${randomUUID()}`,
      now: () => new Date(),
      capabilities,
    });
  return {
    asks,
    async fresh() {
      await receiver?.stop();
      receiver = await startReceiver(secretFile);
      return at(receiver.url);
    },
    at: (port) => at(`http://127.0.0.1:${port}/`),
    entry: () => ({ kind: 'webhook', url: receiver?.url, secretFile, ...capabilities }),
    secrets: () => [secret, secret.slice('whsec_'.length)],
    async stop() {
      await receiver?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function addressOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const url = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1];
    if (url !== undefined) return `${url}/`;
  }
  throw new Error(`the receiver did not start: ${text}`);
}

async function stopped(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  if (child.exitCode !== null || child.signalCode !== null || !child.kill('SIGTERM')) return;
  await gone;
}
