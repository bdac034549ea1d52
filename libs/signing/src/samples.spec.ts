/** The golden samples: what every release must be able to read. A sample is never edited once released; a new version gets its own. */
import { describe, expect, it } from '@jest/globals';
import { entryOf, eventTypes, isEventType, topicOf, writeEnvelope } from '@readmit/contracts';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { KeyRing, makeServiceKeys } from './key-ring.js';
import { schemaViolation } from './schemas.js';
import { Signer } from './signer.js';
import { verifyRecord } from './verify-record.js';

const folder = path.resolve('libs/contracts/samples');
interface Sample {
  readonly type: string;
  readonly version: number;
  readonly key: string;
  readonly data: Record<string, unknown>;
}
const samples = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => ({ file, sample: JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Sample }));

describe('golden samples', () => {
  it('there is one for every type of the catalogue, and none without a type', () => {
    expect(samples.map(({ sample }) => sample.type).sort()).toEqual([...eventTypes].sort());
  });
  it.each(samples)('$file parses', ({ file, sample: { type, version, data } }) => {
    if (!isEventType(type)) throw new Error(`no type ${type}`);
    expect(file).toBe(`${type}.v${entryOf(type).version}.json`);
    expect(version).toBe(entryOf(type).version);
    expect(schemaViolation(type, data)).toBeUndefined();
  });
  it.each(samples)('$file with a field that nobody knows is refused', ({ sample: { type, data } }) => {
    if (!isEventType(type)) throw new Error(`no type ${type}`);
    expect(schemaViolation(type, { ...data, surprise: 1 })).toContain('"surprise"');
  });
  it.each(samples)('R8.3 $file is taken under the key of its data, and refused under another', ({ sample: { type, key, data } }) => {
    if (!isEventType(type)) throw new Error(`no type ${type}`);
    const now = new Date('2026-11-22T12:00:00.000Z');
    const { keys, list } = makeServiceKeys(new Date('2026-11-01T00:00:00.000Z'));
    const { producer } = entryOf(type);
    const fate = (recordKey: string): string => {
      const attributes = { id: 'event-1', environment: 'spec', service: producer, type, time: now.toISOString(), version: '1' };
      const headers = writeEnvelope({ ...attributes, subject: recordKey, correlationId: recordKey });
      const record = { topic: topicOf(producer), key: recordKey, headers, value: Buffer.from(JSON.stringify(data)) };
      const [signed] = new Signer(keys[producer]).sign('spec', [record]);
      if (!signed) throw new Error('nothing signed');
      const verified = verifyRecord(signed, { ring: new KeyRing(list), environment: 'spec', now });
      return verified.ok ? 'taken' : verified.reason;
    };
    expect(fate(key)).toBe('taken');
    // Once keyed by the bare key of the aggregate whose deadline it was.
    expect(fate('another')).toBe(type === 'readmit.deadline.reached' ? 'taken' : 'key-differs');
  });
});
