import type { ClassUid, SeverityId } from './vocabulary.js';

export interface OcsfUser {
  readonly uid: string;
  readonly type_id?: number;
  readonly type?: string;
  /** The target that knows the account. */
  readonly domain?: string;
}
export interface OcsfActor {
  readonly app_name: string;
  readonly user?: OcsfUser;
}
export interface OcsfPolicy {
  readonly uid: string;
  readonly name: string;
  readonly version?: string;
}

/** An entry of the log for SIEMs. Only what every class has is typed; the published schema validates the rest. */
export interface OcsfEvent {
  readonly class_uid: ClassUid;
  readonly class_name: string;
  readonly category_uid: number;
  readonly category_name: string;
  readonly activity_id: number;
  readonly activity_name: string;
  readonly type_uid: number;
  readonly type_name: string;
  readonly severity_id: SeverityId;
  readonly severity: string;
  readonly status_id: number;
  readonly status: string;
  readonly status_code?: string;
  readonly status_detail?: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly message: string;
  readonly metadata: {
    readonly version: string;
    readonly product: {
      readonly name: string;
      readonly vendor_name: string;
      readonly version: string;
      readonly feature: { readonly name: string };
    };
    /** Id of the event, for de-duplication. */
    readonly uid: string;
    readonly event_code: string;
    readonly correlation_uid: string;
    readonly sequence: number;
    readonly log_name: string;
    readonly log_provider: string;
    readonly original_time: string;
    readonly labels: readonly string[];
    readonly profiles?: readonly string[];
  };
  readonly unmapped: Readonly<Record<string, unknown>>;
  readonly [attribute: string]: unknown;
}
