export type { Batch, Bus, BusOptions, OutgoingRecord, Subscription, TopicRecord } from './port.js';
export type { Begun, Change, Commands, Engine, Finished, Parked, ParkedMessages, ServiceDefinition, Work, WorkHandler } from './service-definition.js';
