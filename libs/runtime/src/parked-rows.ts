/** The table of parked messages, for everything that takes messages: engines and audit's writer of the log. */
import { isEventType } from '@readmit/contracts';
import type { Store, Tx } from '@readmit/store';
import type { TopicRecord } from '@readmit/bus';
import type { Log } from '@readmit/platform';
import type { Parked, ParkedFilter } from './service-definition.js';

/** On record as who has parked messages tried again when a later key list names their key. No operator: what has ended has ended. */
export const byKeyList = 'key-list';

/** A message that cannot be taken, and why. */
export interface RefusedMessage {
  readonly record: TopicRecord;
  readonly reason: string;
  readonly message: string;
}
export const isRefused = <Message extends object>(read: Message | RefusedMessage): read is RefusedMessage => 'reason' in read;

/** Bytes of strangers may be anything; columns hold no U+0000 and no half of a pair. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();
export const sentence = (text: string): string => storable(text).slice(0, 500).toWellFormed() || 'no reason given';

const columns = 'id, topic, partition, "offset", key, event_id, type, reason, says, parked_at, state';
interface ParkedRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly event_id: string | null;
  readonly type: string | null;
  readonly reason: string;
  readonly says: string;
  readonly parked_at: Date;
  readonly state: Parked['state'];
}

/** The event type that a record claims, unverified, for operators. */
const claimedType = (record: TopicRecord): string | null => {
  const type = record.headers['ce_type'];
  return type !== undefined && isEventType(type) ? type : null;
};

/** Parks the messages with their bytes; returns those that had not been parked before. */
export async function parkMessages(
  tx: Tx,
  refused: readonly RefusedMessage[],
  newId: () => string,
): Promise<
  readonly { readonly id: string; readonly topic: string; readonly key: string; readonly reason: string; readonly says: string }[]
> {
  if (refused.length === 0) return [];
  const rows = refused.map(({ record, reason, message }) => ({
    id: `parked_${newId()}`,
    topic: record.topic,
    partition: record.partition,
    offset: String(record.offset),
    key: storable(record.key),
    event_id: storable(record.headers['ce_id'] ?? '') || null,
    type: claimedType(record),
    headers: Object.fromEntries(Object.entries(record.headers).map(([name, value]) => [storable(name), storable(value)])),
    value: record.value.toString('base64'),
    reason,
    says: sentence(message),
  }));
  return tx.query(
    `INSERT INTO parked (id, topic, partition, "offset", key, event_id, type, headers, value, reason, says)
     SELECT id, topic, partition, "offset", key, event_id, type, headers, decode(value, 'base64'), reason, says
     FROM jsonb_to_recordset($1) AS p (id text, topic text, partition integer, "offset" bigint, key text, event_id text, type text, headers jsonb, value text, reason text, says text)
     ON CONFLICT ON CONSTRAINT a_message_parks_once DO NOTHING RETURNING id, topic, key, reason, says`,
    [JSON.stringify(rows)],
  );
}

export function logParked(log: Pick<Log, 'warn'>, service: string, refused: readonly RefusedMessage[]): void {
  for (const { record, reason, message } of refused) {
    const { topic, partition, offset } = record;
    log.warn({ service, topic, partition, offset: String(offset), reason, says: message }, 'message parked');
  }
}

export async function listParked(store: Pick<Store, 'query'>, { state, reason, limit, skip }: ParkedFilter): Promise<readonly Parked[]> {
  const rows = await store.query<ParkedRow>(
    `SELECT ${columns} FROM parked WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR reason = $2)
     ORDER BY parked_at DESC, id LIMIT $3 OFFSET $4`,
    [state ?? null, reason ?? null, Math.min(limit ?? 100, 1000), skip ?? 0],
  );
  return rows.map(parkedOf);
}

export async function showParked(
  source: Pick<Store, 'query'> | Tx,
  id: string,
): Promise<{ readonly parked: Parked; readonly record: TopicRecord } | undefined> {
  const [row] = await source.query<ParkedRow & { headers: Record<string, string>; value: Buffer }>(
    `SELECT ${columns}, headers, value FROM parked WHERE id = $1`,
    [id],
  );
  if (!row) return undefined;
  const { topic, partition, key, headers, value } = row;
  return {
    parked: { ...parkedOf(row), headers, bytes: value.toString('base64') },
    // It had come when it was parked: that is what counts against the end of its key.
    record: {
      ...{ topic, partition, offset: BigInt(row.offset), key, headers, value, arrivedAt: row.parked_at.getTime() },
      // Its bytes are those of a batch: read as a message they could say anything.
      ...(row.reason === 'undecodable' ? { undecodable: row.says } : {}),
    },
  };
}

/** Whether it was parked until now. */
export async function settleParked(tx: Tx, id: string, state: 'redriven' | 'discarded'): Promise<boolean> {
  return (
    (await tx.query(`UPDATE parked SET state = $2, tries = tries + 1 WHERE id = $1 AND state = 'parked' RETURNING id`, [id, state]))
      .length > 0
  );
}

/** It was tried again and still cannot be taken. */
export async function stillParked(store: Pick<Store, 'query'>, id: string, reason: string, says: string): Promise<void> {
  await store.query(`UPDATE parked SET reason = $2, says = $3, tries = tries + 1 WHERE id = $1 AND state = 'parked'`, [
    id,
    reason,
    sentence(says),
  ]);
}

function parkedOf(row: ParkedRow): Parked {
  return {
    id: row.id,
    topic: row.topic,
    partition: row.partition,
    offset: String(row.offset),
    key: row.key,
    eventId: row.event_id,
    type: row.type,
    reason: row.reason,
    says: row.says,
    parkedAt: row.parked_at.toISOString(),
    state: row.state,
  };
}
