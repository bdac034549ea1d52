/**
 * A service on the real store, embedded bus and engine in PostgreSQL: started by its configuration alone, commanded over HTTP, its event
 * found on its topic with the request's trace context. Not here: delivery between services and crashes (libs/bus, libs/runtime).
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EmbeddedBus, partitionOf } from '@readmit/bus';
import { makeServiceKeys, makeSigningKey, signKeyList } from '@readmit/signing';
import { topicOf } from '@readmit/contracts';
import { testDatabase, type TestDatabase } from '@readmit/testing';
import { Controller } from '@nestjs/common';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { answer, serviceApp, Serves, startService, type AnswerOf, type BuildContext, type Call } from '../src/index.js';
import { startIssuer, type TestIssuer } from './issuer.js';

let folder: string;
let issuer: TestIssuer;
let database: TestDatabase;
let env: Record<string, string>;
const root = makeSigningKey();
const { keys, list } = makeServiceKeys(new Date(Date.now() - 60_000));
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'service-int-'));
  issuer = await startIssuer();
  database = await testDatabase();
  writeFileSync(path.join(folder, 'key.jwk'), JSON.stringify(keys['revocation-scheduler']), { mode: 0o600 });
  writeFileSync(path.join(folder, 'audit.jwk'), JSON.stringify(keys.audit), { mode: 0o600 });
  writeFileSync(path.join(folder, 'list.jws'), await signKeyList(list, root.private));
  env = {
    READMIT_ENVIRONMENT: 'test',
    DATABASE_URL: database.urls['revocation-scheduler'],
    READMIT_SERVICE_KEY_FILE: path.join(folder, 'key.jwk'),
    READMIT_KEY_LIST_FILE: path.join(folder, 'list.jws'),
    READMIT_ROOT_KEY: root.public.x,
    READMIT_ISSUER: issuer.url,
    READMIT_PUBLIC_URL: 'https://readmit.example.com',
    PORT: '0',
    READMIT_LOG_LEVEL: 'debug',
  };
});
afterAll(async () => {
  await issuer.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const app = serviceApp({
  name: 'revocation-scheduler',
  area: 'revocation',
  settings: {},
  build: async ({ commands }: BuildContext) => {
    @Controller()
    class SchedulerController {
      @Serves('showObligations')
      async showObligations(): Promise<AnswerOf<'showObligations'>> {
        return [];
      }
      @Serves('listOverdue')
      async listOverdue(): Promise<AnswerOf<'listOverdue'>> {
        return [];
      }
      @Serves('showOrders')
      async showOrders(): Promise<AnswerOf<'showOrders'>> {
        return [];
      }
      @Serves('endEarly')
      async endEarly(call: Call<'endEarly'>): Promise<AnswerOf<'endEarly'>> {
        const { caseId } = call.params;
        return answer(
          await commands.command({ key: caseId, name: 'endEarly', actor: call.actor?.id ?? 'case-key' }, (facts) =>
            facts.has('readmit.revocation-scheduler.deadline-set')
              ? { refused: true, as: 'conflict', rule: 'R6.4', reason: 'ended-already', message: 'The case was ended before.' }
              : {
                  emit: [{ type: 'readmit.revocation-scheduler.deadline-set', key: caseId, data: { key: caseId, deadline: null } }],
                  reply: { caseId, link: `/api/revocation/cases/${caseId}` },
                },
          ),
        );
      }
      @Serves('containSubject')
      async containSubject(call: Call<'containSubject'>): Promise<AnswerOf<'containSubject'>> {
        return { subject: call.params.subjectId, cases: [] };
      }
      @Serves('contain')
      async contain(call: Call<'contain'>): Promise<AnswerOf<'contain'>> {
        return { caseId: call.params.caseId, link: '/' };
      }
    }
    return {
      definition: {
        name: 'revocation-scheduler',
        consumes: ['readmit.case.frozen'],
        react: () => ({ emit: [] }),
        work: {},
        wakes: 'timer',
      },
      controllers: [SchedulerController],
    };
  },
});

describe('a service on the real bus', () => {
  it('R8.1 starts by its configuration, says what it was commanded and records what it refused', async () => {
    const lines: string[] = [];
    const running = await startService(app, env, { writeLog: (line) => void lines.push(line) });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    try {
      const end = async () =>
        fetch(`${running.url}/api/revocation/cases/case_1/end`, {
          method: 'POST',
          body: '{"reason":"Done."}',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${await issuer.token()}`, traceparent },
        });
      expect((await end()).status).toBe(202);
      const again = await end();
      expect({ status: again.status, reason: ((await again.json()) as { reason: string }).reason }).toEqual({
        status: 409,
        reason: 'ended-already',
      });
      const ready = await fetch(`${running.url}/health/ready`);
      expect({ status: ready.status, ready: ((await ready.json()) as { ready: boolean }).ready }).toEqual({ status: 200, ready: true });
      expect(await (await fetch(`${running.url}/metrics`)).text()).toMatch(/readmit_events_total\{service="revocation-scheduler"\} 2/);
      const store = await database.store('revocation-scheduler');
      const bus = await EmbeddedBus.open({ service: 'revocation-scheduler', store });
      const records = await bus.read(topicOf('revocation-scheduler'), partitionOf('case_1'), 0n, 10);
      await bus.close();
      expect(records.map((record) => record.headers['ce_type'])).toEqual([
        'readmit.revocation-scheduler.deadline-set',
        'readmit.revocation-scheduler.refused',
      ]);
      expect(records[0]?.headers['traceparent']).toBe(traceparent);
    } finally {
      await running.stop();
    }
    expect(lines.join('')).not.toContain(new URL(database.urls['revocation-scheduler']).password);
  });

  it('R8.1 joins its group under the name of its instance, so that a restart takes over at once what a killed start held', async () => {
    const store = await database.store('revocation-scheduler');
    const holders = async (): Promise<string[]> =>
      (await store.query<{ owner: string }>("SELECT DISTINCT coalesce(owner, 'nobody') AS owner FROM position")).map(({ owner }) => owner);
    const start = async () => startService(app, { ...env, READMIT_INSTANCE: 'one' }, { writeLog: () => {} });
    // It is not stopped before the next one starts: like a killed one it still holds its lease, and everything that it held.
    const killed = await start();
    const [before, ...more] = await holders();
    expect(before).toMatch(/^revocation-scheduler-one#/);
    expect(more).toEqual([]);
    const successor = await start();
    try {
      const after = await holders();
      expect(after).toHaveLength(1);
      expect(after[0]).toMatch(/^revocation-scheduler-one#/);
      expect(after[0]).not.toBe(before);
    } finally {
      await Promise.all([killed.stop(), successor.stop()]);
    }
  });

  it('signs in with the password of its file, and refuses two passwords', async () => {
    const url = new URL(database.urls['revocation-scheduler']);
    const file = path.join(folder, 'database.password');
    writeFileSync(file, `${decodeURIComponent(url.password)}\n`, { mode: 0o600 });
    url.password = '';
    const start = async (more: Record<string, string>) => startService(app, { ...env, ...more }, { writeLog: () => {} });
    const running = await start({ DATABASE_URL: url.href, DATABASE_PASSWORD_FILE: file });
    try {
      expect((await fetch(`${running.url}/health/ready`)).status).toBe(200);
    } finally {
      await running.stop();
    }
    await expect(start({ DATABASE_PASSWORD_FILE: file })).rejects.toThrow('DATABASE_PASSWORD_FILE: DATABASE_URL contains a password too');
    writeFileSync(file, 'another-password-than-that');
    const refused = 'The configuration has an error:\n  DATABASE_URL: PostgreSQL refused the connection: ';
    await expect(start({ DATABASE_URL: url.href, DATABASE_PASSWORD_FILE: file })).rejects.toThrow(
      `${refused}password authentication failed for user`,
    );
    const elsewhere = new URL(database.urls['revocation-scheduler']);
    elsewhere.pathname = '/no-such-database';
    await expect(start({ DATABASE_URL: elsewhere.href })).rejects.toThrow(`${refused}database "no-such-database" does not exist`);
  });

  it('R8.3 does not start with an older key list than it has believed before, nor with that of another environment', async () => {
    const place = path.join(folder, 'changing.jws');
    const changing = { ...env, READMIT_KEY_LIST_FILE: place };
    const start = async (later: number, more: object = {}) => {
      writeFileSync(
        place,
        await signKeyList({ ...list, issuedAt: new Date(Date.parse(list.issuedAt) + later).toISOString(), ...more }, root.private),
      );
      const running = await startService(app, changing, { writeLog: () => {} });
      await running.stop();
    };
    await start(0);
    await start(2_000, { environment: 'test' });
    const [older, believed] = [1_000, 2_000].map((later) => new Date(Date.parse(list.issuedAt) + later).toISOString());
    await expect(start(1_000)).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining(
        `READMIT_KEY_LIST_FILE: the key list of ${older} is older than the one of ${believed} that this service has believed`,
      ),
    });
    await expect(start(3_000, { environment: 'production' })).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining('is that of the environment production, this is test'),
    });
    await start(2_000);
    // The other specs go on with the first list.
    const store = await database.store('revocation-scheduler');
    await store.query('DELETE FROM key_list_believed');
  });

  it('R8.3 does not start with a key list that another root signed', async () => {
    await expect(startService(app, { ...env, READMIT_ROOT_KEY: makeSigningKey().public.x }, { writeLog: () => {} })).rejects.toThrow(
      'the key list is not signed by the configured root key',
    );
  });

  it('R8.3 does not start with a key that is another service’s or that the list does not name; with its own it does', async () => {
    const start = async (key: string) => startService(app, { ...env, READMIT_SERVICE_KEY_FILE: key }, { writeLog: () => {} });
    const unlisted = makeSigningKey();
    writeFileSync(path.join(folder, 'unlisted.jwk'), JSON.stringify(unlisted.private), { mode: 0o600 });
    await expect(start(path.join(folder, 'audit.jwk'))).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(/READMIT_SERVICE_KEY_FILE: .* key [0-9a-f]{16} belongs to audit, not to revocation-scheduler\./),
    });
    await expect(start(path.join(folder, 'unlisted.jwk'))).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining(`key ${unlisted.kid} is not in the key list of`),
    });
    await (await start(path.join(folder, 'key.jwk'))).stop();
  });
});
