import { Socket } from 'node:net';
import { Client, DatabaseError } from 'pg';
import { TargetError } from '../capability.js';

/** How long one call to the target may take; the target itself ends statements and transactions after it. */
export interface SessionOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly callTimeoutMs: number;
}

/** One connection to the target for one call. */
export interface TargetSession {
  rows<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Nothing of `work` is at the target until this returns; when COMMIT was sent and not answered, the effect is unknown. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Says that something outside a transaction (ending a session) may have changed the target. */
  touched(): void;
}

/**
 * Opens a connection, runs `work`, closes the connection whatever happens. Every failure leaves as a TargetError whose
 * `effect` is `none` as long as no COMMIT was sent: a transaction that never saw its COMMIT cannot have happened.
 */
export async function withSession<T>(
  options: SessionOptions,
  signal: AbortSignal,
  work: (session: TargetSession) => Promise<T>,
): Promise<T> {
  const where = addressOf(options.url);
  if (signal.aborted) throw new TargetError(`call to ${where} was stopped before it began`, 'none', 'timeout');
  const socket = new Socket();
  const client = new Client({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.callTimeoutMs,
    statement_timeout: options.callTimeoutMs,
    lock_timeout: options.callTimeoutMs,
    idle_in_transaction_session_timeout: options.callTimeoutMs,
    stream: () => socket,
  });
  // A connection that breaks while idle also fails the next query, which is where it is reported.
  let broken: Error | undefined;
  client.on('error', (error) => (broken = error));
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let effect: 'none' | 'unknown' = 'none';
  const rows = async <Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> =>
    (await client.query(sql, [...parameters])).rows as Row[];
  const session: TargetSession = {
    rows,
    touched: () => (effect = 'unknown'),
    transaction: async (inner) => {
      await client.query('BEGIN');
      await client.query(`SET LOCAL transaction_timeout = ${Math.trunc(options.callTimeoutMs)}`);
      const result = await inner();
      const before = effect;
      effect = 'unknown';
      const ended = await client.query('COMMIT').catch((error: unknown) => {
        // The server answered, and with less than FATAL: it rolled back.
        if (error instanceof DatabaseError && error.severity === 'ERROR') effect = before;
        throw error;
      });
      if (ended.command !== 'COMMIT') {
        effect = before;
        throw new TargetError(`${where} rolled the transaction back`, effect, 'refused');
      }
      return result;
    },
  };
  try {
    await client.connect();
    return await work(session);
  } catch (error) {
    throw toTargetError(error, { where, effect, stopped: signal.aborted, broken });
  } finally {
    signal.removeEventListener('abort', stop);
    if (socket.destroyed || broken) socket.destroy();
    else await client.end();
  }
}

/** Host, port and database of a connection URL: what may be said about it in an error. */
export function addressOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || '5432'}${pathname}`;
}

interface Failure {
  readonly where: string;
  readonly effect: 'none' | 'unknown';
  readonly stopped: boolean;
  readonly broken: Error | undefined;
}

/** Total: whatever was thrown becomes what is certain about the target and why. Server messages name roles, never values of ours. */
function toTargetError(error: unknown, { where, effect, stopped, broken }: Failure): TargetError {
  if (error instanceof TargetError)
    return effect === 'unknown' && error.effect === 'none' ? new TargetError(error.message, effect, error.code, { cause: error }) : error;
  if (stopped) return new TargetError(`call to ${where} was stopped`, effect, 'timeout', { cause: error });
  if (error instanceof DatabaseError) {
    const code = codeOf(error.code ?? '');
    return new TargetError(`${where} answered ${error.code}: ${error.message}`, effect, code, { cause: error });
  }
  const cause = (broken ?? error) as NodeJS.ErrnoException;
  // A refused connection to a name with several addresses has no message, only a code.
  const says = cause.message || (cause.code ?? 'connection lost');
  return new TargetError(`${where} cannot be reached: ${says}`, effect, 'unreachable', { cause });
}

function codeOf(sqlState: string): TargetError['code'] {
  if (/^(57014|25P0[34]|55P03)$/.test(sqlState)) return 'timeout';
  if (/^(08|53|57P)/.test(sqlState)) return 'unreachable';
  if (/^(42704|3D000)$/.test(sqlState)) return 'not-found';
  if (/^40/.test(sqlState)) return 'changed';
  return 'refused';
}
