/** Nest's own Kafka transport with its defaults: `eachMessage`, offsets committed by kafkajs; one `emit` an event, after the commit. */
import { ClientProxyFactory, Transport, type KafkaContext, type KafkaOptions } from '@nestjs/microservices';
import { partitionOf, type KafkaConnection } from '@readmit/bus';
import type { Consumer, Kafka } from 'kafkajs';
import { lastValueFrom } from 'rxjs';
import type { Counters } from '../counters.js';
import { clientConfig } from './kafka-client.js';
import type { StockBus, StockHearing, StockRecord } from './stock-bus.js';

export function stockOnKafka(
  { service, topics }: StockHearing,
  connection: KafkaConnection,
  counters: Counters,
  fail: (error: unknown) => void,
): StockBus {
  const client = { ...clientConfig(connection), clientId: `stock-${service}` };
  const microservice: KafkaOptions = {
    transport: Transport.KAFKA,
    // Permissions know the groups of the catalogue alone.
    options: { client, consumer: { groupId: service }, subscribe: { fromBeginning: true }, postfixId: '' },
  };
  const producer = ClientProxyFactory.create({ transport: Transport.KAFKA, options: { client, producerOnlyMode: true } });
  return {
    microservice,
    patterns: topics,
    record: (_, context) => recordOf(context as KafkaContext),
    listening: async (app) => {
      const [, consumer] = app.unwrap<[Kafka, Consumer]>();
      consumer.on(consumer.events.END_BATCH_PROCESS, () => void counters.batches++);
      consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
      await producer.connect();
    },
    hint: () => undefined,
    emit: async (topic, { key, headers, value }) => {
      const message = { key, value, headers: JSON.parse(headers) as Record<string, string>, partition: partitionOf(key) };
      await lastValueFrom(producer.emit<unknown>(topic, message), { defaultValue: undefined });
    },
    close: async () => {
      await producer.close();
    },
  };
}

/** Nest has made text of key and headers, and of a JSON value what it says. */
function recordOf(context: KafkaContext): StockRecord {
  const { key, headers = {}, value, offset } = context.getMessage();
  return {
    topic: context.getTopic(),
    partition: context.getPartition(),
    offset,
    key: String(key),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
    value: Buffer.from(JSON.stringify(value), 'utf8'),
  };
}
