import type { Ask, EventData, Facet, Plan, Step, Undo } from '@readmit/contracts';
import type { Crypto, Refusal } from '../kernel/behaviour.js';
import { stepTable } from '../kernel/restorations.js';
import { capabilityMissing, type Capabilities } from './capabilities.js';
import { aboveCeiling, unservable } from './ceiling.js';

/** What a connector proposes for one ask after reading the target, before approval (R2.2). */
export interface PlanParts {
  readonly steps: readonly Omit<Step, 'id' | 'askId'>[];
  readonly obligations: readonly Omit<Undo, 'id'>[];
  readonly removes: readonly string[];
  readonly restores: readonly string[];
  readonly untouched: readonly string[];
  /** What an approver must know in addition to the steps: who else gets the access, what the end does not take back. */
  readonly warnings?: readonly string[];
  /** The state that the approval depends on (R2.5), without volatile values such as a last login. */
  readonly before: readonly Facet[];
}
/** A connector's proposal for one ask. */
export interface AskParts extends PlanParts {
  readonly ask: Ask;
  readonly capabilities: Capabilities;
}

const byName = (a: Facet, b: Facet): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The list of what stays can be long (hundreds of roles): the last line then counts what is left out. */
const maxUntouched = 200;

/** An explicit plan from what the target showed, or a refusal if it exceeds the ceiling (R2.1, R2.2). */
export function buildPlan(
  opened: EventData<'readmit.case.opened'>,
  classified: { readonly id: string; readonly data: EventData<'readmit.case.classified'> },
  recipients: readonly { readonly id: string; readonly fingerprint: string }[],
  parts: readonly AskParts[],
  crypto: Crypto,
): { readonly plan: Plan; readonly digest: string } | { readonly refused: Refusal } {
  const refused = unservable(opened, classified.data);
  if (refused) return { refused };
  for (const part of parts) {
    const missing = capabilityMissing(part, classified.data);
    if (missing) return { refused: missing };
  }
  const steps = parts.flatMap(({ ask, steps: ofAsk }) => ofAsk.map((step) => ({ ...step, askId: ask.id })));
  // Two asks for one person may both end sessions: that is one step, the later one.
  const once = steps.filter((step, index) => index === steps.findIndex((other) => sameStep(other, step)));
  const obligations = parts.flatMap((part) => part.obligations);
  const warnings = unique(parts.flatMap((part) => part.warnings ?? []));
  const facets = withoutDuplicates(parts.flatMap((part) => part.before)).sort(byName);
  const plan: Plan = {
    caseId: opened.caseId,
    class: classified.data.class,
    asks: opened.asks,
    steps: once.map((step, index) => ({ ...step, id: `step-${index + 1}` })),
    removes: unique(parts.flatMap((part) => part.removes)),
    restores: unique(parts.flatMap((part) => part.restores)),
    untouched: bounded(unique(parts.flatMap((part) => part.untouched))),
    ...(warnings.length === 0 ? {} : { warnings }),
    obligations: obligations
      .filter((undo, index) => index === obligations.findIndex((other) => sameUndo(other, undo)))
      .map((undo, index) => ({ ...undo, id: `${opened.caseId}/obligation-${index + 1}` })),
    recipients: [...recipients],
    durationSeconds: opened.durationSeconds,
    before: { digest: crypto.digest(facets), facets },
    classificationId: classified.id,
  };
  const above = aboveCeiling(plan, classified.data.class, classified.data.ceiling);
  if (above) return { refused: above };
  const twice = sealedTwice(plan);
  if (twice) return { refused: twice };
  if (plan.steps.length === 0)
    return { refused: { rule: 'R2.2', reason: 'nothing-to-restore', message: 'The target already has everything that was requested.' } };
  return { plan, digest: crypto.digest(plan) };
}

/** A recipient picks up one secret per case: a second one would replace the first before it was read (R2.6). */
function sealedTwice({ steps }: Plan): Refusal | undefined {
  const sealing = steps.filter(({ kind }) => stepTable[kind].sealedTo !== undefined);
  const second = sealing.find((step, at) =>
    sealing.slice(0, at).some((other) => other.recipients.some((one) => step.recipients.includes(one))),
  );
  const first = second && sealing.find((step) => step.recipients.some((one) => second.recipients.includes(one)));
  if (!first) return undefined;
  const [one, other] = [first, second].map(({ kind, connector, object }) => `${kind} of ${connector}/${object}`);
  return {
    rule: 'R2.6',
    reason: 'two-secrets-for-one-key',
    message:
      `${one} and ${other} would each seal a secret to the same key, but a case has one secret per key. Request them in two cases.`.slice(
        0,
        500,
      ),
  };
}
const sameStep = (a: Omit<Step, 'id'>, b: Omit<Step, 'id'>): boolean =>
  a.kind === b.kind && a.connector === b.connector && a.object === b.object && a.entitlement === b.entitlement;
const sameUndo = (a: Omit<Undo, 'id'>, b: Omit<Undo, 'id'>): boolean =>
  a.kind === b.kind &&
  a.connector === b.connector &&
  a.object === b.object &&
  a.entitlement === b.entitlement &&
  a.armedBy === b.armedBy &&
  a.afterSeconds === b.afterSeconds;
const bounded = (lines: readonly string[]): string[] =>
  lines.length <= maxUntouched
    ? [...lines]
    : [...lines.slice(0, maxUntouched - 1), `and ${lines.length - maxUntouched + 1} more that are not listed here`];
const unique = (lines: readonly string[]): string[] => [...new Set(lines)];
const withoutDuplicates = (facets: readonly Facet[]): Facet[] =>
  facets.filter((facet, index) => index === facets.findIndex((other) => other.name === facet.name && other.value === facet.value));
