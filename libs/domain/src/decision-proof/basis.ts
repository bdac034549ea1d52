import type { EventData } from '@readmit/contracts';
import type { Attested } from './attested.js';
import { otherKeysOf, type DecisionBasis, type DenialBasis } from './decision-proof.js';

/** The signed events of a case that say who may decide, and the people as they are attested: by now, or by what a grant rests on. */
export interface CaseParts {
  readonly opened: EventData<'readmit.case.opened'>;
  readonly classified: EventData<'readmit.case.classified'>;
  readonly attested: Pick<Attested, 'people' | 'consumers'>;
}

/** What a no of the case is checked against. */
export const denialBasisOf = ({ opened, classified, attested }: CaseParts): DenialBasis => ({
  caseId: opened.caseId,
  requester: opened.requester.id,
  subject: opened.subject.id,
  people: attested.people,
  quorum: classified.requirements.quorum,
  otherKeys: otherKeysOf(opened, attested.consumers),
});

/**
 * What a decision of the case is checked against: approval when it is made and when it is granted, execution before it starts, audit and the
 * offline verifier by the judgement of the grant. None of them puts it together by itself.
 */
export const decisionBasisOf = (
  parts: CaseParts,
  bound: Pick<DecisionBasis, 'planDigest' | 'evidenceDigest' | 'collectors'>,
): DecisionBasis => ({ ...denialBasisOf(parts), ...bound, policyDigest: parts.classified.policy.digest });
