import { randomBytes } from 'node:crypto';
import { engineCrypto, type Change } from '@readmit/bus';
import type { EventData } from '@readmit/contracts';
import { codeOf } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';

type Opened = EventData<'readmit.case.opened'>;

/** What is drawn for one case. */
export interface DrawnCode {
  /** Absent for a case without a key: there is nothing to read out. */
  readonly codeNonce?: string;
  /** Other cases of the subject that were opened with the same key, the latest first. */
  readonly sameKey: readonly string[];
}
export interface CodePort {
  draw(opened: Opened): Promise<DrawnCode>;
}

/** Nonces of one drawing: that each of them gives a code that is taken is a fault of the random numbers, not of luck. */
const drawn = 8;
/** Cases with the same key that approvers are told. */
const mostNamed = 5;
const freshNonce = (): string => `nonce_${randomBytes(16).toString('base64url')}`;

/**
 * Draws nonces of spoken codes (R3.4). No two cases of a subject have one code: what is read out for one must never pass for another. Is asked
 * once the request is on record: its key is fixed by then, so nobody can search for a key with a code that was heard.
 */
export const caseCodes = (store: Pick<Store, 'query'>, newNonce: () => string = freshNonce): CodePort => ({
  async draw({ caseId, subject, caseKey }) {
    if (!caseKey) return { sameKey: [] };
    const byCode = new Map(
      Array.from({ length: drawn }, newNonce).map((nonce) => [codeOf(nonce, caseKey.fingerprint, engineCrypto), nonce] as const),
    );
    const [taken, same] = await Promise.all([
      store.query<{ code: string }>('SELECT code FROM case_code WHERE subject = $1 AND code = ANY($2) AND case_id <> $3', [
        subject.id,
        [...byCode.keys()],
        caseId,
      ]),
      store.query<{ case_id: string }>(
        'SELECT case_id FROM case_code WHERE subject = $1 AND fingerprint = $2 AND case_id <> $3 ORDER BY opened_at DESC LIMIT $4',
        [subject.id, caseKey.fingerprint, caseId, mostNamed],
      ),
    ]);
    for (const { code } of taken) byCode.delete(code);
    const [codeNonce] = byCode.values();
    if (codeNonce === undefined) throw new Error(`this is a bug: ${drawn} codes were drawn for ${caseId}, and each is another case's`);
    return { codeNonce, sameKey: same.map((row) => row.case_id) };
  },
});

/** Keys and codes of the transaction's cases, in one statement. A code that another case of the subject took meanwhile fails it: another is drawn. */
export async function saveCodes(tx: Tx, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap(({ key, facts, added }) => {
    const opened = facts.of('readmit.case.opened').find(({ data }) => data.caseId === key);
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
