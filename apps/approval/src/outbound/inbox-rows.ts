import { engineCrypto } from '@readmit/signing';
import type { Change } from '@readmit/runtime';
import type { EventType, Fact } from '@readmit/contracts';
import { Facts, instant, waitingIn, type Crypto, type Waiting } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';

/** Events that change for whom a case waits. */
const relevant: ReadonlySet<EventType> = new Set<EventType>([
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.plan.proposed',
  'readmit.plan.refused',
  'readmit.evidence.added',
  'readmit.approval.requested',
  'readmit.decision.recorded',
  'readmit.approval.granted',
  'readmit.approval.denied',
  'readmit.approval.expired',
  'readmit.approval.withdrawn',
  'readmit.case.frozen',
  'readmit.containment.ordered',
]);

/** Saves for whom the transaction's cases wait now, in one statement, whatever their number. A case without a plan waits for nobody. */
export async function saveInbox(tx: Tx, changes: readonly Change[], now: Date): Promise<void> {
  const changed = changes.filter(({ facts, added }) => facts.has('readmit.plan.proposed') && added.some(({ type }) => relevant.has(type)));
  if (changed.length === 0) return;
  const rows = changed.flatMap(({ key, facts }) => waitingIn(facts, now, engineCrypto).map((one) => ({ ...one, key })));
  await tx.query(
    `WITH now AS (SELECT p, d, c, f, u FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::timestamptz[]) AS r(p, d, c, f, u)),
     gone AS (
       DELETE FROM inbox_item WHERE case_id = ANY ($1::text[]) AND (person, deadline, case_id, shows_from) NOT IN (SELECT p, d, c, f FROM now))
     INSERT INTO inbox_item AS i (person, deadline, case_id, shows_from, shows_until) SELECT p, d, c, f, u FROM now ORDER BY p, d, c, f
     ON CONFLICT (person, deadline, case_id, shows_from) DO UPDATE SET shows_until = excluded.shows_until
     WHERE i.shows_until <> excluded.shows_until`,
    [
      changed.map(({ key }) => key),
      rows.map(({ person }) => person),
      rows.map(({ deadline }) => instant(deadline)),
      rows.map(({ key }) => key),
      rows.map(({ from }) => instant(from)),
      rows.map(({ until }) => instant(until)),
    ],
  );
}

/** A case that waits for a person, with its facts. */
export interface Waits {
  readonly caseId: string;
  readonly facts: Facts;
  readonly waiting: Waiting;
}
/** Where a page ends. */
export interface Cursor {
  readonly deadline: string;
  readonly caseId: string;
}

/** Rows that the facts do not confirm are skipped; a page is filled up with at most this many queries. */
const maxQueries = 4;

/** What waits for the person, the nearest deadline first. `next`: there may be more after it. */
export async function inboxOf(
  store: Pick<Store, 'query'>,
  crypto: Crypto,
  {
    person,
    after,
    limit,
    now,
  }: { readonly person: string; readonly after: Cursor | undefined; readonly limit: number; readonly now: Date },
): Promise<{ readonly waits: readonly Waits[]; readonly next: Cursor | undefined }> {
  const waits: Waits[] = [];
  let next = after;
  for (let queries = 0; queries < maxQueries && waits.length < limit; queries++) {
    const missing = limit - waits.length;
    const rows = await store.query<{ deadline: Date; case_id: string }>(
      `SELECT deadline, case_id FROM inbox_item
       WHERE person = $1 AND shows_from <= $2 AND shows_until > $2 AND (deadline, case_id) > ($3, $4) ORDER BY deadline, case_id LIMIT $5`,
      [person, instant(now), next?.deadline ?? '-infinity', next?.caseId ?? '', missing],
    );
    const cases = await factsOf(
      store,
      rows.map((row) => row.case_id),
    );
    for (const { case_id: caseId } of rows) {
      const facts = cases.get(caseId) ?? new Facts([]);
      const waiting = waitingIn(facts, now, crypto).find((one) => one.person === person && one.from <= now && now < one.until);
      if (waiting) waits.push({ caseId, facts, waiting });
    }
    const last = rows.at(-1);
    if (!last || rows.length < missing) return { waits, next: undefined };
    next = { deadline: instant(last.deadline), caseId: last.case_id };
  }
  return { waits, next };
}

async function factsOf(store: Pick<Store, 'query'>, caseIds: readonly string[]): Promise<ReadonlyMap<string, Facts>> {
  const rows = await store.query<Fact & { readonly key: string }>('SELECT key, id, type, at, data FROM fact WHERE key = ANY ($1)', [
    caseIds,
  ]);
  return new Map([...Map.groupBy(rows, ({ key }) => key)].map(([key, facts]) => [key, new Facts(facts)]));
}
