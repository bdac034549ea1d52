/** What is shown of plans, sealed secrets and what must be undone. */
import { Type } from 'typebox';
import { Digest, Facet, Id, Instant, Plan, Text, Undo, closed, described, oneOf } from '../events/values.js';
import { accepted, ofCase, orNull } from './case-shapes.js';

export const ExecutionView = described(
  closed({
    caseId: ofCase,
    plan: described(orNull(Plan), 'The plan that was granted, else the latest; null while there is none.'),
    planDigest: described(orNull(Digest), 'SHA-256 of the JCS of `plan`; null while there is none.'),
    waitsFor: described(Type.Array(Text), 'What execution waits for before it begins, in sentences; empty once it has begun or failed.'),
    work: described(
      Type.Array(
        closed({
          id: described(Id, 'Id of the work.'),
          kind: described(Id, '`plan`, `restore`, `undo` or `watch`.'),
          state: described(Id, '`waiting`, `running`, `done` or `cancelled`.'),
          tries: described(Type.Integer(), 'How often it was begun.'),
          notBefore: described(Instant, 'When it is tried next.'),
          lastError: Type.Optional(described(Type.String(), 'Why the last try failed; absent when none did.')),
        }),
      ),
      'Calls to target systems for this case.',
    ),
    after: described(Type.Array(Facet), 'The target system as it was read after the execution; empty before.'),
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
    described(oneOf(['falls', 'stays'] as const), `What ${what} would do to it now: \`falls\`, it is undone; \`stays\`, it is left.`),
  );
export const Obligation = described(
  closed({
    obligationId: described(Id, 'Id of the obligation.'),
    undo: Undo,
    dueAt: described(orNull(Instant), 'When its clock makes it due; null while no clock runs.'),
    state: described(
      oneOf(['recorded', 'armed', 'due', 'overdue', 'discharged'] as const),
      '`recorded`: no clock runs. `armed`: one does. `due`: being undone. `overdue`: not undone in time. `discharged`: settled.',
    ),
    how: described(
      orNull(Id),
      'How it was settled: `undone`, `never-began`, `still-held` (by another case) or `taken-over`; null while it is not.',
    ),
    ifEnded: wouldBe('ending the case'),
    ifContained: wouldBe('containing the case'),
    dues: Type.Optional(
      described(
        Type.Array(
          closed({
            at: described(Instant, 'When.'),
            cause: described(Id, 'Why, as a code, e.g. `expiry`.'),
            by: Type.Optional(described(Id, 'Who; absent when no person or key did it.')),
            reason: Type.Optional(described(Text, 'Why, in words; absent when none were given, and without a sign-in.')),
          }),
        ),
        'Every time that it was said due.',
      ),
    ),
  }),
  'One thing that must be undone.',
);
export const Order = described(
  closed({
    at: described(Instant, 'When.'),
    by: described(Id, 'Who: a person, or `case-key`.'),
    order: described(oneOf(['end', 'contain'] as const), 'What was ordered.'),
    reason: Type.Optional(described(Text, 'Why, in words; absent without a sign-in.')),
  }),
  'An order to end or contain a case.',
);
export const Contained = described(
  closed({ ...accepted, will: Type.Optional(described(Type.Array(Type.String()), 'What follows, in sentences.')) }),
  'A case that was contained.',
);
export const Because = closed({ reason: described(Text, 'Why, in words; it is kept with the case.') });
