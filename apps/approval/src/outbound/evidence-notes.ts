import { engineCrypto } from '@readmit/signing';
import type { Change } from '@readmit/runtime';
import { proofDigest, proofContentOf } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';

/** The text of a proof, stored only here, on no topic; the fact carries its salted digest. */
export interface EvidenceNote {
  readonly caseId: string;
  readonly salt: string;
  readonly note: string;
}

/** Saves all notes of the transaction in one statement. A note belongs to the proof with its digest; the note of a refused proof is dropped. */
export async function saveNotes(tx: Tx, changes: readonly Change[]): Promise<void> {
  const notes = changes.flatMap((change) =>
    change.added.flatMap((fact) => {
      if (fact.type !== 'readmit.evidence.added') return [];
      const row = (change.rows as readonly EvidenceNote[]).find(
        (one) => proofDigest(proofContentOf(fact.data, one), engineCrypto) === fact.data.digest,
      );
      return row ? [{ ...row, evidenceId: fact.data.evidenceId }] : [];
    }),
  );
  if (notes.length === 0) return;
  await tx.query(
    'INSERT INTO evidence_note (evidence_id, case_id, salt, note) SELECT e, c, s, n FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS r(e, c, s, n)',
    [notes.map((row) => row.evidenceId), notes.map((row) => row.caseId), notes.map((row) => row.salt), notes.map((row) => row.note)],
  );
}

/** The texts of all proofs of a case, by the id of the proof. */
export async function notesOf(store: Pick<Store, 'query'>, caseId: string): Promise<ReadonlyMap<string, Omit<EvidenceNote, 'caseId'>>> {
  const rows = await store.query<{ evidence_id: string; salt: string; note: string }>(
    'SELECT evidence_id, salt, note FROM evidence_note WHERE case_id = $1',
    [caseId],
  );
  return new Map(rows.map(({ evidence_id, salt, note }) => [evidence_id, { salt, note }]));
}
