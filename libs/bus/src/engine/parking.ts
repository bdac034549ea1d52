/** Where messages that cannot be taken stay with their bytes: they park alone, visibly, and what needs them waits (R8.3). */
import type { Draft } from '@readmit/contracts';
import type { Tx } from '@readmit/store';
import type { TopicRecord } from '../port.js';
import type { Parked, ParkedMessages } from '../service-definition.js';
import { engineTypes } from './aggregate.js';
import { HandlerFailed, messageOf } from './blame.js';
import { claimedType, hearAll, isPoison, keysOfHeard, type Inbox, type Poison } from './inbox.js';
import type { Pass } from './pass.js';
import type { Transactor } from './transact.js';

const identifier = /^[A-Za-z0-9._:/@-]{1,128}$/;
/** Bytes of strangers may be anything; columns hold no U+0000 and no half of a pair. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();
const sentence = (text: string): string => storable(text).slice(0, 500).toWellFormed() || 'nothing was said';

interface ParkedRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly event_id: string | null;
  readonly type: string | null;
  readonly headers: Record<string, string>;
  readonly value: Buffer;
  readonly reason: string;
  readonly says: string;
  readonly parked_at: Date;
  readonly state: Parked['state'];
}
const columns = 'id, topic, partition, "offset", key, event_id, type, headers, value, reason, says, parked_at, state';

/**
 * Parks the messages with the transaction and has the pass announce those that were not parked before. Called before the
 * pass's events are signed.
 */
export async function park(tx: Tx, pass: Pass, poison: readonly Poison[], newId: () => string): Promise<number> {
  if (poison.length === 0) return 0;
  const rows = poison.map(({ record, reason, says }) => ({
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
    says: sentence(says),
  }));
  const parked = await tx.query<{ id: string }>(
    `INSERT INTO parked (id, topic, partition, "offset", key, event_id, type, headers, value, reason, says)
     SELECT id, topic, partition, "offset", key, event_id, type, headers, decode(value, 'base64'), reason, says
     FROM jsonb_to_recordset($1) AS p (id text, topic text, partition integer, "offset" bigint, key text, event_id text, type text, headers jsonb, value text, reason text, says text)
     ON CONFLICT ON CONSTRAINT a_message_parks_once DO NOTHING RETURNING id`,
    [JSON.stringify(rows)],
  );
  const fresh = new Set(parked.map(({ id }) => id));
  for (const row of rows) if (fresh.has(row.id)) pass.announce(announcement(pass, row, { action: 'parked' }), {});
  return fresh.size;
}

function announcement(
  pass: Pass,
  row: { readonly id: string; readonly key: string; readonly topic: string; readonly reason: string; readonly says: string },
  what: { readonly action: 'parked' | 'redriven' | 'discarded'; readonly by?: string },
): Draft {
  const key = identifier.test(row.key) ? row.key : row.id;
  return {
    type: engineTypes(pass.service).parked,
    key,
    data: { key, parkedId: row.id, topic: row.topic, reason: row.reason, says: sentence(row.says), ...what },
  };
}

export class ParkedStore implements ParkedMessages {
  constructor(
    private readonly transactor: Transactor,
    private readonly inbox: Inbox,
  ) {}

  async list({ state, limit }: { readonly state?: Parked['state']; readonly limit?: number }): Promise<readonly Parked[]> {
    const rows = await this.transactor.options.store.query<ParkedRow>(
      `SELECT ${columns.replace('headers, value', `'{}'::jsonb AS headers, ''::bytea AS value`)} FROM parked WHERE $1::text IS NULL OR state = $1 ORDER BY parked_at DESC, id LIMIT $2`,
      [state ?? null, Math.min(limit ?? 100, 1000)],
    );
    return rows.map(summaryOf);
  }

  async show(id: string): Promise<Parked | undefined> {
    const [row] = await this.transactor.options.store.query<ParkedRow>(`SELECT ${columns} FROM parked WHERE id = $1`, [id]);
    return row && { ...summaryOf(row), headers: row.headers, bytes: row.value.toString('base64') };
  }

  /** Re-driven: verified anew (any age) and taken through the batch path. Still refused: it stays, with the new reason. */
  async settle(id: string, action: 'redrive' | 'discard', by: string): Promise<Parked | undefined> {
    if (!identifier.test(by)) throw new RangeError(`not an id of who settles it: ${JSON.stringify(by)}`);
    const [row] = await this.transactor.options.store.query<ParkedRow>(`SELECT ${columns} FROM parked WHERE id = $1`, [id]);
    if (row?.state !== 'parked') return row && summaryOf(row);
    const record: TopicRecord = {
      topic: row.topic,
      partition: row.partition,
      offset: BigInt(row.offset),
      key: row.key,
      headers: row.headers,
      value: row.value,
    };
    const read = action === 'redrive' ? this.inbox.read(record, this.transactor.now(), true) : undefined;
    if (read && isPoison(read)) return this.again(row, read.reason, read.says);
    const state = action === 'redrive' ? 'redriven' : 'discarded';
    try {
      await this.transactor.run({
        keys: () => (read ? keysOfHeard([read]) : []),
        check: async (tx) =>
          (await tx.query(`UPDATE parked SET state = $2, tries = tries + 1 WHERE id = $1 AND state = 'parked' RETURNING id`, [id, state]))
            .length > 0,
        decide: (pass) => {
          if (read) hearAll(pass, [read]);
          pass.announce(announcement(pass, row, { action: state, by }), {});
        },
      });
    } catch (error) {
      if (error instanceof HandlerFailed) return this.again(row, 'handler-failed', messageOf(error));
      throw error;
    }
    return this.show(id);
  }

  private async again(row: ParkedRow, reason: string, says: string): Promise<Parked | undefined> {
    await this.transactor.options.store.query(
      `UPDATE parked SET reason = $2, says = $3, tries = tries + 1 WHERE id = $1 AND state = 'parked'`,
      [row.id, reason, sentence(says)],
    );
    return this.show(row.id);
  }
}

function summaryOf(row: ParkedRow): Parked {
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
