/**
 * What we write on a login that a case makes (COMMENT ON ROLE, in the transaction that makes it): its case, its account, and how
 * the case shortened the life of the old login. So the login is found again after a crash and under another name, and a login of
 * that name that somebody else made is not taken for it.
 */
export interface Mark {
  readonly caseId: string;
  readonly account: string;
  /** VALID UNTIL that the case set at the old login. */
  readonly shortened?: { readonly oid: string; readonly until: string };
}

const first = /^readmit case=(\S+) account=(\S+)(?: shortened=(\d+)@(\S+))?(?:\n|$)/;

export function readMark(comment: string): Mark | undefined {
  const [, caseId, account, oid, until] = first.exec(comment) ?? [];
  if (caseId === undefined || account === undefined) return undefined;
  return { caseId, account, ...(oid === undefined || until === undefined ? {} : { shortened: { oid, until } }) };
}

/** The case that took the login last, as a plan keeps it: whoever undoes later sees whether another case has taken it since. */
export const takenBy = (comment: string): string => readMark(comment)?.caseId.slice(0, 255) ?? 'none';

/** The mark as the first line; what somebody else wrote about the login stays below it. */
export function markOf({ caseId, account, shortened }: Mark, comment: string): string {
  const line = `readmit case=${caseId} account=${account}${shortened ? ` shortened=${shortened.oid}@${shortened.until}` : ''}`;
  const rest = comment.replace(first, '');
  return rest === '' ? line : `${line}\n${rest}`;
}
