/**
 * The audit log on a real PostgreSQL and the embedded bus: signed events of other services become leaves, their export verifies offline,
 * and every kind of tampering is found with its place and reason. Not here: violations (case-watch.int.spec.ts) and Kafka.
 */
import { describe, expect, it } from '@jest/globals';
import { topicOf } from '@readmit/contracts';
import { openCheckpoint, type CommandRefusal } from '@readmit/domain';
import { sqlStateOf } from '@readmit/store';
import { logTools } from '../src/outbound/log-crypto.js';
import { checkOwnLog } from '../src/usecases/check-own-log.js';
import {
  attested,
  busOf,
  count,
  engineOf,
  environment,
  exported,
  judge,
  key,
  latestNote,
  notice,
  publish,
  record,
  recordsOf,
  signers,
  storeOf,
  typesEmitted,
  useSignedLog,
  verify,
} from './signed-log.js';

useSignedLog();

describe('the log', () => {
  it('R7.1 R7.2 the export of signed events verifies with the public keys and the last checkpoint seen', async () => {
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

  it('R7.2 a copy with a flipped byte, a missing row, two swapped rows or a truncated end does not verify, and the verifier reports where and why', async () => {
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

  it('R8.3 an event that is delivered twice has one leaf', async () => {
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
    'R7.2 R8.3 another event with an id that is in the log is not skipped but parked, and recorded, when it comes %s',
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
      // The control: a redelivered event is skipped.
      await publish('intake', [one]);
      await publish('intake', recordsOf('intake', [notice('case_3')]));
      // With a second batch there is a checkpoint among them.
      const leaves = atOnce ? 3 : 4;
      const engine = await record(leaves);
      expect(await engine.parked.list({})).toMatchObject([{ reason: 'event-id-reused', state: 'parked' }]);
      expect(await typesEmitted()).toContain('readmit.audit.message-parked');
      expect(await count('leaf')).toBe(leaves);
      const [parked] = await engine.parked.list({});
      expect(await engine.parked.settle(parked?.id ?? '', 'redrive', 'person_olga')).toMatchObject({
        reason: 'event-id-reused',
        state: 'parked',
      });
      expect(await judge(await exported())).toMatchObject({ ok: true, size: leaves });
    },
  );

  it('R7.3 emits Recorded, with the index, for what execution waits for, and for nothing else', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1')]));
    await publish('classification', recordsOf('classification', [attested('case_1')]));
    await record(2);
    expect(await typesEmitted()).toEqual(['readmit.audit.recorded']);
    const partitions = await Promise.all([0, 1, 2, 3].map((partition) => busOf('audit').read(topicOf('audit'), partition, 0n, 10)));
    const recorded = partitions.flat()[0];
    const { index, eventId, type } = JSON.parse(recorded?.value.toString() ?? '{}') as { index: number; eventId: string; type: string };
    expect(type).toBe('readmit.people.attested');
    expect(await storeOf('audit').query('SELECT event_id FROM leaf WHERE index = $1', [index])).toEqual([{ event_id: eventId }]);
    expect(recorded && verify(recorded, false)).toMatchObject({ ok: true });
  });

  it('continues from the frontier after a restart, and makes its own checkpoints entries', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1'), notice('case_2'), notice('case_3')]));
    await record(3);
    await publish('intake', recordsOf('intake', [notice('case_4')]));
    await record(5, { checkpointEverySeconds: 0, checkStart: async () => checkOwnLog(storeOf('audit'), key, await latestNote()) });
    expect(await typesEmitted()).toEqual(['readmit.checkpoint.signed']);
    expect(await judge(await exported())).toMatchObject({ ok: true, size: 5 });
  });

  it('R8.3 a forged event is parked with its reason, its parking is recorded, and the next event is logged', async () => {
    const [forged] = recordsOf('intake', [notice('case_1')]);
    if (!forged) throw new Error('nothing to forge');
    await publish('intake', [{ ...forged, value: Buffer.from(forged.value.toString().replace('mail', 'hail')) }]);
    await publish('intake', recordsOf('intake', [notice('case_1')]));
    const engine = await record(2);
    expect(await engine.parked.list({})).toMatchObject([{ reason: 'bad-signature', state: 'parked', topic: 'readmit.intake.v1' }]);
    expect(await typesEmitted()).toEqual(['readmit.audit.message-parked']);
    expect(await judge(await exported())).toMatchObject({ ok: true, size: 2 });
    const [parked] = await engine.parked.list({});
    expect(await engine.parked.settle(parked?.id ?? '', 'redrive', 'person_olga')).toMatchObject({
      state: 'parked',
      reason: 'bad-signature',
    });
    expect(await engine.parked.settle(parked?.id ?? '', 'discard', 'person_olga')).toMatchObject({ state: 'discarded' });
    expect((await typesEmitted()).filter((type) => type === 'readmit.audit.message-parked')).toHaveLength(2);
    expect(await judge(await exported())).toMatchObject({ ok: true });
  });

  it('R7.1 records refusals of its own routes, before the response', async () => {
    const engine = await record(0);
    const about = { key: 'http:auditListParked', name: 'auditListParked', actor: 'person_boris' };
    const refusal: CommandRefusal = { refused: true, as: 'forbidden', rule: 'R4.6', reason: 'not-an-operator', message: 'Only operators.' };
    await engine.refuse(about, refusal);
    expect(await typesEmitted()).toEqual(['readmit.audit.refused']);
    expect(await judge(await exported())).toMatchObject({ ok: true, size: 1 });
  });

  it('takes a constant number of statements per batch, whatever its size', async () => {
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
  it('R7.2 refuses tables that are behind the last exported checkpoint, or differ from it; the control starts', async () => {
    await publish('intake', recordsOf('intake', [notice('case_1'), notice('case_2')]));
    await record(2);
    const note = await latestNote();
    await expect(checkOwnLog(storeOf('audit'), key, note)).resolves.toBeUndefined();
    const empty = { query: async () => [] as never[] };
    await expect(engineOf({ checkStart: () => checkOwnLog(empty, key, note) }).start()).rejects.toThrow(
      'the log has 0 entries but the checkpoint in READMIT_LAST_CHECKPOINT_FILE covers 2: entries were lost',
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
    await expect(checkOwnLog(changed, key, note)).rejects.toThrow(
      'another root hash than the checkpoint in READMIT_LAST_CHECKPOINT_FILE: the log was changed',
    );
  });
});
