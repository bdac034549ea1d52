import type { FactOf } from '@readmit/contracts';
import type { Facts } from './facts.js';

type StopFacts = Facts<'readmit.case.frozen' | 'readmit.containment.ordered'>;
type Stop = FactOf<'readmit.case.frozen'> | FactOf<'readmit.containment.ordered'>;

/** Every order to stop the case: repudiated or reported ("this was not me"), a signal, an operator's containment. */
export const stopsOf = (facts: StopFacts): readonly Stop[] => [
  ...facts.of('readmit.case.frozen'),
  ...facts.of('readmit.containment.ordered'),
];

/** Whether the case was stopped. Counts whenever it was received, even before the case itself. */
export const isStopped = (facts: StopFacts): boolean => facts.has('readmit.case.frozen') || facts.has('readmit.containment.ordered');
