import { describe, expect, it } from '@jest/globals';
import type { ConsumerRunConfig, EachBatchPayload, Kafka } from 'kafkajs';
import { EventEmitter } from 'node:events';
import { GroupMember } from './group-member.js';

const topic = 'readmit.intake.v1';
const batch = (from: number): EachBatchPayload =>
  ({
    batch: { topic, partition: 0, messages: [{ offset: String(from) }] },
    heartbeat: () => Promise.resolve(),
  }) as unknown as EachBatchPayload;

/** What kafkajs tells and asks its user, in an order of the spec's choice. */
class SimulatedConsumer extends EventEmitter {
  readonly events = {
    HEARTBEAT: 'heartbeat',
    FETCH_START: 'fetching',
    FETCH: 'fetch',
    REBALANCING: 'rebalancing',
    GROUP_JOIN: 'join',
    CRASH: 'crash',
  };
  readonly sought: unknown[] = [];
  private eachBatch: ConsumerRunConfig['eachBatch'];
  connect = (): Promise<void> => Promise.resolve();
  subscribe = (): Promise<void> => Promise.resolve();
  disconnect = (): Promise<void> => Promise.resolve();
  seek = (to: unknown): void => void this.sought.push(to);
  run = ({ eachBatch }: ConsumerRunConfig): Promise<void> => {
    this.eachBatch = eachBatch;
    this.joins();
    return Promise.resolve();
  };
  joins(): void {
    this.emit('join', { payload: { memberId: 'member-1', memberAssignment: { [topic]: [0, 1] } } });
  }
  gives(from: number): Promise<void> | undefined {
    return this.eachBatch?.(batch(from));
  }
}

async function joined() {
  const consumer = new SimulatedConsumer();
  const assigned: string[] = [];
  const arrived: string[] = [];
  let over: Error | undefined;
  const member = await GroupMember.join({
    client: { consumer: () => consumer } as unknown as Kafka,
    group: 'classification',
    topics: [topic],
    sessionTimeoutMs: 10_000,
    onAssigned: (places, continuous) => {
      assigned.push(`${places.map(({ partition }) => partition).join(' ')} ${continuous ? 'continuous' : 'restarted'}`);
      return [];
    },
    onRebalancing: () => undefined,
    onBatch: ({ batch: { messages } }) => {
      arrived.push(...messages.map(({ offset }) => offset));
      return Promise.resolve();
    },
    onTrouble: (error) => {
      throw error;
    },
    closing: new Promise(() => undefined),
  });
  void member.ended.then((error) => (over = error));
  return { consumer, member, assigned, arrived, over: () => over };
}

describe('a member of a consumer group', () => {
  it.each([
    ['in the middle of fetching', []],
    // The coordinator was away, so kafkajs continues with the assignment that it has.
    ['in the middle of fetching, left so by a rebalance that it could not join', ['rebalancing', 'fetching']],
  ])('R8.1 ends when it joins again %s, and gives nothing of what was on its way', async (_when, before) => {
    const { consumer, member, assigned, arrived } = await joined();
    await consumer.gives(0);
    for (const event of before) consumer.emit(event, { payload: {} });
    consumer.joins();
    expect(await member.ended).toMatchObject({ message: expect.stringContaining('rejoining') });
    // From another broker than the one whose partition has moved, asked for before.
    await consumer.gives(300);
    expect(assigned).toEqual(['0 1 restarted', ' restarted']);
    expect(arrived).toEqual(['0']);
    await member.close();
  });

  it('R8.1 lives on when it joins again after its fetches have ended, and gives what comes', async () => {
    const { consumer, member, assigned, arrived, over } = await joined();
    await consumer.gives(0);
    consumer.emit('rebalancing', { payload: {} });
    consumer.joins();
    await consumer.gives(1);
    expect(over()).toBeUndefined();
    expect(assigned).toEqual(['0 1 restarted', '0 1 restarted']);
    expect(arrived).toEqual(['0', '1']);
    await member.close();
  });
});
