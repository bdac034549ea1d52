import { describe, expect, it } from '@jest/globals';
import { uuidv7 } from './uuidv7.js';

describe('ids', () => {
  it('are UUIDs of version 7 that are all different and sort in the order in which they were made', () => {
    const ids = Array.from({ length: 5_000 }, uuidv7);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });
});
