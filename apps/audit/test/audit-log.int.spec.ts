/**
 * The audit service on a real PostgreSQL and the embedded bus: events that other services signed become leaves, the export of
 * them verifies offline, and every kind of tampering is found with its place and reason. Not proved here: the rules over cases
 * (unit specs of libs/domain) and Kafka.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EmbeddedBus, type OutgoingRecord, type TopicRecord } from '@readmit/bus';
import { KeyRing, keyIdOf, Signer, verifyRecord } from '@readmit/signing';
import { entryOf, services, topicOf, writeEnvelope, type Draft, type KeyList, type ServiceName } from '@readmit/contracts';
import { logKey, openCheckpoint, verifyExport, vkeyOf, type EventChecks, type CommandRefusal } from '@readmit/domain';
import { sqlStateOf, type Store } from '@readmit/store';
import { fixedIds, testDatabase, until, type TestDatabase } from '@readmit/testing';
import { createPublicKey, generateKeyPairSync, sign, type JsonWebKey } from 'node:crypto';
import { AuditEngine } from '../src/audit-engine.js';
import { logTools, signedEventBytes } from '../src/outbound/log-crypto.js';
import { checkOwnLog } from '../src/usecases/check-own-log.js';
import { exportLines } from '../src/usecases/export-log.js';

const environment = 'test';
const at = '2026-11-22T10:00:00.000Z';
const secrets = new Map(
  services.map((service) => [
    service,
    generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JsonWebKey & { x: string; d: string },
  ]),
);
const secretOf = (service: ServiceName) => {
  const { x = '', d = '' } = secrets.get(service) ?? {};
  return { kty: 'OKP' as const, crv: 'Ed25519' as const, x, d };
};
const signers = new Map(services.map((service) => [service, new Signer(secretOf(service))]));
const keyList: KeyList = {
  version: 1,
  issuedAt: at,
  keys: services.map((owner) => {
    const { kty, crv, x } = secretOf(owner);
    return { kid: keyIdOf(x), owner, key: { kty, crv, x }, notBefore: '2026-01-01T00:00:00.000Z', notAfter: null, revokedAt: null };
  }),
};
const ring = new KeyRing(keyList);
const log = generateKeyPairSync('ed25519').privateKey;
const key = logKey('readmit.example/log/test', Buffer.from(createPublicKey(log).export({ format: 'jwk' }).x ?? '', 'base64url'), logTools);
const verify = (record: Parameters<typeof verifyRecord>[0], replayed: boolean) =>
  verifyRecord(record, { ring, environment, now: new Date(), replayed });
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

const ids = fixedIds();
function recordsOf(service: ServiceName, drafts: readonly Draft[], time = new Date().toISOString()): OutgoingRecord[] {
  const records = drafts.map((draft) => ({
    topic: topicOf(service),
    key: draft.key,
    headers: writeEnvelope({
      id: ids.uuid(),
      environment,
      service,
      type: draft.type,
      time,
      subject: draft.key,
      version: String(entryOf(draft.type).version),
      correlationId: draft.key,
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    }),
    value: Buffer.from(JSON.stringify(draft.data)),
  }));
  return signers.get(service)?.sign(environment, records) ?? [];
}
const notice = (caseId: string): Draft => ({
  type: 'readmit.notice.sent',
  key: caseId,
  data: { caseId, noticeId: 'notice_1', about: 'opened', channel: 'mail' },
});
const attested = (caseId: string): Draft => ({
  type: 'readmit.people.attested',
  key: caseId,
  data: { caseId, directory: { digest: '0'.repeat(64), issuedAt: at, ageSeconds: 5 }, people: [], contacts: [], consumers: [] },
});
const started = (caseId: string): Draft => ({
  type: 'readmit.execution.started',
  key: caseId,
  data: { caseId, executionId: 'execution_1', planDigest: '0'.repeat(64), grantId: 'grant_1', endsAt: at, holds: [] },
});

let database: TestDatabase;
const stores = new Map<ServiceName, Store>();
const buses = new Map<ServiceName, EmbeddedBus>();
const storeOf = (service: ServiceName): Store => {
  const store = stores.get(service);
  if (!store) throw new Error(`no store of ${service}`);
  return store;
};
const busOf = (service: ServiceName): EmbeddedBus => {
  const bus = buses.get(service);
  if (!bus) throw new Error(`no bus of ${service}`);
  return bus;
};
const publish = async (service: ServiceName, records: readonly OutgoingRecord[]): Promise<void> =>
  storeOf(service).transaction((tx) => busOf(service).write(tx, records));
const engineOf = (
  over: { readonly checkStart?: () => Promise<void>; readonly checkpointEverySeconds?: number; readonly watchAfterSeconds?: number } = {},
): AuditEngine =>
  new AuditEngine({
    environment,
    key,
    signNote: (message) => sign(null, message, log),
    signEvents: (records) => signers.get('audit')?.sign(environment, records) ?? [],
    newEventId: ids.uuid,
    checkpointEverySeconds: 3600,
    store: storeOf('audit'),
    bus: busOf('audit'),
    verify,
    log: quiet,
    checkStart: async () => {},
    member: ids.uuid(),
    watchEverySeconds: 3600,
    watchAfterSeconds: 0,
    ...over,
  });
const count = async (table: 'leaf' | 'checkpoint' | 'parked'): Promise<number> =>
  (await storeOf('audit').query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n ?? 0;
/** Runs an engine until the log has the number of leaves. */
async function record(leaves: number, over: Parameters<typeof engineOf>[0] = {}): Promise<AuditEngine> {
  const engine = engineOf(over);
  await engine.start();
  try {
    await until(async () => (await count('leaf')) >= leaves, { what: `${leaves} leaves` });
  } finally {
    await engine.stop();
  }
  return engine;
}
const emitted = async (): Promise<readonly TopicRecord[]> =>
  (await Promise.all([0, 1, 2, 3].map((partition) => busOf('audit').read(topicOf('audit'), partition, 0n, 1000)))).flat();
