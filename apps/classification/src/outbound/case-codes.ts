import { randomBytes } from 'node:crypto';
import { Gathering } from '@readmit/platform';
import { engineCrypto } from '@readmit/signing';
import type { Change } from '@readmit/runtime';
import type { EventData } from '@readmit/contracts';
import { codeOf, type DrawnCode } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';

type Opened = EventData<'readmit.case.opened'>;

export interface CodePort {
  draw(opened: Opened): Promise<DrawnCode>;
}

/** At most this many other cases with the same key are reported to approvers. */
const maxSameKey = 5;
/** At most this many concurrent draws share a query. */
const maxBatch = 256;
const freshNonce = (): string => `nonce_${randomBytes(16).toString('base64url')}`;

/**
 * Draws the nonces of call-back codes (R3.4). Only after the request is recorded: its key is fixed by then, so nobody can search for a key
 * that gives a code they overheard. A unique index ensures that no two cases of a subject have the same code; on a conflict another nonce
 * is drawn.
 */
export function caseCodes(store: Pick<Store, 'query'>, newNonce: () => string = freshNonce): CodePort {
  const sameKey = new Gathering<{ readonly caseId: string; readonly subject: string; readonly fingerprint: string }, readonly string[]>(
    maxBatch,
    async (cases) => {
      const rows = await store.query<{ same: readonly string[] }>(
        `SELECT ARRAY(SELECT c.case_id FROM case_code c WHERE c.subject = asked.subject AND c.fingerprint = asked.fingerprint
           AND c.case_id <> asked.case_id ORDER BY c.opened_at DESC LIMIT $4) AS same
         FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (case_id, subject, fingerprint, at) ORDER BY asked.at`,
        [cases.map(({ caseId }) => caseId), cases.map(({ subject }) => subject), cases.map(({ fingerprint }) => fingerprint), maxSameKey],
      );
      return rows.map(({ same }) => same);
    },
  );
  return {
    async draw({ caseId, subject, caseKey }) {
      if (!caseKey) return { sameKey: [] };
      const same = await sameKey.add({ caseId, subject: subject.id, fingerprint: caseKey.fingerprint });
      return { codeNonce: newNonce(), sameKey: same };
    },
  };
}

/** Saves keys and codes of the transaction's cases in one statement. It fails if another case of the subject took the code meanwhile: then another is drawn. */
export async function saveCodes(tx: Tx, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap(({ key, facts, added }) => {
    const opened = facts.first('readmit.case.opened');
    const caseKey = opened?.data.caseKey;
    if (!caseKey || !added.some(({ type }) => type === 'readmit.case.opened' || type === 'readmit.case.classified')) return [];
    const nonce = facts.first('readmit.case.classified')?.data.codeNonce;
    const code = nonce === undefined ? null : codeOf(nonce, caseKey.fingerprint, engineCrypto);
    return [{ key, subject: opened.data.subject.id, fingerprint: caseKey.fingerprint, at: opened.at, code }];
  });
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO case_code (case_id, subject, fingerprint, opened_at, code)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
     ON CONFLICT (case_id) DO UPDATE SET code = coalesce(excluded.code, case_code.code)`,
    [
      rows.map((row) => row.key),
      rows.map((row) => row.subject),
      rows.map((row) => row.fingerprint),
      rows.map((row) => row.at),
      rows.map((row) => row.code),
    ],
  );
}
