import type { Change } from '@readmit/runtime';
import type { EventType, FactOf, StateFilter } from '@readmit/contracts';
import { caseRow, readersOf, type CaseRow } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';
import { boundsOf, subjectBound } from './open-cases.js';
import { rowsOf } from './intake-row.js';

/** What people wrote about a case: why it was requested, and why it was repudiated. Can be erased. */
export interface CaseTexts {
  readonly salt: string;
  readonly reason: string;
  readonly repudiation?: { readonly by: string; readonly at: string; readonly reason: string };
}
/** Saves the ledger rows of a batch, in at most three statements, whatever the number of cases. */
export async function saveLedger(tx: Tx, changes: readonly Change[]): Promise<void> {
  const cases = changes.flatMap((change) => {
    const view = caseRow(change.facts);
    return view ? [{ view, change }] : [];
  });
  if (cases.length > 0) {
    const readers = cases.filter(({ change }) => adds(change, 'readmit.case.opened', 'readmit.case.classified', 'readmit.people.attested'));
    const read = readers.flatMap(({ view, change }) => readersOf(change.facts).map((person) => ({ person, view })));
    const opened = cases.filter(({ view, change }) => view.state !== 'closed' && adds(change, 'readmit.case.opened'));
    const bounds = opened.flatMap(({ view, change }) => {
      const data = change.facts.first('readmit.case.opened')?.data;
      return (data ? boundsOf(data) : []).map(({ bound }) => ({ bound, view }));
    });
    await tx.query(
      `WITH readers AS (
         INSERT INTO case_reader (person, opened_at, case_id)
         SELECT p, o, c FROM unnest($7::text[], $8::timestamptz[], $9::text[]) AS r(p, o, c) ORDER BY p, o, c ON CONFLICT DO NOTHING),
       opened AS (
         INSERT INTO open_case (bound, case_id) SELECT b, c FROM unnest($10::text[], $11::text[]) AS r(b, c) ORDER BY b, c ON CONFLICT DO NOTHING),
       closed AS (DELETE FROM open_case WHERE case_id = ANY ($12::text[]))
       INSERT INTO case_ledger (case_id, version, state, subject, opened_at, view)
       SELECT c, v, s, u, o, w FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[]) AS r(c, v, s, u, o, w) ORDER BY c
       ON CONFLICT (case_id) DO UPDATE SET version = excluded.version, state = excluded.state, view = excluded.view`,
      [
        cases.map(({ view }) => view.caseId),
        cases.map(({ view }) => view.version),
        cases.map(({ view }) => view.state),
        cases.map(({ view }) => view.subject.id),
        cases.map(({ view }) => view.openedAt),
        cases.map(({ view }) => JSON.stringify(view)),
        read.map(({ person }) => person),
        read.map(({ view }) => view.openedAt),
        read.map(({ view }) => view.caseId),
        bounds.map(({ bound }) => bound),
        bounds.map(({ view }) => view.caseId),
        cases.filter(({ change }) => adds(change, 'readmit.case.closed')).map(({ view }) => view.caseId),
      ],
    );
  }
  await saveTexts(tx, changes);
}

const adds = ({ added }: Change, ...types: readonly EventType[]): boolean => added.some(({ type }) => types.includes(type));

async function saveTexts(tx: Tx, changes: readonly Change[]): Promise<void> {
  const words = changes.flatMap((change) =>
    rowsOf(change).flatMap((row) => (row.kind === 'words' ? [{ ...row, caseId: change.key }] : [])),
  );
  if (words.length > 0)
    await tx.query(
      // A repeated request has a new salt: the first text stays, because its digest is in the log.
      `INSERT INTO case_words (case_id, salt, reason) SELECT c, s, w FROM unnest($1::text[], $2::text[], $3::text[]) AS r(c, s, w)
       ON CONFLICT (case_id) DO NOTHING`,
      [words.map((row) => row.caseId), words.map((row) => row.salt), words.map((row) => row.reason)],
    );
  const repudiated = changes.flatMap((change) =>
    rowsOf(change).flatMap((row) => {
      if (row.kind !== 'repudiation') return [];
      // A repeated repudiation emits nothing: here, too, the first text stays.
      const frozen = change.added.find((fact) => fact.type === 'readmit.case.frozen' && fact.data.reasonDigest === row.digest);
      return frozen ? [{ ...row, caseId: change.key, at: frozen.at, by: (frozen as FactOf<'readmit.case.frozen'>).data.by }] : [];
    }),
  );
  if (repudiated.length > 0)
    await tx.query(
      `INSERT INTO case_repudiation (case_id, salt, reason, by, at)
       SELECT c, s, w, b, a FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS r(c, s, w, b, a)
       ON CONFLICT (case_id) DO NOTHING`,
      [
        repudiated.map((row) => row.caseId),
        repudiated.map((row) => row.salt),
        repudiated.map((row) => row.reason),
        repudiated.map((row) => row.by),
        repudiated.map((row) => row.at),
      ],
    );
}

export class Ledger {
  constructor(private readonly store: Store) {}

  /** Newest first. `before`: the id of the last case of the previous page. `reader`: only cases that this person may read. */
  async list(filter: {
    state?: StateFilter | undefined;
    subject?: string | undefined;
    before?: string | undefined;
    reader?: string | undefined;
    limit: number;
  }): Promise<CaseRow[]> {
    const where: string[] = [];
    const values: unknown[] = [filter.limit];
    const bind = (value: unknown): string => `$${values.push(value)}`;
    // Ordered by the table whose index has this order: a person's cases, or all.
    const by = filter.reader === undefined ? 'l' : 'r';
    if (filter.reader !== undefined) where.push(`r.person = ${bind(filter.reader)}`);
    if (filter.state === 'open') where.push(`l.state <> 'closed'`);
    else if (filter.state) where.push(`l.state = ${bind(filter.state)}`);
    if (filter.subject) where.push(`l.subject = ${bind(filter.subject)}`);
    // A subject may have many closed cases; the few open ones have their own index.
    if (filter.subject && filter.state === 'open')
      where.push(`l.case_id IN (SELECT case_id FROM open_case WHERE bound = ${bind(subjectBound(filter.subject))})`);
    if (filter.before)
      where.push(`(${by}.opened_at, ${by}.case_id) < (SELECT opened_at, case_id FROM case_ledger WHERE case_id = ${bind(filter.before)})`);
    const rows = await this.store.query<{ view: CaseRow }>(
      `SELECT l.view FROM case_ledger l ${filter.reader === undefined ? '' : 'JOIN case_reader r ON r.case_id = l.case_id'}
       ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY ${by}.opened_at DESC, ${by}.case_id DESC LIMIT $1`,
      values,
    );
    return rows.map((row) => row.view);
  }
  async texts(caseIds: readonly string[]): Promise<ReadonlyMap<string, CaseTexts>> {
    const rows = await this.store.query<{ case_id: string; salt: string; reason: string; by: string | null; at: Date; why: string }>(
      `SELECT w.case_id, w.salt, w.reason, r.by, r.at, r.reason AS why
       FROM case_words w LEFT JOIN case_repudiation r ON r.case_id = w.case_id WHERE w.case_id = ANY ($1)`,
      [caseIds],
    );
    return new Map(
      rows.map(({ case_id: caseId, salt, reason, by, at, why }) => [
        caseId,
        { salt, reason, ...(by === null ? {} : { repudiation: { by, at: at.toISOString(), reason: why } }) },
      ]),
    );
  }
}
