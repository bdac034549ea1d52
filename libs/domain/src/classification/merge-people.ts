/** Merges the signed file with a live source. The stricter statement counts; keys come from the file only (ADR 26). */
import type { Directory, Policy } from '@readmit/contracts';
import { fold } from '../decision-proof/humans.js';
import { teamsOf } from '../decision-proof/parties.js';
import type { LiveFindings } from './directory-age.js';
import { lookupOf } from './lookup.js';

type Person = Directory['people'][number];
type Contact = Person['contacts'][number];

/** A person as a live source has them. */
export interface LivePerson {
  readonly id: string;
  /** Undefined: the source does not tell whose account it is. */
  readonly human: string | undefined;
  readonly employment: Person['employment'];
  /** Person id of the manager. */
  readonly manager: string | undefined;
  readonly contacts: readonly Contact[];
  readonly accounts: Person['accounts'];
  /** By the mapping of groups, nested ones included. */
  readonly teams: readonly string[];
  /** The highest of the mapping. */
  readonly authority: number;
  readonly privileged: boolean;
  /** When the source last had this entry. */
  readonly readAt: string;
}

/** What the mapping covers: about everything else the source makes no statement. */
export interface LiveCovers {
  readonly teams: readonly string[];
  readonly authority: boolean;
  readonly contacts: boolean;
  /** Connectors whose accounts it has. */
  readonly connectors: readonly string[];
  /** People whom the source need not know. */
  readonly fileOnly: readonly string[];
}

export interface LiveSource {
  readonly name: string;
  readonly covers: LiveCovers;
  /** Start of the last complete pass. */
  readonly asOf: string;
  /** Why the last run failed; undefined if it did not. */
  readonly problem: string | undefined;
}

/** What was read of a live source for one case. `people`: entries whose id is one of those asked for, ignoring case. */
export interface LiveReading {
  readonly source: LiveSource;
  readonly people: readonly LivePerson[];
}

/** Who matters for a case. */
export interface Concerned {
  /** Subject and requester. */
  readonly parties: readonly string[];
  /** Others, who act on the case. */
  readonly others: readonly string[];
}

/** The directory of one case. */
export interface MergedDirectory extends LiveFindings {
  readonly directory: Directory;
}

/** Teams whose members verify or decide in some case. */
export const policyTeams = ({ classes, privilegedSubject }: Policy): readonly string[] => [
  ...new Set([...Object.values(classes).flatMap((one) => teamsOf(one)), ...privilegedSubject.quorum.flatMap(({ teams }) => teams)]),
];

/** Teams whose members approve: a source never makes anybody a member. */
const decidingTeams = ({ classes, privilegedSubject }: Policy): ReadonlySet<string> =>
  new Set([...Object.values(classes).flatMap(({ quorum }) => quorum), ...privilegedSubject.quorum].flatMap(({ teams }) => teams));

/** Why the source gives nothing now: it is down, or was last read completely too long ago. Undefined: it can be used. */
export function whyUnusable({ name, asOf, problem }: LiveSource, now: Date, maxSeconds: number): string | undefined {
  if (problem !== undefined) return `The source ${name} could not be read (${problem})`.slice(0, 300);
  const seconds = ageOf(asOf, now);
  return seconds <= maxSeconds
    ? undefined
    : `The source ${name} was last read completely ${seconds} s ago, and the policy allows ${maxSeconds} s`;
}
const ageOf = (at: string, now: Date): number => Math.max(0, Math.floor((now.getTime() - Date.parse(at)) / 1000));

/** The part of the file that a case needs: its parties, who acts, members of the policy's teams, and its machine with its owners. */
export function neededOf(file: Directory, policy: Policy, { parties, others }: Concerned) {
  const { matching, machines, similarId } = lookupOf(file);
  const named = [...new Set([...parties, ...others])];
  // An id in another spelling is for the hint alone.
  const ids = [...new Set([...named, ...named.flatMap((id) => similarId(id) ?? [])])];
  const ofCase = ids.flatMap((id) => machines(id));
  const teams = [...new Set([...policyTeams(policy), ...ofCase.map(({ ownerTeam }) => ownerTeam)])];
  return { people: matching(ids, teams), machines: ofCase, teams, ids };
}

/** The directory of one case. Entries of the live source whose ids were not asked for are members of the teams that are needed. */
export function mergeDirectory(file: Directory, live: LiveReading, policy: Policy, concerned: Concerned, now: Date): MergedDirectory {
  const { source } = live;
  const unusable = whyUnusable(source, now, policy.directoryMaxAgeSeconds);
  const entries = Map.groupBy(live.people, ({ id }) => fold(id));
  const merge = (id: string, mine: Person | undefined) =>
    mergePerson(id, mine, entries.get(fold(id)) ?? [], { source, usable: unusable === undefined, deciding: decidingTeams(policy) });

  const { machines, people, similarId } = lookupOf(file);
  const needed = neededOf(file, policy, concerned);
  const merged = new Map(needed.people.map((person) => [person.id, merge(person.id, person)]));
  const asked = new Set(needed.ids.map(fold));
  for (const { id } of live.people) {
    // Not under the id of a machine, nor under one of the file in another spelling.
    if (merged.has(id) || [people(id), machines(id)].flat().length > 0 || similarId(id) !== undefined) continue;
    const alone = merge(id, undefined);
    if (asked.has(fold(id)) || (alone.person?.teams ?? []).length > 0) merged.set(id, alone);
  }

  const doubts = concerned.parties.flatMap((id) => merged.get(id)?.doubts ?? []);
  const [subject] = concerned.parties;
  return {
    directory: {
      ...file,
      people: [...merged.values()].flatMap(({ person }) => person ?? []),
      machines: needed.machines,
    },
    doubts: [
      ...(unusable === undefined
        ? []
        : [`${unusable}: what it had last still restricts, and gives nothing; what is unknown never lowers a tier.`]),
      ...new Set(doubts),
    ],
    facts: [
      { name: `source:${source.name}`, value: unusable === undefined ? 'current' : 'unusable', ageSeconds: ageOf(source.asOf, now) },
      ...subjectFacts(entries.get(fold(subject ?? '')) ?? [], source.name, now),
    ],
  };
}

