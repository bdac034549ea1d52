/**
 * Every event of the system: its producer, topic, key and schema. Topics, subscriptions, dispatch, redaction, timeline labels and the
 * audit view are derived from here.
 */
import type { Static } from 'typebox';
import { intakeEvents } from './intake.events.js';
import { classificationEvents } from './classification.events.js';
import { executionEvents } from './execution.events.js';
import { approvalEvents } from './approval.events.js';
import { revocationSchedulerEvents } from './revocation-scheduler.events.js';
import { auditEvents } from './audit.events.js';
import { services, type CatalogueEntry, type ServiceName } from './entry.js';
import { everyService, type CommonKind } from './every-service.events.js';

export const catalogue = {
  ...intakeEvents,
  ...classificationEvents,
  ...executionEvents,
  ...approvalEvents,
  ...revocationSchedulerEvents,
  ...auditEvents,
  ...everyService(),
} as const satisfies Record<string, CatalogueEntry>;

export type Catalogue = typeof catalogue;
export type EventType = keyof Catalogue;
export type EventData<T extends EventType = EventType> = T extends EventType ? Static<Catalogue[T]['schema']> : never;

/** The types that a service produces. Each type has exactly one producer. */
export type ProducedBy<S extends ServiceName> = { [T in EventType]: Catalogue[T]['producer'] extends S ? T : never }[EventType];

/** Those of them that do not exist for every service. */
export type OwnEvents<S extends ServiceName> = Exclude<ProducedBy<S>, `readmit.${S}.${CommonKind}`>;

export const eventTypes = Object.keys(catalogue) as EventType[];
export const isEventType = (value: string): value is EventType => Object.hasOwn(catalogue, value);
export const entryOf = (type: EventType): CatalogueEntry => catalogue[type];
/** The key of an event, by its data. */
export const keyOf = ({ type, data }: { readonly type: EventType; readonly data: object }): string =>
  entryOf(type).key.replace(/\{(\w+)\}/g, (_, field: string) => String((data as Readonly<Record<string, unknown>>)[field]));

/** Topic of a producer: `readmit.<producer>.v1`. */
export const topicOf = (service: ServiceName): string => `readmit.${service}.v1`;
/** The topics of events, which services consume. */
export const topics: readonly string[] = services.map(topicOf);
/** Partitions of every topic; cases are distributed over them by key. */
export const partitionsPerTopic = 4;
/** The topic on which audit publishes every entry of its log for SIEMs, in OCSF. Unsigned, and consumed by no service. */
export const auditOcsfTopic = 'readmit.audit.ocsf.v1';
/** The topics that a service writes: its own, and for audit the one for SIEMs. */
export const topicsWrittenBy = (service: ServiceName): readonly string[] =>
  service === 'audit' ? [topicOf(service), auditOcsfTopic] : [topicOf(service)];
export const producerOfTopic = (topic: string): ServiceName | undefined =>
  services.find((service) => topicsWrittenBy(service).includes(topic));
