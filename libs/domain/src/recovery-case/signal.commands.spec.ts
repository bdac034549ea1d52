/** What a signal becomes: one event, once; never a case. */
import { describe, expect, it } from '@jest/globals';
import type { Fact, Signal } from '@readmit/contracts';
import { crypto } from '../../test/cast.js';
import type { Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { intakeProcess } from './intake.process.js';
import { announceParked, publishSignal, signalIdOf, signalKey, type Redriven } from './signal.commands.js';

const context = { now: new Date('2026-11-22T09:00:00.000Z'), key: 'signal:1' } as Context;
const lockout: Signal = {
  provider: 'acme',
  source: 'https://sso.example.com/realms/acme',
  id: 'lockout-1',
  kind: 'account-locked',
  subject: 'ada',
  occurredAt: '2026-11-22T08:59:58.000Z',
};
const idOf = (signal: Signal) => signalIdOf(signal, crypto.digest);
const said = (type: Fact['type'], data: object): Fact => ({ id: type, type, at: context.now.toISOString(), data }) as unknown as Fact;
const received = said('readmit.signal.received', { ...lockout, signalId: idOf(lockout) });
const publish = (signal: Signal, facts: readonly Fact[] = [], redriven?: Redriven) => {
  const outcome = publishSignal(signal, idOf(signal), redriven)(new Facts(facts), context);
  return outcome.refused ? `${outcome.rule} ${outcome.reason}` : { said: outcome.emit.map(({ type }) => type), ...outcome.reply };
};

describe('a signal', () => {
  it('R1.8 of a lockout is recorded for its subject and opens no case', () => {
    const outcome = publishSignal(lockout, idOf(lockout))(new Facts([]), context);
    expect(outcome).toEqual({
      emit: [
        {
          type: 'readmit.signal.received',
          key: 'subject:ada',
          data: { signalId: idOf(lockout), provider: 'acme', kind: 'account-locked', subject: 'ada', occurredAt: lockout.occurredAt },
        },
      ],
      work: [],
      reply: { repeated: false },
    });
  });

  it('R6.4 R1.8 of a compromise or an ended session asks for a freeze, once, and one of a lockout for nothing', () => {
    const asks = (signal: Signal, facts: readonly Fact[] = []) => {
      const outcome = publishSignal(signal, idOf(signal))(new Facts(facts), context);
      return outcome.refused ? outcome.reason : (outcome.work ?? []).map(({ id, kind }) => [kind, id]);
    };
    for (const kind of ['credential-compromised', 'session-revoked'] as const) {
      const signal = { ...lockout, kind };
      expect(asks(signal)).toEqual([['freeze', `signal:${idOf(signal)}/freeze`]]);
      expect(asks(signal, [{ ...received, data: { ...received.data, kind } } as Fact])).toEqual([]);
    }
    expect(asks(lockout)).toEqual([]);
  });

  it('R6.4 freezes in the lane that waits for nothing on the bus; a notice waits its turn', () => {
    const { freeze, notice } = intakeProcess.work;
    expect([freeze.lane, notice.lane ?? 'ordinary']).toEqual(['urgent', 'ordinary']);
  });

  it('R8.3 that comes again changes nothing, and it is said that it came again', () => {
    expect(publish(lockout, [received])).toEqual({ said: [], repeated: true });
  });

  it.each([
    ['subject', { subject: 'boris' }],
    ['kind', { kind: 'session-revoked' as const }],
    ['time', { occurredAt: '2026-11-22T08:59:59.000Z' }],
  ])('R8.3 whose source and id said another %s before is refused, and the first stays', (_what, changes) => {
    expect(publish({ ...lockout, ...changes }, [received])).toBe('R8.3 id-reused');
    expect(publish({ ...lockout, ...changes })).toEqual({ said: ['readmit.signal.received'], repeated: false });
  });

  it('R8.3 has an id by provider, source and id: none of the three alone makes it the same, and it is short whatever they are', () => {
    const ids = [lockout, { ...lockout, provider: 'okta' }, { ...lockout, source: 'urn:acme' }, { ...lockout, id: 'lockout-2' }].map(idOf);
    expect(new Set(ids).size).toBe(4);
    expect(idOf({ ...lockout, subject: 'boris' })).toBe(idOf(lockout));
    expect(signalKey(idOf({ ...lockout, provider: 'a'.repeat(63), id: 'ñ'.repeat(256) }))).toMatch(/^signal:a{63}:[0-9a-f]{32}$/);
  });

  it('R8.3 that an operator re-drives is recorded with who did it, once', () => {
    const redriven: Redriven = { parkedId: 'parked_1', by: 'olga', topic: 'readmit.signals.acme.v1', reason: 'too-old', says: 'old' };
    expect(publish(lockout, [], redriven)).toEqual({
      said: ['readmit.signal.received', 'readmit.intake.message-parked'],
      repeated: false,
    });
    const announced = said('readmit.intake.message-parked', { parkedId: 'parked_1', action: 'redriven' });
    expect(publish(lockout, [received, announced], redriven)).toEqual({ said: [], repeated: true });
  });
});

describe('a signal that cannot be taken', () => {
  const data = {
    key: 'parked_1',
    parkedId: 'parked_1',
    topic: 'readmit.signals.acme.v1',
    reason: 'unknown-type',
    says: 'the type is none of readmit.idp.*',
    action: 'parked' as const,
  };
  it('R8.3 is announced once, however often its record is read', () => {
    const first = announceParked(data)(new Facts([]), context);
    expect(first).toEqual({ emit: [{ type: 'readmit.intake.message-parked', key: 'parked_1', data }], reply: { repeated: false } });
    const announced = said('readmit.intake.message-parked', data);
    expect(announceParked(data)(new Facts([announced]), context)).toEqual({ emit: [], reply: { repeated: true } });
  });
});
