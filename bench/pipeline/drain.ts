/** When a slice is over: every consumer has taken everything that was said, and everything that was said is on its topic. */
import { auditOcsfTopic, services, topicOf, topics, type ServiceName } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import type { Admin } from 'kafkajs';
import type pg from 'pg';

/** Records that somebody has still to take, or to send. */
export type Lag = () => Promise<number>;

const patience = 120_000;
const lookEveryMs = 25;

export async function drained(lag: Lag): Promise<void> {
  for (const until = performance.now() + patience; ;) {
    const left = await lag();
    if (left === 0) return;
    if (performance.now() > until) throw new Error(`records are left behind: ${left}`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

const tablesSql = `SELECT coalesce(sum(behind), 0)::bigint AS lag FROM (${services
  .flatMap((reader) =>
    services.map(
      (producer) =>
        `SELECT sum(h.next_offset - p.next_offset) AS behind FROM ${schemaOf(reader)}.position p
         JOIN ${busSchema}.${tablesOfTopic(topicOf(producer)).head} h USING (partition) WHERE p.topic = '${topicOf(producer)}'`,
    ),
  )
  .join(' UNION ALL ')}) s`;

export const lagOfTables =
  (owner: pg.Client): Lag =>
  async () =>
    Number((await owner.query<{ lag: string }>(tablesSql)).rows[0]?.lag);

/** An outbox that nobody uses holds none. */
const outboxSql = `SELECT (${services.map((service) => `(SELECT count(*) FROM ${schemaOf(service)}.outbox)`).join(' + ')})::bigint AS said`;

/** By what the groups have committed. Fresh topics begin at 0, so their ends are numbers of records. */
export const lagOfKafka =
  (admin: Admin, owner: pg.Client, reads: Readonly<Record<ServiceName, readonly string[]>>): Lag =>
  async () => {
    const ends = new Map<string, number>();
    for (const topic of [...topics, auditOcsfTopic])
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) ends.set(`${topic}/${partition}`, Number(high));
    let lag = 0;
    for (const service of services.filter((one) => reads[one].length > 0)) {
      const committed = await admin.fetchOffsets({ groupId: service, topics: [...reads[service]] });
      for (const { topic, partitions } of committed)
        for (const { partition, offset } of partitions)
          lag += Math.max(0, (ends.get(`${topic}/${partition}`) ?? 0) - Math.max(0, Number(offset)));
    }
    if (lag > 0) return lag;
    const said = Number((await owner.query<{ said: string }>(outboxSql)).rows[0]?.said);
    return Math.max(0, said - [...ends.values()].reduce((sum, end) => sum + end, 0));
  };
