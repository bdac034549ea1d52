/**
 * What we write on logins of a service account (COMMENT ON ROLE, in the transaction that changes the login), so that it is found
 * again after a crash and under another name. What others wrote about the login stays.
 */

/** On a login that a case makes: its case and its account. A login of that name that somebody else made is not taken for it. */
export interface Mark {
  readonly caseId: string;
  readonly account: string;
}

/** On an old login: the end (VALID UNTIL) that a case set, and the one that it had before. */
export interface EndNote {
  readonly caseId: string;
  /** Instants as the target wrote them, or `none`. */
  readonly until: string;
  readonly was: string;
}

const markLine = /^readmit case=(\S+) account=(\S+)(?:\n|$)/;
const endLine = /^readmit-end case=(\S+) until=(\S+) was=(\S+)$/;

export function readMark(comment: string): Mark | undefined {
  const [, caseId, account] = markLine.exec(comment) ?? [];
  return caseId === undefined || account === undefined ? undefined : { caseId, account };
}

/** The case that took the login last, as a plan keeps it: whoever undoes later sees whether another case has taken it since. */
export const takenBy = (comment: string): string => readMark(comment)?.caseId.slice(0, 255) ?? 'none';

/** The mark as the first line. */
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

/** The note as the last line. */
export function withEnd({ caseId, until, was }: EndNote, comment: string): string {
  const line = `readmit-end case=${caseId} until=${until} was=${was}`;
  const rest = withoutEnd(comment);
  return rest === '' ? line : `${rest}\n${line}`;
}
