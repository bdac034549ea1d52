/** What requests and answers about a case look like, from opening to its contact points. */
import { Type, type Static } from 'typebox';
import {
  Ask,
  Digest,
  Id,
  Instant,
  RecipientKey,
  Subject,
  Text,
  askedFor,
  caseClasses,
  closed,
  described,
  oneOf,
  reasonCodes,
  tiers,
} from '../events/values.js';

export const ofCase = described(Id, 'The case.');
export const orNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);

export const accepted = { caseId: ofCase, link: described(Type.String(), 'URL at which a GET shows what becomes of it.') };
export const Accepted = described(closed(accepted), 'The request was taken.');

export const caseStates = [
  'opened',
  'classified',
  'planned',
  'awaiting-approval',
  'approved',
  'executing',
  'granted',
  'ending',
  'closed',
] as const;
export type CaseState = (typeof caseStates)[number];
/** What a list of cases can be narrowed to. */
export const stateFilters = ['open', ...caseStates] as const;
export type StateFilter = (typeof stateFilters)[number];
export const whoAsked = closed({
  kind: described(oneOf(['anonymous', 'person'] as const), '`anonymous`: asked without a sign-in.'),
  id: Type.Optional(described(Id, 'The `sub` of who asked; absent when nobody was signed in.')),
});
const reasonCode = described(oneOf(reasonCodes), 'Why, as a code.');
const ticket = Type.Optional(described(Id, 'Ticket of the request elsewhere; nobody looks it up. Absent when none was named.'));
export const CaseView = described(
  closed({
    caseId: ofCase,
    version: described(Type.Integer(), 'How many facts intake has of the case; it is also the ETag.'),
    state: described(oneOf(caseStates), 'Where the case stands.'),
    outcome: described(
      orNull(Id),
      'How it ended: `completed`, `failed`, `denied`, `expired`, `withdrawn` or `frozen`; null while that is open.',
    ),
    class: described(orNull(oneOf(caseClasses)), 'Class of the case, set by Readmit; null before it is classified.'),
    tier: described(orNull(oneOf(tiers)), 'How demanding the approval is, set by the policy; null before it is classified.'),
    subject: Subject,
    requester: described(whoAsked, 'Who asked.'),
    asks: described(Type.Array(Ask), 'What was asked for.'),
    reasonCode,
    reason: Type.Optional(described(Text, "The requester's words; absent for a caller who shows a case key only.")),
    repudiation: Type.Optional(
      described(
        closed({
          by: described(Id, 'A person, or `repudiation-code`.'),
          at: described(Instant, 'When.'),
          reason: described(Text, 'Why, in words.'),
        }),
        'Who said "this was not me"; absent when nobody did, and for a caller who shows a case key only.',
      ),
    ),
    codeNonce: Type.Optional(
      described(Id, 'What the code of a call-back is made of (R3.4); only for the key of the case, and absent before it is classified.'),
    ),
    ticket,
    openedAt: described(Instant, 'When it was opened.'),
    endsAt: described(orNull(Instant), 'When what was granted ends by itself; null before the execution has begun.'),
    closedAt: described(orNull(Instant), 'When it was closed; null while it is open.'),
    why: described(
      Type.Array(closed({ rule: described(Id, 'The rule, e.g. `R1.3`.'), says: described(Text, 'What it found.') })),
      'Why it is classified as it is; empty before.',
    ),
    openObligations: described(Type.Integer(), 'How much is still to be undone.'),
    openItems: Type.Optional(
      described(
        Type.Array(
          closed({
            what: described(
              oneOf(['classification', 'plan', 'evidence', 'decision', 'execution', 'undo'] as const),
              'What has to happen: `evidence` and `decision` by people, the others by a service.',
            ),
            who: described(Type.Array(Id), 'Who must act: people of any of these teams, or the service.'),
            until: described(orNull(Instant), 'The deadline; of an undo that is due, since when; null: none runs.'),
            says: described(Type.String(), 'The same in words.'),
          }),
        ),
        'What has to happen before the case is over; absent in lists.',
      ),
    ),
    granted: Type.Optional(
      described(Type.Array(Type.String()), 'Who approved it and what was given, in sentences; empty before, absent in lists.'),
    ),
    ended: Type.Optional(
      described(
        Type.Array(Type.String()),
        'Who ended it or what it failed of, in sentences; empty while it is open and of one that was completed, absent in lists.',
      ),
    ),
    overdue: Type.Optional(
      described(Type.Boolean(), 'Something of it should have been taken back by now, and no target has shown that it was.'),
    ),
  }),
  'A case as intake knows it.',
);
export const TimelineEntry = described(
  closed({
    at: described(Instant, 'When it happened.'),
    id: described(Id, 'Id of the event.'),
    type: described(Id, 'Type of the event.'),
    label: described(Text, 'The type in words.'),
    by: described(Id, 'The service that said it.'),
    actor: Type.Optional(
      described(
        Id,
        'Who did it: a person, a consumer, a signal, `case-key`, `repudiation-code` or `anonymous`; absent where no one outside did.',
      ),
    ),
    says: described(Type.String(), 'What happened, as a sentence.'),
  }),
  'One thing that happened in a case.',
);
export const OpenCase = described(
  closed({
    asks: described(Type.Array(closed(askedFor), { minItems: 1, maxItems: 10 }), 'What is asked for.'),
    subject: Subject,
    reasonCode,
    reason: described(Text, "Why, in the requester's words."),
    ticket,
    durationSeconds: described(
      Type.Integer({ minimum: 1, maximum: 366 * 24 * 3600 }),
      'How long the grant shall last, in seconds; a request without an end is refused (R4.5).',
    ),
    caseKey: Type.Optional(
      described(
        RecipientKey,
        'Required without a sign-in, and then the only credential for the case; its possession is proved in `readmit-proof`.',
      ),
    ),
  }),
  'A request for a way back in.',
);
export type OpenCase = Static<typeof OpenCase>;
export const Repudiation = closed({
  reason: described(Text, 'Why, in words.'),
  code: Type.Optional(
    described(
      Type.String({ minLength: 1, maxLength: 100 }),
      'Code of a notice of the case: with it no sign-in is needed. It ends the case and opens nothing.',
    ),
  ),
});
export const Contact = described(
  closed({
    kind: described(Id, 'Kind of contact point, e.g. `phone`.'),
    value: described(Text, 'Number or address; masked in the list.'),
    digest: described(Digest, 'Names the contact point within this case: a keyed SHA-256, which says nothing of the value.'),
  }),
  'A contact point on record of the subject.',
);
