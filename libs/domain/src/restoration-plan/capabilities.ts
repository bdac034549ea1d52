/** What connectors declare, and what a case needs of them (R5.6). */
import type { Ask, AskKind, Capability, EventData, Step } from '@readmit/contracts';
import type { Refusal } from '../kernel/behaviour.js';
import { stepTable } from '../kernel/restorations.js';

export interface Capabilities {
  /** Kinds of asks that it supports. */
  readonly asks: readonly AskKind[];
  /**
   * `read-back`: shows the state of the target after each step and undo. `end-sessions`: ends open sessions.
   * `one-time-credential`: issues credentials that can be used once. `native-expiry`: the target itself ends every grant,
   * even when Readmit is down.
   */
  readonly can: readonly Capability[];
  /** How long an issued credential keeps working at the target after its undo. */
  readonly residualSeconds: number;
}

const capabilityNames: Readonly<Record<Capability, string>> = {
  'read-back': 'read back what it changed',
  'end-sessions': 'end open sessions',
  'one-time-credential': 'issue a one-time credential',
  'native-expiry': 'let the target end a grant by itself',
};
/** Without it unknown outcomes stay unknown (R5.5) and no undo is proved (R6.3). */
const alwaysNeeded: readonly Capability[] = ['read-back'];

/** Why the connector may not be used for the ask in this case, or undefined. */
export function capabilityMissing(
  { ask, capabilities, steps }: { readonly ask: Ask; readonly capabilities: Capabilities; readonly steps: readonly Pick<Step, 'kind'>[] },
  { tier, requirements }: Pick<EventData<'readmit.case.classified'>, 'tier' | 'requirements'>,
): Refusal | undefined {
  const refuse = (lacks: string): Refusal => ({ rule: 'R5.6', reason: 'capability-missing', message: `${ask.connector} ${lacks}` });
  const lacks = (capability: Capability, whose: string): Refusal | undefined =>
    capabilities.can.includes(capability) ? undefined : refuse(`cannot ${capabilityNames[capability]} (${capability}), which ${whose}.`);
  const { capabilities: required = [], maxResidualSeconds } = requirements.connector ?? {};
  const byPolicy = `the policy requires for tier ${tier}`;
  const needs: readonly (readonly [Capability, string])[] = [
    ...alwaysNeeded.map((capability) => [capability, 'every step needs'] as const),
    ...steps.flatMap(({ kind }) => (stepTable[kind].needs === undefined ? [] : [[stepTable[kind].needs, `${kind} needs`] as const])),
    ...required.map((capability) => [capability, byPolicy] as const),
  ];
  for (const [capability, whose] of needs) {
    const missing = lacks(capability, whose);
    if (missing) return missing;
  }
  return maxResidualSeconds !== undefined && capabilities.residualSeconds > maxResidualSeconds
    ? refuse(
        `leaves issued credentials valid for ${capabilities.residualSeconds} s after their end; ${byPolicy} at most ${maxResidualSeconds} s.`,
      )
    : undefined;
}
