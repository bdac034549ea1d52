import type { KafkaConnection } from '@readmit/bus';
import { choice, list, matching, secretFile, secretLine, textFile } from './parsers.js';
import type { Secret } from './secret.js';
import { ConfigurationError, settings, type Settings } from './settings.js';

/** How Kafka is reached. All but the brokers are worth nothing without them. */
export const kafkaSettings = settings({
  KAFKA_BROKERS: {
    says: 'Brokers of Apache Kafka; absent: the embedded bus in PostgreSQL.',
    parse: list(matching(/^[0-9A-Za-z.-]+:\d{1,5}$/, 'host:port pairs', 'kafka:9092')),
    default: undefined,
  },
  KAFKA_SASL_MECHANISM: {
    says: 'SASL mechanism; absent: no sign-in to Kafka.',
    parse: choice('scram-sha-512', 'scram-sha-256', 'plain'),
    default: undefined,
  },
  KAFKA_SASL_USERNAME: {
    says: 'Kafka user name of this service.',
    parse: matching(/^[\x21-\x7e]{1,200}$/, 'a name without blanks, at most 200 characters', 'readmit-intake'),
    default: undefined,
  },
  KAFKA_SASL_PASSWORD_FILE: {
    says: 'File (mode 0600) with the password of that user.',
    parse: secretLine('secrets/kafka-intake.password'),
    default: undefined,
  },
  KAFKA_TLS: { says: 'Whether to use TLS to Kafka.', parse: choice('true', 'false'), default: 'false' as const },
  KAFKA_TLS_CA_FILE: {
    says: 'File (PEM) with the CA certificates for the brokers; absent: those of the operating system.',
    parse: textFile('tls/kafka-ca.pem'),
    default: undefined,
  },
  KAFKA_TLS_CERT_FILE: {
    says: 'File (PEM) with the client certificate for Kafka.',
    parse: textFile('tls/intake.pem'),
    default: undefined,
  },
  KAFKA_TLS_KEY_FILE: {
    says: 'File (PEM, mode 0600) with the private key of that certificate.',
    parse: secretFile('tls/intake.key', (text) => ({ value: text, texts: [text.trim()] })),
    default: undefined,
  },
});
export type KafkaSettings = Settings<typeof kafkaSettings>;

const loopback = /^(localhost|127\.\d+\.\d+\.\d+):/;

/**
 * The way to Kafka, or `undefined` for the embedded bus.
 * @throws {ConfigurationError} settings that do not go together: half of a sign-in is not quietly none.
 */
export function kafkaConnectionOf(values: KafkaSettings): KafkaConnection | undefined {
  const { KAFKA_BROKERS: brokers, KAFKA_SASL_MECHANISM: mechanism, KAFKA_TLS_CA_FILE: ca, KAFKA_TLS_CERT_FILE: cert } = values;
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD_FILE: password, KAFKA_TLS_KEY_FILE: key } = values;
  const tls = values.KAFKA_TLS === 'true';
  const errors: string[] = [];
  const need = (name: keyof KafkaSettings, because: string): void =>
    void errors.push(`${name}: is missing, ${because}. ${kafkaSettings[name].says}`);
  const given = (Object.keys(kafkaSettings) as (keyof KafkaSettings)[]).filter((name) => isGiven(values[name]));
  if (!brokers) {
    for (const name of given) errors.push(`${name}: is set without KAFKA_BROKERS. Set KAFKA_BROKERS as well, or leave it out.`);
  } else {
    if (mechanism && !username) need('KAFKA_SASL_USERNAME', 'but KAFKA_SASL_MECHANISM is set');
    if (mechanism && !password) need('KAFKA_SASL_PASSWORD_FILE', 'but KAFKA_SASL_MECHANISM is set');
    if (!mechanism && (username || password)) need('KAFKA_SASL_MECHANISM', 'but a user or password for Kafka is set');
    if (!tls && (ca || cert || key))
      errors.push('KAFKA_TLS: is not true, but a file for TLS is set. Set KAFKA_TLS=true or leave the file out.');
    if (cert && !key) need('KAFKA_TLS_KEY_FILE', 'but KAFKA_TLS_CERT_FILE is set');
    if (key && !cert) need('KAFKA_TLS_CERT_FILE', 'but KAFKA_TLS_KEY_FILE is set');
    if (mechanism === 'plain' && !tls && !brokers.every((broker) => loopback.test(broker)))
      errors.push(
        'KAFKA_SASL_MECHANISM: plain shows the password to the network. Set KAFKA_TLS=true or KAFKA_SASL_MECHANISM=scram-sha-512.',
      );
  }
  if (errors.length > 0) throw new ConfigurationError(errors);
  if (!brokers) return undefined;
  return {
    brokers,
    ...(mechanism && username && password ? { sasl: { mechanism, username, password: password.reveal() } } : {}),
    ...(tls ? { tls: { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key: key.reveal() } : {}) } } : {}),
  };
}

const isGiven = (value: string | readonly string[] | Secret<string> | undefined): boolean => value !== undefined && value !== 'false';