/** Each fact of the subject that the source has, with its age. */
function subjectFacts(entries: readonly LivePerson[], source: string, now: Date): MergedDirectory['facts'] {
  const [entry, another] = entries;
  if (!entry || another) return [];
  const ageSeconds = ageOf(entry.readAt, now);
  return [
    { name: `subject-employment:${source}`, value: entry.employment, ageSeconds },
    { name: `subject-manager:${source}`, value: entry.manager ?? 'unknown', ageSeconds },
    { name: `subject-privileged:${source}`, value: String(entry.privileged), ageSeconds },
    { name: `subject-contacts:${source}`, value: String(entry.contacts.length), ageSeconds },
    { name: `subject-accounts:${source}`, value: String(entry.accounts.length), ageSeconds },
  ];
}

interface Rules {
  readonly source: LiveSource;
  /** Otherwise the source takes away only. */
  readonly usable: boolean;
  readonly deciding: ReadonlySet<string>;
}
interface Merged {
  readonly person: Person | undefined;
  readonly doubts: readonly string[];
}

function mergePerson(id: string, mine: Person | undefined, entries: readonly LivePerson[], rules: Rules): Merged {
  const { name, covers } = rules.source;
  const doubt = (what: string): string => `${what}; what is unknown never lowers a tier.`;
  const without = (person: Person | undefined, what: string): Merged => ({
    person: person && { ...person, teams: [], authority: 0 },
    doubts: [doubt(what)],
  });
  const [entry, another] = entries;
  if (!entry) {
    if (!mine || covers.fileOnly.includes(id)) return { person: mine, doubts: [] };
    return without(mine, `The source ${name} does not know ${id}, who can neither verify nor approve`);
  }
  if (another) return without(mine, `The source ${name} has several entries for ${id}, and none of them counts`);
  if (entry.id !== id) return without(mine, `The source ${name} has ${entry.id} where the signed file has ${id}`);
  if (!mine) return onlyLive(entry, rules, doubt);
  const both: Person = {
    ...mine,
    teams: mine.teams.filter((team) => !covers.teams.includes(team) || entry.teams.includes(team)),
    authority: covers.authority ? Math.min(mine.authority, entry.authority) : mine.authority,
    employment: entry.employment === 'vendor' ? 'vendor' : mine.employment,
    privileged: mine.privileged || entry.privileged,
    contacts: covers.contacts ? bothContacts(mine.contacts, entry.contacts, rules.usable) : mine.contacts,
    accounts: bothAccounts(mine.accounts, entry.accounts, rules),
  };
  if (entry.human === undefined) return without(both, `The source ${name} does not tell which human ${id} is`);
  if (fold(entry.human) !== fold(mine.human))
    return without(both, `The source ${name} and the signed file name different humans for ${id}`);
  return { person: both, doubts: [] };
}

/** Somebody whom the file does not list: no keys, and never in a team that approves. */
function onlyLive(entry: LivePerson, { source, usable, deciding }: Rules, doubt: (what: string) => string): Merged {
  const { id, human, employment, privileged, authority } = entry;
  const counts = usable && human !== undefined;
  return {
    person: {
      id,
      human: human ?? id,
      name: id,
      teams: counts ? entry.teams.filter((team) => !deciding.has(team)) : [],
      authority: counts ? authority : 0,
      employment,
      privileged,
      keys: [],
      contacts: usable ? [...entry.contacts] : [],
      accounts: usable ? [...entry.accounts] : [],
    },
    doubts: human === undefined ? [doubt(`The source ${source.name} does not tell which human ${id} is`)] : [],
  };
}

/** The same number is written in several ways. */
const plainContact = ({ kind, value }: Contact): string => `${kind} ${kind === 'email' ? fold(value) : value.replace(/[^+\p{N}]/gu, '')}`;

function bothContacts(mine: readonly Contact[], live: readonly Contact[], usable: boolean): Contact[] {
  if (mine.length === 0) return usable ? [...live] : [];
  const known = new Set(live.map(plainContact));
  return mine.filter((contact) => known.has(plainContact(contact)));
}

/** Connector by connector: the mapping covers some, and the file may list accounts at some. */
function bothAccounts(mine: Person['accounts'], live: Person['accounts'], { source, usable }: Rules): Person['accounts'] {
  const listed = new Set(mine.map(({ connector }) => connector));
  const known = new Set(live.map(({ connector, object }) => JSON.stringify([connector, object])));
  return [
    ...mine.filter(
      ({ connector, object }) => !source.covers.connectors.includes(connector) || known.has(JSON.stringify([connector, object])),
    ),
    ...(usable ? live.filter(({ connector }) => !listed.has(connector)) : []),
  ];
}
