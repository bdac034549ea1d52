/**
 * A log of a few signed events is exported and then tampered with, one way at a time. Each way MUST be found with its place and
 * reason; the unchanged export is the control. Event signatures are simplified here (one Ed25519 signature per event); real ones
 * are in the integration spec of audit.
 */
import { describe, expect, it } from '@jest/globals';
import * as contracts from '@readmit/contracts';
import type { Fact } from '@readmit/contracts';
import canonicalize from 'canonicalize';
import { createHash, createHmac, generateKeyPairSync, sign, verify, createPublicKey, type KeyObject } from 'node:crypto';
import { checkpointText, logKey, openCheckpoint, openNote, parseVkey, signNote, vkeyOf } from './checkpoint.js';
import { checkpointLine, entryLine, exportFormat, headerLine } from './export-lines.js';
import { entryBytes, leafOf } from './leaf.js';
import type { EventChecks, LoggedRecord, LogTools } from './tools.js';
import { verifyExport, type VerifyOptions } from './verify-export.js';

const rawOf = (key: KeyObject): Uint8Array => Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
const keyOf = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' });
const tools: LogTools = {
  contracts,
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  base64: {
    encode: (bytes) => Buffer.from(bytes).toString('base64'),
    decode: (text) => {
      const bytes = Buffer.from(text, 'base64');
      return bytes.toString('base64') === text ? bytes : undefined;
    },
  },
  ed25519Verify: (key, message, signature) => signature.length === 64 && verify(null, message, keyOf(key), signature),
  crypto: {
    canonical: (value) => canonicalize(value) ?? '',
    hmac: (key, text) => createHmac('sha256', key).update(text).digest('hex'),
    digest: (value) =>
      createHash('sha256')
        .update(canonicalize(value) ?? '')
        .digest('hex'),
    verify: () => false,
  },
};
const logSecret = generateKeyPairSync('ed25519').privateKey;
const serviceSecret = generateKeyPairSync('ed25519').privateKey;
const key = logKey('readmit.example/log/test', rawOf(logSecret), tools);
const vkey = vkeyOf(key, tools);

const signedBytes: EventChecks['signedBytes'] = ({ topic, key: of, headers, value }) =>
  Buffer.from(JSON.stringify([topic, of, headers['ce_id'], headers['ce_type'], headers['ce_time'], Buffer.from(value).toString('base64')]));
const checks: EventChecks = {
  signedBytes,
  check: (record) => {
    if (
      !verify(null, signedBytes(record), createPublicKey(serviceSecret), Buffer.from(record.headers['readmit-signature'] ?? '', 'base64'))
    )
      return { reason: 'signature-invalid', message: 'The signature does not match.' };
    const { ce_id: id, ce_type: type, ce_time: at } = record.headers;
    return { fact: { id, type, at, data: JSON.parse(Buffer.from(record.value).toString()) } as Fact };
  },
};
function recordOf(
  id: number,
  type = 'readmit.notice.sent',
  data: object = { caseId: 'case_1', noticeId: `notice_${id}`, about: 'opened', channel: 'mail' },
): LoggedRecord {
  const unsigned = {
    topic: 'readmit.intake.v1',
    key: 'case_1',
    headers: { ce_id: `event_${id}`, ce_type: type, ce_time: `2026-11-22T10:00:0${id}.000Z` },
    value: Buffer.from(JSON.stringify(data)),
  };
  return {
    ...unsigned,
    headers: { ...unsigned.headers, 'readmit-signature': sign(null, signedBytes(unsigned), serviceSecret).toString('base64') },
  };
}
function rowOf(index: number, record: LoggedRecord) {
  const checked = checks.check(record, new Date(0));
  if (!('fact' in checked)) throw new Error(checked.message);
  return {
    index,
    entry: entryBytes(
      leafOf(index, { fact: checked.fact, topic: record.topic, key: record.key, signedBytes: signedBytes(record) }, tools),
      tools,
    ),
    record,
  };
}
function noteOf(rows: readonly { readonly entry: Uint8Array }[], secret = logSecret): string {
  const root = contracts.merkleRoot(
    tools.sha256,
    rows.map(({ entry }) => contracts.leafHash(tools.sha256, entry)),
  );
  return signNote(
    checkpointText({ origin: key.name, size: rows.length, root }, tools),
    key,
    (message) => sign(null, message, secret),
    tools,
  );
}
const header = { format: exportFormat, origin: key.name, environment: 'test', keyList: 'list', logKey: vkey } as const;
const rows = [0, 1, 2, 3, 4, 5, 6].map((id) => rowOf(id, recordOf(id)));
const linesOf = (some: readonly ReturnType<typeof rowOf>[]) => some.map((row) => entryLine(row, tools.base64));
const good = linesOf(rows);
const top = headerLine(header);
const end = checkpointLine(noteOf(rows));

