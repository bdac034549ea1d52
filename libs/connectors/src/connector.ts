import type { Ask, Ceiling, Facet, Identity, Plan, RecipientKey, Step, Undo } from '@readmit/contracts';
import type { CheckOptions, CheckResult } from './check.js';
import { TargetError, type Capabilities, type Observed, type PlanParts, type Sealed, type UndoResult } from '@readmit/domain';

export { TargetError } from '@readmit/domain';
export type { Observed, Sealed, UndoResult } from '@readmit/domain';

export interface StepResult {
  /** State after the step, over the same facets as `before`. */
  readonly after: readonly Facet[];
  readonly sealed: readonly Sealed[];
  /** Identities of what the step created at the target; passed to the undo. */
  readonly made?: readonly Identity[];
}

/**
 * One target system. Every method MUST be idempotent: called again after a crash, it reads the target first and continues from what it
 * finds. "Absent" counts only if the same connection has just seen something that must exist: otherwise a lost permission would look like a
 * completed undo. MUST stop at `signal`. MUST NOT log or throw a secret.
 */
export interface Connector {
  readonly name: string;
  readonly capabilities: Capabilities;
  /**
   * Reads the target and proposes the steps for `ask`, without exceeding `ceiling`. Throws TargetError `not-found`, and `unsupported` for an
   * ask that `capabilities` does not name. `recipients`: keys that a secret would be sealed to.
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
  /** Reads the facets of `before` again. */
  read(ask: Ask, signal: AbortSignal): Promise<readonly Facet[]>;
  /** Executes one step. `expiresAt`: set as native expiry if the target supports it. */
  execute(
    step: Step,
    options: { readonly caseId: string; readonly recipients: readonly RecipientKey[]; readonly expiresAt: Date; readonly plan: Plan },
    signal: AbortSignal,
  ): Promise<StepResult>;
  /**
   * Undoes, ends sessions, and reads back. Returns only if the target shows that it is undone; otherwise throws TargetError. MUST use the
   * identities of `undo` and `made`, never names alone. `made`: what the step created, as recorded at its success; empty after a crash or
   * a failure.
   */
  undo(
    undo: Undo,
    options: { readonly caseId: string; readonly plan: Plan; readonly made?: readonly Identity[] },
    signal: AbortSignal,
  ): Promise<UndoResult>;
  /** What has happened since the grant, for each account of the plan at this target; accounts without news may be absent. */
  observe(plan: Plan, options: { readonly caseId: string }, signal: AbortSignal): Promise<readonly Observed[]>;
  /**
   * Whether the connector could work at the target: connection, credentials, rights that are missing and that are too many. Changes nothing.
   * What is wrong is a result and not an error.
   */
  check(options: CheckOptions, signal: AbortSignal): Promise<readonly CheckResult[]>;
  close(): Promise<void>;
}

/** Throws for an ask that is not among the connector's capabilities. */
export function mustSupport({ name, capabilities }: Pick<Connector, 'name' | 'capabilities'>, { kind }: Pick<Ask, 'kind'>): void {
  if (!capabilities.asks.includes(kind)) throw new TargetError(`${name} does not support ${kind}`, 'none', 'unsupported');
}

/** Throws for what the ceiling of the case does not allow: a kind of step, the entitlement of the ask, or the duration. */
export function mustBeBelow(
  { steps, entitlements, maxDurationSeconds }: Ceiling,
  { entitlement }: Pick<Ask, 'entitlement'>,
  planned: { readonly kinds: readonly Step['kind'][]; readonly durationSeconds: number },
): void {
  const refused = (what: string): TargetError => new TargetError(`the ceiling of this case ${what}`, 'none', 'refused');
  const above = planned.kinds.find((kind) => !steps.includes(kind));
  if (above) throw refused(`does not allow ${above}`);
  if (entitlement !== undefined && !entitlements.includes(entitlement)) throw refused(`does not allow ${entitlement}`);
  if (planned.durationSeconds > maxDurationSeconds) throw refused(`allows ${maxDurationSeconds} s, not ${planned.durationSeconds} s`);
}
