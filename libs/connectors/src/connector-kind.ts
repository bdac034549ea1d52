import type { Static, TObject, TProperties } from 'typebox';
import type { Connector } from './connector.js';

/** Limits of a call, set by the caller of `open`. */
export interface CallLimits {
  /** Timeout in milliseconds of each statement or request; enforced by the target too, where it can. */
  readonly callTimeoutMs: number;
}

/** One kind of target system: the settings of its entry in the targets file, and how to open the connector. */
export interface ConnectorKind<S extends { readonly name: string } = { readonly name: string }> {
  /** Value of `kind` in its entries. */
  readonly kind: string;
  /** Schema of an entry's fields, except `kind` and `name`. */
  readonly settings: TProperties;
  /** Throws for valid settings that are not safe to use. The message MUST NOT repeat a value that may be secret. */
  mustBeSafe(settings: S): void;
  /** All values of the settings that must never appear in a log. */
  secretsOf(settings: S): readonly string[];
  open(settings: S, limits: CallLimits): Connector;
}

/** Settings as the schema describes them, with the name that asks use. */
export type SettingsOf<P extends TProperties> = Static<TObject<P>> & { readonly name: string };

/** Runs the check of a field and names the field in the error. */
export function safeField(name: string, field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw new Error(`must give ${name} a safe ${field}: ${(error as Error).message}`, { cause: error });
  }
}
