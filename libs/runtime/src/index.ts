/** The runtime of a service: one transaction per batch of messages, commands, work and wake-ups; parked messages; checks at the start. */
export { OlderKeyListError, believe } from './believed-list.js';
export { createEngine } from './engine.js';
export { followKeyList } from './follow-key-list.js';
export type { FollowKeyListOptions, KeyListSource } from './follow-key-list.js';
export { topicsOf } from './inbox.js';
export type { EngineObserver, OpenSpan, SaidEvent, SpanAbout } from './observer.js';
export type { EngineOptions } from './options.js';
export { TopicAheadError, awaitOwnTopic } from './own-topic.js';
export type { OwnTopicOptions } from './own-topic.js';
export { byKeyList, listParked, parkMessages, sentence, settleParked, showParked, stillParked } from './parked-rows.js';
export type { RefusedMessage } from './parked-rows.js';
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
  ServiceDefinition,
  Still,
  Work,
  WorkHandler,
} from './service-definition.js';
export { EngineStrategy } from './strategy.js';