const typesSaid = async (): Promise<string[]> => (await emitted()).map(({ headers }) => headers['ce_type'] ?? '');
/** Case and rule of each violation that audit has found. */
const violations = async (): Promise<string[][]> =>
  (await emitted())
    .filter(({ headers }) => headers['ce_type'] === 'readmit.violation.found')
    .map(({ key: caseId, value }) => [caseId, (JSON.parse(value.toString()) as { rule: string }).rule]);
const checks: EventChecks = {
  signedBytes: (one) => signedEventBytes(environment, one),
  check: (one, loggedAfter) => {
    const verified = verifyRecord({ ...one, value: Buffer.from(one.value) }, { ring, environment, now: loggedAfter, replayed: true });
    return verified.ok ? { fact: verified.fact } : verified;
  },
};
async function exported(): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportLines(storeOf('audit'), { environment, key, keyList: () => 'list' })) lines.push(line);
  return lines;
}
async function* each(lines: readonly string[]) {
  yield* lines;
}
const judge = (lines: readonly string[], trustedCheckpoint?: string) =>
  verifyExport(each(lines), logTools, {
    logKey: vkeyOf(key, logTools),
    events: () => checks,
    ...(trustedCheckpoint === undefined ? {} : { trustedCheckpoint }),
  });
const latestNote = async (): Promise<string> =>
  (await storeOf('audit').query<{ note: string }>('SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1'))[0]?.note ?? '';

beforeEach(async () => {
  database = await testDatabase();
  for (const service of ['audit', 'intake', 'classification', 'execution', 'revocation-scheduler'] as const) {
    const store = await database.store(service);
    stores.set(service, store);
    buses.set(service, await EmbeddedBus.open({ service, store, pollMs: 20, leaseMs: 2000 }));
  }
});
afterEach(async () => {
  for (const bus of buses.values()) await bus.close();
  buses.clear();
  stores.clear();
  await database.drop();
});

