/** Questions about an obligation, their answers, and the discharge. */
import type { EventData, EventType, Fact, FactOf } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { Facts } from './facts.js';
import { answerOf, dischargeOf, questionsAbout, isAnswered, latestQuestion, openQuestions } from './questions.js';

let count = 0;
const said = <T extends EventType>(type: T, data: Partial<EventData<T>> = {}, second = ++count): FactOf<T> =>
  ({
    id: `event_${String(++count).padStart(4, '0')}`,
    type,
    at: new Date(second * 1000).toISOString(),
    data: { caseId: 'case_1', obligationId: 'one', ...data },
  }) as unknown as FactOf<T>;
const due = (data: Partial<EventData<'readmit.revocation.due'>> = {}, second?: number) => said('readmit.revocation.due', data, second);
const answer = (answers: string | undefined, data: Partial<EventData<'readmit.revocation.confirmed'>> = {}) =>
  said('readmit.revocation.confirmed', { ...(answers === undefined ? {} : { answers }), ...data });
const of = (...facts: readonly unknown[]): Facts => new Facts(facts as readonly Fact[]);

describe('a question about an obligation', () => {
  const [first, second, other] = [due(), due(), due({ obligationId: 'two' })];

  it('R6.3 is the latest that was asked about it', () => {
    expect(questionsAbout(of(second, other, first), 'one')).toEqual([first, second]);
    expect(latestQuestion(of(second, other, first), 'one')).toEqual(second);
  });

  it('R6.3 is answered by what names it, of the same case and obligation alone', () => {
    const right = answer(second.id);
    expect(answerOf(of(second, right), second)).toEqual(right);
    for (const wrong of [
      answer(undefined),
      answer(first.id),
      answer(second.id, { caseId: 'case_2' }),
      answer(second.id, { obligationId: 'two' }),
    ])
      expect(isAnswered(of(first, second, wrong), second)).toBe(false);
  });

  it('R6.3 is open while it is the latest and not answered', () => {
    const open = (...facts: readonly unknown[]): readonly string[] => openQuestions(of(...facts)).map(({ id }) => id);
    expect(open(first, second, other)).toEqual([second.id, other.id]);
    expect(open(first, second, other, answer(first.id))).toEqual([second.id, other.id]);
    expect(open(first, second, other, answer(second.id), answer(other.id))).toEqual([other.id]);
    expect(open(other, answer(other.id, { obligationId: 'two' }))).toEqual([]);
  });
});

describe('what the scheduler concluded', () => {
  it('R6.3 stands until it asks again; of one instant the ids tell which was said first', () => {
    const before = due({}, 5);
    const ended = said('readmit.obligation.discharged', {}, 5);
    const again = due({}, 5);
    expect(dischargeOf(of(before, ended), 'one')).toEqual(ended);
    expect(dischargeOf(of(before, ended, again), 'one')).toBeUndefined();
    expect(dischargeOf(of(ended), 'one')).toEqual(ended);
    expect(dischargeOf(of(ended), 'two')).toBeUndefined();
  });
});
