/** What a target system answers, as rules see it. Connectors make these; `libs/connectors` has the contract that they fulfil. */
import type { Facet } from '@readmit/contracts';

/** Why a target could not be asked or did not do it. `effect`: what is certain about the target now. */
export class TargetError extends Error {
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

/** A secret as it leaves a connector: already sealed (compact JWE) to one recipient. The plain secret exists in one function only. */
export interface Sealed {
  readonly recipient: string;
  readonly jwe: string;
}

export interface UndoResult {
  readonly readBack: readonly Facet[];
  /** Sessions that the undo ended. Those that a step ended, as `secret.reissue` does with the old login's, are counted nowhere. */
  readonly sessionsEnded: number;
}

/** What happened at one account after the grant and ends or completes it. */
export interface Observed {
  readonly object: string;
  readonly used?: { readonly at: string };
  /** A factor that the plan did not see. */
  readonly enrolled?: { readonly factor: string };
  /** The new secret is in use and the old one is not any more. */
  readonly takenOver?: boolean;
}
/** The same, by whose connector it was seen. */
export interface Seen extends Observed {
  readonly connector: string;
}
