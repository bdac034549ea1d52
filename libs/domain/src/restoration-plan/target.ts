/** Results of a target system that rules read. Connectors create them, by the contract in `libs/connectors`. */
import type { Facet } from '@readmit/contracts';

/** Why a call to a target failed. `effect`: `none` if the target is certainly unchanged. */
export class TargetError extends Error {
  /** Name of the connector that threw it, where work may call several. */
  connector?: string;

  constructor(
    message: string,
    readonly effect: 'none' | 'unknown',
    readonly code: 'unreachable' | 'refused' | 'not-found' | 'changed' | 'unsupported' | 'timeout',
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'TargetError';
  }
}

/** A secret as returned by a connector: sealed (compact JWE) to one recipient. The plain secret exists in one function only. */
export interface Sealed {
  readonly recipient: string;
  readonly jwe: string;
}

export interface UndoResult {
  readonly readBack: readonly Facet[];
  /** Sessions that the undo ended. Sessions that a step ended, as for `secret.reissue`, are not counted. */
  readonly sessionsEnded: number;
}

/** Use of a grant at one account, which may end or complete it. */
export interface Observed {
  readonly object: string;
  readonly used?: { readonly at: string };
  /** A factor that did not exist when the plan was made. */
  readonly enrolled?: { readonly factor: string };
  /** The new secret is in use and the old one no longer is. */
  readonly takenOver?: boolean;
}
/** The same, with the connector that saw it. */
export interface Seen extends Observed {
  readonly connector: string;
}
