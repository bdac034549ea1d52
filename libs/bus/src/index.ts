/** The bus: one port, an adapter in PostgreSQL, an adapter on Apache Kafka, and the set-up of topics and ACLs. */
export { EmbeddedBus } from './embedded/embedded-bus.js';
export type { EmbeddedBusOptions } from './embedded/embedded-bus.js';
export { setUpKafka } from './kafka-setup/kafka-setup.js';
export type { KafkaSetup, KafkaSetupOptions } from './kafka-setup/kafka-setup.js';
export { kafkaClient } from './kafka/client.js';
export type { KafkaConnection } from './kafka/client.js';
export { mostBatchBytes } from './kafka/codecs.js';
export { KafkaBus } from './kafka/kafka-bus.js';
export type { KafkaBusOptions } from './kafka/kafka-bus.js';
export { KafkaError } from './kafka/kafka-error.js';
export { KafkaTopics } from './kafka/kafka-topics.js';
export { partitionOf } from './partition-of.js';
export type { Batch, Bus, BusOptions, OutgoingRecord, Subscription, TopicRecord } from './port.js';
export { isStaleOwner, StaleOwnerError } from './stale-owner-error.js';
