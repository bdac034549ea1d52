/** What Kafka said, in words: kafkajs hides the broker's reason some causes deep. */
export class KafkaError extends Error {
  constructor(
    message: string,
    /** Trying again does not help before somebody has changed something. */
    readonly permanent: boolean,
    /** These very records are refused; others would be taken. */
    readonly aboutRecords: boolean,
    /** The broker's name for it, such as `TOPIC_AUTHORIZATION_FAILED`; absent: it was no broker that refused. */
    readonly type: string | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'KafkaError';
  }
}

const advice: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED:
    "the topic's ACLs do not let this user do it; run the Kafka set-up again to create the ACLs of the event catalogue",
  GROUP_AUTHORIZATION_FAILED: 'the ACLs do not let this user read with this consumer group; group names start with the name of the service',
  // What a producer that counts its records is told when it has no right to write anywhere.
  CLUSTER_AUTHORIZATION_FAILED: 'the ACLs let this user write to no topic at all',
  UNKNOWN_TOPIC_OR_PARTITION:
    'the topic or a partition of it does not exist; run the Kafka set-up first to create the topics of the event catalogue',
  SECURITY_DISABLED:
    'the brokers have no authorizer and so allow everything to everyone; set authorizer.class.name (and allow.everyone.if.no.acl.found=false)',
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not offer this mechanism; check KAFKA_SASL_MECHANISM',
  KafkaJSSASLAuthenticationError: 'user name or password is wrong; check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD_FILE',
};
const aboutRecords = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP', 'CORRUPT_MESSAGE']);

interface Caught {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** From the outside in. */
function* causesOf(error: unknown): Generator<Caught> {
  const seen = new Set<unknown>();
  const waiting = [error];
  while (waiting.length > 0 && seen.size < 20) {
    const at = waiting.shift();
    if (typeof at !== 'object' || at === null || seen.has(at)) continue;
    seen.add(at);
    yield at as Caught;
    const { cause, errors } = at as Caught;
    waiting.push(cause, ...(Array.isArray(errors) ? errors : []));
  }
}

/** The error with its deepest reason and what to do, if that is known. `what` completes "Kafka:". */
export function kafkaError(what: string, error: unknown): KafkaError {
  if (error instanceof KafkaError) return error;
  let message = String(error);
  let known: string | undefined;
  let ofRecords = false;
  let named: string | undefined;
  for (const { name, type, message: said } of causesOf(error)) {
    if (typeof said === 'string' && said !== '') message = said;
    const sign = [type, name].find((one): one is string => typeof one === 'string' && Object.hasOwn(advice, one));
    if (sign !== undefined) known = `${String(type ?? sign)}: ${advice[sign]}`;
    if (typeof type === 'string') {
      named = type;
      if (aboutRecords.has(type)) ofRecords = true;
    }
    if (known === undefined && typeof type === 'string') message = `${type}: ${message}`;
  }
  return new KafkaError(`${what}: ${known ?? message}`, known !== undefined, ofRecords, named, { cause: error });
}

/** Our own deadline: a request of kafkajs can stay unanswered forever. */
export class DeadlineError extends Error {
  constructor(what: string, milliseconds: number) {
    super(`${what}: no answer within ${milliseconds} ms`);
    this.name = 'DeadlineError';
  }
}

/** The promise, or a DeadlineError once the milliseconds are over. What comes of the promise later concerns nobody. */
export async function within<R>(promise: Promise<R>, milliseconds: number, what: string): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new DeadlineError(what, milliseconds)), milliseconds);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
