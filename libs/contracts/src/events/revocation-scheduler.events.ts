/** What revocation-scheduler says. */
import { Type } from 'typebox';
import { services, type CatalogueEntry } from './entry.js';
import { Id, Instant, Undo, closed, oneOf, undoKinds } from './values.js';

const cause = [
  'expiry',
  'used',
  'taken-over',
  'ended-by-person',
  'frozen',
  'containment',
  'execution-failed',
  'execution-missing',
] as const;
export type EndCause = (typeof cause)[number];

export const revocationSchedulerEvents = {
  'readmit.obligation.recorded': {
    producer: 'revocation-scheduler',
    code: 'RC-5001',
    label: 'obligation recorded',
    version: 1,
    gate: true,
    schema: closed({ caseId: Id, obligationId: Id, grantId: Id, undo: Undo, hardBound: Instant }),
    fields: { caseId: 'public', obligationId: 'public', grantId: 'public', undo: 'public', hardBound: 'public' },
  },
  'readmit.revocation.due': {
    producer: 'revocation-scheduler',
    code: 'RC-5002',
    label: 'revocation due',
    version: 1,
    schema: closed({ caseId: Id, obligationId: Id, cause: oneOf(cause), by: Type.Optional(Id) }),
    fields: { caseId: 'public', obligationId: 'public', cause: 'public', by: 'public' },
  },
  'readmit.revocation.overdue': {
    producer: 'revocation-scheduler',
    code: 'RC-5003',
    label: 'revocation overdue',
    version: 1,
    schema: closed({ caseId: Id, obligationId: Id, dueSince: Instant }),
    fields: { caseId: 'public', obligationId: 'public', dueSince: 'public' },
  },
  'readmit.obligation.discharged': {
    producer: 'revocation-scheduler',
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
    code: 'RC-5005',
    label: 'deadline reached',
    version: 1,
    schema: closed({ key: Id, owner: oneOf(services), deadline: Instant }),
    fields: { key: 'public', owner: 'public', deadline: 'public' },
  },
  'readmit.containment.ordered': {
    producer: 'revocation-scheduler',
    code: 'RC-5006',
    label: 'containment ordered',
    version: 1,
    schema: closed({ caseId: Id, by: Id }),
    fields: { caseId: 'public', by: 'public' },
  },
} as const satisfies Record<string, CatalogueEntry>;
