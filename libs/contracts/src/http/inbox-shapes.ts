/** Responses about what waits for the caller: an approver, an agent or an operator. */
import { Type } from 'typebox';
import { Ask, Id, Instant, Subject, Text, caseClasses, closed, described, idPattern, oneOf, tiers } from '../events/values.js';
import { CaseNeeds } from './approval-shapes.js';

const instantPattern = '2\\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z';
const Cursor = Type.String({ pattern: `^${instantPattern}/${idPattern.slice(1)}` });

export const InboxItem = described(
  closed({
    caseId: described(Id, 'The case that waits.'),
    what: described(
      oneOf(['decision', 'evidence'] as const),
      'What the caller is to do. `decision`: approve or deny. `evidence`: record the proofs of `needs.evidence` that are not met.',
    ),
    class: described(oneOf(caseClasses), 'Class of the case.'),
    tier: described(oneOf(tiers), 'Level of approval required.'),
    subject: described(Subject, 'The person or machine whose access is recovered.'),
    asks: described(Type.Array(Ask), 'What is requested, with target and object.'),
    since: described(Instant, 'Since when it is possible: when the plan was proposed, or when the decision was requested.'),
    until: described(Instant, 'The deadline, when the request expires.'),
    teams: described(Type.Array(Id), 'Teams of the caller, attested for this case, because of which it waits for them.'),
    parts: described(Type.Array(Id), 'Of a decision: names of the quorum parts that the caller would count for. Of evidence: empty.'),
    needs: described(CaseNeeds, 'Required proofs and quorum, and what of them is met.'),
    why: described(
      closed({ rule: described(Id, 'The rule.'), says: described(Text, 'The reason as a sentence.') }),
      'Why it waits for the caller.',
    ),
  }),
  'One case that waits for the caller.',
);

export const inboxQuery = closed({
  after: Type.Optional(described(Cursor, 'For the next page: `next` of the previous one.')),
  limit: Type.Optional(described(Type.Integer({ minimum: 1, maximum: 100 }), 'Maximum number; 50 if absent.')),
});

export const Inbox = closed({
  items: described(Type.Array(InboxItem), 'Sorted by deadline, the nearest first, then by case id.'),
  next: described(
    Type.Union([Cursor, Type.Null()]),
    'Where the next page starts; null if there is none. A page may be short, or empty, without being the last.',
  ),
});

export const OverdueObligation = closed({
  caseId: described(Id, 'The case of the obligation.'),
  obligationId: described(Id, 'The obligation.'),
  dueSince: described(Instant, 'Since when its undo has been due.'),
});
