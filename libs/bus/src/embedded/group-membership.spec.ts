import { describe, expect, it } from '@jest/globals';
import { partitionsPerTopic, topics } from '@readmit/contracts';
import fc from 'fast-check';
import { assign } from './group-membership.js';

const member = fc.record({ member: fc.string({ minLength: 1, maxLength: 8 }), topics: fc.constant(topics) });
const members = fc.uniqueArray(member, { selector: (one) => one.member, minLength: 1, maxLength: 9 });

describe('assignment of partitions to members', () => {
  it('gives each partition to one live member, evenly, and the same result for every member, in any order', () => {
    fc.assert(
      fc.property(members, fc.infiniteStream(fc.nat()), (live, order) => {
        const assigned = assign(live);
        expect(assigned.size).toBe(topics.length * partitionsPerTopic);
        const counts = live.map(({ member: name }) => [...assigned.values()].filter((one) => one === name).length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        const shuffled = live.map((one) => ({ one, at: order.next().value ?? 0 })).sort((a, b) => a.at - b.at);
        expect(assign(shuffled.map(({ one }) => one))).toEqual(assigned);
      }),
    );
  });

  it('never gives a topic to a member that does not read it', () => {
    const assigned = assign([
      { member: 'old', topics: ['readmit.intake.v1'] },
      { member: 'new', topics: ['readmit.intake.v1', 'readmit.audit.v1'] },
    ]);
    const of = (topic: string): (string | undefined)[] =>
      Array.from({ length: partitionsPerTopic }, (_, partition) => assigned.get(`${topic}/${partition}`));
    expect(of('readmit.audit.v1')).toEqual(['new', 'new', 'new', 'new']);
    expect(of('readmit.intake.v1')).toEqual(['old', 'old', 'old', 'old']);
  });

  it('assigns nothing when nobody lives', () => {
    expect(assign([]).size).toBe(0);
  });
});
