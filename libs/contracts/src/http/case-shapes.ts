/** Requests and responses about cases and contact points. */
import { Type, type Static } from 'typebox';
import {
  Ask,
  Digest,
  Id,
  Instant,
  RecipientKey,
  Subject,
  Text,
  askFields,
  caseClasses,
  closed,
  described,
  oneOf,
  reasonCodes,
  tiers,
} from '../events/values.js';

export const ofCase = described(Id, 'The case.');
export const orNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);

export const accepted = { caseId: ofCase, link: described(Type.String(), 'URL of the case; a GET shows its progress.') };
export const Accepted = described(closed(accepted), 'The request was accepted.');

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
/** Filters of a list of cases. */
export const stateFilters = ['open', ...caseStates] as const;
export type StateFilter = (typeof stateFilters)[number];
export const RequesterShape = closed({
  kind: described(oneOf(['anonymous', 'person'] as const), '`anonymous`: without a sign-in.'),
  id: Type.Optional(described(Id, 'The `sub` of the requester; absent without a sign-in.')),
});
const reasonCode = described(oneOf(reasonCodes), 'The reason as a code.');
const ticket = Type.Optional(described(Id, 'Ticket in another system; not verified. Absent if none was given.'));
export const CaseView = described(
  closed({
    caseId: ofCase,
    version: described(Type.Integer(), 'Number of facts that intake has about the case; also the ETag.'),
    state: described(oneOf(caseStates), 'State of the case.'),
    outcome: described(
      orNull(Id),
      'How it ended: `completed`, `failed`, `denied`, `expired`, `withdrawn` or `frozen`; null while that is undecided.',
    ),
    class: described(orNull(oneOf(caseClasses)), 'Class of the case; null before it is classified.'),
    tier: described(orNull(oneOf(tiers)), 'Level of approval required by the policy; null before it is classified.'),
    subject: Subject,
    requester: described(RequesterShape, 'The requester.'),
    asks: described(Type.Array(Ask), 'What was requested.'),
    reasonCode,
    reason: Type.Optional(described(Text, "The requester's reason; absent for a caller with only a case key.")),
    repudiation: Type.Optional(
      described(
        closed({
          by: described(Id, 'A person, or `repudiation-code`.'),
          at: described(Instant, 'When it was repudiated.'),
          reason: described(Text, 'The reason given.'),
        }),
        'Who repudiated the case; absent if nobody did, and for a caller with only a case key.',
      ),
    ),
    codeNonce: Type.Optional(
      described(Id, 'The nonce of the call-back code (R3.4); only for the holder of the case key, and absent before it is classified.'),
    ),
    ticket,
    openedAt: described(Instant, 'When it was opened.'),
    endsAt: described(orNull(Instant), 'When what was granted expires; null before the execution has started.'),
    closedAt: described(orNull(Instant), 'When it was closed; null while it is open.'),
    why: described(
      Type.Array(closed({ rule: described(Id, 'The rule, e.g. `R1.3`.'), says: described(Text, 'What it found.') })),
      'Reasons of the classification; empty before it.',
    ),
    openObligations: described(Type.Integer(), 'Number of obligations that are not discharged.'),
    openItems: Type.Optional(
      described(
        Type.Array(
          closed({
            what: described(
              oneOf(['classification', 'plan', 'evidence', 'decision', 'execution', 'undo'] as const),
              'What is pending: `evidence` and `decision` by people, the others by a service.',
            ),
            who: described(Type.Array(Id), 'Who must act: people in any of these teams, or the service.'),
            until: described(orNull(Instant), 'The deadline, or since when an undo is due; null if there is none.'),
            says: described(Type.String(), 'The same as a sentence.'),
          }),
        ),
        'What must still happen before the case is over; absent in lists.',
      ),
    ),
    granted: Type.Optional(
      described(Type.Array(Type.String()), 'Who approved it and what was granted, in sentences; empty before, absent in lists.'),
    ),
    ended: Type.Optional(
      described(
        Type.Array(Type.String()),
        'Who ended it or why it failed, in sentences; empty while it is open and if it was completed, absent in lists.',
      ),
    ),
    findings: Type.Optional(
      described(
        Type.Array(Type.String()),
        'How a target differs from what the case left there, in sentences; empty if it does not, absent in lists.',
      ),
    ),
    overdue: Type.Optional(
      described(Type.Boolean(), 'Something that was granted should have been undone by now, and the target has not shown that it was.'),
    ),
  }),
  'A case, as known to intake.',
);
export const TimelineEntry = described(
  closed({
    at: described(Instant, 'When it happened.'),
    id: described(Id, 'Id of the event.'),
    type: described(Id, 'Type of the event.'),
    label: described(Text, 'Label of the type.'),
    by: described(Id, 'The service that emitted it.'),
    actor: Type.Optional(
      described(
        Id,
        'Who caused it: a person, a consumer, a signal, `case-key`, `repudiation-code` or `anonymous`; absent if a service did.',
      ),
    ),
    says: described(Type.String(), 'What happened, as a sentence.'),
  }),
  'One event of a case.',
);
export const OpenCase = described(
  closed({
    asks: described(Type.Array(closed(askFields), { minItems: 1, maxItems: 10 }), 'What is requested.'),
    subject: Subject,
    reasonCode,
    reason: described(Text, 'The reason, as text.'),
    ticket,
    durationSeconds: described(
      Type.Integer({ minimum: 1, maximum: 366 * 24 * 3600 }),
      'How long the grant should last, in seconds; a request without an end is refused (R4.5).',
    ),
    caseKey: Type.Optional(
      described(
        RecipientKey,
        'Required without a sign-in, and then the only credential for the case; possession is proved in `readmit-proof`.',
      ),
    ),
  }),
  'A request for recovery.',
);
export type OpenCase = Static<typeof OpenCase>;
export const Repudiation = closed({
  reason: described(Text, 'The reason, as text.'),
  code: Type.Optional(
    described(
      Type.String({ minLength: 1, maxLength: 100 }),
      'Code of a notice of the case, instead of a sign-in. It can only end the case.',
    ),
  ),
});
export const Contact = described(
  closed({
    kind: described(Id, 'Kind of contact point, e.g. `phone`.'),
    value: described(Text, 'Phone number or address; masked in the list.'),
    digest: described(Digest, 'Identifies the contact point within this case: a keyed SHA-256, which does not reveal the value.'),
  }),
  'A contact point of the subject that is on record.',
);
