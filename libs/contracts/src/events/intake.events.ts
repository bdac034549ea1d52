/** What intake says. */
import { Type } from 'typebox';
import type { CatalogueEntry } from './entry.js';
import { Ask, Digest, Id, Instant, RecipientKey, Requester, Seconds, Subject, Text, closed, oneOf, reasonCodes } from './values.js';

export const intakeEvents = {
  'readmit.case.opened': {
    producer: 'intake',
    code: 'RC-1001',
    label: 'case opened',
    version: 1,
    schema: closed({
      caseId: Id,
      asks: Type.Array(Ask, { minItems: 1, maxItems: 10 }),
      subject: Subject,
      requester: Requester,
      reasonCode: oneOf(reasonCodes),
      /** Salted: the words stay at intake. */
      reasonDigest: Digest,
      ticket: Type.Optional(Id),
      durationSeconds: Seconds,
      caseKey: Type.Optional(RecipientKey),
    }),
    fields: {
      caseId: 'public',
      asks: 'public',
      subject: 'public',
      requester: 'public',
      reasonCode: 'public',
      reasonDigest: 'public',
      ticket: 'public',
      durationSeconds: 'public',
      caseKey: 'sensitive',
    },
  },
  'readmit.signal.received': {
    producer: 'intake',
    code: 'RC-1002',
    label: 'signal received',
    version: 1,
    schema: closed({
      signalId: Id,
      provider: Id,
      kind: oneOf(['account-locked', 'credential-compromised', 'session-revoked'] as const),
      subject: Id,
      occurredAt: Instant,
    }),
    fields: { signalId: 'public', provider: 'public', kind: 'public', subject: 'public', occurredAt: 'public' },
  },
  'readmit.case.frozen': {
    producer: 'intake',
    code: 'RC-1003',
    label: 'case frozen',
    version: 1,
    schema: closed({ caseId: Id, by: Id, cause: oneOf(['repudiated', 'signal'] as const) }),
    fields: { caseId: 'public', by: 'public', cause: 'public' },
  },
  'readmit.notice.sent': {
    producer: 'intake',
    code: 'RC-1004',
    label: 'notice sent',
    version: 1,
    schema: closed({ caseId: Id, noticeId: Id, about: oneOf(['opened', 'executed', 'ended', 'refused'] as const), channel: Id }),
    fields: { caseId: 'public', noticeId: 'public', about: 'public', channel: 'public' },
  },
  'readmit.notice.given-up': {
    producer: 'intake',
    code: 'RC-1005',
    label: 'notice given up',
    version: 1,
    schema: closed({ caseId: Id, noticeId: Id, about: oneOf(['opened', 'executed', 'ended', 'refused'] as const), reason: Text }),
    fields: { caseId: 'public', noticeId: 'public', about: 'public', reason: 'public' },
  },
  'readmit.case.closed': {
    producer: 'intake',
    code: 'RC-1006',
    label: 'case closed',
    version: 1,
    schema: closed({ caseId: Id, outcome: oneOf(['completed', 'denied', 'expired', 'withdrawn', 'failed', 'frozen'] as const) }),
    fields: { caseId: 'public', outcome: 'public' },
  },
} as const satisfies Record<string, CatalogueEntry>;
