import type { EventData } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import type { PartyFacts } from '../decision-proof/parties.js';

/**
 * Whose keys a secret of this case may be sealed to: the case key, or for a machine its consumers as attested.
 * `among`: only of these attestations.
 */
export function recipientsOf(facts: PartyFacts, among?: readonly string[]): EventData<'readmit.people.attested'>['consumers'] {
  const opened = facts.first('readmit.case.opened');
  // The class counts too: a request that calls a machine a person must not get its secret.
  const machine = opened?.data.subject.kind === 'machine' || facts.last('readmit.case.classified')?.data.class === 'nhi-secret-restoration';
  if (machine) return attestedOf(facts, among)?.consumers ?? [];
  return opened?.data.caseKey ? [{ id: 'requester', key: opened.data.caseKey }] : [];
}
