/** The key of every event type: the aggregate that it is about. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { entryOf, eventTypes, keyOf } from './catalogue.js';

const samples = path.resolve(import.meta.dirname, '../../samples');
const sampleOf = (type: string): { key: string; data: object } =>
  JSON.parse(readFileSync(path.join(samples, `${type}.v1.json`), 'utf8')) as { key: string; data: object };

describe('the key of an event', () => {
  // The sample of deadline.reached is older than the aggregates of deadlines; it only shows the data.
  it.each(eventTypes.filter((type) => type !== 'readmit.deadline.reached'))('R8.1 of %s is that of its golden sample', (type) => {
    const { key, data } = sampleOf(type);
    expect(keyOf({ type, data })).toBe(key);
  });

  it('R8.1 of a deadline that was reached names the service whose deadline it is', () => {
    const data = { key: 'case_1', owner: 'approval' };
    expect(keyOf({ type: 'readmit.deadline.reached', data })).toBe('deadline:approval:case_1');
  });

  it('consists of public fields: keys are on the topics in clear text', () => {
    for (const type of eventTypes)
      for (const [, field = ''] of entryOf(type).key.matchAll(/\{(\w+)\}/g))
        expect([type, field, entryOf(type).fields[field]]).toEqual([type, field, 'public']);
  });
});
