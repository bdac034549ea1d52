/** Requests and responses about plans, sealed secrets and obligations. */
import { Type } from 'typebox';
import { Digest, Facet, Id, Instant, Plan, Text, Undo, closed, described, oneOf } from '../events/values.js';
import { accepted, ofCase, orNull } from './case-shapes.js';

export const ExecutionView = described(
  closed({
    caseId: ofCase,
    plan: described(orNull(Plan), 'The granted plan, otherwise the latest; null while there is none.'),
    planDigest: described(orNull(Digest), 'SHA-256 of the JCS of `plan`; null while there is none.'),
    waitsFor: described(Type.Array(Text), 'What execution waits for before it starts, in sentences; empty once it has started or failed.'),
    work: described(
      Type.Array(
        closed({
          id: described(Id, 'Id of the work.'),
          kind: described(Id, '`plan`, `restore`, `undo` or `watch`.'),
          state: described(Id, '`waiting`, `running`, `done` or `cancelled`.'),
          tries: described(Type.Integer(), 'Number of attempts.'),
          notBefore: described(Instant, 'Earliest time of the next attempt.'),
          lastError: Type.Optional(described(Type.String(), 'Error of the last failed attempt; absent if none failed.')),
        }),
      ),
      'Calls to target systems for this case.',
    ),
    after: described(Type.Array(Facet), 'State of the target system, read after the execution; empty before.'),
  }),
  'Plan and execution of a case.',
);
const ciphertextDigest = described(Digest, 'SHA-256 of the text `jwe`.');
export const SealedSecret = closed({
  caseId: ofCase,
  jwe: described(Type.String(), 'The secret as a compact JWE, `ECDH-ES` to the sealing key of the recipient.'),
  ciphertextDigest,
});
export const Acknowledgement = closed({ ciphertextDigest });
export const Acknowledged = closed({ caseId: ofCase, acknowledged: described(Type.Boolean(), 'Always true.') });

const wouldBe = (what: string) =>
  Type.Optional(
    described(oneOf(['falls', 'stays'] as const), `Effect of ${what} now: \`falls\`, it would be undone; \`stays\`, it would stay.`),
  );
export const Obligation = described(
  closed({
    obligationId: described(Id, 'Id of the obligation.'),
    undo: Undo,
    dueAt: described(orNull(Instant), 'When it becomes due; null if it has no deadline yet.'),
    state: described(
      oneOf(['recorded', 'armed', 'due', 'overdue', 'discharged'] as const),
      '`recorded`: without a deadline yet. `armed`: with one. `due`: being undone. `overdue`: not undone in time. `discharged`: ended.',
    ),
    how: described(
      orNull(Id),
      'How it was discharged: `undone`, `never-began`, `still-held` (by another case) or `taken-over`; null before.',
    ),
    ifEnded: wouldBe('ending the case'),
    ifContained: wouldBe('containing the case'),
    dues: Type.Optional(
      described(
        Type.Array(
          closed({
            at: described(Instant, 'When it became due.'),
            cause: described(Id, 'The cause as a code, e.g. `expiry`.'),
            by: Type.Optional(described(Id, 'Who caused it; absent if no person or key did.')),
            reason: Type.Optional(described(Text, 'The reason given; absent if there is none, and without a sign-in.')),
          }),
        ),
        'Every time that it became due.',
      ),
    ),
  }),
  'One thing that must be undone.',
);
export const Order = described(
  closed({
    at: described(Instant, 'When it was ordered.'),
    by: described(Id, 'Who ordered it: a person, or `case-key`.'),
    order: described(oneOf(['end', 'contain'] as const), 'What was ordered.'),
    reason: Type.Optional(described(Text, 'The reason given; absent without a sign-in.')),
  }),
  'An order to end or contain a case.',
);
export const Contained = described(
  closed({ ...accepted, will: Type.Optional(described(Type.Array(Type.String()), 'What it will do, in sentences.')) }),
  'A case that was contained.',
);
export const OrderReason = closed({ reason: described(Text, 'The reason; it is stored with the case.') });
