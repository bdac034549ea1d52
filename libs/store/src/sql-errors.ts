/** SQLSTATE of an error of pg or TypeORM, if the database said one. Each has a digit, which tells it from `EPIPE`. */
export function sqlStateOf(error: unknown): string | undefined {
  for (
    let at: unknown = error;
    typeof at === 'object' && at !== null;
    at = (at as { cause?: unknown }).cause ?? (at as { driverError?: unknown }).driverError
  ) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === 'string' && /^(?=.*[0-9])[0-9A-Z]{5}$/.test(code)) return code;
  }
  return undefined;
}

interface Caught {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

const network = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);
// pg says these in words only.
const words =
  /Connection terminated|Client has encountered a connection error|Client was closed|not queryable|timeout exceeded when trying to connect|Query ?runner already released|read ECONNRESET/i;

/**
 * The same work may succeed later: the database is away or restarting, or it chose this transaction as the victim of a
 * deadlock, a time-out or a serialisation failure. Total: what is not known is not transient.
 */
export function isTransientSqlError(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined)
    return /^(08|57P0|53|40)/.test(state) || state === '57014' || state === '55P03' || state === '25P03' || state === '25P04';
  // By shape and not by class: errors of Node's network come from another realm under a test runner.
  for (let at = error as Caught | null | undefined; typeof at === 'object' && at !== null; at = at.cause as Caught) {
    if (typeof at.code === 'string' && network.has(at.code)) return true;
    if (typeof at.message === 'string' && words.test(at.message)) return true;
    if (Array.isArray(at.errors) && at.errors.some(isTransientSqlError)) return true;
  }
  return false;
}

/** The database refuses the data itself (class 22 or 23): a retry does not help. */
export const isDataFault = (error: unknown): boolean => /^2[23]/.test(sqlStateOf(error) ?? '');

/** A deadlock or a serialisation failure: the same transaction may succeed at once. */
export const isCollision = (error: unknown): boolean => /^40/.test(sqlStateOf(error) ?? '');
