/** What is shown to who proves and decides, and what they send. */
import { Type } from 'typebox';
import {
  Decision,
  Digest,
  EvidenceNeed,
  Id,
  Instant,
  Plan,
  QuorumPart,
  SpokenCode,
  Text,
  closed,
  described,
  evidenceKinds,
  oneOf,
  signedDecision,
} from '../events/values.js';
import { ofCase, orNull, whoAsked } from './case-shapes.js';

const proof = {
  kind: described(oneOf(evidenceKinds), 'Kind of proof; one that the policy asks for.'),
  channel: described(oneOf(['phone', 'in-person', 'ticket-system', 'directory'] as const), 'How it came; a call-back is by phone.'),
};
const contact = Type.Optional(
  described(Digest, "Of a call-back: digest of the contact point on record that was called, as the desk's contact list gives it (R3.4)."),
);
const code = Type.Optional(
  described(SpokenCode, 'Of a call-back for a case that has a key: the code that the person read out from their own client.'),
);
export const AddEvidence = described(
  closed({
    ...proof,
    assurance: described(Type.Integer({ minimum: 1, maximum: 3 }), '1 low, 2 substantial, 3 high.'),
    note: described(Text, 'What was seen or heard.'),
    code,
    contact,
  }),
  'A proof, recorded by a member of a verifying team.',
);
export const SignedDecision = described(closed(signedDecision), 'A decision as the approver signed it; see "Signing a decision".');
export const CaseNeeds = closed({
  evidence: described(
    Type.Array(closed({ need: EvidenceNeed, met: described(Type.Boolean(), 'Whether a fresh proof meets it now.') })),
    'Proofs that the policy asks for.',
  ),
  quorum: described(
    Type.Array(closed({ part: QuorumPart, by: described(Type.Array(Id), 'Who fills it so far; full with `count` people.') })),
    'Whose approvals the policy asks for.',
  ),
});
export const ApprovalView = described(
  closed({
    caseId: ofCase,
    version: described(Type.Integer(), 'How many facts approval has of the case; it is also the ETag, for `If-Match`.'),
    state: described(
      oneOf([
        'waiting-for-plan',
        'waiting-for-evidence',
        'waiting-for-decisions',
        'granted',
        'denied',
        'expired',
        'withdrawn',
        'failed',
        'frozen',
      ] as const),
      'Where the approval stands.',
    ),
    plan: described(orNull(Plan), 'The plan to decide about; null while there is none.'),
    planDigest: described(orNull(Digest), 'SHA-256 of the JCS of `plan`; null while there is none.'),
    evidenceDigest: described(
      orNull(Digest),
      'SHA-256 of the JCS of the list of `{"digest":...,"id":...}` of all proofs, in the order of their ids.',
    ),
    policyDigest: described(orNull(Digest), 'Digest of the policy that the case was classified under; null before it is classified.'),
    policy: described(
      orNull(
        closed({
          version: described(Id, 'Its version.'),
          digest: described(Digest, 'SHA-256 of the JCS of `document`.'),
          document: described(Type.Unknown(), 'The policy; null when this service never heard of it.'),
        }),
      ),
      'The policy of `policyDigest`; null before the case is classified.',
    ),
    requester: described(
      closed({
        ...whoAsked.properties,
        known: described(
          Type.Boolean(),
          'Whether the directory says which human it is; when not, approvers must make sure that it is none of them.',
        ),
      }),
      'Who asked.',
    ),
    nonce: described(orNull(Id), 'For the statement of an approval; null until the proofs that the policy asks for are there.'),
    decideBefore: described(orNull(Instant), 'Until when it can be approved; null when it is decided or there is no plan.'),
    needs: described(CaseNeeds, 'What is asked for, and what of it is there; empty before the case is classified.'),
    evidence: described(
      Type.Array(
        described(
          closed({
            id: described(Id, 'Set by Readmit.'),
            digest: described(
              Digest,
              'SHA-256 of the JCS of an object of `kind`, `channel`, `assurance`, `note`, `contact`, `code`, `by`, `at` and `salt`; what is absent here is absent there.',
            ),
            ...proof,
            assurance: described(Type.Integer(), '1 low, 2 substantial, 3 high.'),
            note: described(orNull(Text), 'What was seen or heard; null when the words were erased.'),
            salt: described(orNull(Type.String()), 'Keeps the words from being guessed from the digest; null when they were erased.'),
            contact,
            code,
            by: described(Id, 'Who recorded it.'),
            at: described(Instant, 'When.'),
            staleAt: described(Instant, 'From when on it counts no more.'),
          }),
          'A proof with all that its digest is made of.',
        ),
      ),
      'The proofs of the case, the oldest first.',
    ),
    decisions: described(
      Type.Array(Decision),
      'Decisions that bind the plan and the proofs as they are; where no decision is waited for, all that were taken.',
    ),
  }),
  'Everything that an approver needs to see, and what to sign.',
);
