import type { Directory } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import { verifierRefusal } from '../decision-proof/verifier.js';
import { refusal, draft, type Command, type CommandRefusal } from '../kernel/behaviour.js';
import { clockToleranceSeconds, instant, plusSeconds } from '../kernel/time.js';
import { attestOne } from './attest.js';
import type { ContactPoint } from './contact-digests.js';
import { agentKey, type ClassificationEvents, type ClassificationFacts } from './classification.facts.js';

const keysAt = (id: string, now: Date, seconds: readonly number[]): readonly string[] => [
  ...new Set(seconds.map((later) => agentKey(id, instant(plusSeconds(now, later))))),
];

/** The aggregates in which a view at `now` (clock of the database) is counted and kept. */
export const viewKeys = (id: string, now: Date): readonly string[] => keysAt(id, now, [-3600, 0]);

/**
 * The aggregates to lock for a view at about `now` (clock of the process): every one that `viewKeys` may name, since the
 * clock of the database may be ahead or behind. One that is not locked reads as empty, so its views would not count.
 */
export const agentKeys = (id: string, now: Date): readonly string[] =>
  keysAt(id, now, [-3600 - clockToleranceSeconds, -clockToleranceSeconds, clockToleranceSeconds]);

export const notClassified = refusal('not-ready', 'R8.1', 'not-ready', 'The case is not classified yet. Try again in a moment.');

/** Why the agent may not see the subject's contact points. Anyone can open a case about anyone, so agents must not get numbers from a case that they opened. */
export function contactRefusal(actor: string, facts: ClassificationFacts, directory: Directory): CommandRefusal | undefined {
  const opened = facts.first('readmit.case.opened');
  const classified = facts.last('readmit.case.classified');
  const attested = attestedOf(facts);
  if (!opened || !classified || !attested) return notClassified;
  const { verifiers } = classified.data.requirements;
  // Agents of teams that are too large to be attested with each case are looked up when they act.
  const late = attested.people.some(({ id }) => id === actor)
    ? []
    : attestOne(actor, opened.data, classified.data, directory).people.filter(({ teams }) =>
        teams.some((team) => verifiers.includes(team)),
      );
  return verifierRefusal(actor, opened.data, [...attested.people, ...late], verifiers);
}

/** Enough for an agent who calls back all day, too few to harvest numbers (R3.4, R7.9). */
const maxContactsPerHour = 10;
/** Views of any contact: each is an event, and nobody dials faster. */
const maxViewsPerHour = 60;

/**
 * Shows one contact point to somebody who may verify the case, once the view is recorded. Anyone can open a case about
 * anyone, so a case alone must not reveal numbers. A contact that the agent has seen within the hour is not counted again.
 * MUST run with `agentKeys` of the agent locked: otherwise two simultaneous views would not count each other.
 */
export const showContact =
  (
    agent: string,
    digest: string,
    points: readonly ContactPoint[],
    refuse: (facts: ClassificationFacts) => CommandRefusal | undefined,
  ): Command<ContactPoint, ClassificationEvents> =>
  (facts, context) => {
    const wrong = refuse(facts);
    if (wrong) return wrong;
    const point = points.find((candidate) => candidate.digest === digest);
    if (!point)
      return refusal(
        'not-found',
        'R3.4',
        'contact-not-on-record',
        'The subject has no such contact point in the directory. List them again.',
      );
    const hourAgo = plusSeconds(context.now, -3600).getTime();
    const views = viewKeys(agent, context.now)
      .flatMap((key) => context.other(key).of('readmit.contact.shown'))
      .map(({ at, data }) => ({ at: Date.parse(at), contact: data.contact }))
      .filter(({ at }) => at > hourAgo);
    const lastSeen = new Map(views.map(({ at, contact }) => [contact, at]));
    if (!lastSeen.has(digest) && lastSeen.size >= maxContactsPerHour)
      return tooMany([...lastSeen.values()], `${lastSeen.size} contact points`);
    if (views.length >= maxViewsPerHour)
      return tooMany(
        views.map(({ at }) => at),
        `contact points ${views.length} times`,
      );
    return { emit: [draft('readmit.contact.shown', context.key, { caseId: context.key, by: agent, contact: digest })], reply: point };
  };

const tooMany = (shown: readonly number[], what: string): CommandRefusal =>
  refusal(
    'forbidden',
    'R3.4',
    'too-many-looks',
    `You were shown ${what} within an hour. The next can be shown at ${plusSeconds(new Date(Math.min(...shown)), 3600).toISOString()}; until then a colleague must call.`,
  );
