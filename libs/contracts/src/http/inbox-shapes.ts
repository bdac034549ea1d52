/** What waits for the caller: an approver, an agent or an operator. */
import { Type } from 'typebox';
import { Ask, Id, Instant, Subject, Text, caseClasses, closed, described, idPattern, oneOf, tiers } from '../events/values.js';
import { CaseNeeds } from './approval-shapes.js';

const instantPattern = '2\\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z';
const Place = Type.String({ pattern: `^${instantPattern}/${idPattern.slice(1)}` });

export const InboxItem = described(
  closed({
    caseId: described(Id, 'The case that waits.'),
    what: described(
      oneOf(['decision', 'evidence'] as const),
      'What is asked of the caller. `decision`: a signed yes or no. `evidence`: the proofs of `needs.evidence` that are not met.',
    ),
    class: described(oneOf(caseClasses), 'What the case is.'),
    tier: described(oneOf(tiers), 'How much it takes.'),
    subject: described(Subject, 'The person or machine that shall get back in.'),
    asks: described(Type.Array(Ask), 'What the case asks for, with target and object.'),
    since: described(Instant, 'Since when it can be done: when the plan was there, or when the decision was asked for.'),
    until: described(Instant, 'The deadline: the request expires then.'),
    teams: described(Type.Array(Id), 'Teams of the caller that make it theirs, as classification attested them for this case.'),
    parts: described(Type.Array(Id), 'Of a decision: names of the quorum parts in which the caller would take a seat. Of evidence: empty.'),
    needs: described(CaseNeeds, 'Proofs and quorum that the case asks for, and what of them is there.'),
    why: described(closed({ rule: described(Id, 'The rule.'), says: described(Text, 'The sentence.') }), 'Why it is the caller’s.'),
  }),
  'One case that waits for the caller.',
);

export const inboxQuery = closed({
  after: Type.Optional(described(Place, 'The next page: `next` of the page before.')),
  limit: Type.Optional(described(Type.Integer({ minimum: 1, maximum: 100 }), 'How many at most; 50 when absent.')),
});

export const Inbox = closed({
  items: described(Type.Array(InboxItem), 'By deadline, the nearest first, then by case id.'),
  next: described(
    Type.Union([Place, Type.Null()]),
    'Where the next page begins; null: there is no more. A page may be short, or empty, and yet not be the last.',
  ),
});

export const OverdueObligation = closed({
  caseId: described(Id, 'The case that owes it.'),
  obligationId: described(Id, 'The obligation.'),
  dueSince: described(Instant, 'Since when its undo was due.'),
});
