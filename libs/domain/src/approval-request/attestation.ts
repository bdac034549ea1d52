import { attestedOf, maxAttestationRequests } from '../decision-proof/attested.js';
import { refusal, draft, type Command, type CommandResult, type RecordedRefusal, type CommandRefusal } from '../kernel/behaviour.js';
import type { ApprovalContext, ApprovalEvents, ApprovalFacts } from './approval.facts.js';

export const notReady = (waitsFor: string): CommandRefusal =>
  refusal('not-ready', 'R8.1', 'not-ready', `This service has not heard of ${waitsFor} yet. Try again in a moment.`);

/**
 * What classification said of a person. People are attested when they matter, so somebody may act before anybody asked who that is.
 * `unknown`: it was asked, and an attestation that names nobody came since. Whose answer that is it does not say; while two are asked about
 * at once, the second may be told `unknown` until the own answer is here, which errs on the side of no.
 */
export function attestationStatus(facts: ApprovalFacts, person: string): 'attested' | 'unclassified' | 'unasked' | 'asked' | 'unknown' {
  const attested = attestedOf(facts);
  if (!attested) return 'unclassified';
  if (attested.people.some(({ id }) => id === person)) return 'attested';
  const asked = facts.of('readmit.attestation.wanted').find(({ data }) => data.person === person);
  if (!asked) return 'unasked';
  const nobody = facts.of('readmit.people.attested').some(({ at, data }) => at >= asked.at && data.people.length === 0);
  return nobody ? 'unknown' : 'asked';
}

/** Has the person attested first, once per person and case; undefined when what can be known is known. */
export function requireAttestation(
  facts: ApprovalFacts,
  context: ApprovalContext,
  person: string,
): CommandResult<RecordedRefusal> | undefined {
  const waits = notReady(`who ${person} is`);
  switch (attestationStatus(facts, person)) {
    case 'unclassified':
      return notReady('the classification of the case');
    case 'asked':
      return waits;
    case 'unasked':
      if (facts.of('readmit.attestation.wanted').length >= maxAttestationRequests)
        return refusal(
          'forbidden',
          'R4.2',
          'too-many-people',
          `${maxAttestationRequests} people have come to this case already; who else somebody is, is not looked up. Open a new request.`,
        );
      return { emit: [draft('readmit.attestation.wanted', context.key, { caseId: context.key, person })], reply: { refusal: waits } };
    default:
      return undefined;
  }
}

/** Somebody who is not named looks at the case: who that is gets asked, and nothing is answered or recorded beside it. */
export const requestAttestation =
  (person: string): Command<Record<never, never>, ApprovalEvents> =>
  (facts, context) => {
    const first = requireAttestation(facts, context, person);
    return { emit: first && !first.refused ? first.emit : [], reply: {} };
  };
