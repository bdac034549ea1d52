import type { Ask, Ceiling, Facet, Identity, Plan, RecipientKey, Step, StepKind, Undo } from '@readmit/contracts';

/** What a target system can promise (R5.6). */
export interface Capabilities {
  readonly steps: readonly StepKind[];
  readonly readBack: boolean;
  readonly endSessions: boolean;
  readonly oneTimeCredential: boolean;
  /** Seconds that something already issued lives on at the target after the undo. */
  readonly residualSeconds: number;
  /** The target ends the grant by itself if we are dead. */
  readonly nativeExpiry: boolean;
}

/** What a plan is made of, read at the target before anybody approves (R2.2). */
export interface PlanParts {
  readonly steps: readonly Omit<Step, 'id' | 'askId'>[];
  readonly obligations: readonly Omit<Undo, 'id'>[];
  readonly removes: readonly string[];
  readonly restores: readonly string[];
  readonly untouched: readonly string[];
  /** What an approver must know beside the steps: who else gets the power, what the end does not take back. */
  readonly warnings?: readonly string[];
  /** The state that the approval depends on (R2.5); a last-login time is not part of it. */
  readonly before: readonly Facet[];
}

/** A secret as it leaves a connector: already sealed (compact JWE) to one recipient. The plain secret exists in one function only. */
export interface Sealed {
  readonly recipient: string;
  readonly jwe: string;
}

export interface StepResult {
  /** State after the step, over the same facets as `before`. */
  readonly after: readonly Facet[];
  readonly sealed: readonly Sealed[];
  /** What the step made, by the target's own identity; the undo is given it back. */
  readonly made?: readonly Identity[];
}

export interface UndoResult {
  readonly readBack: readonly Facet[];
  /** Sessions that the undo ended. Those that a step ended, as `secret.reissue` does with the old login's, are counted nowhere. */
  readonly sessionsEnded: number;
}

/** Things that happen at the target after the grant and end or complete it. */
export interface Observed {
  readonly used?: { readonly at: string };
  readonly enrolled?: { readonly factor: string };
  /** Consumers (by object) seen using the new secret. */
  readonly consumers?: readonly string[];
}

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

/**
 * One target system. Every method MUST be idempotent: called again after a crash it reads the target first and goes on from
 * what it finds. "Absent" counts only when the same connection has just seen something that it must see (TARGETS 11).
 * MUST stop at `signal`. MUST NOT log or throw a secret.
 */
export interface Connector {
  readonly name: string;
  readonly capabilities: Capabilities;
  /**
   * Reads the target and says what restoring `ask` would take, without exceeding `ceiling`. Throws TargetError `not-found`, `unsupported`.
   * `recipients`: whose keys a secret would be sealed to.
   */
  plan(
    ask: Ask,
    options: {
      readonly ceiling: Ceiling;
      readonly durationSeconds: number;
      readonly overlapSeconds: number;
      readonly recipients: readonly RecipientKey[];
    },
    signal: AbortSignal,
  ): Promise<PlanParts>;
  /** Facets of `before`, read again now. */
  read(ask: Ask, signal: AbortSignal): Promise<readonly Facet[]>;
  /** Does one step. `expiresAt`: set as native expiry where the target has one. */
  execute(
    step: Step,
    options: { readonly caseId: string; readonly recipients: readonly RecipientKey[]; readonly expiresAt: Date; readonly plan: Plan },
    signal: AbortSignal,
  ): Promise<StepResult>;
  /**
   * Undoes, ends sessions, reads back. Returns only when the target shows that it is undone; else throws TargetError. MUST go by the
   * identities of `undo` and `made`, never by names alone. `made`: what the step made, as recorded at its success; nothing is on
   * record after a crash or a failure.
   */
  undo(
    undo: Undo,
    options: { readonly caseId: string; readonly plan: Plan; readonly made?: readonly Identity[] },
    signal: AbortSignal,
  ): Promise<UndoResult>;
  /** What has happened since the grant. */
  observe(plan: Plan, options: { readonly caseId: string }, signal: AbortSignal): Promise<Observed>;
  close(): Promise<void>;
}
