/** The runtime of a service: one transaction per batch of messages, commands, work and wake-ups; parked messages; checks at the start. */
export { OlderKeyListError, believe } from './believed-list.js';
export { persistBisecting } from './bisect-batch.js';
export type { BatchTransaction } from './bisect-batch.js';
export { HandlerFailed } from './handler-errors.js';
export { createEngine } from './engine.js';
export { followKeyList } from './follow-key-list.js';
export type { FollowKeyListOptions, KeyListSource } from './follow-key-list.js';
export { topicsOf } from './inbox.js';
export { MessageLoop } from './message-loop.js';
export type { BatchHandler } from './message-loop.js';
export type { EngineObserver, OpenSpan, EmittedEvent, SpanAbout } from './observer.js';
export type { EngineOptions } from './options.js';
export { TopicAheadError, awaitOwnTopic } from './own-topic.js';
export type { OwnTopicOptions } from './own-topic.js';
export { isRefused, logParked, parkMessages, sentence, settleParked } from './parked-rows.js';
export type { RefusedMessage } from './parked-rows.js';
export { parkedDraft, ParkedStore } from './parking.js';
export { queueFigures } from './queue-figures.js';
export type { QueueFigures } from './queue-figures.js';
export { defineService } from './service-definition.js';
export type {
  Call,
  Calls,
  Change,
  Commands,
  Engine,
  Parked,
  ParkedFilter,
  ParkedMessages,
  Progress,
  ServiceDefinition,
  ServiceRuntime,
  Still,
  Work,
  WorkHandler,
} from './service-definition.js';
export { EngineStrategy } from './strategy.js';
