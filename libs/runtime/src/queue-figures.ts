import type { Store } from '@readmit/store';
import { lanes } from './service-definition.js';

/** What waits in the tables of a service, for any of its processes. */
export interface QueueFigures {
  /** Work that could be done now. */
  readonly workDue: number;
  readonly workRunning: number;
  /** Work that failed at its last try, was tried often, and is tried again: it is not due between two tries, so nothing else shows it. */
  readonly workFailing: number;
  /** Since when the oldest of the work that is due waits; 0: nothing does. */
  readonly oldestWorkSeconds: number;
  /** Parked messages by the reason why they could not be taken. */
  readonly parked: Readonly<Record<string, number>>;
}

/** Tries after which work counts as failing: with the pauses between them no short outage comes so far. */
const manyTries = 5;
const failing = `tries >= ${manyTries} AND last_error IS NOT NULL`;
/** No pause between two tries is longer; what is asked for a later day is not read. */
const longestPause = "interval '10 minutes'";

/** One statement that reads what waits alone, of each lane by itself: each part has a partial index, and what is done is never read. */
export async function queueFigures(store: Pick<Store, 'query'>): Promise<QueueFigures> {
  const [row] = await store.query<{
    due: number;
    running: number;
    failing: number;
    oldest: number | null;
    parked: Record<string, number> | null;
  }>(
    `SELECT (SELECT count(*) FROM work WHERE state = 'waiting' AND lane = ANY ($1::text[]) AND not_before <= statement_timestamp())::integer AS due,
      (SELECT count(*) FROM work WHERE state = 'running' AND stands_in_for IS NULL)::integer AS running,
      ((SELECT count(*) FROM work WHERE state = 'waiting' AND lane = ANY ($1::text[]) AND not_before <= statement_timestamp() + ${longestPause} AND ${failing})
        + (SELECT count(*) FROM work WHERE state = 'running' AND ${failing}))::integer AS failing,
      (SELECT extract(epoch FROM statement_timestamp() - min(first.at)) FROM unnest($1::text[]) AS l (lane)
        CROSS JOIN LATERAL (SELECT min(not_before) AS at FROM work w WHERE w.state = 'waiting' AND w.lane = l.lane) first)::float8 AS oldest,
      (SELECT jsonb_object_agg(reason, messages) FROM (
        SELECT reason, count(*)::integer AS messages FROM parked WHERE state = 'parked' GROUP BY reason) by_reason) AS parked`,
    [lanes],
  );
  return {
    workDue: row?.due ?? 0,
    workRunning: row?.running ?? 0,
    workFailing: row?.failing ?? 0,
    oldestWorkSeconds: Math.max(0, row?.oldest ?? 0),
    parked: row?.parked ?? {},
  };
}
