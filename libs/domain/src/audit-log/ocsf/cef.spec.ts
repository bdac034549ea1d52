/** Records in the Common Event Format, read by a parser: each record is one line, and every value is read back unchanged. */
import { describe, expect, it } from '@jest/globals';
import { eventTypes } from '@readmit/contracts';
import fc from 'fast-check';
import { changed, record } from '../../../test/ocsf-record.js';
import { cefOf } from './cef.js';
import type { KnownCase } from './whose.js';

interface Parsed {
  readonly header: readonly string[];
  readonly extension: Readonly<Record<string, string>>;
}
/** A bar ends a field of the header and ` key=` begins one of the extension, unless a backslash precedes it. */
function parsed(line: string): Parsed {
  const [, head = '', rest = ''] = /^((?:(?:\\.|[^\\|])*\|){7})(.*)$/s.exec(line) ?? [];
  const header = [...head.matchAll(/((?:\\.|[^\\|])*)\|/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1'));
  const pairs = [...rest.matchAll(/(?:^| )(\w+)=((?:\\.|[^\\=])*)(?= \w+=|$)/g)];
  const plain = (text: string): string => text.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
  return { header, extension: Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, plain(text)])) };
}

const role = { connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
const opened: NonNullable<KnownCase['opened']> = {
  subject: { kind: 'person', id: 'erin' },
  requester: { kind: 'person', id: 'ada' },
  asks: [{ kind: 'role.restore', ...role }],
};
const known: KnownCase = {
  opened,
  granted: { approvers: ['chidi', 'dana'], undoes: [{ id: 'obl-1', kind: 'role.revoke', ...role }] },
};

describe('a record in the Common Event Format', () => {
  it('R7.4 says of an overdue revocation who still has what, under keys of the dictionary', () => {
    const event = changed('readmit.revocation.overdue', {}, known);
    expect(parsed(cefOf(event))).toEqual({
      header: ['CEF:0', 'Readmit', 'Readmit', event.metadata.product.version, 'RC-5003', 'readmit.revocation.overdue', '8'],
      extension: {
        rt: String(event.time),
        externalId: event.metadata.uid,
        cat: 'Detection Finding',
        deviceFacility: 'revocation-scheduler',
        duid: 'erin',
        outcome: 'New',
        msg: event.message,
        cs1: event.metadata.correlation_uid,
        cs1Label: 'case',
        cs2: 'ada',
        cs2Label: 'requester',
        cs3: 'chidi, dana',
        cs3Label: 'approvers',
        cs4: 'role.revoke app_admin for erin at target-postgres',
        cs4Label: 'what',
        cn1: '41',
        cn1Label: 'sequence',
      },
    });
  });

  it('R7.4 says of a refusal who tried and why it was refused', () => {
    expect(parsed(cefOf(record('readmit.approval.refused', undefined, known)))).toMatchObject({
      header: expect.arrayContaining(['RC-490W', '5']),
      extension: { suid: 'mallory', duid: 'erin', act: 'Unauthorized', outcome: 'Failure', reason: 'approver-is-requester' },
    });
  });

  it.each(eventTypes)('R7.4 there is a line for %s with code, time, id and sentence', (type) => {
    const event = record(type, undefined, known);
    const { header, extension } = parsed(cefOf(event));
    expect(header.slice(4, 6)).toEqual([event.metadata.event_code, type]);
    expect(Number(header[6])).toBeGreaterThan(0);
    expect(extension).toMatchObject({ rt: String(event.time), externalId: event.metadata.uid, msg: event.message });
  });

  it('R7.4 bars, equal signs, backslashes and ends of lines in any value neither end it nor make another', () => {
    const hostile = fc.string({ unit: fc.constantFrom('|', '=', '\\', '\n', '\r', ' ', 'a', 'act=', '\u2028', 'é'), maxLength: 20 });
    fc.assert(
      fc.property(hostile, hostile, (id, version) => {
        const event = changed('readmit.revocation.overdue', {}, { opened: { ...opened, requester: { kind: 'person', id } } });
        const { metadata } = event;
        const line = cefOf({ ...event, metadata: { ...metadata, product: { ...metadata.product, version } } });
        expect(line).not.toMatch(/[\r\n\u2028]/);
        const { header, extension } = parsed(line);
        expect([header.length, header[3]]).toEqual([7, version.replace(/[\r\n\u2028]+/g, ' ')]);
        expect(extension['cs2']).toBe(id.replace(/\r\n|[\r\u2028]/g, '\n'));
        expect(Object.keys(extension)).toEqual(Object.keys(parsed(cefOf(changed('readmit.revocation.overdue', {}, { opened }))).extension));
      }),
    );
  });

  it('R7.4 a custom string is no longer than the format allows', () => {
    const asks = Array.from({ length: 20 }, () => ({ kind: 'role.restore' as const, ...role, object: 'x'.repeat(255) }));
    const line = cefOf(changed('readmit.case.closed', {}, { opened: { ...opened, asks } }));
    expect(parsed(line).extension['cs4']).toHaveLength(4000);
  });
});
