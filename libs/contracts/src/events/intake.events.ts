/** Events of intake. */
import { Type } from 'typebox';
import type { CatalogueEntry } from './entry.js';
import { Ask, Digest, Id, Instant, RecipientKey, Requester, Seconds, Subject, Text, closed, oneOf, reasonCodes } from './values.js';

/** `contained`: stopped or reversed after the case had ended. */
const noticeAbout = ['opened', 'executed', 'ended', 'refused', 'contained'] as const;

export const intakeEvents = {
  'readmit.case.opened': {
    producer: 'intake',
    key: '{caseId}',
    code: 'RC-1001',
    label: 'case opened',
    version: 1,
    schema: closed({
      caseId: Id,
      asks: Type.Array(Ask, { minItems: 1, maxItems: 10 }),
      subject: Subject,
      requester: Requester,
      reasonCode: oneOf(reasonCodes),
      /** Salted; the text is stored only by intake. */
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
    key: 'subject:{subject}',
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
    key: '{caseId}',
    code: 'RC-1003',
    label: 'case frozen',
    version: 1,
    schema: closed({
      caseId: Id,
      /** A person, `repudiation-code` (anyone who has a notice of the case), or the id of a signal. */
      by: Id,
      /** `reported`: by the help desk or an operator, on behalf of the subject. */
      cause: oneOf(['repudiated', 'reported', 'signal'] as const),
      /** Salted; the text is stored only by intake. */
      reasonDigest: Type.Optional(Digest),
    }),
    fields: { caseId: 'public', by: 'public', cause: 'public', reasonDigest: 'public' },
  },
  'readmit.notice.sent': {
    producer: 'intake',
    key: '{caseId}',
    code: 'RC-1004',
    label: 'notice sent',
    version: 1,
    schema: closed({
      caseId: Id,
      noticeId: Id,
      about: oneOf(noticeAbout),
      channel: Id,
      /** The person who was notified: the subject, or an owner of a machine. */
      to: Type.Optional(Id),
      /** The number of addresses on record that it was sent to. */
      addresses: Type.Optional(Type.Integer({ minimum: 0 })),
    }),
    fields: { caseId: 'public', noticeId: 'public', about: 'public', channel: 'public', to: 'public', addresses: 'public' },
  },
  'readmit.notice.given-up': {
    producer: 'intake',
    key: '{caseId}',
    code: 'RC-1005',
    label: 'notice given up',
    version: 1,
    schema: closed({ caseId: Id, noticeId: Id, about: oneOf(noticeAbout), reason: Text, to: Type.Optional(Id) }),
    fields: { caseId: 'public', noticeId: 'public', about: 'public', reason: 'public', to: 'public' },
  },
  'readmit.case.closed': {
    producer: 'intake',
    key: '{caseId}',
    code: 'RC-1006',
    label: 'case closed',
    version: 1,
    schema: closed({ caseId: Id, outcome: oneOf(['completed', 'denied', 'expired', 'withdrawn', 'failed', 'frozen'] as const) }),
    fields: { caseId: 'public', outcome: 'public' },
  },
} as const satisfies Record<string, CatalogueEntry>;