describe('the log', () => {
  it('R7.1 R7.2 the export of what services signed verifies with the public keys and the last checkpoint seen', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1'), notice('case_2'), notice('case_3')]));
    await record(3);
    const seen = await latestNote();
    await publish('classification', recordsOf('classification', [attested('case_1')]));
    await record(5, { checkpointEverySeconds: 0 });
    const report = await judge(await exported(), seen);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ ok: true, size: 5 });
    expect(openCheckpoint(await latestNote(), key, logTools)).toMatchObject({
      checkpoint: { size: 5, origin: 'readmit.example/log/test' },
    });
  });

  it('R7.2 a copy with one flipped byte, a row missing, two rows swapped or cut at the end does not verify, and the verifier says where and why', async () => {
    await publish('intake', recordsOf('intake', ['case_1', 'case_2', 'case_3', 'case_4', 'case_5', 'case_6'].map(notice)));
    await record(6);
    const good = await exported();
    const note = await latestNote();
    expect((await judge(good, note)).ok).toBe(true);
    const edited = (line: number, edit: (row: { entry: string; value: string }) => void): string[] =>
      good.map((text, at) => {
        if (at !== line) return text;
        const row = JSON.parse(text) as { entry: string; value: string };
        edit(row);
        return JSON.stringify(row);
      });
    const flipped = (text: string): string => {
      const bytes = Buffer.from(text, 'base64');
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      return bytes.toString('base64');
    };
    expect((await judge(edited(3, (row) => (row.entry = flipped(row.entry))))).findings[0]).toMatchObject({
      rule: 'entry-altered',
      index: 2,
      why: expect.stringContaining('differs from byte 20 on'),
    });
    expect((await judge(edited(3, (row) => (row.value = flipped(row.value))))).findings).toMatchObject([
      { rule: 'event-digest', index: 2 },
      { rule: 'event-refused', index: 2, why: expect.stringContaining('bad-signature') },
    ]);
    expect((await judge(good.filter((_, at) => at !== 4))).findings[0]).toMatchObject({
      rule: 'row-missing',
      index: 3,
      why: 'Entry 3 is missing: entry 4 follows entry 2.',
    });
    expect(
      (await judge(good.map((text, at) => (at === 2 ? (good[5] ?? '') : at === 5 ? (good[2] ?? '') : text)))).findings[0],
    ).toMatchObject({ rule: 'rows-swapped', index: 1, where: 'rows 1 and 4' });
    expect((await judge([...good.slice(0, 5), good.at(-1) ?? ''])).findings.map(({ rule }) => rule)).toContain('log-cut');
  });

  it('R7.2 the service cannot change or remove what is in the log, only append', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1')]));
    await record(1);
    const store = storeOf('audit');
    for (const table of ['leaf', 'checkpoint'])
      for (const sql of [
        `UPDATE ${table} SET ${table === 'checkpoint' ? 'size = size' : 'index = index'}`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ]) {
        const error: unknown = await store.query(sql).catch((thrown: unknown) => thrown);
        expect(sqlStateOf(error)).toBe('42501');
        expect((error as Error).message).toContain(`permission denied for table ${table}`);
      }
    await store.query(
      `INSERT INTO leaf (index, entry, event_id, topic, key, headers, value) VALUES (1, 'x', 'control', 't', 'k', '{}', '')`,
    );
    expect(await count('leaf')).toBe(2);
  });

  it('R8.3 an event that comes twice has one leaf', async () => {
    const records = recordsOf('intake', [notice('case_1')]);
    await publish('intake', records);
    await publish('intake', records);
    await publish('intake', recordsOf('intake', [notice('case_1')]));
    await record(2);
    expect(await count('leaf')).toBe(2);
  });

  it.each([
    ['at once', true],
    ['later', false],
  ])(
    'R7.2 R8.3 another event under an id that the log has is not passed over but parked, on record, when it comes %s',
    async (_when, atOnce) => {
      const [one] = recordsOf('intake', [notice('case_1')]);
      const [other] = recordsOf('intake', [
        { type: 'readmit.case.frozen', key: 'case_1', data: { caseId: 'case_1', by: 'ada', cause: 'repudiated' } },
      ]);
      if (!one || !other) throw new Error('nothing was signed');
      const headers = { ...other.headers, ce_id: one.headers['ce_id'] ?? '' };
      const reused = signers.get('intake')?.sign(environment, [{ ...other, headers }]) ?? [];
      await publish('intake', [one]);
      if (!atOnce) await record(1);
      await publish('intake', reused);
      // The control: what comes again as it was is passed over.
      await publish('intake', [one]);
      await publish('intake', recordsOf('intake', [notice('case_3')]));
      // Later there is a checkpoint among them.
      const leaves = atOnce ? 3 : 4;
      const engine = await record(leaves);
      expect(await engine.parked.list({})).toMatchObject([{ reason: 'event-id-reused', state: 'parked' }]);
      expect(await typesSaid()).toContain('readmit.audit.message-parked');
      expect(await count('leaf')).toBe(leaves);
      const [parked] = await engine.parked.list({});
      expect(await engine.parked.settle(parked?.id ?? '', 'redrive', 'person_olga')).toMatchObject({
        reason: 'event-id-reused',
        state: 'parked',
      });
      expect(await judge(await exported())).toMatchObject({ ok: true, size: leaves });
    },
  );

  it('R7.3 says Recorded for what execution waits for, with the index, and for nothing else', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1')]));
    await publish('classification', recordsOf('classification', [attested('case_1')]));
    await record(2);
    expect(await typesSaid()).toEqual(['readmit.audit.recorded']);
    const partitions = await Promise.all([0, 1, 2, 3].map((partition) => busOf('audit').read(topicOf('audit'), partition, 0n, 10)));
    const said = partitions.flat()[0];
    const { index, eventId, type } = JSON.parse(said?.value.toString() ?? '{}') as { index: number; eventId: string; type: string };
    expect(type).toBe('readmit.people.attested');
    expect(await storeOf('audit').query('SELECT event_id FROM leaf WHERE index = $1', [index])).toEqual([{ event_id: eventId }]);
    expect(said && verify(said, false)).toMatchObject({ ok: true });
  });

  it('goes on from the frontier after a restart, and makes its own checkpoints entries', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1'), notice('case_2'), notice('case_3')]));
    await record(3);
    await publish('intake', recordsOf('intake', [notice('case_4')]));
    await record(5, { checkpointEverySeconds: 0, checkStart: async () => checkOwnLog(storeOf('audit'), key, await latestNote()) });
    expect(await typesSaid()).toEqual(['readmit.checkpoint.signed']);
    expect(await judge(await exported())).toMatchObject({ ok: true, size: 5 });
  });

  it('R8.3 a forged event is parked with its reason and recorded as such, and the next one is recorded', async () => {
    const [forged] = recordsOf('intake', [notice('case_1')]);
    if (!forged) throw new Error('nothing to forge');
    await publish('intake', [{ ...forged, value: Buffer.from(forged.value.toString().replace('mail', 'hail')) }]);
    await publish('intake', recordsOf('intake', [notice('case_1')]));
    const engine = await record(2);
    expect(await engine.parked.list({})).toMatchObject([{ reason: 'bad-signature', state: 'parked', topic: 'readmit.intake.v1' }]);
    expect(await typesSaid()).toEqual(['readmit.audit.message-parked']);
    expect(await judge(await exported())).toMatchObject({ ok: true, size: 2 });
    const [parked] = await engine.parked.list({});
    expect(await engine.parked.settle(parked?.id ?? '', 'redrive', 'person_olga')).toMatchObject({
      state: 'parked',
      reason: 'bad-signature',
    });
    expect(await engine.parked.settle(parked?.id ?? '', 'discard', 'person_olga')).toMatchObject({ state: 'discarded' });
    expect((await typesSaid()).filter((type) => type === 'readmit.audit.message-parked')).toHaveLength(2);
    expect(await judge(await exported())).toMatchObject({ ok: true });
  });

  it('R7.1 records who was refused at its own door, before the answer', async () => {
    const engine = await record(0);
    const asked = { key: 'http:auditListParked', name: 'auditListParked', actor: 'person_boris' };
    const refusal: CommandRefusal = { refused: true, as: 'forbidden', rule: 'R4.6', reason: 'not-an-operator', message: 'Only operators.' };
    await engine.refuse(asked, refusal);
    expect(await typesSaid()).toEqual(['readmit.audit.refused']);
    expect(await judge(await exported())).toMatchObject({ ok: true, size: 1 });
  });

  it('R7.1 finds an execution that started without its record, says so once, and the verifier finds it too', async () => {
    await publish('execution', recordsOf('execution', [started('case_1')]));
    const engine = await record(1);
    await engine.watch();
    await engine.watch();
    expect((await typesSaid()).filter((type) => type === 'readmit.violation.found')).toHaveLength(4);
    expect((await judge(await exported())).findings.map(({ rule, index }) => [rule, index])).toEqual(
      Array.from({ length: 4 }, () => ['started-before-record', 0]),
    );
  });

  it('R6.3 finds a discharge that nobody but the scheduler vouches for once the log is quiet, says so once; with the proof it finds none', async () => {
    const discharged = (caseId: string): Draft => ({
      type: 'readmit.obligation.discharged',
      key: caseId,
      data: { caseId, obligationId: 'obligation_1', kind: 'role.revoke', how: 'undone' },
    });
    const recorded = (caseId: string): Draft => ({
      type: 'readmit.obligation.recorded',
      key: caseId,
      data: {
        caseId,
        obligationId: 'obligation_1',
        grantId: 'grant_1',
        undo: {
          id: 'obligation_1',
          kind: 'role.revoke',
          connector: 'target-postgres',
          object: 'erin',
          entitlement: 'admin',
          armedBy: 'start',
          unlessTakenOver: false,
          afterSeconds: 60,
          says: 'take the role away',
        },
        hardBound: new Date(Date.now() + 3_600_000).toISOString(),
      },
    });
    const due: Draft = {
      type: 'readmit.revocation.due',
      key: 'case_2',
      data: { caseId: 'case_2', obligationId: 'obligation_1', cause: 'expiry' },
    };
    const proved: Draft = {
      type: 'readmit.revocation.confirmed',
      key: 'case_2',
      data: { caseId: 'case_2', obligationId: 'obligation_1', how: 'undone', readBack: [], sessionsEnded: 0 },
    };
    const minuteAgo = new Date(Date.now() - 60_000).toISOString();
    await publish(
      'revocation-scheduler',
      recordsOf(
        'revocation-scheduler',
        [recorded('case_1'), discharged('case_1'), recorded('case_2'), due, discharged('case_2')],
        minuteAgo,
      ),
    );
    await record(5);
    await publish('execution', recordsOf('execution', [proved], minuteAgo));
    const engine = await record(6);
    await engine.watch();
    await engine.watch();
    expect(await violations()).toEqual([['case_1', 'discharge-unproved']]);
    expect((await judge(await exported())).findings.map(({ rule, where }) => [rule, where.split(',')[0]])).toEqual([
      ['discharge-unproved', 'case case_1'],
    ]);
    const looks = await storeOf('audit').query<{ case_id: string; again: boolean }>(
      'SELECT case_id, look_at IS NOT NULL AS again FROM case_watch ORDER BY case_id',
    );
    expect(looks).toEqual([
      { case_id: 'case_1', again: true },
      { case_id: 'case_2', again: false },
    ]);
  });

  it('looks at a case from 20 to 40 s after its last entry, and does not move the look that is there with each of them', async () => {
    const frozen: Draft = { type: 'readmit.case.frozen', key: 'case_1', data: { caseId: 'case_1', by: 'ada', cause: 'repudiated' } };
    let leaves = 0;
    /** Another entry of the case; the instant of its look then, and how many seconds that is away. */
    const after = async (lookAt?: string): Promise<{ readonly at: string; readonly away: number }> => {
      if (lookAt !== undefined) await storeOf('audit').query(`UPDATE case_watch SET look_at = ${lookAt}`);
      await publish('intake', recordsOf('intake', [frozen]));
      // The second turn makes the checkpoint of the first an entry.
      leaves += leaves === 1 ? 2 : 1;
      await record(leaves, { watchAfterSeconds: 20 });
      const [row] = await storeOf('audit').query<{ at: string; away: number }>(
        `SELECT look_at::text AS at, extract(epoch FROM look_at - (SELECT max(at) FROM checkpoint))::float8 AS away FROM case_watch`,
      );
      if (!row) throw new Error('the case is not watched');
      return row;
    };
    const first = await after();
    expect(first.away).toBe(40);
    expect((await after()).at).toBe(first.at);
    // It is too near for what is on its way, there is none any more, or it waits for a deadline that this entry may make wrong.
    for (const lookAt of [`now() + interval '5 s'`, 'NULL', `now() + interval '1 h'`]) expect((await after(lookAt)).away).toBe(40);
  });

  it('takes a constant number of statements for a batch, whatever its size', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1')]));
    const one = await record(1);
    await publish(
      'intake',
      recordsOf(
        'intake',
        Array.from({ length: 60 }, (_, at) => notice(`case_${at}`)),
      ),
    );
    const many = await record(61);
    expect(one.counters.batches).toBe(1);
    expect(many.counters.statements / many.counters.batches).toBeLessThanOrEqual(one.counters.statements + 3);
  });
});

