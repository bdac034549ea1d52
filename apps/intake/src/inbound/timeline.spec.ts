import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { actorOf } from './timeline.js';

const fact = (type: Fact['type'], data: object): Fact =>
  ({ id: 'event_1', type, at: '2026-11-22T10:00:00.000Z', data: { caseId: 'case_1', ...data } }) as Fact;

describe('who did what a timeline shows', () => {
  it('is `anonymous` where somebody without a sign-in opened the case, and the person where somebody signed in did', () => {
    expect(actorOf(fact('readmit.case.opened', { requester: { kind: 'anonymous' } }))).toBe('anonymous');
    expect(actorOf(fact('readmit.case.opened', { requester: { kind: 'person', id: 'erin' } }))).toBe('erin');
  });

  it('is nobody where a service did it by itself', () => {
    expect(actorOf(fact('readmit.case.closed', { outcome: 'completed' }))).toBeUndefined();
    expect(actorOf(fact('readmit.case.frozen', { by: 'repudiation-code', cause: 'repudiated' }))).toBe('repudiation-code');
  });
});
