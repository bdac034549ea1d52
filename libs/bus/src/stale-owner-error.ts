/**
 * The member does not own a partition of its batch any more (its lease ended and another claimed it), or somebody has moved the
 * position already. The transaction MUST roll back; the records come again to their present owner.
 */
export class StaleOwnerError extends Error {
  constructor(group: string, places: readonly string[]) {
    super(
      `group ${group} does not own ${places.join(', ')} any more or has moved past this batch: its work is rolled back, the present owner has the records`,
    );
    this.name = 'StaleOwnerError';
  }
}

/** Whether another member owns the partition now, also when something wraps the error. What was fetched is dropped: the present owner has it. */
export const isStaleOwner = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'StaleOwnerError' || isStaleOwner(error.cause));
