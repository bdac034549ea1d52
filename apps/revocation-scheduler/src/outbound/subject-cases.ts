import type { Change } from '@readmit/runtime';
import type { Store, Tx } from '@readmit/store';

/** Saves which cases of a subject are open, from their opening until intake closes them. At most one statement, none if nothing was opened or closed. */
export async function saveSubjectCases(tx: Tx, changes: readonly Change[]): Promise<void> {
  const relevant = changes.filter(({ added }) =>
    added.some(({ type }) => type === 'readmit.case.opened' || type === 'readmit.case.closed'),
  );
  if (relevant.length === 0) return;
  const closed = relevant.filter(({ facts }) => facts.has('readmit.case.closed')).map(({ key }) => key);
  const open = relevant.flatMap(({ key, facts }) => {
    const opened = facts.first('readmit.case.opened');
    return opened && !closed.includes(key) ? [{ key, subject: opened.data.subject.id }] : [];
  });
  await tx.query(
    `WITH closed AS (DELETE FROM subject_case WHERE case_id = ANY ($3::text[]))
     INSERT INTO subject_case (case_id, subject) SELECT c, s FROM unnest($1::text[], $2::text[]) AS r(c, s) ON CONFLICT DO NOTHING`,
    [open.map(({ key }) => key), open.map(({ subject }) => subject), closed],
  );
}

/** Cases of the subject that are not closed, by id. Intake limits how many there may be. */
export async function openCasesOf(store: Pick<Store, 'query'>, subject: string): Promise<readonly string[]> {
  const rows = await store.query<{ case_id: string }>('SELECT case_id FROM subject_case WHERE subject = $1 ORDER BY case_id', [subject]);
  return rows.map((row) => row.case_id);
}
