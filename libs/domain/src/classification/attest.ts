import type { Directory, EventData, Person } from '@readmit/contracts';
import { teamsOf } from '../decision-proof/parties.js';
import { lookupOf } from './lookup.js';

type Opened = EventData<'readmit.case.opened'>;
type Classified = EventData<'readmit.case.classified'>;
type Attestation = EventData<'readmit.people.attested'>;

/**
 * Teams are attested with the case while the event stays small: events are limited to 1 MiB, and a help desk of thousands
 * must not block a case. Above these limits members are attested when they act (`readmit.attestation.wanted`).
 */
const maxPeople = 200;
const maxCharacters = 64 * 1024;
/** Owners of a machine are notified of its cases; the rest of a larger team is not. */
const maxOwners = 100;

/** The people of a case: subject, requester, owners of the machine, and everyone who may verify or approve while the teams are small. */
export function attest(opened: Opened, classified: Classified, directory: Directory): Pick<Attestation, 'people' | 'consumers' | 'owners'> {
  const { matching, machines, team } = lookupOf(directory);
  const machine = machines(opened.subject.id)[0];
  const owners = machine
    ? team(machine.ownerTeam)
        .slice(0, maxOwners)
        .map(({ id }) => id)
    : [];
  const teams = teamsOf(classified.requirements);
  const relevant = relevantTeams(classified, machine);
  const parties = [opened.subject.id, ...(opened.requester.id === undefined ? [] : [opened.requester.id])];
  // The largest set within the limits; the parties in any case.
  const people =
    [matching([...parties, ...owners], teams), matching([...parties, ...owners], [])]
      .filter((some) => some.length <= maxPeople)
      .map((some) => some.map((person) => entryOf(person, relevant)))
      .find((entries) => JSON.stringify(entries).length <= maxCharacters) ??
    matching(parties, []).map((person) => entryOf(person, relevant));
  return { people, consumers: machine?.consumers ?? [], ...(machine ? { owners } : {}) };
}

/** Attests one person who acts on the case; nobody if the directory does not know the person. */
export function attestOne(
  person: string,
  opened: Opened,
  classified: Classified,
  directory: Directory,
): Pick<Attestation, 'people' | 'consumers'> {
  const { people, machines } = lookupOf(directory);
  const machine = machines(opened.subject.id)[0];
  const relevant = relevantTeams(classified, machine);
  return { people: people(person).map((found) => entryOf(found, relevant)), consumers: machine?.consumers ?? [] };
}

/** Teams that the case requires, and the team that owns its machine. */
const relevantTeams = ({ requirements }: Classified, machine: Directory['machines'][number] | undefined): ReadonlySet<string> =>
  new Set([...teamsOf(requirements), ...(machine ? [machine.ownerTeam] : [])]);

/** Only the teams that matter for the case: some people are in thousands, and the others are not needed here. */
const entryOf = (
  { id, human, teams, authority, employment, privileged, keys }: Directory['people'][number],
  relevant: ReadonlySet<string>,
): Person => ({
  id,
  human,
  teams: teams.filter((team) => relevant.has(team)),
  authority,
  employment,
  privileged,
  keys,
});
