import { describe, expect, it } from '@jest/globals';
import { toTopicRecord } from './records.js';

describe('a message of Kafka', () => {
  const message = { offset: '7', key: Buffer.from('case-1'), value: Buffer.from('{}'), headers: {}, timestamp: '1700000000000' };
  const arrivedAt = (timestampType?: number) =>
    toTopicRecord('t', 0, timestampType === undefined ? message : { ...message, batchContext: { timestampType } }).arrivedAt;

  it('R8.3 has all values of a header that came more than once, so that nobody chooses one', () => {
    const read = (subject: Buffer | Buffer[]) => toTopicRecord('t', 0, { ...message, headers: { ce_subject: subject } }).headers;
    expect(read([Buffer.from('ada'), Buffer.from('mallory')])).toEqual({ ce_subject: 'ada\nmallory' });
    expect(read(Buffer.from('ada'))).toEqual({ ce_subject: 'ada' });
  });

  it('came when the broker says (LogAppendTime), and nobody knows when if the producer says it', () => {
    expect(arrivedAt(1)).toBe(1_700_000_000_000);
    expect(arrivedAt(0)).toBeUndefined();
    expect(arrivedAt(-1)).toBeUndefined();
    expect(arrivedAt()).toBeUndefined();
  });
});
