import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kafkaConnectionOf, kafkaSettings } from './kafka-settings.js';
import { ConfigurationError, readSettings, secretTexts } from './settings.js';

let folder: string;
const file = (name: string): string => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kafka-settings-'));
  writeFileSync(file('password'), 'correct-horse-battery\n', { mode: 0o600 });
  for (const name of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(file(name), `-----${name}-----\n`, { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const connection = (env: Readonly<Record<string, string>>) => kafkaConnectionOf(readSettings(kafkaSettings, env));
function errorsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    connection(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.errors;
    throw error;
  }
  return [];
}
const brokers = { KAFKA_BROKERS: 'kafka-1:9092, kafka-2:9092' };
const sasl = () => ({
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'readmit-intake',
  KAFKA_SASL_PASSWORD_FILE: file('password'),
});

describe('the settings of Kafka', () => {
  it('mean the embedded bus when there are none', () => {
    expect(connection({})).toBeUndefined();
    expect(connection({ KAFKA_TLS: 'false' })).toBeUndefined();
  });

  it('give brokers, sign-in and TLS', () => {
    expect(connection(brokers)).toEqual({ brokers: ['kafka-1:9092', 'kafka-2:9092'] });
    expect(connection({ ...brokers, ...sasl() })).toEqual({
      brokers: ['kafka-1:9092', 'kafka-2:9092'],
      sasl: { mechanism: 'scram-sha-512', username: 'readmit-intake', password: 'correct-horse-battery' },
    });
    expect(connection({ ...brokers, KAFKA_TLS: 'true' })?.tls).toEqual({});
    const files = { KAFKA_TLS_CA_FILE: file('ca.pem'), KAFKA_TLS_CERT_FILE: file('cert.pem'), KAFKA_TLS_KEY_FILE: file('key.pem') };
    expect(connection({ ...brokers, KAFKA_TLS: 'true', ...files })?.tls).toEqual({
      ca: '-----ca.pem-----\n',
      cert: '-----cert.pem-----\n',
      key: '-----key.pem-----\n',
    });
  });

  it.each<[string, () => Readonly<Record<string, string>>, readonly string[]]>([
    [
      'a sign-in without brokers',
      sasl,
      [
        'KAFKA_SASL_MECHANISM: is set without KAFKA_BROKERS. Set KAFKA_BROKERS as well, or leave it out.',
        'KAFKA_SASL_USERNAME: is set without KAFKA_BROKERS. Set KAFKA_BROKERS as well, or leave it out.',
        'KAFKA_SASL_PASSWORD_FILE: is set without KAFKA_BROKERS. Set KAFKA_BROKERS as well, or leave it out.',
      ],
    ],
    [
      'a mechanism alone',
      () => ({ ...brokers, KAFKA_SASL_MECHANISM: 'scram-sha-256' }),
      [
        'KAFKA_SASL_USERNAME: is missing, but KAFKA_SASL_MECHANISM is set. Kafka user name of this service.',
        'KAFKA_SASL_PASSWORD_FILE: is missing, but KAFKA_SASL_MECHANISM is set. File (mode 0600) with the password of that user.',
      ],
    ],
    [
      'a user without a mechanism',
      () => ({ ...brokers, KAFKA_SASL_USERNAME: 'readmit-intake' }),
      ['KAFKA_SASL_MECHANISM: is missing, but a user or password for Kafka is set. SASL mechanism; absent: no sign-in to Kafka.'],
    ],
    [
      'an authority without TLS',
      () => ({ ...brokers, KAFKA_TLS_CA_FILE: file('ca.pem') }),
      ['KAFKA_TLS: is not true, but a file for TLS is set. Set KAFKA_TLS=true or leave the file out.'],
    ],
    [
      'a certificate without its key',
      () => ({ ...brokers, KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: file('cert.pem') }),
      ['KAFKA_TLS_KEY_FILE: is missing, but KAFKA_TLS_CERT_FILE is set. File (PEM, mode 0600) with the private key of that certificate.'],
    ],
    [
      'a key without its certificate',
      () => ({ ...brokers, KAFKA_TLS: 'true', KAFKA_TLS_KEY_FILE: file('key.pem') }),
      ['KAFKA_TLS_CERT_FILE: is missing, but KAFKA_TLS_KEY_FILE is set. File (PEM) with the client certificate for Kafka.'],
    ],
    [
      'a password in the clear over the network',
      () => ({ ...brokers, ...sasl(), KAFKA_SASL_MECHANISM: 'plain' }),
      ['KAFKA_SASL_MECHANISM: plain shows the password to the network. Set KAFKA_TLS=true or KAFKA_SASL_MECHANISM=scram-sha-512.'],
    ],
    [
      'an unknown mechanism',
      () => ({ ...brokers, ...sasl(), KAFKA_SASL_MECHANISM: 'gssapi' }),
      [
        "KAFKA_SASL_MECHANISM: must be one of scram-sha-512, scram-sha-256, plain, was 'gssapi'. Set KAFKA_SASL_MECHANISM=scram-sha-512 or leave it out.",
      ],
    ],
    [
      'a broker without a port',
      () => ({ KAFKA_BROKERS: 'kafka' }),
      ["KAFKA_BROKERS: must be host:port pairs, was 'kafka'. Set KAFKA_BROKERS=kafka:9092 or leave it out."],
    ],
  ])('refuse %s', (_, env, errors) => {
    expect(errorsOf(env())).toEqual(errors);
  });

  it('let a password go in the clear to this machine, and under TLS', () => {
    const plain = { ...sasl(), KAFKA_SASL_MECHANISM: 'plain' };
    expect(errorsOf({ ...plain, KAFKA_BROKERS: '127.0.0.1:9092,localhost:9093' })).toEqual([]);
    expect(errorsOf({ ...plain, ...brokers, KAFKA_TLS: 'true' })).toEqual([]);
  });

  it('take the password from a file that only its owner reads, and never show it', () => {
    writeFileSync(file('open'), 'correct-horse-battery', { mode: 0o644 });
    chmodSync(file('open'), 0o644);
    expect(errorsOf({ ...brokers, ...sasl(), KAFKA_SASL_PASSWORD_FILE: file('open') })).toEqual([
      expect.stringContaining('KAFKA_SASL_PASSWORD_FILE: must name a file with mode 0600, this one has 0644 (chmod 600)'),
    ]);
    writeFileSync(file('empty'), '\n', { mode: 0o600 });
    expect(errorsOf({ ...brokers, ...sasl(), KAFKA_SASL_PASSWORD_FILE: file('empty') })).toEqual([
      expect.stringContaining('KAFKA_SASL_PASSWORD_FILE: must name a file that holds one line'),
    ]);
    const values = readSettings(kafkaSettings, { ...brokers, ...sasl() });
    expect(JSON.stringify(values)).not.toContain('correct-horse');
    expect(secretTexts(values)).toEqual(['correct-horse-battery']);
  });
});