async function* each(lines: readonly string[]) {
  yield* lines;
}
const run = (lines: readonly string[], more: Partial<VerifyOptions> = {}) =>
  verifyExport(each(lines), tools, { logKey: vkey, events: () => checks, ...more });
const at = <T>(list: readonly T[], index: number): T => {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
};
const edited = (line: string, edit: (row: { index: number; entry: string; value: string }) => void): string => {
  const row = JSON.parse(line) as { index: number; entry: string; value: string };
  edit(row);
  return JSON.stringify(row);
};
const flipped = (base64: string, byte: number): string => {
  const bytes = Buffer.from(base64, 'base64');
  bytes[byte] = (bytes[byte] ?? 0) ^ 1;
  return bytes.toString('base64');
};

describe('verifying an export', () => {
  it('R7.2 verifies the whole log and says of which size it is complete', async () => {
    const report = await run([top, ...good, end]);
    expect(report).toMatchObject({ ok: true, size: 7, found: 0, findings: [] });
    expect(report.says).toContain('complete as of size 7');
    expect((await run([top, ...good, end], { trustedCheckpoint: noteOf(rows.slice(0, 4)) })).says).toContain(
      'an extension of the checkpoint of size 4',
    );
  });

  it('R7.2 finds a flipped byte in any place of an entry and says where and why', async () => {
    const entry = at(rows, 3).entry;
    for (let byte = 0; byte < entry.length; byte += 1) {
      const report = await run([
        top,
        ...good.map((line, index) => (index === 3 ? edited(line, (row) => (row.entry = flipped(row.entry, byte))) : line)),
        end,
      ]);
      expect(report.ok).toBe(false);
      const found = report.findings.filter(
        ({ rule, index }) => index === 3 && ['entry-altered', 'event-digest', 'row-number'].includes(rule),
      );
      expect(found).toHaveLength(1);
      expect(report.findings.map(({ rule }) => rule)).toContain('checkpoint-differs');
    }
    const report = await run([
      top,
      ...good.map((line, index) => (index === 3 ? edited(line, (row) => (row.entry = flipped(row.entry, 12))) : line)),
      end,
    ]);
    expect(report.findings[0]).toMatchObject({
      rule: 'entry-altered',
      index: 3,
      why: 'The entry does not match its signed event: it differs from byte 12 on.',
    });
  });

  it('R7.2 finds one flipped bit in any byte of the file', async () => {
    const some = rows.slice(0, 1);
    const file = Buffer.from([top, ...linesOf(some), checkpointLine(noteOf(some))].join('\n'));
    // Key list and environment are checked by `events`, not by this function.
    const elsewhere = ['"list"', '"test"'].map((text) => file.indexOf(text));
    expect((await run(file.toString().split('\n'))).ok).toBe(true);
    for (let byte = 0; byte < file.length; byte += 1) {
      if (elsewhere.some((from) => byte > from && byte < from + 5)) continue;
      const copy = Buffer.from(file);
      copy[byte] = (copy[byte] ?? 0) ^ 1;
      const { ok } = await run(copy.toString().split('\n'));
      if (ok) throw new Error(`not found: byte ${byte} of ${copy.subarray(byte - 20, byte + 20).toString()}`);
    }
  });

  it('R7.2 finds a flipped byte in an event and says where and why', async () => {
    const report = await run([
      top,
      ...good.map((line, index) => (index === 5 ? edited(line, (row) => (row.value = flipped(row.value, 15))) : line)),
      end,
    ]);
    expect(report.findings).toMatchObject([
      { rule: 'event-digest', index: 5 },
      { rule: 'event-refused', index: 5, why: 'The event is not genuine: signature-invalid. The signature does not match.' },
    ]);
  });

  it.each([0, 1, 3, 5, 6])('R7.2 finds that row %d is missing and says where', async (missing) => {
    const report = await run([top, ...good.filter((_, index) => index !== missing), end]);
    const last = missing === 6;
    expect(report.findings[0]).toMatchObject(
      last
        ? { rule: 'checkpoint-differs', index: 6 }
        : { rule: 'row-missing', index: missing, why: expect.stringContaining(`Entry ${missing} is missing`) },
    );
    if (last)
      expect(report.findings[1]).toMatchObject({ rule: 'log-cut', why: 'The export ends after 6 entries; its last checkpoint covers 7.' });
  });

  it.each([
    [2, 3],
    [0, 6],
    [1, 5],
    [2, 4],
    [5, 6],
  ])('R7.2 finds that rows %d and %d are swapped and says so, whatever numbers the rows wear', async (a, b) => {
    const swapped = rows.map((_, index) => at(rows, index === a ? b : index === b ? a : index));
    for (const list of [swapped, swapped.map((row, index) => ({ ...row, index }))]) {
      const report = await run([top, ...linesOf(list), end]);
      expect(report.findings.filter(({ rule }) => rule === 'rows-swapped')).toMatchObject([{ index: a, where: `rows ${a} and ${b}` }]);
      expect(report.findings.some(({ rule }) => rule === 'row-missing' || rule === 'row-inserted')).toBe(false);
    }
  });

  it('R7.2 finds an inserted row and says where', async () => {
    const again = await run([top, ...good.slice(0, 4), at(good, 1), ...good.slice(4), end]);
    expect(again.findings.map(({ rule, index }) => [rule, index])).toContainEqual(['row-inserted', 4]);
    const genuine = linesOf([rowOf(4, recordOf(9))]);
    const report = await run([top, ...good.slice(0, 4), ...genuine, ...good.slice(4), end]);
    expect(report.findings[0]).toMatchObject({ rule: 'row-inserted', index: 4 });
  });

  it('R7.2 finds rows that were rewritten with right indices, between which signed checkpoints', async () => {
    const rewritten = [0, 1, 2, 3, 9, 5, 6].map((id, index) => rowOf(index, recordOf(id)));
    const lines = linesOf(rewritten);
    const report = await run([top, ...lines.slice(0, 4), checkpointLine(noteOf(rows.slice(0, 4))), ...lines.slice(4), end]);
    expect(report.findings).toMatchObject([{ rule: 'checkpoint-differs', why: expect.stringContaining('between 4 and 7') }]);
  });

  it('R7.2 finds that the log was cut at the end, given a checkpoint seen before; without one it says complete as of size N', async () => {
    const cut = [top, ...good.slice(0, 5), checkpointLine(noteOf(rows.slice(0, 5)))];
    expect((await run(cut)).says).toContain('complete as of size 5');
    const report = await run(cut, { trustedCheckpoint: noteOf(rows) });
    expect(report.findings).toMatchObject([
      { rule: 'log-cut', index: 5, why: expect.stringContaining('a checkpoint of size 7 was seen before') },
    ]);
  });

  it('R7.2 finds a fork: another root of the same size, signed by the log itself', async () => {
    const other = [0, 1, 2, 3, 4, 5, 9].map((id, index) => rowOf(index, recordOf(id)));
    const report = await run([top, ...linesOf(other), checkpointLine(noteOf(other))], { trustedCheckpoint: noteOf(rows) });
    expect(report.findings).toMatchObject([{ rule: 'log-forked', index: 7 }]);
    expect((await run([top, ...linesOf(other), checkpointLine(noteOf(other))])).ok).toBe(true);
  });

  it('R7.2 refuses a checkpoint that another key signed, and an export without one', async () => {
    const forged = await run([top, ...good, checkpointLine(noteOf(rows, serviceSecret))]);
    expect(forged.findings[0]).toMatchObject({ rule: 'checkpoint-invalid', why: expect.stringContaining('note-signature-invalid') });
    expect((await run([top, ...good])).findings).toMatchObject([{ rule: 'checkpoint-invalid', where: 'end' }]);
    expect((await run([top, ...good.slice(0, 5), checkpointLine(noteOf(rows.slice(0, 5))), ...good.slice(5)])).findings).toMatchObject([
      { rule: 'checkpoint-invalid', where: 'entries 5 to 6' },
    ]);
  });

  it('R7.2 names unreadable lines, further fields and a missing header', async () => {
    expect((await run([top, ...good.slice(0, 6), '{', end])).findings[0]).toMatchObject({
      rule: 'line-unreadable',
      index: 6,
      where: 'line 8',
    });
    expect(
      (await run([top, ...good.map((line, index) => (index === 2 ? `${line.slice(0, -1)},"more":1}` : line)), end])).findings[0],
    ).toMatchObject({ rule: 'line-unreadable', index: 2 });
    expect((await run([...good, end])).findings[0]).toMatchObject({
      rule: 'line-unreadable',
      why: expect.stringContaining('header line is missing'),
    });
  });

  it('R7.2 there is one way to write a line: a name that stands twice, another order or spelling is found', async () => {
    const third = at(good, 2);
    const { index, ...rest } = JSON.parse(third) as { index: number };
    const ways: Readonly<Record<string, string>> = {
      'a name twice': third.replace('"key":', '"key":"case_2","key":'),
      'a name twice, the last one wrong for a reader that takes the first': third.replace('"index":2', '"index":9,"index":2'),
      'a header twice': third.replace('"ce_id":', '"ce_id":"event_9","ce_id":'),
      'another order': JSON.stringify({ ...rest, index }),
      'another spelling': third.replace('case_1', '\\u0063ase_1'),
      spaces: third.replace('"index":', '"index": '),
      'another number': third.replace('"index":2', '"index":2.0'),
    };
    for (const [way, line] of Object.entries(ways)) {
      expect([way, line]).not.toEqual([way, third]);
      const report = await run([top, ...good.map((one, place) => (place === 2 ? line : one)), end]);
      expect([way, report.findings[0]]).toEqual([
        way,
        {
          rule: 'line-unreadable',
          index: 2,
          where: 'line 4',
          why: 'The line is not in the form of an export: a name is repeated, or order or spelling differ.',
        },
      ]);
    }
    const twice = end.replace('{"checkpoint":', '{"checkpoint":"other","checkpoint":');
    expect((await run([top, ...good, twice])).findings[0]).toMatchObject({ rule: 'line-unreadable', where: 'line 9' });
    expect((await run([top, ...good, end])).ok).toBe(true);
  });

  it('R7.2 finds a header with a further field or a name that stands twice, and still checks what follows', async () => {
    const further = `${top.slice(0, -1)},"more":1}`;
    expect((await run([further, ...good, end])).findings).toEqual([
      { rule: 'header-differs', where: 'header', why: "The line has an unknown field 'more'." },
    ]);
    const twice = top.replace('"environment":', '"environment":"prod","environment":');
    expect((await run([twice, ...good, end])).findings).toMatchObject([
      { rule: 'header-differs', why: expect.stringContaining('a name is repeated') },
    ]);
    expect((await run([top, ...good, end])).findings).toEqual([]);
  });

  it("R7.2 names when the list of services' keys was issued that it believed", async () => {
    const issued = '2026-11-22T09:00:00.000Z';
    expect(await run([top, ...good, end], { events: () => ({ ...checks, keyListIssuedAt: issued }) })).toMatchObject({
      ok: true,
      keyListIssuedAt: issued,
    });
    expect(await run([top, ...good, end])).not.toHaveProperty('keyListIssuedAt');
  });

  it('R7.2 R6.3 lists what audit found itself, apart from its own findings, and is not satisfied with the log', async () => {
    const violation = { caseId: 'case_1', rule: 'obligation-overdue', says: 'still open' };
    const more = [...rows, rowOf(7, recordOf(7, 'readmit.violation.found', violation))];
    const report = await run([top, ...linesOf(more), checkpointLine(noteOf(more))]);
    expect(report).toMatchObject({ ok: false, found: 0, findings: [], violations: 1, violated: [{ index: 7, ...violation }] });
    expect(report.says).toContain('Audit itself logged 1 finding. First: obligation-overdue: still open');
    expect(await run([top, ...good, end])).toMatchObject({ ok: true, violations: 0, violated: [] });
  });

  it('R7.1 lists what was refused', async () => {
    const denial = { key: 'case_1', command: 'decide', rule: 'R4.2', reason: 'approver-is-requester', actor: 'person_erin', says: 'no' };
    const denied = recordOf(7, 'readmit.approval.refused', denial);
    const more = [...rows, rowOf(7, denied)];
    const report = await run([top, ...linesOf(more), checkpointLine(noteOf(more))]);
    expect(report).toMatchObject({
      ok: true,
      refusals: 1,
      refused: [{ index: 7, type: 'readmit.approval.refused', rule: 'R4.2', reason: 'approver-is-requester', actor: 'person_erin' }],
    });
    expect(JSON.parse(Buffer.from(more[7]?.entry ?? []).toString())).toMatchObject({
      actor: 'person_erin',
      outcome: 'approver-is-requester',
      code: 'RC-490W',
    });
  });

  it('R7.2 counts beyond the findings it keeps', async () => {
    const report = await run([top, ...good.map((line) => edited(line, (row) => (row.value = flipped(row.value, 3)))), end], {
      maxFindings: 2,
    });
    expect(report.findings).toHaveLength(2);
    expect(report.found).toBe(14);
  });
});

