/** The way to the brokers from the environment: the same variables that the services have, with a super user's password. */
import type { KafkaConnection } from '@readmit/bus';
import { readFile, stat } from 'node:fs/promises';
import type { Io } from './io.js';
import { codeOf, usage } from './errors.js';

const mechanisms = ['scram-sha-512', 'scram-sha-256', 'plain'] as const;

export async function kafkaConnection(env: Io['env']): Promise<KafkaConnection> {
  const brokers = (env['KAFKA_BROKERS'] ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
  const wrong = brokers.find((broker) => !/^[0-9A-Za-z.-]+:\d{1,5}$/.test(broker));
  if (brokers.length === 0 || wrong !== undefined)
    throw usage(
      wrong === undefined ? 'KAFKA_BROKERS is missing' : `"${wrong}" is not a broker address`,
      'Set KAFKA_BROKERS=kafka:9092, several separated by commas.',
    );
  const tls = await tlsOf(env);
  const sasl = await saslOf(env, tls !== undefined);
  return { brokers, ...(sasl === undefined ? {} : { sasl }), ...(tls === undefined ? {} : { tls }) };
}

async function saslOf(env: Io['env'], encrypted: boolean): Promise<KafkaConnection['sasl']> {
  const { KAFKA_SASL_MECHANISM: wanted, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD_FILE: file } = env;
  if (!wanted && !username && !file) return undefined;
  const mechanism = mechanisms.find((one) => one === (wanted ?? 'scram-sha-512'));
  if (mechanism === undefined) throw usage(`KAFKA_SASL_MECHANISM is "${wanted ?? ''}"`, `Set it to one of ${mechanisms.join(', ')}.`);
  if (!username || !file)
    throw usage(
      'KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD_FILE is missing',
      'Set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD_FILE, or neither.',
    );
  if (mechanism === 'plain' && !encrypted)
    throw usage(
      'KAFKA_SASL_MECHANISM=plain without TLS sends the password in cleartext',
      'Set KAFKA_TLS=true or KAFKA_SASL_MECHANISM=scram-sha-512.',
    );
  return { mechanism, username, password: await secretIn(file, 'KAFKA_SASL_PASSWORD_FILE') };
}

async function tlsOf(env: Io['env']): Promise<KafkaConnection['tls']> {
  const { KAFKA_TLS: on, KAFKA_TLS_CA_FILE: ca, KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key } = env;
  if (on !== undefined && on !== 'true' && on !== 'false') throw usage(`KAFKA_TLS is "${on}"`, 'Set it to true or false.');
  if (on !== 'true') {
    if (ca || cert || key) throw usage('A TLS file is set, but KAFKA_TLS is not true', 'Set KAFKA_TLS=true or remove the file.');
    return undefined;
  }
  if (!cert !== !key)
    throw usage('KAFKA_TLS_CERT_FILE or KAFKA_TLS_KEY_FILE is missing', 'Set KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE, or neither.');
  return {
    ...(ca ? { ca: await textIn(ca, 'KAFKA_TLS_CA_FILE') } : {}),
    ...(cert ? { cert: await textIn(cert, 'KAFKA_TLS_CERT_FILE') } : {}),
    ...(key ? { key: await secretIn(key, 'KAFKA_TLS_KEY_FILE') } : {}),
  };
}

async function secretIn(file: string, variable: string): Promise<string> {
  const text = (await textIn(file, variable)).trim();
  const mode = (await stat(file)).mode & 0o777;
  if ((mode & 0o077) !== 0) throw usage(`${variable}: others may read ${file} (mode 0${mode.toString(8)})`, `chmod 600 ${file}`);
  return text;
}

async function textIn(file: string, variable: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.trim() !== '') return text;
  } catch (cause) {
    throw usage(`${variable}: ${file} cannot be read (${codeOf(cause) ?? 'unknown'})`, 'Use an existing file that you can read.');
  }
  throw usage(`${variable}: ${file} is empty`, 'Write the value to it.');
}
