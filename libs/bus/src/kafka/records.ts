import { messageOf } from '@readmit/platform';
import { betweenValues } from '@readmit/contracts';
import type { IHeaders, Message } from 'kafkajs';
import { partitionOf } from '../partition-of.js';
import type { OutgoingRecord, TopicRecord } from '../port.js';

/** A message as kafkajs gives it. */
export interface KafkaMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders | undefined;
  /** Milliseconds since the epoch. */
  readonly timestamp?: string;
  /** kafkajs hands it on and does not declare it. `undecodable` is of our patch: the message stands for a batch that could not be decoded. */
  readonly batchContext?: { readonly timestampType?: number; readonly undecodable?: unknown; readonly firstOffset?: string };
}

/** Of a batch whose timestamps the broker set (LogAppendTime, as our topics are made); else the producer did, and it says nothing. */
const byBroker = 1;

/** Total: a message without key, value or headers is a record that verification refuses, and so it parks like any other. */
export function toTopicRecord(
  topic: string,
  partition: number,
  { offset, key, value, headers, timestamp, batchContext }: KafkaMessage,
): TopicRecord {
  const texts: Record<string, string> = {};
  for (const [name, given] of Object.entries(headers ?? {})) {
    // A name that came more than once is an array. To take one of its values would be to choose what the message says.
    texts[name] = [given]
      .flat()
      .map((one) => one?.toString('utf8') ?? '')
      .join(betweenValues);
  }
  return {
    topic,
    partition,
    offset: BigInt(offset),
    key: key?.toString('utf8') ?? '',
    headers: texts,
    value: value ?? Buffer.alloc(0),
    ...(batchContext?.undecodable === undefined ? {} : { undecodable: whyNot(offset, batchContext) }),
    ...(timestamp !== undefined && batchContext?.timestampType === byBroker ? { arrivedAt: Number(timestamp) } : {}),
  };
}

function whyNot(last: string, { firstOffset = last, undecodable }: NonNullable<KafkaMessage['batchContext']>): string {
  const why = messageOf(undecodable);
  return `the batch of offsets ${firstOffset} to ${last} cannot be decoded: ${why}; have its producer send it again, smaller or with another compression`;
}

export const toMessage = ({ key, headers, value }: OutgoingRecord): Message & { readonly partition: number } => ({
  key,
  value,
  headers: { ...headers },
  partition: partitionOf(key),
});

/** Bytes of the record on the wire, a little more rather than less. */
export function sizeOf({ key, headers, value }: Pick<OutgoingRecord, 'key' | 'headers' | 'value'>): number {
  let bytes = value.length + key.length * 2 + 64;
  for (const [name, text] of Object.entries(headers)) bytes += name.length + text.length + 8;
  return bytes;
}
