/** The message loop over the providers' topics, without a database: what happens when a rule throws, and how it stops. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { HandlerFailed, MessageLoop, type RefusedMessage } from '@readmit/runtime';
import { signalGroup, type Signal } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { SignalConsumer, type SignalConsumerOptions } from '../src/inbound/signal-consumer.js';
import { SignalIntake } from '../src/usecases/signal-intake.js';
import { ProviderTopics } from './provider-topics.js';

const topic = 'readmit.signals.acme.v1';
const now = new Date('2026-11-22T09:00:00.000Z');
const lockout = (id: string) => ({
  headers: {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: 'urn:acme',
    ce_type: 'readmit.idp.account-locked',
    ce_subject: 'ada',
    ce_time: '2026-11-22T08:59:58Z',
  },
  value: Buffer.alloc(0),
});

let loop: MessageLoop;
afterEach(() => loop.stop());

/** Parses as intake does; recording and parking are the spec's. */
function consume(topics: ProviderTopics, record: (signal: Signal) => Promise<void>) {
  const reader = new SignalIntake({
    commands: { command: () => Promise.reject(new Error('not used')), facts: () => Promise.reject(new Error('not used')) },
    providers: new Map([['acme', []]]),
    now: () => now,
    newId: () => 'id',
  });
  const parked: RefusedMessage[] = [];
  const logged: string[] = [];
  const note = (_fields: object, message: string): void => void logged.push(message);
  const signals: SignalConsumerOptions['signals'] = {
    readRecord: (one) => reader.readRecord(one),
    idOf: (signal) => reader.idOf(signal),
    record: async (signal) => {
      await record(signal);
      return { signalId: reader.idOf(signal), repeated: false };
    },
    park: async (message) => void parked.push(message),
  };
  const log = { info: note, warn: note, error: note };
  loop = new MessageLoop(
    {
      service: 'intake',
      bus: topics,
      group: signalGroup,
      topics: [topic],
      member: 'spec',
      log,
      counters: { batches: 0, messages: 0 },
      now: () => now,
    },
    new SignalConsumer({ signals, log }),
  );
  loop.startInBackground();
  return { parked, logged };
}

describe('a signal for which a rule throws', () => {
  it('R8.3 is parked alone, with the error; the offset moves on', async () => {
    const topics = new ProviderTopics();
    const recorded: string[] = [];
    for (const id of ['s-1', 's-2', 's-3']) topics.write(topic, lockout(id));
    const { parked } = consume(topics, async ({ id }) => {
      if (id === 's-2') throw new HandlerFailed('command publish-signal: this is a bug');
      recorded.push(id);
    });
    await until(() => topics.position === 3, { what: 'the offset has moved' });
    expect(recorded).toEqual(['s-1', 's-3']);
    expect(parked.map(({ record, reason, message }) => [record.offset, reason, message])).toEqual([
      [1n, 'handler-failed', 'command publish-signal: this is a bug'],
    ]);
  });

  it('R8.1 is not parked during an outage: it is retried until it is stored (the control)', async () => {
    const topics = new ProviderTopics();
    topics.write(topic, lockout('s-1'));
    let tries = 0;
    const { parked, logged } = consume(topics, async () => {
      if (++tries < 4) throw new Error('the database is down');
    });
    await until(() => topics.position === 1, { what: 'the offset has moved' });
    expect([tries, parked.length]).toEqual([4, 0]);
    expect(logged).toEqual(Array(3).fill('could not persist a batch; retrying'));
  });
});

describe('a batch', () => {
  it('R8.3 keeps the order of records of one signal, and does not wait for others', async () => {
    const topics = new ProviderTopics();
    const begun: string[] = [];
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    for (const id of ['s-1', 's-1', 's-2']) topics.write(topic, lockout(id));
    consume(topics, async ({ id }) => {
      begun.push(id);
      if (begun.length === 1) await gate;
    });
    await until(() => begun.includes('s-2'), { what: 'the other signal has begun' });
    expect(begun).toEqual(['s-1', 's-2']);
    release();
    await until(() => topics.position === 3, { what: 'all are stored' });
    expect(begun).toEqual(['s-1', 's-2', 's-1']);
  });

  it('R8.1 that is being processed when the consumer stops is finished and confirmed; nothing is read after it', async () => {
    const topics = new ProviderTopics();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const recorded: string[] = [];
    topics.write(topic, lockout('s-1'));
    consume(topics, async ({ id }) => {
      recorded.push(id);
      await gate;
    });
    await until(() => recorded.length === 1, { what: 'it is being processed' });
    const stopped = loop.stop();
    topics.write(topic, lockout('s-2'));
    expect([topics.position, topics.open]).toEqual([0, 1]);
    release();
    await stopped;
    expect([topics.position, topics.open, recorded]).toEqual([1, 0, ['s-1']]);
  });
});

describe('the topics', () => {
  it.each(['subscribe', 'next'] as const)('R8.1 are read again after %s failed, with nothing lost', async (what) => {
    const topics = new ProviderTopics();
    topics.broken = { [what]: new Error('the broker is down') };
    topics.write(topic, lockout('s-1'));
    const { logged } = consume(topics, async () => {});
    await until(() => logged.length >= 3, { what: 'it was tried three times' });
    topics.broken = {};
    await until(() => topics.position === 1, { what: 'the signal is recorded' });
  });
  it('R8.1 that cannot be read do not prevent a stop', async () => {
    const topics = new ProviderTopics();
    topics.broken = { subscribe: new Error('not authorized') };
    const { logged } = consume(topics, async () => {});
    await until(() => logged.length >= 1, { what: 'it was tried' });
    await loop.stop();
    expect(topics.open).toBe(0);
  });
});
