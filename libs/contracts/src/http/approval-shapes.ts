/** Requests and responses about proofs and decisions. */
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
import { ofCase, orNull, RequesterShape } from './case-shapes.js';

const proof = {
  kind: described(oneOf(evidenceKinds), 'Kind of proof; one that the policy requires.'),
  channel: described(oneOf(['phone', 'in-person', 'ticket-system', 'directory'] as const), 'How it was obtained; a call-back is by phone.'),
};
const contact = Type.Optional(
  described(Digest, 'Of a call-back: digest of the contact point on record that was called, from the list of contact points (R3.4).'),
);
const code = Type.Optional(
  described(SpokenCode, 'Of a call-back for a case with a key: the code that the person read out from their own client.'),
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
    'Proofs that the policy requires.',
  ),
  quorum: described(
    Type.Array(closed({ part: QuorumPart, by: described(Type.Array(Id), 'Who has approved so far; complete with `count` people.') })),
    'Approvals that the policy requires.',
  ),
});
export const ApprovalView = described(
  closed({
    caseId: ofCase,
    version: described(Type.Integer(), 'Number of facts that approval has about the case; also the ETag, for `If-Match`.'),
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
      'State of the approval.',
    ),
    plan: described(orNull(Plan), 'The plan to decide about; null while there is none.'),
    planDigest: described(orNull(Digest), 'SHA-256 of the JCS of `plan`; null while there is none.'),
    evidenceDigest: described(orNull(Digest), 'SHA-256 of the JCS of the list of `{"digest":...,"id":...}` of all proofs, sorted by id.'),
    policyDigest: described(orNull(Digest), 'Digest of the policy by which the case was classified; null before that.'),
    policy: described(
      orNull(
        closed({
          version: described(Id, 'Version of the policy.'),
          digest: described(Digest, 'SHA-256 of the JCS of `document`.'),
          document: described(Type.Unknown(), 'The policy; null if it has not reached this service.'),
        }),
      ),
      'The policy with `policyDigest`; null before the case is classified.',
    ),
    requester: described(
      closed({
        ...RequesterShape.properties,
        known: described(
          Type.Boolean(),
          'Whether the directory identifies the human. If not, approvers must make sure that it is none of them.',
        ),
      }),
      'The requester.',
    ),
    nonce: described(orNull(Id), 'For the statement of an approval; null until all required proofs are recorded.'),
    decideBefore: described(orNull(Instant), 'Deadline of the approval; null if it is decided or there is no plan.'),
    needs: described(CaseNeeds, 'What is required and what of it is met; empty before the case is classified.'),
    evidence: described(
      Type.Array(
        described(
          closed({
            id: described(Id, 'Set by Readmit.'),
            digest: described(
              Digest,
              'SHA-256 of the JCS of an object with `kind`, `channel`, `assurance`, `note`, `contact`, `code`, `by`, `at` and `salt`; fields that are absent here are absent there.',
            ),
            ...proof,
            assurance: described(Type.Integer(), '1 low, 2 substantial, 3 high.'),
            note: described(orNull(Text), 'What was seen or heard; null if it was erased.'),
            salt: described(orNull(Type.String()), 'Prevents guessing the note from the digest; null if the note was erased.'),
            contact,
            code,
            by: described(Id, 'Who recorded it.'),
            at: described(Instant, 'When it was recorded.'),
            staleAt: described(Instant, 'When it stops counting.'),
          }),
          'A proof with everything that its digest covers.',
        ),
      ),
      'The proofs of the case, oldest first.',
    ),
    decisions: described(
      Type.Array(Decision),
      'Decisions on the current plan and proofs; when no decision is pending, all that were accepted.',
    ),
  }),
  'Everything that an approver needs to see and sign.',
);
