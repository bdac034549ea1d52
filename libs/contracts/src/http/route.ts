/** The description of a route. */
import type { TSchema } from 'typebox';
import type { ServiceName } from '../events/entry.js';

/**
 * `anyone`: no sign-in (rate-limited). `person`: bearer token of a person; that of a client (`client_id` is `sub`, or a provider) is
 * refused. `case-key`: a proof by the case's one-time key (or a machine consumer's key) in the header `readmit-proof`.
 * `person-or-case-key`: either. `operator`: bearer token with the team `platform-operators`. `provider`: bearer token of an identity
 * provider's client (the configuration lists its `client_id`).
 */
export type Access = 'anyone' | 'person' | 'case-key' | 'person-or-case-key' | 'operator' | 'provider';

export interface Route {
  readonly service: ServiceName;
  readonly method: 'GET' | 'POST';
  /** Below the origin; `:name` for parameters. */
  readonly path: string;
  readonly access: Access;
  readonly says: string;
  /** What else a caller must know. */
  readonly more?: string;
  readonly body?: TSchema;
  /** The body is a CloudEvent in structured or binary mode (attributes in `ce-` headers); this is its structured form. Validated by its own parser. */
  readonly event?: TSchema;
  readonly query?: TSchema;
  /** Repeated by the same client with the same `idempotency-key`, it is the same request. */
  readonly repeatable?: true;
  /** `if-match` may have the version of the case that the caller saw. */
  readonly versioned?: true;
  /** Needs a fresh sign-in of the configured level; otherwise 401 with a step-up challenge (RFC 9470). */
  readonly stepUp?: true;
  /** Without a sign-in, the body has a case key and the request proves its possession. */
  readonly takesKey?: true;
  /** May respond with 404 although its path has no parameter. */
  readonly mayLack?: true;
  readonly response: TSchema;
  readonly status: 200 | 201 | 202;
}
