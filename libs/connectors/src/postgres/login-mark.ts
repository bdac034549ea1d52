/**
 * Marks on logins of a service account (COMMENT ON ROLE, in the transaction that changes the login), so that a login is found again after a
 * crash and under another name. Comments of others stay.
 */

/** On a login that a case creates: its case and account. Distinguishes it from a login with the same name that someone else created. */
export interface Mark {
  readonly caseId: string;
  readonly account: string;
}

/** On an old login: the end (VALID UNTIL) that a case set, and the previous one. */
export interface EndNote {
  readonly caseId: string;
  /** Instants as written by the target, or `none`. */
  readonly until: string;
  readonly was: string;
}

const markLine = /^readmit case=(\S+) account=(\S+)(?:\n|$)/;
const endLine = /^readmit-end case=(\S+) until=(\S+) was=(\S+)$/;

export function readMark(comment: string): Mark | undefined {
  const [, caseId, account] = markLine.exec(comment) ?? [];
  return caseId === undefined || account === undefined ? undefined : { caseId, account };
}

/** The case that took the login last, as stored in a plan: an undo can tell whether another case has taken it since. */
export const takenBy = (comment: string): string => readMark(comment)?.caseId.slice(0, 255) ?? 'none';

/** Sets the mark as the first line. */
export function withMark({ caseId, account }: Mark, comment: string): string {
  const line = `readmit case=${caseId} account=${account}`;
  const rest = comment.replace(markLine, '');
  return rest === '' ? line : `${line}\n${rest}`;
}

export function readEnd(comment: string): EndNote | undefined {
  for (const line of comment.split('\n')) {
    const [, caseId, until, was] = endLine.exec(line) ?? [];
    if (caseId !== undefined && until !== undefined && was !== undefined) return { caseId, until, was };
  }
  return undefined;
}

export const withoutEnd = (comment: string): string =>
  comment
    .split('\n')
    .filter((line) => !endLine.test(line))
    .join('\n');

/** Sets the note as the last line. */
export function withEnd({ caseId, until, was }: EndNote, comment: string): string {
  const line = `readmit-end case=${caseId} until=${until} was=${was}`;
  const rest = withoutEnd(comment);
  return rest === '' ? line : `${rest}\n${line}`;
}
