/** How programs other than the services get access to the Kafka that the launcher starts. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { librdkafkaSettings } from './kafka-access.js';

const namesIn = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => (line === '' || line.startsWith('#') ? [] : [line.split('=')[0] ?? '']));

describe('settings for librdkafka', () => {
  const settings = librdkafkaSettings({
    brokers: ['127.0.0.1:9092', '127.0.0.1:9093'],
    sasl: { mechanism: 'scram-sha-512', username: 'siem-soc', password: 'abc=d' },
  });
  it('name every broker, the user and its password, one setting a line', () => {
    expect(settings).toBe(
      'bootstrap.servers=127.0.0.1:9092,127.0.0.1:9093\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanisms=SCRAM-SHA-512\nsasl.username=siem-soc\nsasl.password=abc=d\n',
    );
  });
  it('are those of the example for SIEMs', () => {
    expect(namesIn(settings)).toEqual(namesIn(readFileSync('deploy/siem/kcat.conf', 'utf8')));
  });
});
