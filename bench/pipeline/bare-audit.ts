/** The log's rows without its hashes: leaf, event, checkpoint and watch of a batch, what is kept of its cases, and the Recorded that are said of it. */
import type { HeardRecord } from './bare-bus.js';
import { caseIdOf, readId, render, type Script } from './script.js';
import { sayEvent, type Writing } from './statement.js';
import { auditOcsfTopic, topicOf } from '@readmit/contracts';
import { packed } from '@readmit/store';
import { watchAfterSeconds } from '../../apps/audit/src/usecases/append-to-log.js';

/** As many bytes as the real ones have: a root, and the right edge of a tree of some thousand leaves. */
export const root = Buffer.alloc(32, 7);
export const frontier = Buffer.alloc(32 * 6, 7);

export function appendToLog(
  script: Script,
  writing: Writing,
  records: readonly HeardRecord[],
  { size }: { readonly size: number },
): { readonly parts: readonly string[]; readonly values: readonly unknown[]; readonly size: number } {
  const indices: number[] = [];
  const entries: Buffer[] = [];
  const ids: string[] = [];
  const topics: string[] = [];
  const headers: string[] = [];
  const watch = new Set<string>();
  const whose = new Map<string, string>();
  for (const record of records) {
    const id = record.headers['ce_id'] ?? '';
    const { n, k } = readId(id);
    const event = script.events[k];
    if (!event?.audit) throw new Error(`this is a bug: the log has no event ${k}`);
    indices.push(size + indices.length);
    entries.push(Buffer.from(render(event.audit.entry, n), 'utf8'));
    ids.push(id);
    topics.push(topicOf(event.service));
    headers.push(render(event.audit.headers, n));
    if (event.audit.watch) watch.add(caseIdOf(n));
    if (event.audit.whose) whose.set(caseIdOf(n), render(event.audit.whose, n));
    const { shown } = event.audit;
    writing.say(render(shown.key, n), render(shown.headers, n), render(shown.value, n), auditOcsfTopic);
    if (event.audit.recorded !== undefined) sayEvent(writing, script, event.audit.recorded, n);
  }
  const end = size + indices.length;
  const now = Date.now();
  const [packedEntries, packedHeaders] = [packed(entries), packed(headers)];
  const packedValues = packed(records.map(({ value }) => value));
  return {
    parts: [
      `l AS (INSERT INTO leaf (index, entry, event_id, topic, key, headers, value)
         SELECT index, substr($2::bytea, es, el), event_id, topic, key, convert_from(substr($6::bytea, hs, hl), 'UTF8')::json, substr($7::bytea, vs, vl)
         FROM unnest($1::bigint[], $3::text[], $4::text[], $5::text[], $18::int[], $19::int[], $20::int[], $21::int[], $22::int[], $23::int[])
           AS r (index, event_id, topic, key, es, el, hs, hl, vs, vl))`,
      `w AS (INSERT INTO case_watch (case_id, look_at) SELECT k, $13::timestamptz FROM unnest($14::text[]) k
         ON CONFLICT (case_id) DO UPDATE SET look_at = excluded.look_at
           WHERE case_watch.look_at IS NULL OR case_watch.look_at NOT BETWEEN $15::timestamptz AND excluded.look_at)`,
      `k AS (INSERT INTO case_whose (case_id, whose) SELECT * FROM unnest($16::text[], $17::json[])
         ON CONFLICT (case_id) DO UPDATE SET whose = excluded.whose)`,
      'c AS (INSERT INTO checkpoint (size, root, frontier, note, at) VALUES ($8, $9, $10, $11, $12))',
    ],
    values: [
      indices,
      packedEntries.bytes,
      ids,
      topics,
      records.map(({ key }) => key),
      packedHeaders.bytes,
      packedValues.bytes,
      end,
      root,
      frontier,
      script.note,
      new Date(now).toISOString(),
      new Date(now + 2_000 * watchAfterSeconds).toISOString(),
      [...watch].sort(),
      new Date(now + 1_000 * watchAfterSeconds).toISOString(),
      [...whose.keys()],
      [...whose.values()],
      ...[packedEntries, packedHeaders, packedValues].flatMap(({ starts, lengths }) => [starts, lengths]),
    ],
    size: end,
  };
}
