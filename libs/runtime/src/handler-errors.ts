import { messageOf } from '@readmit/platform';
import { isStaleOwner } from '@readmit/bus';
import { isDataFault, isTransientSqlError, sqlStateOf } from '@readmit/store';

/** A rule of the service threw, or emitted something that is not a valid event: the message that caused it is at fault, not an outage. */
export class HandlerFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HandlerFailed';
  }
}

/** Runs a rule of the service and marks what it throws as a fault of the rule. */
export function byHandler<R>(what: string, run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (error instanceof HandlerFailed) throw error;
    throw new HandlerFailed(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** The same for statements of the service: data that the database refuses is a fault of the message, an outage is not. */
export async function byHandlerInDatabase<R>(what: string, run: () => Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    const fault = sqlStateOf(error) === undefined ? !isTransientSqlError(error) && !isStaleOwner(error) : isDataFault(error);
    throw fault ? new HandlerFailed(`${what}: ${messageOf(error)}`, { cause: error }) : error;
  }
}
