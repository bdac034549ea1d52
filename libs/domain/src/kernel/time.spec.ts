/** Times that people sign by their own clock. */
import { describe, expect, it } from '@jest/globals';
import { signedTimeFault } from './time.js';

describe('a time that somebody signs', () => {
  const [from, to] = [new Date('2026-11-22T09:00:00.000Z'), '2026-11-22T09:10:00.000Z'];
  it.each([
    ['2026-11-22T09:05:00.000Z', undefined],
    ['2026-11-22T08:55:00.000Z', undefined],
    ['2026-11-22T09:15:00.000Z', undefined],
    ['2026-11-22T08:54:59.999Z', 'too-early'],
    ['2026-11-22T09:15:00.001Z', 'too-late'],
    ['1999-11-22T09:00:00.000Z', 'too-early'],
    ['2099-11-22T09:00:00.000Z', 'too-late'],
    ['9999-99-99T99:99:99.999Z', 'not-a-time'],
    ['2026-11-22T09:05:00Z', 'not-a-time'],
  ])('R4.10 lies between two others, as far as clocks agree: %s is %s', (text, fault) => {
    expect(signedTimeFault(text, from, to)).toBe(fault);
  });

  it('R4.10 is no day that the calendar does not have, however close', () => {
    const recorded = new Date('2027-03-01T00:00:00.000Z');
    expect(signedTimeFault('2027-02-29T00:00:00.000Z', recorded, recorded)).toBe('not-a-time');
    expect(signedTimeFault('2027-03-01T00:00:00.000Z', recorded, recorded)).toBeUndefined();
  });
});
