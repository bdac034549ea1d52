/**
 * What /metrics of a service shows, and that each figure moves when its thing happens: a real service on the real bus and store. The
 * figures of single services (overdue obligations, the log, the gate) are proved with those services.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EmbeddedBus } from '@readmit/bus';
import { makeServiceKeys, makeSigningKey, signKeyList, Signer } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';
import { topicOf, writeEnvelope } from '@readmit/contracts';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import { Controller } from '@nestjs/common';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import {
  answer,
  serviceApp,
  Serves,
  startService,
  type AnswerOf,
  type BuildContext,
  type Call,
  type RunningService,
} from '../src/index.js';
import { startIssuer, type TestIssuer } from './issuer.js';

let folder: string;
let issuer: TestIssuer;
let database: TestDatabase;
let running: RunningService;
let owner: pg.Client;
let bus: EmbeddedBus;
const strangersKey = makeServiceKeys(new Date()).keys.intake;
const keys = makeServiceKeys(new Date(Date.now() - 60_000));
/** Calls to the target that have begun; each ends when it is told to. */
const calls: (() => void)[] = [];

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
          await commands.command({ key: caseId, name: 'endEarly', actor: 'ada' }, () =>
            caseId === 'case_refused'
              ? { refused: true, as: 'conflict', rule: 'R6.4', reason: 'nothing-to-end', message: 'The case has no grant.' }
              : { emit: [], work: [slow(caseId)], reply: { caseId, link: '/' } },
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
        wakes: 'timer',
        work: {
          slow: {
            begin: () => ({ go: true, emit: [] }),
            call: () => new Promise<never>((resolve) => void calls.push(resolve as () => void)),
            finish: () => ({ emit: [] }),
          },
        },
      },
      controllers: [SchedulerController],
      figures: {
        gauges: { own_things: 'Things; worry never.' },
        read: async () => ({ own_things: 7 }),
        waits: { freeze_wait_seconds: { says: 'Never.', buckets: [1], of: () => undefined } },
      },
    };
  },
});
const slow = (caseId: string) => ({
  id: `${caseId}/slow`,
  kind: 'slow',
  connector: 'one',
  // One object: what is not under way waits.
  object: 'the-object',
  alsoKeys: [],
  notBefore: new Date(Date.now() - 5_000),
  input: {},
});

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'metrics-'));
  [issuer, database] = await Promise.all([startIssuer(), testDatabase()]);
  const root = makeSigningKey();
  writeFileSync(path.join(folder, 'key.jwk'), JSON.stringify(keys.keys['revocation-scheduler']), { mode: 0o600 });
  writeFileSync(path.join(folder, 'list.jws'), await signKeyList(keys.list, root.private));
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  bus = await EmbeddedBus.open({ service: 'intake', store: await database.store('intake') });
  running = await startService(
    app,
    {
      READMIT_ENVIRONMENT: 'test',
      DATABASE_URL: database.urls['revocation-scheduler'],
      READMIT_SERVICE_KEY_FILE: path.join(folder, 'key.jwk'),
      READMIT_KEY_LIST_FILE: path.join(folder, 'list.jws'),
      READMIT_ROOT_KEY: root.public.x,
      READMIT_ISSUER: issuer.url,
      READMIT_PUBLIC_URL: 'https://readmit.example.com',
      PORT: '0',
    },
    { writeLog: () => {} },
  );
});
afterAll(async () => {
  for (const end of calls) end();
  await running.stop();
  await bus.close();
  await owner.end();
  await issuer.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

async function metrics(): Promise<string> {
  return (await fetch(`${running.url}/metrics`)).text();
}
/** The value of a metric with these labels and the service; undefined: it is absent. */
async function value(name: string, labels = ''): Promise<number | undefined> {
  const wanted = ['service="revocation-scheduler"', ...(labels ? labels.split(' ') : [])];
  const line = (await metrics())
    .split('\n')
    .find((one) => one.startsWith(`readmit_${name}{`) && wanted.every((label) => one.includes(label)));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}
const becomes = (name: string, expected: number, labels?: string) =>
  until(async () => (await value(name, labels)) === expected, { what: `${name} is ${expected}` });

async function end(caseId: string): Promise<number> {
  const response = await fetch(`${running.url}/api/revocation/cases/${caseId}/end`, {
    method: 'POST',
    body: '{"reason":"Done."}',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await issuer.token()}` },
  });
  return response.status;
}
/** Puts what intake says on its topic: signed, or by somebody who has no key. */
async function say(caseId: string, how: 'signed' | 'forged'): Promise<void> {
  const headers = writeEnvelope({
    id: uuidv7(),
    environment: 'test',
    service: 'intake',
    type: 'readmit.case.frozen',
    time: new Date().toISOString(),
    subject: caseId,
    version: '1',
    correlationId: caseId,
  });
  const record = {
    topic: topicOf('intake'),
    key: caseId,
    headers,
    value: Buffer.from(JSON.stringify({ caseId, by: 'ada', cause: 'repudiated' })),
  };
  const records = new Signer(how === 'signed' ? keys.keys.intake : strangersKey).sign('test', [record]);
  await (await database.store('intake')).transaction(async (tx) => bus.write(tx, records));
  await bus.publish();
}

it('every metric has a help text, a name with our prefix and the name of the service', async () => {
  const lines = (await metrics()).split('\n').filter((line) => line !== '');
  const named = lines.filter((line) => !line.startsWith('#'));
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((line) => !/^readmit_[a-z_]+\{.*service="revocation-scheduler".*\} /.test(line))).toEqual([]);
  const helped = new Set(lines.filter((line) => line.startsWith('# HELP')).map((line) => line.split(' ')[2] ?? ''));
  expect(named.map((line) => line.split('{')[0] ?? '').filter((name) => !helped.has(name.replace(/_(bucket|sum|count)$/, '')))).toEqual([]);
  expect(await value('own_things')).toBe(7);
});

it('messages, batches and the time since the last batch move when something is heard', async () => {
  expect([await value('messages_total'), await value('batches_total'), await value('lag_records')]).toEqual([0, 0, 0]);
  await say('case_heard', 'signed');
  await becomes('messages_total', 1);
  expect(await value('batches_total')).toBe(1);
  expect(await value('last_batch_age_seconds')).toBeLessThan(10);
});

it('the lag rises while a batch cannot be taken, and falls when it can', async () => {
  expect(await value('lag_records')).toBe(0);
  await owner.query('BEGIN');
  await owner.query(`INSERT INTO revocation_scheduler.aggregate (key) VALUES ('case_locked')`);
  await say('case_locked', 'signed');
  await becomes('lag_records', 1);
  await owner.query('ROLLBACK');
  await becomes('lag_records', 0);
});

it('parked messages are counted by the reason', async () => {
  const unknown = 'reason="unknown-key"';
  expect([await value('parked_messages', unknown), await value('messages_parked_total')]).toEqual([undefined, 0]);
  await say('case_forged', 'forged');
  await becomes('messages_parked_total', 1);
  expect(await value('parked_messages', unknown)).toBe(1);
});

it('refusals are counted by rule and reason, and requests by their status', async () => {
  const refusal = 'rule="R6.4" reason="nothing-to-end"';
  const route = 'method="POST" route="/api/revocation/cases/:caseId/end" status="409"';
  expect([await value('refusals_total', refusal), await value('http_request_seconds_count', route)]).toEqual([undefined, undefined]);
  const events = (await value('events_total')) ?? 0;
  expect(await end('case_refused')).toBe(409);
  expect([await value('refusals_total', refusal), await value('http_request_seconds_count', route)]).toEqual([1, 1]);
  expect(await value('events_total')).toBe(events + 1);
});

it('work that fails again and again is counted between its tries as well', async () => {
  const waits = async (tries: number, error: string | null): Promise<unknown> =>
    owner.query(
      `INSERT INTO revocation_scheduler.work (id, key, kind, connector, object, also_keys, input, not_before, tries, last_error, lane)
       VALUES (gen_random_uuid(), 'case_failing', 'end', 'none', 'none', '{}', '{}', now() + interval '5 minutes', $1, $2, 'ordinary')`,
      [tries, error],
    );
  await waits(4, 'the target is away');
  await waits(5, null);
  expect([await value('work_failing'), await value('work_oldest_seconds')]).toEqual([0, 0]);
  await waits(5, 'the target is away');
  expect([await value('work_failing'), await value('work_oldest_seconds')]).toEqual([1, 0]);
  await owner.query("DELETE FROM revocation_scheduler.work WHERE key = 'case_failing'");
  expect(await value('work_failing')).toBe(0);
});

it('work is counted while it runs and while it waits, with the age of the oldest', async () => {
  expect([await value('work_running'), await value('work_waiting'), await value('work_oldest_seconds')]).toEqual([0, 0, 0]);
  const commits = (await value('commits_total')) ?? 0;
  expect([await end('case_1'), await end('case_2')]).toEqual([202, 202]);
  await becomes('work_running', 1);
  await becomes('work_waiting', 1);
  expect(await value('work_oldest_seconds')).toBeGreaterThan(4);
  expect(await value('commits_total')).toBeGreaterThan(commits);
  await until(() => calls.length === 1, { what: 'the first call is under way' });
  calls[0]?.();
  await until(() => calls.length === 2, { what: 'the second call is under way' });
  calls[1]?.();
  await becomes('work_running', 0);
  expect([await value('work_waiting'), await value('work_oldest_seconds')]).toEqual([0, 0]);
});
