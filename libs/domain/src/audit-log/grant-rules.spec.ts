/** Grants that must not be executed, one thing wrong at a time; the genuine case is the control. */
import { describe, expect, it } from '@jest/globals';
import type { EventData, Fact } from '@readmit/contracts';
import { caseId, found, genuine, grant, replaced, said, seconds, zero } from '../../test/genuine-case.js';

type Classified = EventData<'readmit.case.classified'>;
function classified(over: {
  readonly ceiling?: Partial<Classified['ceiling']>;
  readonly requirements?: Partial<Classified['requirements']>;
}): Fact {
  const fact = genuine.find((one) => one.type === 'readmit.case.classified');
  if (fact?.type !== 'readmit.case.classified') throw new Error('not classified');
  return {
    ...fact,
    data: {
      ...fact.data,
      ceiling: { ...fact.data.ceiling, ...over.ceiling },
      requirements: { ...fact.data.requirements, ...over.requirements },
    },
  };
}
const withProof = (facts: readonly Fact[], over: Partial<EventData<'readmit.evidence.added'>>): Fact[] =>
  facts.map((fact) => (fact.type === 'readmit.evidence.added' ? { ...fact, data: { ...fact.data, ...over } } : fact));
const rulesOf = (facts: readonly Fact[], at = 200): readonly string[] => found(facts, at).map(({ rule }) => rule);
/** The facts with one more before the execution started. */
const beforeStart = (...more: readonly Fact[]): Fact[] => {
  const start = genuine.findIndex((fact) => fact.type === 'readmit.execution.started');
  return [...genuine.slice(0, start), ...more, ...genuine.slice(start)];
};

describe('what was granted', () => {
  it.each([
    ['a step', { steps: [] }, 'R2.1 plan-above-ceiling'],
    ['an entitlement', { entitlements: [] }, 'R2.1 plan-above-ceiling'],
    ['a duration', { maxDurationSeconds: 59 }, 'R4.5 duration-above-ceiling'],
  ])('R2.1 finds a plan with %s above the ceiling of its case', (_what, ceiling, why) => {
    expect(found(replaced(classified({ ceiling })))).toMatchObject([
      { rule: 'plan-above-ceiling', index: 5, why: expect.stringContaining(why) },
    ]);
    expect(rulesOf(replaced(classified({ ceiling: { maxDurationSeconds: 60 } })))).toEqual([]);
  });

  it.each([
    ['of that kind', { kind: 'ticket', assurance: 3, maxAgeSeconds: 900 }],
    ['of that assurance', { kind: 'call-back', assurance: 4, maxAgeSeconds: 900 }],
    ['of that age', { kind: 'call-back', assurance: 3, maxAgeSeconds: 2 }],
  ] as const)('R3.1 finds a grant without a proof %s when it was granted', (_what, need) => {
    const asking = (needs: Classified['requirements']['evidence']): Fact[] =>
      // Valid for no longer than the policy allows.
      withProof(replaced(classified({ requirements: { evidence: needs } })), { staleAt: seconds(3 + (needs[0]?.maxAgeSeconds ?? 0)) });
    expect(found(asking([need]))).toMatchObject([{ rule: 'evidence-missing', index: 5 }]);
    expect(rulesOf(asking([{ kind: 'call-back', assurance: 3, maxAgeSeconds: 3 }]))).toEqual([]);
  });

  it('R4.5 finds a grant without a ticket where the policy asked for one', () => {
    expect(found(replaced(classified({ requirements: { ticket: true } })))).toMatchObject([
      { rule: 'evidence-missing', index: 5, why: expect.stringContaining('R4.5 ticket-missing') },
    ]);
    expect(rulesOf(replaced(classified({ requirements: { ticket: false } })))).toEqual([]);
  });

  it('R3.1 one proof serves one need, and a stale one serves none', () => {
    const need = { kind: 'call-back', assurance: 3, maxAgeSeconds: 900 } as const;
    expect(rulesOf(replaced(classified({ requirements: { evidence: [need, need] } })))).toEqual(['evidence-missing']);
    const facts = replaced(classified({ requirements: { evidence: [need] } }));
    expect(rulesOf(withProof(facts, { staleAt: seconds(5) }))).toEqual(['evidence-missing']);
    expect(rulesOf(facts)).toEqual([]);
  });
});

describe('a start', () => {
  const frozen = (at: number): Fact => said('readmit.case.frozen', at, { caseId, by: 'ada', cause: 'repudiated' });
  const contained = (at: number): Fact => said('readmit.containment.ordered', at, { caseId, by: 'olga' });
  const due = (at: number): Fact =>
    said('readmit.revocation.due', at, { caseId, obligationId: 'obligation_1', cause: 'ended-by-person', by: 'erin' });

  it.each([
    ['R6.4', 'freeze', frozen],
    ['R6.6', 'containment', contained],
    ['R6.4', 'due revocation', due],
  ])('%s finds an execution that started after a %s was said', (_id, _what, stop) => {
    expect(found(beforeStart(stop(-24)))).toMatchObject([
      { rule: 'started-after-stop', index: 8, why: expect.stringContaining('(entry 7) had been emitted before') },
    ]);
    // Both were emitted at nearly the same time: execution had not received it yet, and the undo follows.
    expect(rulesOf(beforeStart(stop(-23)))).toEqual([]);
    expect(rulesOf([...genuine, stop(9)])).toEqual([]);
    // The order in the log is up to audit: an earlier event counts even if it was logged later.
    expect(rulesOf([...genuine, stop(-24)])).toEqual(['started-after-stop']);
  });
});

describe('a case', () => {
  it('R4.4 is opened once: another request under its name is found, the same event again is only a repetition', () => {
    const again = said(
      'readmit.case.opened',
      5,
      { ...(genuine[0]?.data as EventData<'readmit.case.opened'>), reasonDigest: zero },
      'event_other',
    );
    expect(found([...genuine, again])).toMatchObject([
      { rule: 'opened-twice', index: 9, why: expect.stringContaining('already has a readmit.case.opened at entry 0') },
    ]);
    expect(rulesOf(genuine)).toEqual([]);
    expect(rulesOf([...genuine, ...genuine.slice(0, 1)])).toEqual(['event-repeated']);
  });

  it('R4.4 is granted once: another grant is found, started or not', () => {
    const again: Fact = { ...grant({ grantId: 'grant_2' }), id: 'event_other' };
    expect(found([...genuine, again])).toMatchObject([{ rule: 'granted-twice', index: 9 }]);
    expect(rulesOf(genuine)).toEqual([]);
  });
});
