import type { Directory } from '@readmit/contracts';
import { fold } from '../decision-proof/humans.js';

type Person = Directory['people'][number];
type Machine = Directory['machines'][number];

/** Indexes of a directory. Results are in the order of the directory. */
export interface Lookup {
  people(id: string): readonly Person[];
  machines(id: string): readonly Machine[];
  /** An id of the directory that differs from this one only by case or Unicode form. */
  similarId(id: string): string | undefined;
  team(name: string): readonly Person[];
  /** People who have one of the ids or are in one of the teams. */
  matching(ids: readonly string[], teams: Iterable<string>): readonly Person[];
}

const lookups = new WeakMap<Directory, Lookup>();

/** Built once for each directory object, which never changes. */
export function lookupOf(directory: Directory): Lookup {
  const found = lookups.get(directory) ?? makeLookup(directory);
  lookups.set(directory, found);
  return found;
}

function makeLookup({ people, machines }: Directory): Lookup {
  const places = new Map(people.map((person, place) => [person, place]));
  const byId = Map.groupBy(people, ({ id }) => id);
  const byTeam = new Map<string, Person[]>();
  for (const person of people)
    for (const team of person.teams) {
      const members = byTeam.get(team);
      if (members) members.push(person);
      else byTeam.set(team, [person]);
    }
  const machinesById = Map.groupBy(machines, ({ id }) => id);
  const byFolded = new Map([...people, ...machines].map(({ id }) => [fold(id), id]));
  return {
    people: (id) => byId.get(id) ?? [],
    machines: (id) => machinesById.get(id) ?? [],
    similarId(id) {
      const other = byFolded.get(fold(id));
      return other === id ? undefined : other;
    },
    team: (name) => byTeam.get(name) ?? [],
    matching: (ids, teams) =>
      [...new Set([...ids.flatMap((id) => byId.get(id) ?? []), ...[...teams].flatMap((team) => byTeam.get(team) ?? [])])].sort(
        (one, other) => (places.get(one) ?? 0) - (places.get(other) ?? 0),
      ),
  };
}