describe('checkpoint', () => {
  const vector = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const note =
    'This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

  it('reads the published verifier key and opens the published note', () => {
    const known = parseVkey(vector, tools);
    expect(vkeyOf(known, tools)).toBe(vector);
    expect(openNote(note, known, tools)).toEqual({ text: 'This is an example message.\n' });
    expect(openNote(note.replace('example m', 'exbmple m'), known, tools)).toMatchObject({ reason: 'note-signature-invalid' });
    expect(openNote(note, key, tools)).toMatchObject({ reason: 'note-unsigned' });
  });

  it('refuses a verifier key whose id is not that of its key', () => {
    expect(() => parseVkey(vector.replace('530d903a', '530d903b'), tools)).toThrow('its key gives 530d903a');
  });

  it('passes over signatures of unknown keys and refuses another log', () => {
    const text = checkpointText({ origin: key.name, size: 7, root: new Uint8Array(32) }, tools);
    const mine = signNote(text, key, (message) => sign(null, message, logSecret), tools);
    expect(openCheckpoint(mine.replace('\n\n', '\n\n\u2014 witness.example Uw2QOkn8srV1\n'), key, tools)).toMatchObject({
      checkpoint: { size: 7 },
    });
    const elsewhere = signNote(text.replace('/test', '/prod'), key, (message) => sign(null, message, logSecret), tools);
    expect(openCheckpoint(elsewhere, key, tools)).toMatchObject({ reason: 'checkpoint-of-another-log' });
    const padded = signNote(text.replace('\n7\n', '\n07\n'), key, (message) => sign(null, message, logSecret), tools);
    expect(openCheckpoint(padded, key, tools)).toMatchObject({ reason: 'checkpoint-malformed' });
  });
});
