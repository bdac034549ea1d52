import type { Change, ServiceDefinition } from '@readmit/bus';
import { approvalReact } from '@readmit/domain';
import type { Tx } from '@readmit/store';

/** Words of a proof, kept here and on no topic; the fact carries their salted digest. */
export interface EvidenceNote {
  readonly caseId: string;
  readonly salt: string;
  readonly note: string;
}

/** One statement for all notes of the transaction. */
async function saveNotes(tx: Tx, changes: readonly Change[]): Promise<void> {
  const notes = changes.flatMap((change) => {
    const added = change.added.find((fact) => fact.type === 'readmit.evidence.added');
    return added?.type === 'readmit.evidence.added'
      ? (change.rows as readonly EvidenceNote[]).map((row) => ({ ...row, evidenceId: added.data.evidenceId }))
      : [];
  });
  if (notes.length === 0) return;
  await tx.query(
    'INSERT INTO evidence_note (evidence_id, case_id, salt, note) SELECT e, c, s, n FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS r(e, c, s, n)',
    [notes.map((row) => row.evidenceId), notes.map((row) => row.caseId), notes.map((row) => row.salt), notes.map((row) => row.note)],
  );
}

export const approvalDefinition: ServiceDefinition = {
  name: 'approval',
  consumes: [
    'readmit.case.opened',
    'readmit.case.classified',
    'readmit.people.attested',
    'readmit.plan.proposed',
    'readmit.plan.refused',
    'readmit.case.frozen',
    'readmit.containment.ordered',
    'readmit.deadline.reached',
  ],
  react: approvalReact,
  work: {},
  save: saveNotes,
  wakes: 'deadline',
};
