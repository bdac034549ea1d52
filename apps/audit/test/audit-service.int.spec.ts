/** The service as `runService` starts it: settings, keys in files, HTTP. The log itself is tested in audit-log.int.spec.ts. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EmbeddedBus } from '@readmit/bus';
import { makeServiceKeys, makeSigningKey, Signer, signKeyList, type PrivateJwk } from '@readmit/signing';
import { writeEnvelope, type ServiceName } from '@readmit/contracts';
import { logKey, openCheckpoint } from '@readmit/domain';
import { startService } from '@readmit/service';
import { fixedIds, testDatabase, until, type TestDatabase } from '@readmit/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { auditApp } from '../src/audit.app.js';
import { logTools } from '../src/outbound/log-crypto.js';

let database: TestDatabase;
let folder: string;
let env: Record<string, string>;
let keys: Readonly<Record<ServiceName, PrivateJwk>>;
const logSecret = makeSigningKey();

beforeEach(async () => {
  database = await testDatabase();
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-audit-'));
  const root = makeSigningKey();
  const made = makeServiceKeys(new Date(Date.now() - 60_000));
  keys = made.keys;
  const kid = made.list.keys.find(({ owner }) => owner === 'audit')?.kid;
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  env = {
    READMIT_ENVIRONMENT: 'test',
    DATABASE_URL: database.urls.audit,
    PORT: '0',
    READMIT_ROOT_KEY: root.public.x,
    READMIT_SERVICE_KEY_FILE: await file('audit.jwk', JSON.stringify({ ...keys.audit, kid })),
    READMIT_KEY_LIST_FILE: await file('list.jws', await signKeyList(made.list, root.private)),
    READMIT_LOG_KEY_FILE: await file('log.jwk', JSON.stringify(logSecret.private)),
    READMIT_ISSUER: 'http://127.0.0.1:9',
    READMIT_PUBLIC_URL: 'http://127.0.0.1:9',
    READMIT_LOG_LEVEL: 'silent',
  };
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

describe('the audit service', () => {
  it('R7.2 serves its signed checkpoint to anyone, and the log only to operators', async () => {
    const service = await startService(auditApp, env);
    const store = await database.store('intake');
    const bus = await EmbeddedBus.open({ service: 'intake', store });
    try {
      const metrics = async (): Promise<string> => (await fetch(`${service.url}/metrics`)).text();
      const before = await metrics();
      expect(before).toContain('readmit_log_entries{service="audit"} 0');
      expect(before).not.toMatch(/^readmit_checkpoint_age_seconds\{/m);
      expect((await fetch(`${service.url}/api/audit/checkpoint`)).status).toBe(404);
      const headers = writeEnvelope({
        id: fixedIds().uuid(),
        environment: 'test',
        service: 'intake',
        type: 'readmit.case.closed',
        time: new Date().toISOString(),
        subject: 'case_1',
        version: '1',
        correlationId: 'case_1',
      });
      const [record] = new Signer(keys.intake).sign('test', [
        { topic: 'readmit.intake.v1', key: 'case_1', headers, value: Buffer.from(JSON.stringify({ caseId: 'case_1', outcome: 'denied' })) },
      ]);
      await store.transaction(async (tx) => bus.write(tx, record ? [record] : []));
      const answer = await until(
        async () => {
          const response = await fetch(`${service.url}/api/audit/checkpoint`);
          return response.ok ? ((await response.json()) as { size: number; note: string }) : undefined;
        },
        { what: 'there is a checkpoint' },
      );
      expect(answer.size).toBe(1);
      const after = await metrics();
      expect(after).toContain('readmit_log_entries{service="audit"} 1');
      expect(Number(/^readmit_checkpoint_age_seconds\{service="audit"\} (.*)$/m.exec(after)?.[1])).toBeLessThan(30);
      const key = logKey('readmit.example/log/test', Buffer.from(logSecret.public.x, 'base64url'), logTools);
      expect(openCheckpoint(answer.note, key, logTools)).toMatchObject({ checkpoint: { size: 1 } });
      expect((await fetch(`${service.url}/api/audit/export`)).status).toBe(401);
      expect(await service.engine.progress()).toMatchObject({ ready: true, lag: 0, parked: 0 });
    } finally {
      await bus.close();
      await service.stop();
    }
  });

  it('R7.2 refuses to start behind the last exported checkpoint', async () => {
    const note = path.join(folder, 'latest');
    await writeFile(note, 'readmit.example/log/test\n1\nAAAA\n');
    await expect(startService(auditApp, { ...env, READMIT_LAST_CHECKPOINT_FILE: note })).rejects.toThrow('is not a checkpoint of this log');
  });
});
