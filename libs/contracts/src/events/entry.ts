/** The catalogue entry of an event type. */
import type { TSchema } from 'typebox';

export const services = ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit'] as const;
export type ServiceName = (typeof services)[number];

/**
 * `public` fields may appear in logs and traces, `sensitive` ones only in the case itself. A field that is not listed is secret.
 */
export type Sensitivity = 'public' | 'sensitive';

export interface CatalogueEntry {
  readonly producer: ServiceName;
  /** Key on the topic, which is the aggregate that the event is about; `{field}` stands for a field of the data. */
  readonly key: string;
  /** Stable audit code, never reused. */
  readonly code: string;
  /** Shown in the timeline. */
  readonly label: string;
  readonly schema: TSchema;
  readonly fields: Readonly<Record<string, Sensitivity>>;
  readonly version: 1;
  /** The gate: execution waits until these are in audit's log; audit emits Recorded only for them. */
  readonly gate?: true;
}
