import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { Client, DatabaseError } from 'pg';
import { TargetError } from '../connector.js';
import type { TargetAddress } from './target-address.js';

/** How long one call to the target may take; the target itself ends statements and transactions after it. */
export interface SessionOptions {
  readonly address: TargetAddress;
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
  const { address } = options;
  const where = addressOf(address);
  if (signal.aborted) throw new TargetError(`call to ${where} was stopped before it began`, 'none', 'timeout');
  const socket = new Socket();
  const client = new Client({
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    ssl: address.tls,
    // Names in our statements are those of the system: nobody's function of the same name is called instead.
    options: '-c search_path=pg_catalog',
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
      const result = await inner().catch(async (error: unknown) => {
        // The session goes on: what must happen although this failed is not refused as a part of it. A lost connection ends it anyway.
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      });
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
 * Connects and lets the server ask for SCRAM alone. It proves that both sides know the password and tells it to neither; asked
 * for the password itself or for its MD5, node-postgres would answer. A server that asks for nothing has proved nothing.
 */
async function connectByScram(client: Client, socket: Socket, where: string): Promise<void> {
  const { connection } = client as unknown as { readonly connection: EventEmitter };
  let refused: string | undefined;
  let proved = false;
  const connected = client.connect();
  // node-postgres has just put its own answers there.
  for (const [event, asked] of [
    ['authenticationCleartextPassword', 'for the password in clear'],
    ['authenticationMD5Password', 'for an MD5 of the password'],
  ] as const) {
    connection.removeAllListeners(event);
    connection.on(event, () => {
      refused = `${where} asks ${asked}: only SCRAM is answered, set scram-sha-256 in its pg_hba.conf`;
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
      `${where} let us in without SCRAM, so it proved nothing: set scram-sha-256 in its pg_hba.conf`,
      'none',
      'refused',
    );
}

/** Host, port and database: what may be said about a target in an error. */
const addressOf = ({ host, port, database }: TargetAddress): string => `${host}:${port}/${database}`;

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
