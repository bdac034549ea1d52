import { attestedOf, maxAttestationRequests } from '../decision-proof/attested.js';
import { refusal, draft, type Command, type CommandResult, type RecordedRefusal, type CommandRefusal } from '../kernel/behaviour.js';
import type { ApprovalContext, ApprovalEvents, ApprovalFacts } from './approval.facts.js';

export const notReady = (waitsFor: string): CommandRefusal =>
  refusal('not-ready', 'R8.1', 'not-ready', `This service has not received ${waitsFor} yet. Try again in a moment.`);

/**
 * Whether classification has attested a person. People are attested when they act, so a person may act before their
 * attestation was requested. `unknown`: requested, and an attestation without people arrived since. Such an answer does not
 * name whom it is about: of two simultaneous requests the second may be `unknown` until its own answer arrives, which only
 * ever refuses too much.
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

/** Requests the attestation of the person, once per person and case; undefined once there is an answer. */
export function requireAttestation(
  facts: ApprovalFacts,
  context: ApprovalContext,
  person: string,
): CommandResult<RecordedRefusal> | undefined {
  const waits = notReady(`the attestation of ${person}`);
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
          `${maxAttestationRequests} people have already been looked up for this case. Open a new request.`,
        );
      return { emit: [draft('readmit.attestation.wanted', context.key, { caseId: context.key, person })], reply: { refusal: waits } };
    default:
      return undefined;
  }
}

/** For a person who reads the case and is not attested for it: requests the attestation and does nothing else. */
export const requestAttestation =
  (person: string): Command<Record<never, never>, ApprovalEvents> =>
  (facts, context) => {
    const first = requireAttestation(facts, context, person);
    return { emit: first && !first.refused ? first.emit : [], reply: {} };
  };
