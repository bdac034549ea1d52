import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { sampleOf } from '@readmit/testing';
import { Facts } from '../kernel/facts.js';
import { actorOf, timelineOf } from './timeline.js';

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

describe('a timeline', () => {
  const at = (type: Fact['type'], minute: number): Fact =>
    ({ id: `event_${type}`, type, at: `2026-11-22T10:0${minute}:00.000Z`, data: sampleOf(type).data }) as Fact;
  const recorded = at('readmit.obligation.recorded', 1);
  const due = at('readmit.revocation.due', 2);

  it('R7.1 is in the order of time, without what tells people nothing, and names what an obligation undoes', () => {
    const logged = at('readmit.audit.recorded', 3);
    const says = timelineOf(new Facts([due, logged, recorded])).map(({ sentence }) => sentence);
    expect(says).toEqual([
      'Obligation recorded: Close the temporary pass of ada at demo-idp, by 2026-11-22T13:30:00.000Z at the latest.',
      'Revocation due: ended by ada: bypass.close for ada at demo-idp.',
    ]);
    expect(timelineOf(new Facts([due])).map(({ sentence }) => sentence)).toEqual(['Revocation due: ended by ada.']);
  });
});
