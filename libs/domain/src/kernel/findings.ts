import type { FactOf } from '@readmit/contracts';
import type { Facts } from './facts.js';

/** Findings that no later reading has cleared. */
export function openFindings(
  facts: Facts<'readmit.finding.raised' | 'readmit.finding.cleared'>,
): readonly FactOf<'readmit.finding.raised'>[] {
  const cleared = new Set(facts.of('readmit.finding.cleared').map(({ data }) => data.findingId));
  return facts.of('readmit.finding.raised').filter(({ data }) => !cleared.has(data.findingId));
}
