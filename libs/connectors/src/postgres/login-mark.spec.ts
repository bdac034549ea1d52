import { describe, expect, it } from '@jest/globals';
import { readEnd, readMark, withEnd, withMark, withoutEnd } from './login-mark.js';

const mark = { caseId: 'case_1', account: 'payroll' };
const note = { caseId: 'case_1', until: '2026-11-30T12:00:00.000000Z', was: 'none' };

describe('a mark on a login', () => {
  it.each(['', 'for the payroll run', 'two\nlines', 'ends with a line\n', '\nbegins with one'])(
    'leaves the existing comment: %j',
    (text) => {
      const both = withEnd(note, withMark(mark, text));
      expect([readMark(both), readEnd(both)]).toEqual([mark, note]);
      expect(withoutEnd(withEnd(note, text))).toBe(text);
      expect(withMark({ ...mark, caseId: 'case_2' }, withMark(mark, text))).toBe(withMark({ ...mark, caseId: 'case_2' }, text));
      expect(withEnd({ ...note, caseId: 'case_2' }, withEnd(note, text))).toBe(withEnd({ ...note, caseId: 'case_2' }, text));
    },
  );

  it('is read also if text was added after it', () => {
    expect(readEnd(`${withEnd(note, 'text')}\nmore`)).toEqual(note);
  });

  it.each(['', 'for the payroll run', 'a readmit case=case_1 account=payroll', 'readmit-end case=case_1'])('is not found in %j', (text) => {
    expect([readMark(text), readEnd(text)]).toEqual([undefined, undefined]);
  });
});
