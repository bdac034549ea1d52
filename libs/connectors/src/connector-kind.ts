import type { Static, TObject, TProperties } from 'typebox';
import type { Connector } from './connector.js';

/** What a call may take, set by whoever runs connectors. */
export interface CallLimits {
  /** Milliseconds, of each statement or request; kept by the target too where it can. */
  readonly callTimeoutMs: number;
}

/** One kind of target system: the settings of its entry in the file of targets, and the connector that is made of them. */
export interface ConnectorKind<S extends { readonly name: string } = { readonly name: string }> {
  /** `kind` of its entries. */
  readonly kind: string;
  /** Schema of an entry's fields, beside `kind` and `name`. */
  readonly settings: TProperties;
  /** Throws for settings of the schema that are not safe to use. The message MUST NOT repeat a value that may be secret. */
  mustBeSafe(settings: S): void;
  /** Every text of the settings that must never be in a log. */
  secretsOf(settings: S): readonly string[];
  open(settings: S, limits: CallLimits): Connector;
}

/** Settings as the schema describes them, with the name that asks use. */
export type SettingsOf<P extends TProperties> = Static<TObject<P>> & { readonly name: string };

/** Runs the check of one field and names the field in its error. */
export function safeField(name: string, field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw new Error(`must give ${name} a safe ${field}: ${(error as Error).message}`, { cause: error });
  }
}
