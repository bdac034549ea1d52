/** Events of revocation-scheduler. */
import { Type } from 'typebox';
import { services, type CatalogueEntry } from './entry.js';
import { AggregateKey, Digest, Id, Instant, Undo, closed, oneOf, undoKinds } from './values.js';

const cause = [
  'expiry',
  'used',
  'taken-over',
  'ended-by-person',
  'frozen',
  'containment',
  'execution-failed',
  'execution-missing',
  /** A confirmation proved nothing: it answered no request to undo, or named a case without a hold. */
  'not-proved',
] as const;
export type EndCause = (typeof cause)[number];

export const revocationSchedulerEvents = {
  'readmit.obligation.recorded': {
    producer: 'revocation-scheduler',
    key: '{caseId}',
    code: 'RC-5001',
    label: 'obligation recorded',
    version: 1,
    gate: true,
    schema: closed({ caseId: Id, obligationId: Id, grantId: Id, undo: Undo, hardBound: Instant }),
    fields: { caseId: 'public', obligationId: 'public', grantId: 'public', undo: 'public', hardBound: 'public' },
  },
  'readmit.revocation.due': {
    producer: 'revocation-scheduler',
    key: '{caseId}',
    code: 'RC-5002',
    label: 'revocation due',
    version: 1,
    schema: closed({
      caseId: Id,
      obligationId: Id,
      cause: oneOf(cause),
      by: Type.Optional(Id),
      /** As in the obligation: the hold that is about to end (R6.5). */
      hold: Type.Optional(Id),
      /** Salted; the text is stored only by the scheduler. */
      reasonDigest: Type.Optional(Digest),
    }),
    fields: { caseId: 'public', obligationId: 'public', cause: 'public', by: 'public', hold: 'public', reasonDigest: 'public' },
  },
  'readmit.revocation.overdue': {
    producer: 'revocation-scheduler',
    key: '{caseId}',
    code: 'RC-5003',
    label: 'revocation overdue',
    version: 1,
    schema: closed({ caseId: Id, obligationId: Id, dueSince: Instant }),
    fields: { caseId: 'public', obligationId: 'public', dueSince: 'public' },
  },
  'readmit.obligation.discharged': {
    producer: 'revocation-scheduler',
    key: '{caseId}',
    code: 'RC-5004',
    label: 'obligation discharged',
    version: 1,
    schema: closed({
      caseId: Id,
      obligationId: Id,
      kind: oneOf(undoKinds),
      how: oneOf(['undone', 'never-began', 'still-held', 'taken-over'] as const),
    }),
    fields: { caseId: 'public', obligationId: 'public', kind: 'public', how: 'public' },
  },
  'readmit.deadline.reached': {
    producer: 'revocation-scheduler',
    key: 'deadline:{owner}:{key}',
    code: 'RC-5005',
    label: 'deadline reached',
    version: 1,
    // `setEventId`: the deadline-set that it answers. Absent in older events.
    schema: closed({ key: AggregateKey, owner: oneOf(services), deadline: Instant, setEventId: Type.Optional(Id) }),
    fields: { key: 'public', owner: 'public', deadline: 'public', setEventId: 'public' },
  },
  'readmit.containment.ordered': {
    producer: 'revocation-scheduler',
    key: '{caseId}',
    code: 'RC-5006',
    label: 'containment ordered',
    version: 1,
    schema: closed({ caseId: Id, by: Id, reasonDigest: Type.Optional(Digest) }),
    fields: { caseId: 'public', by: 'public', reasonDigest: 'public' },
  },
} as const satisfies Record<string, CatalogueEntry>;
