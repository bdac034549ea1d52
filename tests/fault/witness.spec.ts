import { describe, expect, it } from '@jest/globals';
import { openCases } from './witness.js';

const opened = (key: string) => ({ type: 'readmit.case.opened', key });
const closed = (key: string) => ({ type: 'readmit.case.closed', key });

describe('the cases that a run waits for before its last look', () => {
  it('are those that were opened and not closed: a closing that lies there twice ends one', () => {
    expect(openCases([opened('a'), opened('b'), closed('a'), closed('a')])).toEqual(['b']);
  });
  it('are none when each has its own closing', () => {
    expect(openCases([opened('a'), opened('b'), opened('b'), closed('b'), closed('a')])).toEqual([]);
  });
});
