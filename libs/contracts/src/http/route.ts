/** What the API says of one route. */
import type { TSchema } from 'typebox';
import type { ServiceName } from '../events/entry.js';

/**
 * `anyone`: no sign-in (rate-limited). `person`: OIDC bearer of a person; that of a client (`client_id` is `sub`, or a provider) is refused. `case-key`: a proof by the case's one-time key (or a machine
 * consumer's key) in the header `readmit-proof`. `person-or-case-key`: either. `operator`: bearer with the team `platform-operators`.
 * `provider`: bearer of an identity provider's client (claim `client_id` listed in the configuration).
 */
export type Access = 'anyone' | 'person' | 'case-key' | 'person-or-case-key' | 'operator' | 'provider';

export interface Route {
  readonly service: ServiceName;
  readonly method: 'GET' | 'POST';
  /** Below the origin; `:name` for parameters. */
  readonly path: string;
  readonly access: Access;
  readonly says: string;
  /** What a caller must know beside that. */
  readonly more?: string;
  readonly body?: TSchema;
  /** The body is a CloudEvent in structured or binary mode (then `ce-` headers carry the attributes); this is its structured form. Its reader refuses by itself. */
  readonly event?: TSchema;
  readonly query?: TSchema;
  /** Sent again with the same `idempotency-key` by the same client it is the same request. */
  readonly repeatable?: true;
  /** `if-match` says which version of the case the caller saw. */
  readonly versioned?: true;
  /** Without a sign-in the body has a case key, and the request a proof of it. */
  readonly takesKey?: true;
  /** Though its path has no parameter it may find nothing. */
  readonly mayLack?: true;
  readonly response: TSchema;
  readonly status: 200 | 201 | 202;
}
