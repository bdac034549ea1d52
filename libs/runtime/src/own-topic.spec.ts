/** How a start waits for its own topic. What it finds there is proved on a real Kafka in test/kafka-own-topic.int.spec.ts. */
import { describe, expect, it } from '@jest/globals';
import { KeyRing, makeServiceKeys } from '@readmit/signing';
import { KafkaError } from '@readmit/bus';
import { awaitOwnTopic, type OwnTopicOptions } from './own-topic.js';

const away = new KafkaError('reading the ends of topics: connect ECONNREFUSED', false, false, undefined);
const notAllowed = new KafkaError('reading the ends of topics: TOPIC_AUTHORIZATION_FAILED', true, false, 'TOPIC_AUTHORIZATION_FAILED');

/** Fails with each of the errors in turn, then finds an empty topic. */
function stand(errors: readonly unknown[]) {
  const left = [...errors];
  const troubles: unknown[] = [];
  const stop = new AbortController();
  const options: OwnTopicOptions = {
    service: 'intake',
    environment: 'spec',
    ring: new KeyRing(makeServiceKeys(new Date(), ['intake']).list),
    store: { query: async <Row>() => [{ now: new Date() }] as Row[] },
    topics: {
      ends: async (places) => {
        if (left.length > 0) throw left.shift();
        return places.map(() => 0n);
      },
      read: async () => [],
    },
    onForged: (says) => troubles.push(says),
  };
  return { troubles, stop, wait: () => awaitOwnTopic({ ...options, signal: stop.signal, onTrouble: (error) => troubles.push(error) }) };
}

describe('a start', () => {
  it('R8.1 waits while the brokers are away or do not let it read, logs why, and continues when they do', async () => {
    const { wait, troubles } = stand([away, notAllowed, away]);
    await wait();
    expect(troubles).toEqual([away, notAllowed, away]);
  });

  it('ends when it is told to stop while it waits', async () => {
    const { wait, stop } = stand(Array<unknown>(1_000).fill(away));
    const waiting = wait();
    const reason = new Error('told to stop');
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('does not take an error of its own for brokers that are away', async () => {
    const bug = new TypeError('this is a bug');
    const { wait, troubles } = stand([bug]);
    await expect(wait()).rejects.toBe(bug);
    expect(troubles).toEqual([]);
  });
});
