import { describe, expect, it } from '@jest/globals';
import { scramVerifier } from './scram-verifier.js';

describe('SCRAM verifier', () => {
  it('is the one that PostgreSQL computes for a known password and salt', () => {
    expect(scramVerifier('check', Buffer.alloc(16))).toBe(
      'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$H3/gcdCpP7uCNdi0O1e0kGDx4Vp/PvtNAJ+jxWrnHns=:1Be9zgE9U2o50RaIiGasZXQCxXx04E5xSmu5/D/+iLw=',
    );
  });
  it('uses a fresh salt each time', () => {
    expect(scramVerifier('check')).not.toBe(scramVerifier('check'));
  });
});
