import { partitionsPerTopic, retentionDays, topicOf, type ServiceName } from '@readmit/contracts';
import { isTransientSqlError, type Store } from '@readmit/store';
import { backoffMs, WakeUp } from '@readmit/platform';
import { KafkaError, type TopicRecord, type KafkaTopics } from '@readmit/bus';
import { verifyRecord, type KeyRing } from '@readmit/signing';

export interface OwnTopicOptions {
  readonly service: ServiceName;
  readonly environment: string;
  readonly ring: KeyRing;
  /** Of the service's own schema. */
  readonly store: Pick<Store, 'query'>;
  readonly topics: Pick<KafkaTopics, 'read' | 'ends'>;
  /** Told of an event that somebody else signed with the service's key. */
  readonly onForged: (says: string) => void;
}

/** The service's topic has an event of the service that its database does not have. */
export class TopicAheadError extends Error {
  constructor(service: ServiceName, record: TopicRecord) {
    const at = record.headers['ce_time'];
    super(
      `the topic of ${service} has an event that its database does not have: ${placeAndName(record)}. The database was restored from ` +
        `a backup older than that; continuing would repeat decisions that other services have received. Restore the database as it was after ${at}. ` +
        `If it was not restored, another process is signing with the key of ${service}: readmit key rotate --service ${service} --revoke. ` +
        `See docs/operations.md, Restoring a backup.`,
    );
    this.name = 'TopicAheadError';
  }
}

/** Records of a partition that are read at once, from its end. */
const pageSize = 200;
/** An event is timed before it is written, in one transaction; none lasts as long as this. */
const transactionMs = 10 * 60_000;

/**
 * Whether the database is at least as new as the topic: the newest event that this service signed must be in its outbox. Newest by signed
 * time and not by offset, because everyone who may write to the topic can repeat old records at its end; unsigned records do not count.
 * The topic is read first: what is on it was committed before. A database that holds something later than the unknown event is not older
 * than the topic: then another process signed that event.
 * @throws {TopicAheadError} it is not. @throws {KafkaError} the topic could not be read.
 */
export async function checkOwnTopic(options: OwnTopicOptions): Promise<void> {
  const { service, store, topics } = options;
  const topic = topicOf(service);
  const places = Array.from({ length: partitionsPerTopic }, (_, partition) => ({ topic, partition }));
  const [clock] = await store.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (!clock) throw new Error('this is a bug: the database gave no time');
  const ends = await topics.ends(places);
  let newest: TopicRecord[] = [];
  for (const { partition } of places) {
    const found = await newestSigned(options, partition, ends[partition] ?? 0n, clock.now);
    const ahead = timeOf(found) - timeOf(newest);
    if (ahead > 0) newest = found;
    else if (ahead === 0) newest.push(...found);
  }
  if (newest.length === 0) return;
  // Older than the retention of the outbox: it cannot be compared.
  if (timeOf(newest) < clock.now.getTime() - retentionDays * 86_400_000) return;
  const known = await idsInOutbox(store, timeOf(newest));
  const unknown = newest.find(({ headers }) => !known.has(headers['ce_id'] ?? ''));
  if (!unknown) return;
  if (!(await holdsLaterThan(store, timeOf(newest)))) throw new TopicAheadError(service, unknown);
  options.onForged(
    `${placeAndName(unknown)}, is signed with the key of ${service}, which did not publish it: the key is compromised. ` +
      `Rotate it: readmit key rotate --service ${service} --revoke`,
  );
}

const placeAndName = ({ topic, partition, offset, headers }: TopicRecord): string =>
  `${headers['ce_type']} ${headers['ce_id']} of ${headers['ce_time']}, ${topic} partition ${partition} offset ${offset}`;

/** Whether the database has anything later. A slow query, run only after an unknown event was found. */
async function holdsLaterThan(store: Pick<Store, 'query'>, at: number): Promise<boolean> {
  const [row] = await store.query<{ later: boolean }>(
    `SELECT EXISTS (SELECT FROM outbox WHERE written_at > $1) OR EXISTS (SELECT FROM fact WHERE at > $2) AS later`,
    [new Date(at), new Date(at).toISOString()],
  );
  return row?.later === true;
}

const timeOf = (records: readonly TopicRecord[]): number => Date.parse(records[0]?.headers['ce_time'] ?? '1970-01-01T00:00:00.000Z');

/** Of the last page that has any: an attacker can put any number of records behind them that count for nothing. */
async function newestSigned(
  { service, environment, ring, topics }: OwnTopicOptions,
  partition: number,
  end: bigint,
  now: Date,
): Promise<TopicRecord[]> {
  for (let to = end; to > 0n;) {
    const from = to > BigInt(pageSize) ? to - BigInt(pageSize) : 0n;
    const page = (await topics.read(topicOf(service), partition, from, pageSize)).filter(({ offset }) => offset < to);
    const signed = page.filter((record) => verifyRecord(record, { ring, environment, now }).ok);
    if (signed.length > 0) {
      const last = Math.max(...signed.map((record) => timeOf([record])));
      return signed.filter((record) => timeOf([record]) === last);
    }
    // Nothing is left before it: retention has deleted it.
    if (page.length === 0) return [];
    to = from;
  }
  return [];
}

async function idsInOutbox(store: Pick<Store, 'query'>, at: number): Promise<ReadonlySet<string>> {
  const rows = await store.query<{ id: string }>(
    `SELECT headers ->> 'ce_id' AS id FROM outbox
     WHERE written_at >= $1 AND written_at < $2 AND (headers ->> 'ce_time')::timestamptz = $3`,
    [new Date(at - 1_000), new Date(at + transactionMs), new Date(at)],
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * `checkOwnTopic`, retried while brokers or database are unreachable: a service must not publish before it knows.
 * @throws {TopicAheadError} for good. @throws {Error} the reason of the signal, when it is told to stop.
 */
export async function awaitOwnTopic(
  options: OwnTopicOptions & { readonly signal: AbortSignal; readonly onTrouble: (error: unknown) => void },
): Promise<void> {
  const { signal, onTrouble } = options;
  const wakeUp = new WakeUp();
  const ring = (): void => wakeUp.wake();
  signal.addEventListener('abort', ring);
  try {
    for (let failures = 0; ; failures++) {
      signal.throwIfAborted();
      try {
        return await checkOwnTopic(options);
      } catch (error) {
        if (!(error instanceof KafkaError) && !isTransientSqlError(error)) throw error;
        onTrouble(error);
        await wakeUp.wait(backoffMs(failures));
      }
    }
  } finally {
    signal.removeEventListener('abort', ring);
  }
}
