import type { Change } from '@readmit/bus';
import type { CaseState } from '@readmit/contracts';
import { caseRow, type Facts } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';
import { rowsOf } from './rows.js';

/** The requester's words: kept here and on no topic; CaseOpened carries their salted digest. */
export interface CaseWords {
  readonly kind: 'words';
  readonly salt: string;
  readonly reason: string;
}
/** A case as lists show it. */
export type LedgerView = Omit<NonNullable<ReturnType<typeof caseRow>>, 'opened'> & {
  readonly caseId: string;
  readonly version: number;
  readonly subject: { readonly kind: 'person' | 'machine'; readonly id: string };
  readonly requester: { readonly kind: 'anonymous' | 'person'; readonly id?: string };
  readonly asks: readonly unknown[];
  readonly reasonCode: string;
  readonly ticket?: string;
  readonly openedAt: string;
};

/** The ledger of a batch: at most two statements, whatever the number of cases. */
export async function saveLedger(tx: Tx, changes: readonly Change[]): Promise<void> {
  const views = changes.flatMap(({ facts }) => viewOf(facts) ?? []);
  if (views.length > 0)
    await tx.query(
      `INSERT INTO case_ledger (case_id, version, state, subject, opened_at, view)
       SELECT c, v, s, u, o, w FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[]) AS r(c, v, s, u, o, w) ORDER BY c
       ON CONFLICT (case_id) DO UPDATE SET version = excluded.version, state = excluded.state, view = excluded.view`,
      [
        views.map((v) => v.caseId),
        views.map((v) => v.version),
        views.map((v) => v.state),
        views.map((v) => v.subject.id),
        views.map((v) => v.openedAt),
        views.map((v) => JSON.stringify(v)),
      ],
    );
  const words = changes.flatMap((change) =>
    rowsOf(change).flatMap((row) => (row.kind === 'words' ? [{ ...row, caseId: change.key }] : [])),
  );
  if (words.length > 0)
    await tx.query(
      // A repeated request brings its words again: those of the first count, their digest is in the log.
      `INSERT INTO case_words (case_id, salt, reason) SELECT c, s, w FROM unnest($1::text[], $2::text[], $3::text[]) AS r(c, s, w)
       ON CONFLICT (case_id) DO NOTHING`,
      [words.map((row) => row.caseId), words.map((row) => row.salt), words.map((row) => row.reason)],
    );
}

/** The case as these facts tell it; undefined: they do not say who asked. */
export function viewOf(facts: Facts): LedgerView | undefined {
  const row = caseRow(facts);
  if (!row) return undefined;
  const { opened, ...rest } = row;
  const { caseId, subject, requester, asks, reasonCode, ticket } = opened.data;
  // The version is the number of facts: it grows with every fact and is the same for the same set.
  return {
    ...rest,
    caseId,
    version: facts.all.length,
    subject,
    requester,
    asks,
    reasonCode,
    openedAt: opened.at,
    ...(ticket === undefined ? {} : { ticket }),
  };
}

export class Ledger {
  constructor(private readonly store: Store) {}

  /** Newest first; `before` is the id of the last case of the page before. */
  async list(filter: {
    state?: CaseState | undefined;
    subject?: string | undefined;
    before?: string | undefined;
    limit: number;
  }): Promise<LedgerView[]> {
    const where: string[] = [];
    const values: unknown[] = [filter.limit];
    const bind = (value: unknown): string => `$${values.push(value)}`;
    if (filter.state) where.push(`state = ${bind(filter.state)}`);
    if (filter.subject) where.push(`subject = ${bind(filter.subject)}`);
    if (filter.before)
      where.push(`(opened_at, case_id) < (SELECT opened_at, case_id FROM case_ledger WHERE case_id = ${bind(filter.before)})`);
    const rows = await this.store.query<{ view: LedgerView }>(
      `SELECT view FROM case_ledger ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY opened_at DESC, case_id DESC LIMIT $1`,
      values,
    );
    return rows.map((row) => row.view);
  }
  async show(caseId: string): Promise<LedgerView | undefined> {
    return (await this.store.query<{ view: LedgerView }>('SELECT view FROM case_ledger WHERE case_id = $1', [caseId]))[0]?.view;
  }
  async words(caseIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.store.query<{ case_id: string; reason: string }>(
      'SELECT case_id, reason FROM case_words WHERE case_id = ANY($1)',
      [caseIds],
    );
    return new Map(rows.map((row) => [row.case_id, row.reason]));
  }
}
