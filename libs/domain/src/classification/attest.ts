import type { Directory, EventData, Person } from '@readmit/contracts';
import { teamsOf } from '../decision-proof/parties.js';
import { lookupOf } from './lookup.js';

type Opened = EventData<'readmit.case.opened'>;
type Classified = EventData<'readmit.case.classified'>;
type Attestation = EventData<'readmit.people.attested'>;

/**
 * Teams are attested with the case as long as that stays small: an event has an end (1 MiB), and a case of a help desk of thousands
 * must go on all the same. Beyond it members are attested when they act (`readmit.attestation.wanted`).
 */
const maxPeople = 200;
const maxCharacters = 64 * 1024;
/** Who answers for a machine is told of its cases: more people than this are nobody's watch. */
const maxOwners = 100;

/** Who matters for a case: subject, requester, who answers for a machine, and everybody who may verify or approve while the teams are small. */
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
  // From the most people to the fewest: the first that is small enough, and the parties whatever they are.
  const people =
    [matching([...parties, ...owners], teams), matching([...parties, ...owners], [])]
      .filter((some) => some.length <= maxPeople)
      .map((some) => some.map((person) => entryOf(person, relevant)))
      .find((entries) => JSON.stringify(entries).length <= maxCharacters) ??
    matching(parties, []).map((person) => entryOf(person, relevant));
  return { people, consumers: machine?.consumers ?? [], ...(machine ? { owners } : {}) };
}

/** Somebody who acts on the case and was not attested with it; nobody when the directory does not know the person. */
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

/** Those that the case asks for, and the one that answers for its machine. */
const relevantTeams = ({ requirements }: Classified, machine: Directory['machines'][number] | undefined): ReadonlySet<string> =>
  new Set([...teamsOf(requirements), ...(machine ? [machine.ownerTeam] : [])]);

/** Of teams only those that the case asks for: some people are in thousands, and which else is nobody's business here. */
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
