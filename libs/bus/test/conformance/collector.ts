import type { Tx } from '@readmit/store';
import { setTimeout as delay } from 'node:timers/promises';
import { KafkaError } from '../../src/kafka/kafka-error.js';
import type { Subscription, TopicRecord } from '../../src/port.js';
import { isStaleOwner } from '../../src/stale-owner-error.js';

export interface CollectorOptions {
  readonly subscription: Subscription;
  readonly transaction: <R>(work: (tx: Tx) => Promise<R>) => Promise<R>;
  /** Told of each batch that was committed. */
  readonly onBatch: (records: readonly TopicRecord[]) => void;
  readonly max?: number;
}

/** A reader that commits each batch, until its subscription closes or fails. Resolves with the failure, if any. */
export async function collect({ subscription, transaction, onBatch, max = 100 }: CollectorOptions): Promise<unknown> {
  try {
    for (;;) {
      const batch = await subscription.next(max);
      if (!batch) return undefined;
      await transaction((tx) => batch.commit(tx));
      await batch.afterCommit();
      onBatch(batch.records);
    }
  } catch (error) {
    return error;
  }
}

/**
 * Continues, as the engine does, where what is being worked on at a hand-over cannot be committed, and where Kafka refuses: a broker that has
 * just started may not know the user yet. Resolves when the subscription closes, or with another failure.
 */
export async function collectOn(options: CollectorOptions): Promise<unknown> {
  for (;;) {
    const failure = await collect(options);
    if (!isStaleOwner(failure) && !(failure instanceof KafkaError)) return failure;
    // A pause, so that a failure that stays does not keep the event loop to itself.
    await delay(20);
  }
}

/** What several readers got, and a way to wait for it without asking again and again. */
export class Received {
  readonly by = new Map<string, TopicRecord[]>();
  private readonly waiting = new Set<() => void>();

  add(reader: string, records: readonly TopicRecord[]): void {
    this.by.set(reader, [...(this.by.get(reader) ?? []), ...records]);
    for (const look of [...this.waiting]) look();
  }

  of(reader: string): readonly TopicRecord[] {
    return this.by.get(reader) ?? [];
  }

  get texts(): readonly string[] {
    return [...this.by.values()].flat().map(textOf);
  }

  /** Fails with what came when the condition is not met in time. */
  async until(condition: () => boolean, what: string, timeoutMs = 240_000): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`waited ${timeoutMs} ms in vain until ${what}; received: ${this.texts.join(' ')}`));
      }, timeoutMs);
      this.waiting.add(look);
    });
  }
}

export const textOf = (record: TopicRecord): string => record.value.toString('utf8');
