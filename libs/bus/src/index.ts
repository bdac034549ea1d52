export type { Batch, Bus, BusOptions, OutgoingRecord, Subscription, TopicRecord } from './port.js';
export type {
  Begun,
  Change,
  Commands,
  Engine,
  Finished,
  Lane,
  Parked,
  ParkedFilter,
  ParkedMessages,
  ServiceDefinition,
  Still,
  Work,
  WorkHandler,
} from './service-definition.js';
export { ResultUnstorable } from './service-definition.js';
export { EmbeddedBus } from './embedded/embedded-bus.js';
export type { EmbeddedBusOptions } from './embedded/embedded-bus.js';
export { KafkaBus } from './kafka/kafka-bus.js';
export type { KafkaBusOptions } from './kafka/kafka-bus.js';
export type { KafkaConnection } from './kafka/client.js';
export { awaitOwnTopic, TopicAheadError } from './kafka/own-topic.js';
export type { OwnTopicOptions } from './kafka/own-topic.js';
export { KafkaTopics } from './kafka/kafka-topics.js';
export { KafkaError } from './kafka/kafka-error.js';
export { StaleOwnerError } from './stale-owner-error.js';
export { partitionOf } from './partition-of.js';
export { retryAfter } from './retry-after.js';
export { createEngine } from './engine/engine.js';
export { topicsOf } from './engine/inbox.js';
export { crashPoint, crashPoints, crashPointsOf } from './engine/crash-points.js';
export type { CrashPoint } from './engine/crash-points.js';
export { EngineStrategy } from './engine/strategy.js';
export { crypto as engineCrypto, salted, uuidv7 } from './engine/context.js';
export type { EngineOptions, Log } from './engine/options.js';
export type { EngineObserver, OpenSpan, SaidEvent, SpanAbout } from './engine/observer.js';
export { Gathering } from './engine/gathering.js';
export { queueFigures } from './engine/queue-figures.js';
export type { QueueFigures } from './engine/queue-figures.js';
export { followKeyList } from './signing/follow-key-list.js';
export type { FollowKeyListOptions, KeyListSource } from './signing/follow-key-list.js';
export { KeyRing, loadKeyRing, makeServiceKeys, makeSigningKey, signKeyList, whyNotToSign } from './signing/key-ring.js';
export type { PublicJwk, RingKey } from './signing/key-ring.js';
export { keyFiles, planKeyFiles } from './signing/key-files.js';
export type { KeyFiles } from './signing/key-files.js';
export { rotateServiceKey } from './signing/rotate-key.js';
export type { Rotation, RotationOptions } from './signing/rotate-key.js';
export {
  checkDirectory,
  directoryKey,
  maxDirectoryBytes,
  openDirectory,
  signDirectory,
  verifiedDirectory,
} from './signing/signed-directory.js';
export type { DirectorySnapshot } from './signing/signed-directory.js';
export { Signer } from './signing/signer.js';
export type { PrivateJwk } from './signing/signer.js';
export { keyIdOf, recordLeafHash } from './signing/hashing.js';
export { keyGraceMs, maxAgeDays, maxValueBytes, verifyRecord } from './verify/verify-record.js';
export type { RefusedBecause, RefusedRecord, VerifiedRecord, VerifyOptions } from './verify/verify-record.js';
export { schemaViolation } from './verify/schemas.js';
export { believe, OlderKeyListError } from './signing/believed-list.js';
export { byKeyList, listParked, parkMessages, sentence, settleParked, showParked, stillParked } from './engine/parked-rows.js';
export type { RefusedMessage } from './engine/parked-rows.js';
export { removeKafka, startKafka } from './kafka-server/kafka-server.js';
export type { KafkaCredentials, KafkaOptions, KafkaServer } from './kafka-server/kafka-server.js';
export { setUpKafka } from './kafka-setup/kafka-setup.js';
export type { KafkaSetup, KafkaSetupOptions } from './kafka-setup/kafka-setup.js';
