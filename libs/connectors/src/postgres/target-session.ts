import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { Client, DatabaseError } from 'pg';
import { TargetError } from '../connector.js';
import type { TargetAddress } from './target-address.js';

/** Address and timeout of a call to the target, which itself enforces the timeout for statements and transactions. */
export interface SessionOptions {
  readonly address: TargetAddress;
  readonly applicationName: string;
  readonly callTimeoutMs: number;
}

/** One connection to the target for one call. */
export interface TargetSession {
  rows<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Nothing of `work` is visible until this returns; if COMMIT was sent without a response, the effect is unknown. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Records that something outside a transaction (ending a session) may have changed the target. */
  touched(): void;
}

/**
 * Opens a connection, runs `work`, and always closes the connection. Every failure becomes a TargetError whose `effect` is `none` as long as
 * no COMMIT was sent: without a COMMIT, a transaction has no effect.
 */
export async function withSession<T>(
  options: SessionOptions,
  signal: AbortSignal,
  work: (session: TargetSession) => Promise<T>,
): Promise<T> {
  const { address } = options;
  const where = addressOf(address);
  if (signal.aborted) throw new TargetError(`the call to ${where} was aborted before it started`, 'none', 'timeout');
  const socket = new Socket();
  const client = new Client({
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    ssl: address.tls,
    // Names in statements resolve to system objects only, never to a user's function with the same name.
    options: '-c search_path=pg_catalog',
    application_name: options.applicationName,
    connectionTimeoutMillis: options.callTimeoutMs,
    statement_timeout: options.callTimeoutMs,
    lock_timeout: options.callTimeoutMs,
    idle_in_transaction_session_timeout: options.callTimeoutMs,
    stream: () => socket,
  });
  // A connection that breaks while idle also fails the next query, which reports it.
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
      const result = await inner().catch(async (error: unknown) => {
        // Rolled back so that the session can be used for what must still happen. A lost connection ends it anyway.
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      });
      const before = effect;
      effect = 'unknown';
      const ended = await client.query('COMMIT').catch((error: unknown) => {
        // The server responded with less than FATAL: it rolled back.
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
    await connectByScram(client, socket, where);
    return await work(session);
  } catch (error) {
    throw toTargetError(error, { where, effect, stopped: signal.aborted, broken });
  } finally {
    signal.removeEventListener('abort', stop);
    if (socket.destroyed || broken) socket.destroy();
    else await client.end();
  }
}

/**
 * Connects and accepts only SCRAM, which proves to both sides that the other knows the password without sending it. By default node-postgres
 * would also send the password itself or its MD5. A server that asks for nothing has proved nothing.
 */
async function connectByScram(client: Client, socket: Socket, where: string): Promise<void> {
  const { connection } = client as unknown as { readonly connection: EventEmitter };
  let refused: string | undefined;
  let proved = false;
  const connected = client.connect();
  // Replaces the handlers that node-postgres has just registered.
  for (const [event, asked] of [
    ['authenticationCleartextPassword', 'for the password in clear'],
    ['authenticationMD5Password', 'for an MD5 of the password'],
  ] as const) {
    connection.removeAllListeners(event);
    connection.on(event, () => {
      refused = `${where} asks ${asked}, but only SCRAM is allowed: set scram-sha-256 in its pg_hba.conf`;
      socket.destroy();
    });
  }
  connection.on('authenticationSASLFinal', () => (proved = true));
  try {
    await connected;
  } catch (error) {
    if (refused !== undefined) throw new TargetError(refused, 'none', 'refused', { cause: error });
    throw error;
  }
  if (!proved)
    throw new TargetError(
      `${where} accepted the connection without SCRAM, so it proved nothing: set scram-sha-256 in its pg_hba.conf`,
      'none',
      'refused',
    );
}

/** Host, port and database: the parts of a target's address that may appear in an error. */
const addressOf = ({ host, port, database }: TargetAddress): string => `${host}:${port}/${database}`;

interface Failure {
  readonly where: string;
  readonly effect: 'none' | 'unknown';
  readonly stopped: boolean;
  readonly broken: Error | undefined;
}

/** Total: converts anything thrown into a TargetError with what is known about the target. Server messages name roles, never secret values. */
function toTargetError(error: unknown, { where, effect, stopped, broken }: Failure): TargetError {
  if (error instanceof TargetError)
    return effect === 'unknown' && error.effect === 'none' ? new TargetError(error.message, effect, error.code, { cause: error }) : error;
  if (stopped) return new TargetError(`the call to ${where} was aborted`, effect, 'timeout', { cause: error });
  if (error instanceof DatabaseError) {
    const code = codeOf(error.code ?? '');
    return new TargetError(`${where} responded with ${error.code}: ${error.message}`, effect, code, { cause: error });
  }
  const cause = (broken ?? error) as NodeJS.ErrnoException;
  // A refused connection to a name with several addresses has no message, only a code.
  const message = cause.message || (cause.code ?? 'connection lost');
  return new TargetError(`${where} cannot be reached: ${message}`, effect, 'unreachable', { cause });
}

function codeOf(sqlState: string): TargetError['code'] {
  if (/^(57014|25P0[34]|55P03)$/.test(sqlState)) return 'timeout';
  if (/^(08|53|57P)/.test(sqlState)) return 'unreachable';
  if (/^(42704|3D000)$/.test(sqlState)) return 'not-found';
  if (/^40/.test(sqlState)) return 'changed';
  return 'refused';
}
