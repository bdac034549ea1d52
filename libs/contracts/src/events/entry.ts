/** What the catalogue says of each event type. */
import type { TSchema } from 'typebox';

export const services = ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit'] as const;
export type ServiceName = (typeof services)[number];

/**
 * `public` may appear in logs and traces; `sensitive` only in the case itself. A field that is not named here is secret.
 */
export type Sensitivity = 'public' | 'sensitive';

export interface CatalogueEntry {
  readonly producer: ServiceName;
  /** The aggregate that the event is about, which is also its key on the topic: `{field}` stands for a field of the data. */
  readonly key: string;
  /** Stable audit code, never reused. */
  readonly code: string;
  /** What the timeline prints. */
  readonly label: string;
  readonly schema: TSchema;
  readonly fields: Readonly<Record<string, Sensitivity>>;
  readonly version: 1;
  /** Execution waits until audit has these in its log (the gate); audit emits Recorded only for them. */
  readonly gate?: true;
}
