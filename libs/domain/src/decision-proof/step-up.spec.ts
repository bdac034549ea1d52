import { describe, expect, it } from '@jest/globals';
import { stepUpFault, type SignedInHow } from './step-up.js';

const now = new Date('2026-12-01T10:00:00.000Z');
const ago = (seconds: number) => now.getTime() / 1000 - seconds;
const stepUp = { acrValues: ['phr', 'gold'], maxAgeSeconds: 300 };
const reason = (how: SignedInHow, asked = stepUp) => stepUpFault(how, asked, now)?.reason;

describe('a sign-in behind a decision', () => {
  it('R4.10 is enough when it is fresh and of an accepted level', () => {
    expect(reason({ authTime: ago(0), acr: 'phr' })).toBeUndefined();
    expect(reason({ authTime: ago(300), acr: 'gold' })).toBeUndefined();
    // The clock of the issuer may be ahead.
    expect(reason({ authTime: ago(-4), acr: 'gold' })).toBeUndefined();
  });
  it('R4.10 is not enough when it is older than configured, whatever its level', () => {
    expect(reason({ authTime: ago(301), acr: 'phr' })).toBe('sign-in-too-old');
  });
  it('R4.10 is not enough when the token does not say when it was', () => {
    expect(reason({ acr: 'phr' })).toBe('auth-time-missing');
    expect(reason({}, { ...stepUp, acrValues: [] })).toBe('auth-time-missing');
  });
  it('R4.10 is not enough when its level is another, or unknown', () => {
    expect(reason({ authTime: ago(1), acr: 'silver' })).toBe('acr-not-accepted');
    expect(reason({ authTime: ago(1), acr: 'phr gold' })).toBe('acr-not-accepted');
    expect(reason({ authTime: ago(1) })).toBe('acr-missing');
  });
  it('R4.10 needs no level where none is configured', () => {
    expect(reason({ authTime: ago(1) }, { ...stepUp, acrValues: [] })).toBeUndefined();
    expect(reason({ authTime: ago(1), acr: '0' }, { ...stepUp, acrValues: [] })).toBeUndefined();
  });
});
