/** Records to what they mean for this service: verified, addressed to aggregates, or refused with a reason. */
import { entryOf, isEventType, keyOf, topicOf, type EventType, type Fact } from '@readmit/contracts';
import type { TopicRecord } from '@readmit/bus';
import type { ServiceDefinition } from './service-definition.js';
import { verifyRecord } from '@readmit/signing';
import type { Origin } from './aggregate.js';
import { byHandler } from './handler-errors.js';
import { messageOf } from '@readmit/platform';
import type { EngineOptions } from './options.js';
import type { RefusedMessage } from './parked-rows.js';
import type { Changeset } from './changeset.js';

/** A fact and the aggregates that store it. `reminder`: an aggregate whose deadline was reached; it is only run again. */
export interface Received {
  readonly record: TopicRecord;
  readonly fact: Fact;
  readonly origin: Origin;
  readonly keys: readonly string[];
  readonly reminder: string | undefined;
}

/** Topics of the event types that the definition consumes; reminders come from the scheduler. */
export function topicsOf(definition: ServiceDefinition): readonly string[] {
  const producers = new Set(definition.consumes.map((type) => entryOf(type).producer));
  if (definition.wakes === 'deadline') producers.add('revocation-scheduler');
  return [...producers].map(topicOf);
}

export class Inbox {
  private readonly consumes: ReadonlySet<EventType>;

  constructor(private readonly options: EngineOptions) {
    const { consumes, wakes } = options.definition;
    // A reminder only makes `react` run, also when the service lists its type; only the scheduler would store it.
    this.consumes = new Set(consumes.filter((type) => wakes === 'timer' || type !== 'readmit.deadline.reached'));
  }

  /** Whether it looks into events of the type, on the topic where they belong. */
  reads(type: EventType): boolean {
    return this.consumes.has(type) || this.isReminder(type);
  }

  /**
   * `undefined`: not for this service. A record that claims a type which this service does not consume, on the topic of that type, is skipped
   * unverified: audit consumes and verifies all of them.
   */
  read(record: TopicRecord, now: Date, replayed = false): Received | RefusedMessage | undefined {
    const { ring, environment, definition } = this.options;
    const claimed = record.headers['ce_type'];
    if (claimed !== undefined && isEventType(claimed) && !this.reads(claimed) && record.topic === topicOf(entryOf(claimed).producer))
      return undefined;
    const verified = verifyRecord(record, { ring, environment, now, replayed });
    if (!verified.ok) return { record, reason: verified.reason, message: verified.message };
    const { fact, envelope } = verified;
    const reminder =
      this.isReminder(fact.type) && fact.type === 'readmit.deadline.reached' && fact.data.owner === definition.name
        ? fact.data.key
        : undefined;
    const wanted = this.consumes.has(fact.type);
    if (!wanted && reminder === undefined) return undefined;
    try {
      const keys = wanted ? [...new Set(byHandler('keysOf', () => definition.keysOf?.(fact, keyOf(fact)) ?? [keyOf(fact)]))] : [];
      const origin: Origin = {
        correlationId: envelope.correlationId,
        ...(envelope.causationId === undefined ? {} : { causationId: envelope.causationId }),
        ...(envelope.traceparent === undefined ? {} : { traceparent: envelope.traceparent }),
      };
      return { record, fact, origin, keys, reminder };
    } catch (error) {
      return { record, reason: 'handler-failed', message: messageOf(error) };
    }
  }

  private isReminder(type: EventType): boolean {
    return this.options.definition.wakes === 'deadline' && type === 'readmit.deadline.reached';
  }
}

export const keysOfReceived = (received: readonly Received[]): string[] => [
  ...new Set(received.flatMap(({ keys, reminder }) => (reminder === undefined ? keys : [...keys, reminder]))),
];

/** Adds all messages to the changeset. */
export function receiveAll(changeset: Changeset, received: readonly Received[]): void {
  for (const { fact, origin, keys, reminder } of received) {
    for (const key of keys) changeset.receive(key, fact, origin);
    if (reminder === undefined) continue;
    const aggregate = changeset.aggregate(reminder);
    aggregate.dirty = true;
    aggregate.reminded = true;
    aggregate.origin = { ...origin, causationId: fact.id };
  }
}
