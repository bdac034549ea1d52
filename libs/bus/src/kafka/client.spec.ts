import { describe, expect, it } from '@jest/globals';
import { kafkaClient } from './client.js';

describe("kafkajs's words", () => {
  const told: { level: string; fields: object; message: string }[] = [];
  const say = (level: string) => (fields: object, message: string) => void told.push({ level, fields, message });
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const connection = { brokers: ['127.0.0.1:1'], sasl: { mechanism: 'plain', username: 'ada', password: 'correct-horse' } as const };

  it.each([
    ['Response Heartbeat(key: 12, version: 3)', { error: 'The group is rebalancing, so a rejoin is needed' }, 'debug'],
    ['The group is rebalancing, re-joining', {}, 'debug'],
    ['Response FindCoordinator(key: 10, version: 2)', { error: 'The group coordinator is not available' }, 'debug'],
    ['Connection error: connect ECONNREFUSED 127.0.0.1:9092', {}, 'debug'],
    ['Crash: KafkaJSNumberOfRetriesExceeded: gone', {}, 'debug'],
    ['Invariant violated: Correlation id already exists', {}, 'warn'],
    ['Offset out of range, resetting to default offset', { topic: 'readmit.intake.v1', partition: 2 }, 'warn'],
  ])('about %s are for the level that it deserves', (message, fields, level) => {
    told.length = 0;
    const logger = kafkaClient(connection, { clientId: 'spec', requestTimeoutMs: 1, log }).logger();
    logger.error(message, { ...fields, stack: 'at secret (file.js)' });
    expect(told).toEqual([{ level, message, fields: expect.objectContaining(fields) }]);
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it('are kept from everybody when nobody listens', () => {
    told.length = 0;
    kafkaClient(connection, { clientId: 'spec', requestTimeoutMs: 1 }).logger().error('Connection error', {});
    expect(told).toEqual([]);
  });
});
