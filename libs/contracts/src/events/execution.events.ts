/** What execution says. */
import { Type } from 'typebox';
import type { CatalogueEntry } from './entry.js';
import { Digest, Facet, Given, Id, Identity, Instant, Plan, Text, Undone, closed, oneOf } from './values.js';

export const executionEvents = {
  'readmit.plan.proposed': {
    producer: 'execution',
    code: 'RC-3001',
    label: 'plan proposed',
    version: 1,
    gate: true,
    schema: closed({ caseId: Id, planId: Id, plan: Plan, digest: Digest }),
    fields: { caseId: 'public', planId: 'public', plan: 'public', digest: 'public' },
  },
  'readmit.plan.refused': {
    producer: 'execution',
    code: 'RC-3002',
    label: 'plan refused',
    version: 1,
    schema: closed({ caseId: Id, rule: Id, reason: Id, says: Text }),
    fields: { caseId: 'public', rule: 'public', reason: 'public', says: 'public' },
  },
  'readmit.execution.started': {
    producer: 'execution',
    code: 'RC-3003',
    label: 'execution started',
    version: 1,
    schema: closed({
      caseId: Id,
      executionId: Id,
      planDigest: Digest,
      grantId: Id,
      endsAt: Instant,
      /** What the steps of this grant hold at targets (R6.5), as the plan names it. */
      holds: Type.Array(Id),
      /** By which obligation each hold ends. */
      held: Type.Optional(Type.Array(closed({ hold: Id, obligationId: Id }), { maxItems: 40 })),
    }),
    fields: {
      caseId: 'public',
      executionId: 'public',
      planDigest: 'public',
      grantId: 'public',
      endsAt: 'public',
      holds: 'public',
      held: 'public',
    },
  },
  'readmit.execution.succeeded': {
    producer: 'execution',
    code: 'RC-3004',
    label: 'execution succeeded',
    version: 1,
    schema: closed({
      caseId: Id,
      executionId: Id,
      planDigest: Digest,
      after: Type.Array(Facet, { maxItems: 200 }),
      sealed: Type.Array(Digest),
      /** As in the execution that started: who got what, for readers that see one event at a time. */
      holds: Type.Optional(Type.Array(Id)),
      /** What the steps gave, by name, for readers that see one event at a time. */
      gave: Type.Optional(Type.Array(Given, { maxItems: 20 })),
      /** What each step made at the target, by identity: what its undo may take away. */
      made: Type.Optional(Type.Array(closed({ stepId: Id, identity: Type.Array(Identity, { maxItems: 40 }) }), { maxItems: 20 })),
    }),
    fields: {
      caseId: 'public',
      executionId: 'public',
      planDigest: 'public',
      after: 'public',
      sealed: 'public',
      holds: 'public',
      gave: 'public',
      made: 'public',
    },
  },
  'readmit.execution.failed': {
    producer: 'execution',
    code: 'RC-3005',
    label: 'execution failed',
    version: 1,
    schema: closed({
      caseId: Id,
      executionId: Id,
      effect: oneOf(['none', 'partial', 'unknown'] as const),
      rule: Id,
      reason: Id,
      says: Text,
    }),
    fields: { caseId: 'public', executionId: 'public', effect: 'public', rule: 'public', reason: 'public', says: 'public' },
  },
  'readmit.revocation.confirmed': {
    producer: 'execution',
    code: 'RC-3006',
    label: 'revocation proven',
    version: 1,
    schema: closed({
      caseId: Id,
      obligationId: Id,
      hold: Type.Optional(Id),
      how: oneOf(['undone', 'never-began', 'still-held'] as const),
      readBack: Type.Array(Facet, { maxItems: 200 }),
      sessionsEnded: Type.Integer({ minimum: 0 }),
      /** As in the obligation: from whom what was taken back, for readers that see one event at a time. */
      undo: Type.Optional(Undone),
      /** Id of the readmit.revocation.due that this answers. Without it the answer proves nothing: it may be older than the question. */
      answers: Type.Optional(Id),
      /** `still-held`: the other case and its open obligation, at whose end the hold goes. */
      heldBy: Type.Optional(closed({ caseId: Id, obligationId: Id })),
    }),
    fields: {
      caseId: 'public',
      obligationId: 'public',
      hold: 'public',
      how: 'public',
      readBack: 'public',
      sessionsEnded: 'public',
      undo: 'public',
      answers: 'public',
      heldBy: 'public',
    },
  },
  'readmit.revocation.failed': {
    producer: 'execution',
    code: 'RC-3007',
    label: 'revocation failed, retrying',
    version: 1,
    schema: closed({ caseId: Id, obligationId: Id, tries: Type.Integer({ minimum: 1 }), retryAt: Instant, reason: Text }),
    fields: { caseId: 'public', obligationId: 'public', tries: 'public', retryAt: 'public', reason: 'public' },
  },
  'readmit.credential.used': {
    producer: 'execution',
    code: 'RC-3008',
    label: 'credential used',
    version: 1,
    schema: closed({ caseId: Id, connector: Id, object: Id, usedAt: Instant }),
    fields: { caseId: 'public', connector: 'public', object: 'public', usedAt: 'public' },
  },
  'readmit.secret.picked-up': {
    producer: 'execution',
    code: 'RC-3009',
    label: 'secret picked up',
    version: 1,
    schema: closed({ caseId: Id, recipient: Digest, ciphertextDigest: Digest }),
    fields: { caseId: 'public', recipient: 'public', ciphertextDigest: 'public' },
  },
  'readmit.enrolment.confirmed': {
    producer: 'execution',
    code: 'RC-3010',
    label: 'new factor enrolled',
    version: 1,
    schema: closed({ caseId: Id, connector: Id, object: Id, factor: Id }),
    fields: { caseId: 'public', connector: 'public', object: 'public', factor: 'public' },
  },
  'readmit.consumer.confirmed': {
    producer: 'execution',
    code: 'RC-3011',
    label: 'consumer uses the new secret',
    version: 1,
    schema: closed({ caseId: Id, consumer: Id, object: Id }),
    fields: { caseId: 'public', consumer: 'public', object: 'public' },
  },
  'readmit.incident.raised': {
    producer: 'execution',
    code: 'RC-3012W',
    label: 'incident raised',
    version: 1,
    schema: closed({ caseId: Id, incidentId: Id, rule: Id, reason: Id, says: Text }),
    fields: { caseId: 'public', incidentId: 'public', rule: 'public', reason: 'public', says: 'public' },
  },
} as const satisfies Record<string, CatalogueEntry>;
