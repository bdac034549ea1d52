import { describe, expect, it } from '@jest/globals';
import { openCases } from './witness.js';

const opened = (key: string) => ({ type: 'readmit.case.opened', key });
const closed = (key: string) => ({ type: 'readmit.case.closed', key });

describe('open cases', () => {
  it('are those that were opened and not closed, even if the event that closes another occurs twice', () => {
    expect(openCases([opened('a'), opened('b'), closed('a'), closed('a')])).toEqual(['b']);
  });
  it('are none if each has been closed', () => {
    expect(openCases([opened('a'), opened('b'), opened('b'), closed('b'), closed('a')])).toEqual([]);
  });
});