describe('starting', () => {
  it('R7.2 refuses tables that are behind the last checkpoint seen, or differ from it; the control starts', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1'), notice('case_2')]));
    await record(2);
    const note = await latestNote();
    await expect(checkOwnLog(storeOf('audit'), key, note)).resolves.toBeUndefined();
    const empty = { query: async () => [] as never[] };
    await expect(engineOf({ checkStart: () => checkOwnLog(empty, key, note) }).start()).rejects.toThrow(
      'the log has 0 entries but a checkpoint of 2 was seen before: entries were lost',
    );
    const other = (
      await storeOf('audit').query<{ note: string }>('SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1')
    )[0]?.note.replace('readmit.example/log/test\n', 'readmit.example/log/prod\n');
    await expect(checkOwnLog(storeOf('audit'), key, other)).rejects.toThrow('not a checkpoint of this log');
    const changed = {
      query: async <Row>(sql: string, parameters?: readonly unknown[]) =>
        (await storeOf('audit').query<Row & { entry?: Buffer }>(sql, parameters)).map((row) =>
          row.entry ? { ...row, entry: Buffer.from('changed') } : row,
        ) as Row[],
    };
    await expect(checkOwnLog(changed, key, note)).rejects.toThrow('another root than the checkpoint seen before: history was changed');
  });
});
