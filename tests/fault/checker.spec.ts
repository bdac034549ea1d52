/** The checker finds each kind of planted violation, and nothing in the same run without it. */
import { describe, expect, it } from '@jest/globals';
import { check, type Entry, type Event, type Evidence, type Held, type Rule } from './checker.js';

const caseId = 'case_of_erin';
const at = (second: number): string => new Date(Date.UTC(2026, 10, 25, 12, 0, second)).toISOString();
const topicOf = (producer: string): string => `readmit.${producer}.v1`;
const obligation = { id: `${caseId}/obligation-1`, afterSeconds: 10 };

function event(second: number, producer: string, type: string, data: Readonly<Record<string, unknown>> = {}): Event {
  return {
    id: `${type} ${second}`,
    topic: topicOf(producer),
    key: caseId,
    type: `readmit.${type}`,
    at: at(second),
    data: { caseId, ...data },
  };
}
const life: readonly Event[] = [
  event(0, 'intake', 'case.opened', { asks: [{ kind: 'role.restore', object: 'erin' }] }),
  event(1, 'classification', 'case.classified'),
  event(2, 'classification', 'people.attested'),
  event(3, 'execution', 'plan.proposed'),
  event(4, 'approval', 'approval.granted', { obligations: [obligation] }),
  event(5, 'revocation-scheduler', 'obligation.recorded', { obligationId: obligation.id }),
  event(7, 'execution', 'execution.started'),
  event(8, 'execution', 'execution.succeeded'),
  event(17, 'revocation-scheduler', 'revocation.due', { obligationId: obligation.id }),
  event(19, 'execution', 'revocation.confirmed', { obligationId: obligation.id, how: 'undone' }),
  event(20, 'revocation-scheduler', 'obligation.discharged', { obligationId: obligation.id, how: 'undone' }),
  event(21, 'intake', 'case.closed', { outcome: 'completed' }),
];
const entriesOf = (events: readonly Event[]): readonly Entry[] => events.map((one, index) => ({ ...one, index }));
const recordedOf = (entry: Entry): Event => ({
  ...event(6, 'audit', 'audit.recorded', { eventId: entry.id, type: entry.type, index: entry.index }),
  id: `recorded ${entry.index}`,
});
const held: Held = { caseId, object: 'erin', mark: 'membership 7', seen: at(8), last: at(18), gone: true, renewable: false };

function run(events: readonly Event[] = life, changes: Partial<Evidence> = {}): Evidence {
  const log = entriesOf(events);
  return {
    verified: { ok: true, output: 'The log verifies.' },
    log,
    topics: [...events, ...log.slice(1, 6).map(recordedOf)],
    outbox: [...events, ...log.slice(1, 6).map(recordedOf)],
    held: [held],
    cases: [caseId],
    graceSeconds: 5,
    ...changes,
  };
}
const rules = (evidence: Evidence): readonly Rule[] => check(evidence).map(({ rule }) => rule);
const without = (type: string): readonly Event[] => life.filter((one) => one.type !== type);
const moved = (type: string, behind: string): readonly Event[] => {
  const one = life.find((each) => each.type === type);
  return without(type).flatMap((each) => (each.type === behind && one ? [each, one] : [each]));
};
const again = (type: string): readonly Event[] =>
  life.flatMap((one) => (one.type === type ? [one, { ...one, id: `${one.id} again` }] : [one]));

