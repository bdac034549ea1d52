import { messageOf } from '@readmit/platform';
import { isTransientSqlError, sqlStateOf } from '@readmit/store';

/** A rule of the service threw, or said something that is not an event: whoever brought the message in is to blame, not an outage. */
export class HandlerFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HandlerFailed';
  }
}

/** Runs a rule of the service, so that what it throws is known as its own. */
export function byHandler<R>(what: string, run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (error instanceof HandlerFailed) throw error;
    throw new HandlerFailed(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** The same for statements of the service: data that the database refuses is the message's fault, an outage is not. */
export async function byHandlerInDatabase<R>(what: string, run: () => Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    const state = sqlStateOf(error);
    const fault = state === undefined ? !isTransientSqlError(error) && !isStaleOwner(error) : /^2[23]/.test(state);
    throw fault ? new HandlerFailed(`${what}: ${messageOf(error)}`, { cause: error }) : error;
  }
}

/** Another member owns the partition now: what was taken is dropped, the other takes it. */
export const isStaleOwner = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'StaleOwnerError' || isStaleOwner(error.cause));

/** Whether the same statement may succeed at once: a deadlock or a serialisation failure. */
export const isCollision = (error: unknown): boolean => /^40/.test(sqlStateOf(error) ?? '');
