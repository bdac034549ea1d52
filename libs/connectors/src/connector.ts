import type { Ask, Ceiling, Facet, Identity, Plan, RecipientKey, Step, Undo } from '@readmit/contracts';
import { TargetError, type Capabilities, type Observed, type PlanParts, type Sealed, type UndoResult } from '@readmit/domain';

export { TargetError } from '@readmit/domain';
export type { Observed, Sealed, UndoResult } from '@readmit/domain';

export interface StepResult {
  /** State after the step, over the same facets as `before`. */
  readonly after: readonly Facet[];
  readonly sealed: readonly Sealed[];
  /** What the step made, by the target's own identity; the undo is given it back. */
  readonly made?: readonly Identity[];
}

/**
 * One target system. Every method MUST be idempotent: called again after a crash it reads the target first and goes on from
 * what it finds. "Absent" counts only when the same connection has just seen something that it must see:
 * otherwise a lost right would look like a completed undo.
 * MUST stop at `signal`. MUST NOT log or throw a secret.
 */
export interface Connector {
  readonly name: string;
  readonly capabilities: Capabilities;
  /**
   * Reads the target and proposes what restoring `ask` would take, without exceeding `ceiling`. Throws TargetError `not-found`, and `unsupported`
   * for an ask that `capabilities` does not name.
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
  /** What has happened since the grant, of each account of the plan at this target; an account of which nothing is known may be absent. */
  observe(plan: Plan, options: { readonly caseId: string }, signal: AbortSignal): Promise<readonly Observed[]>;
  close(): Promise<void>;
}

/** Throws for an ask that the connector does not declare. */
export function mustSupport({ name, capabilities }: Pick<Connector, 'name' | 'capabilities'>, { kind }: Pick<Ask, 'kind'>): void {
  if (!capabilities.asks.includes(kind)) throw new TargetError(`${name} does not support ${kind}`, 'none', 'unsupported');
}