describe('the checker', () => {
  it('finds nothing in a correct run', () => {
    expect(check(run())).toEqual([]);
  });
  it('accepts a record that is on its topic twice: it has one effect', () => {
    const evidence = run();
    expect(check({ ...evidence, topics: [...evidence.topics, ...evidence.topics] })).toEqual([]);
  });
  it('accepts missing outboxes on the embedded bus, which has none', () => {
    expect(check(run(life, { outbox: undefined }))).toEqual([]);
  });
  it('accepts a bypass that was voided and issued again', () => {
    const first = { ...held, renewable: true, last: at(10) };
    expect(check(run(life, { held: [first, { ...first, mark: 'membership 8', seen: at(11), last: at(18) }] }))).toEqual([]);
  });

  const planted: readonly (readonly [string, Rule, Evidence])[] = [
    ['a log that does not verify', 'log-does-not-verify', run(life, { verified: { ok: false, output: 'entry 3 was altered' } })],
    [
      'an event on a topic that the log lacks',
      'event-lost',
      { ...run(), log: entriesOf(life).filter(({ type }) => type !== 'readmit.revocation.due') },
    ],
    [
      'an entry that is on no topic',
      'event-invented',
      { ...run(), topics: run().topics.filter(({ type }) => type !== 'readmit.revocation.due') },
    ],
    [
      'an event on a topic that no outbox has',
      'event-invented',
      { ...run(), outbox: (run().outbox ?? []).filter(({ type }) => type !== 'readmit.revocation.due') },
    ],
    [
      'an event of an outbox that is on no topic',
      'event-unsent',
      { ...run(), topics: run().topics.filter(({ id }) => id !== 'recorded 5') },
    ],
    [
      'an event of an outbox that is on another topic',
      'event-unsent',
      { ...run(), outbox: (run().outbox ?? []).map((one) => ({ ...one, topic: topicOf('intake') })) },
    ],
    [
      'an event that has two entries',
      'event-twice-in-log',
      { ...run(), log: [...run().log, { ...entriesOf(life).slice(-4)[0], index: 12 } as Entry] },
    ],
    [
      'a `recorded` event with another entry',
      'record-points-elsewhere',
      { ...run(), topics: run().topics.map((one) => (one.id === 'recorded 5' ? { ...one, data: { ...one.data, index: 6 } } : one)) },
    ],
    ['a case whose id was returned and that is lost', 'case-lost', run(life, { cases: [caseId, 'case_of_pat'] })],
    ['a case that does not end', 'case-without-end', run(without('readmit.case.closed'))],
    ['a start that was published twice', 'effect-repeated', run(again('readmit.execution.started'))],
    ['an undo that was confirmed twice', 'effect-repeated', run(again('readmit.revocation.confirmed'))],
    ['an obligation that was recorded twice', 'effect-repeated', run(again('readmit.obligation.recorded'))],
    [
      'a second grant at the target',
      'effect-repeated',
      run(life, {
        held: [
          { ...held, last: at(10) },
          { ...held, mark: 'membership 8', seen: at(11) },
        ],
      }),
    ],
    [
      'two bypasses at the same time',
      'effect-repeated',
      run(life, {
        held: [
          { ...held, renewable: true },
          { ...held, renewable: true, mark: 'membership 8', seen: at(11) },
        ],
      }),
    ],
    ['a grant at the target before its start was published', 'grant-without-start', run(life, { held: [{ ...held, seen: at(6) }] })],
    [
      'a grant at the target for an unknown case',
      'grant-without-start',
      run(life, { held: [held, { ...held, caseId: 'case_of_nobody' }] }),
    ],
    ['a start before its obligation', 'grant-before-obligation', run(moved('readmit.obligation.recorded', 'readmit.execution.started'))],
    ['a start without its obligation', 'grant-before-obligation', run(without('readmit.obligation.recorded'))],
    ['a start before audit recorded the plan', 'grant-before-record', run(moved('readmit.plan.proposed', 'readmit.execution.started'))],
    [
      'a start before audit recorded the obligation',
      'grant-before-record',
      { ...run(), topics: run().topics.filter(({ id }) => id !== 'recorded 5') },
    ],
    ['a grant that exists after its end and the grace period', 'grant-past-end', run(life, { held: [{ ...held, last: at(23) }] })],
    ['a grant that never ends', 'grant-not-ended', run(life, { held: [{ ...held, gone: false }] })],
    ['a grant that was seen after its revocation was confirmed', 'confirmed-while-held', run(life, { held: [{ ...held, last: at(20) }] })],
    ['a success that the target never showed', 'success-without-grant', run(life, { held: [] })],
    [
      'a message that was parked',
      'message-parked',
      run([...life, event(30, 'approval', 'approval.message-parked', { action: 'parked', reason: 'signature', says: 'not genuine' })]),
    ],
    [
      'a violation that audit found',
      'violation-found',
      run([...life, event(30, 'audit', 'violation.found', { rule: 'obligation-overdue', says: 'open' })]),
    ],
  ];
  it.each(planted)('finds %s (%s)', (_what, rule, evidence) => {
    expect(rules(evidence)).toContain(rule);
  });
  it('has a planted violation for every rule', () => {
    const known: Readonly<Record<Rule, true>> = {
      'log-does-not-verify': true,
      'event-lost': true,
      'event-invented': true,
      'event-unsent': true,
      'event-twice-in-log': true,
      'record-points-elsewhere': true,
      'case-lost': true,
      'case-without-end': true,
      'effect-repeated': true,
      'grant-without-start': true,
      'grant-before-obligation': true,
      'grant-before-record': true,
      'grant-past-end': true,
      'grant-not-ended': true,
      'confirmed-while-held': true,
      'success-without-grant': true,
      'message-parked': true,
      'violation-found': true,
    };
    expect([...new Set(planted.map(([, rule]) => rule))].sort()).toEqual(Object.keys(known).sort());
  });
});
