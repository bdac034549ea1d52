import { plusSeconds, refusal, say, type Command, type Facts, type Refusal } from '@readmit/domain';
import { lookKeys } from '../classification.definition.js';

/** A contact point of the subject as the directory has it, with the digest under which the case knows it. */
export interface ContactPoint {
  readonly kind: string;
  readonly value: string;
  readonly digest: string;
}

/** What an agent who calls back all day needs in an hour, and far less than a list of numbers is worth (R3.4, R7.9). */
const mostAnHour = 10;
/** Looks of any kind: each is an event, and nobody dials faster. */
const mostLooksAnHour = 60;

/**
 * Shows one contact point to whoever may verify the case, after the look is on record: anybody can open a case on anybody, so a case alone
 * must not give numbers away. A contact that the agent has seen within the hour counts no further.
 * MUST run with `agentKeys` of the agent among the locked aggregates: two looks at once would else count each other not.
 */
export const showContact =
  (agent: string, digest: string, points: readonly ContactPoint[], problem: (facts: Facts) => Refusal | undefined): Command<ContactPoint> =>
  (facts, context) => {
    const wrong = problem(facts);
    if (wrong) return wrong;
    const point = points.find((candidate) => candidate.digest === digest);
    if (!point)
      return refusal(
        'not-found',
        'R3.4',
        'contact-not-on-record',
        'The directory has no such contact point of the subject. List them again.',
      );
    const hourAgo = plusSeconds(context.now, -3600).getTime();
    const looks = lookKeys(agent, context.now)
      .flatMap((key) => context.other(key).of('readmit.contact.shown'))
      .map(({ at, data }) => ({ at: Date.parse(at), contact: data.contact }))
      .filter(({ at }) => at > hourAgo);
    const lastSeen = new Map(looks.map(({ at, contact }) => [contact, at]));
    if (!lastSeen.has(digest) && lastSeen.size >= mostAnHour) return tooMany([...lastSeen.values()], `${lastSeen.size} contact points`);
    if (looks.length >= mostLooksAnHour)
      return tooMany(
        looks.map(({ at }) => at),
        `contact points ${looks.length} times`,
      );
    return { emit: [say('readmit.contact.shown', context.key, { caseId: context.key, by: agent, contact: digest })], reply: point };
  };

const tooMany = (shown: readonly number[], what: string): Refusal =>
  refusal(
    'forbidden',
    'R3.4',
    'too-many-looks',
    `You were shown ${what} within an hour. The next can be shown at ${plusSeconds(new Date(Math.min(...shown)), 3600).toISOString()}; until then a colleague must call.`,
  );
