import { producerOfTopic, type ServiceName } from '@readmit/contracts';

/** Schema that holds the topics of the embedded bus. */
export const busSchema = 'bus';

/** Whose tables they are: a service's own, or those of the embedded bus. */
export type SchemaOwner = ServiceName | typeof busSchema;
export const schemaOf = (owner: SchemaOwner): string => owner.replaceAll('-', '_');

/** LOGIN role of a service. */
export const roleOf = (service: ServiceName): string => `readmit_${schemaOf(service)}`;

/** Names, without schema, of the tables of a topic on the embedded bus. */
export interface TopicTables {
  /** One row per record. */
  readonly log: string;
  /** One row per partition: the next offset. Its lock, held until commit, is what keeps the offsets without a gap. */
  readonly head: string;
}

/** Refuses names that are not topics of the catalogue, so the result is safe inside SQL. */
export function tablesOfTopic(topic: string): TopicTables {
  if (!producerOfTopic(topic)) throw new Error(`there is no topic ${JSON.stringify(topic)} in the event catalogue`);
  const log = topic.replaceAll(/[.-]/g, '_');
  return { log, head: `${log}_head` };
}
