/** What connectors declare, and what a case needs of them (R5.6). */
import type { Ask, AskKind, Capability, EventData, Step } from '@readmit/contracts';
import type { Refusal } from '../kernel/behaviour.js';
import { stepTable } from '../kernel/restorations.js';

export interface Capabilities {
  /** What it serves; every other kind of ask it refuses as unsupported. */
  readonly asks: readonly AskKind[];
  /**
   * `read-back`: it shows the state of the target after each step and undo. `end-sessions`: it ends sessions that are open. `one-time-credential`:
   * it issues what can be used once. `native-expiry`: the target ends every grant of it by itself, also when Readmit is down.
   */
  readonly can: readonly Capability[];
  /** How long something that was issued lives on at the target after its undo. */
  readonly residualSeconds: number;
}

const capabilityNames: Readonly<Record<Capability, string>> = {
  'read-back': 'read back what it changed',
  'end-sessions': 'end open sessions',
  'one-time-credential': 'issue a one-time credential',
  'native-expiry': 'let the target end a grant by itself',
};
/** Without it no unknown outcome is known (R5.5) and no undo is proved (R6.3). */
const alwaysNeeded: readonly Capability[] = ['read-back'];

/** Why the connector may not serve the ask in this case, or undefined. */
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
        `lets what was issued live on for ${capabilities.residualSeconds} s after its end; ${byPolicy}: ${maxResidualSeconds} s at most.`,
      )
    : undefined;
}
