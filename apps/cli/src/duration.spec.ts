import { describe, expect, it } from '@jest/globals';
import { durationText } from '@readmit/domain';
import { parseDuration, sinceOrUntil } from './duration.js';

describe('durations', () => {
  it.each([
    ['90s', 90],
    ['15m', 900],
    ['8h', 28_800],
    ['2d', 172_800],
  ])('reads %s as %d seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));
  it.each(['', '15', 'm', '0m', '-5m', '1.5h', '15 m', '15M', '1h30m', '9999999999s'])(
    'refuses "%s": a guessed unit is a wrong grant',
    (text) => {
      expect(() => parseDuration(text)).toThrow(`"${text}" is not a duration`);
    },
  );
  it.each([
    [900, '15m'],
    [5400, '90m'],
    [90, '90s'],
    [86_400, '1d'],
    [0, '0s'],
  ])('writes %d seconds as %s', (seconds, text) => expect(durationText(seconds)).toBe(text));
  it.each([
    ['2026-11-22T09:33:20.000Z', '26m ago'],
    ['2026-11-22T10:09:59.000Z', 'in 9m'],
    ['2026-11-19T09:00:00.000Z', '3d ago'],
    ['2026-11-22T10:00:00.400Z', 'now'],
    ['2026-11-22T12:00:00.000Z', 'in 2h'],
  ])('says of %s, seen at ten, %s', (instant, text) => expect(sinceOrUntil(instant, new Date('2026-11-22T10:00:00.000Z'))).toBe(text));
});
