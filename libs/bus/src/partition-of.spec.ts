import { describe, expect, it } from '@jest/globals';
import { partitionsPerTopic } from '@readmit/contracts';
import { partitionOf } from './partition-of.js';

describe('partition of a key', () => {
  it('never changes: records of a key that lie in a topic stay with its new ones', () => {
    expect(['case_1', 'case_2', 'subject:ada', 'connector:keycloak', 'policy', ''].map(partitionOf)).toEqual([0, 3, 3, 3, 1, 2]);
  });

  it('spreads keys over all partitions', () => {
    const counts = new Array<number>(partitionsPerTopic).fill(0);
    for (let n = 0; n < 4_000; n++) counts[partitionOf(`case_${n}`)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(850);
  });
});
