import { Kafka, logLevel, type ISocketFactory, type LogEntry, type SASLOptions } from 'kafkajs';
import type { ConnectionOptions } from 'node:tls';
import type { Log } from '@readmit/platform';
import { registerCodecs } from './codecs.js';

registerCodecs();

/** How the brokers are reached. `sasl.password` is secret. */
export interface KafkaConnection {
  /** `host:port`, the first ones to ask. */
  readonly brokers: readonly string[];
  readonly sasl?: {
    readonly mechanism: 'scram-sha-512' | 'scram-sha-256' | 'plain';
    readonly username: string;
    readonly password: string;
  };
  /** Texts in PEM; an empty object: TLS with the authorities that the machine trusts. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>;
  /** Makes the sockets, for a way to the brokers that is not straight. */
  readonly socketFactory?: ISocketFactory;
}

export interface ClientOptions {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly log?: Log | undefined;
}

/**
 * How kafkajs tries again by itself before it gives up and we hear of it. Its levels multiply: each of these tries of a consumer
 * can be as many of its cluster. Few, because every caller starts over by itself after a failure.
 */
export const retries = { initialRetryTime: 100, maxRetryTime: 1_000, factor: 0.2, multiplier: 2, retries: 2 } as const;

/** One for each purpose: kafkajs shares committed offsets among the consumers of one client. */
export function kafkaClient(
  { brokers, sasl, tls, socketFactory }: KafkaConnection,
  { clientId, requestTimeoutMs, log }: ClientOptions,
): Kafka {
  return new Kafka({
    clientId,
    brokers: [...brokers],
    ...(sasl === undefined ? {} : { sasl: { ...sasl } as SASLOptions }),
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(socketFactory === undefined ? {} : { socketFactory }),
    connectionTimeout: 3_000,
    authenticationTimeout: 5_000,
    requestTimeout: requestTimeoutMs,
    retry: { ...retries },
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator: () => (entry) => write(log, entry),
  });
}

/** What a cluster does all day, and what the bus tells by itself, although kafkajs calls it an error. */
const everyday = new RegExp(
  [
    'rebalancing|rejoin|re-joining|not aware of this member|coordinator is (loading|not available)|not the correct coordinator',
    'Connection (error|timeout)|Failed to (connect|send messages|find group coordinator)|Cluster has disconnected|^Crash: ',
    'Limiting retries for the idempotent producer|Topic creation errors',
  ].join('|'),
  'i',
);

/**
 * kafkajs's words for operators. Whatever ends something reaches us as a thrown error or as a crash and is told by the
 * bus, so that nothing here is more than a warning.
 */
function write(log: Log | undefined, { level, namespace, log: { message, ...rest } }: LogEntry): void {
  if (!log) return;
  const fields: Record<string, unknown> = { kafkajs: namespace };
  for (const name of ['error', 'broker', 'groupId', 'topic', 'partition', 'retryCount'] as const) {
    const value: unknown = rest[name];
    if (value !== undefined) fields[name] = value instanceof Error ? value.message : value;
  }
  const said = `${message} ${typeof fields['error'] === 'string' ? fields['error'] : ''}`;
  if (level <= logLevel.WARN && !everyday.test(said)) log.warn(fields, message);
  else log.debug(fields, message);
}
