import type { EventData, Person } from '@readmit/contracts';
import { refusal, type CommandRefusal } from '../kernel/behaviour.js';
import { byHuman, entriesOf, duplicateEntryMessage } from './humans.js';

/** Why the person may not collect evidence for the case, or undefined. The same people may see whom to call. */
export function verifierRefusal(
  id: string,
  opened: EventData<'readmit.case.opened'>,
  people: readonly Person[],
  teams: readonly string[],
): CommandRefusal | undefined {
  const [verifier, duplicate] = entriesOf(people, id);
  if (!verifier) return refusal('forbidden', 'R4.2', 'verifier-unknown', 'The directory does not attest this person for the case.');
  if (duplicate) return refusal('forbidden', 'R4.2', 'verifier-ambiguous', duplicateEntryMessage);
  const humanOf = byHuman(people);
  const human = humanOf(id);
  if (opened.requester.id !== undefined && humanOf(opened.requester.id) === human)
    return refusal(
      'forbidden',
      'R4.2',
      'verifier-is-requester',
      'The requester cannot verify. An agent who is neither requester nor subject must.',
    );
  if (humanOf(opened.subject.id) === human)
    return refusal(
      'forbidden',
      'R4.2',
      'verifier-is-subject',
      'The subject cannot verify. An agent who is neither requester nor subject must.',
    );
  if (verifier.employment === 'vendor')
    return refusal('forbidden', 'R3.10', 'verifier-is-vendor', 'Vendor staff can request, never verify.');
  if (!teams.some((team) => verifier.teams.includes(team)))
    return refusal('forbidden', 'R4.2', 'not-a-verifier', `Only ${teams.join(', ')} may collect evidence for this case.`);
  return undefined;
}
