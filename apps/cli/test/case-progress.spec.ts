/** How far a case is and how it ended: what `case show` prints beyond the state, and what `case watch` exits with. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from '../src/index.js';
import { api, atDesk, desk } from './cli-run.js';
import { caseOfAda } from './samples.js';

atDesk();
beforeEach(() => desk.signIn('boris'));

const closed = (outcome: string, ...ended: readonly string[]) => ({
  ...caseOfAda,
  state: 'closed',
  outcome,
  closedAt: '2026-11-22T10:00:00.000Z',
  ended,
});

describe('readmit case watch', () => {
  it.each(['failed', 'denied', 'expired', 'withdrawn', 'frozen'] as const)(
    'exits for %s with a code of its own, for completed with 0',
    async (outcome) => {
      api.on('caseTimeline', []).on('showCase', closed(outcome, `It was ${outcome} by chidi.`));
      const { code, stderr } = await desk.run('case', 'watch', 'case_1');
      expect(code).toBe(exitCodes[outcome]);
      expect(stderr).toContain(`${outcome}: It was ${outcome} by chidi.`);
      api.on('showCase', closed('completed'));
      expect((await desk.run('case', 'watch', 'case_1')).code).toBe(0);
    },
  );
});

describe('readmit case show', () => {
  it('names what is open, who must act and until when, and what was granted', async () => {
    const until = '2026-11-22T11:00:00.000Z';
    const openItems = [
      { what: 'decision', who: ['system-owner'], until, says: 'a decision: 1 of system-owner (owner)' },
      { what: 'undo', who: ['execution'], until, says: 'Close the bypass.' },
      { what: 'classification', who: ['classification'], until: null, says: 'its classification' },
    ];
    api.on('showCase', { ...caseOfAda, openItems, granted: ['Approval granted by chidi.'] });
    const { stdout } = await desk.run('case', 'show', 'case_1');
    expect(stdout).toContain(`a decision: 1 of system-owner (owner), until ${until}`);
    expect(stdout).toContain(`Close the bypass (due ${until})`);
    expect(stdout).toMatch(/its classification\n/);
    expect(stdout).toMatch(/granted\s+Approval granted by chidi\./);
    api.on('showCase', caseOfAda);
    expect((await desk.run('case', 'show', 'case_1')).stdout).not.toMatch(/waits for|granted|ended/);
  });

  it('tells why it failed or who denied it, and asks one service for it', async () => {
    api.on('showCase', closed('denied', 'Request denied by chidi (software-key): wrong person.'));
    expect((await desk.run('case', 'show', 'case_1')).stdout).toMatch(/denied\s+Request denied by chidi \(software-key\): wrong person\./);
    api.on('showCase', closed('completed'));
    expect((await desk.run('case', 'show', 'case_1')).stdout).not.toMatch(/denied|failed|waits for/);
    expect(new Set(api.seen.map(({ route }) => route))).toEqual(new Set(['showCase']));
  });
});
