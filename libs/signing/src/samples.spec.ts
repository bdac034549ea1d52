/** The golden samples: what every release must be able to read. A sample is never edited once released; a new version gets its own. */
import { describe, expect, it } from '@jest/globals';
import { entryOf, eventTypes, isEventType } from '@readmit/contracts';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { schemaViolation } from './schemas.js';

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
});
