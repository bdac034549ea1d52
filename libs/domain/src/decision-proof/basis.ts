import type { EventData } from '@readmit/contracts';
import type { Attested } from './attested.js';
import { otherKeysOf, type DecisionBasis, type DenialBasis } from './decision-proof.js';

/** What decides who may approve a case: signed events, and the people as attested now or as a grant names them. */
export interface CaseParts {
  readonly opened: EventData<'readmit.case.opened'>;
  readonly classified: EventData<'readmit.case.classified'>;
  readonly attested: Pick<Attested, 'people' | 'consumers'>;
}

/** What a denial of the case is checked against. */
export const denialBasisOf = ({ opened, classified, attested }: CaseParts): DenialBasis => ({
  caseId: opened.caseId,
  requester: opened.requester.id,
  subject: opened.subject.id,
  people: attested.people,
  quorum: classified.requirements.quorum,
  otherKeys: otherKeysOf(opened, attested.consumers),
});

/**
 * What a decision of the case is checked against. The only place that assembles it: for approval, for execution before it
 * starts, for audit and for the offline verifier.
 */
export const decisionBasisOf = (
  parts: CaseParts,
  bound: Pick<DecisionBasis, 'planDigest' | 'evidenceDigest' | 'collectors'>,
): DecisionBasis => ({ ...denialBasisOf(parts), ...bound, policyDigest: parts.classified.policy.digest });
