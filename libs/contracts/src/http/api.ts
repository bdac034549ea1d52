/**
 * The HTTP API, once: every route with its service, who may call, request and response shapes. Controllers, CLI and
 * OpenAPI are derived from here. Errors are problem details (RFC 9457) with `rule` and `reason`.
 */
import { Type, type TSchema } from 'typebox';
import type { ServiceName } from '../events/entry.js';
import { SignalEvent } from '../signals/signal.js';
import {
  Ask,
  Decision,
  Digest,
  Facet,
  Id,
  Instant,
  Plan,
  RecipientKey,
  SpokenCode,
  Subject,
  Text,
  Undo,
  askKinds,
  caseClasses,
  closed,
  evidenceKinds,
  oneOf,
  reasonCodes,
  tiers,
} from '../events/values.js';
import { CaseNeeds, Inbox, inboxQuery, OverdueObligation } from './inbox-shapes.js';

/**
 * `anyone`: no sign-in (rate-limited). `person`: OIDC bearer of a person; that of a client (`client_id` is `sub`, or a provider) is refused. `case-key`: a proof by the case's one-time key (or a machine
 * consumer's key) in the header `readmit-proof`. `person-or-case-key`: either. `operator`: bearer with the team `platform-operators`.
 * `provider`: bearer of an identity provider's client (claim `client_id` listed in the configuration).
 */
export type Access = 'anyone' | 'person' | 'case-key' | 'person-or-case-key' | 'operator' | 'provider';

export interface Route {
  readonly service: ServiceName;
  readonly method: 'GET' | 'POST';
  /** Below the origin; `:name` for parameters. */
  readonly path: string;
  readonly access: Access;
  readonly says: string;
  readonly body?: TSchema;
  /** The body is a CloudEvent in structured or binary mode (then `ce-` headers carry the attributes); this is its structured form. Its reader refuses by itself. */
  readonly event?: TSchema;
  readonly query?: TSchema;
  /** Sent again with the same `idempotency-key` by the same client it is the same request. */
  readonly repeatable?: true;
  readonly response: TSchema;
  readonly status: 200 | 201 | 202;
}

const Accepted = closed({ caseId: Id, link: Type.String() });
const caseStates = [
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
export const CaseView = closed({
  caseId: Id,
  version: Type.Integer(),
  state: oneOf(caseStates),
  outcome: Type.Union([Id, Type.Null()]),
  class: Type.Union([oneOf(caseClasses), Type.Null()]),
  tier: Type.Union([oneOf(tiers), Type.Null()]),
  subject: Subject,
  requester: closed({ kind: oneOf(['anonymous', 'person'] as const), id: Type.Optional(Id) }),
  asks: Type.Array(Ask),
  reasonCode: oneOf(reasonCodes),
  /** The requester's words; only for people who are signed in. */
  reason: Type.Optional(Text),
  /** Why somebody repudiated it, in words; only for people who are signed in. `by`: a person, or `repudiation-code`. */
  repudiation: Type.Optional(closed({ by: Id, at: Instant, reason: Text })),
  /** Only for the case's own key: what the code that a call-back reads out is made of (R3.4). */
  codeNonce: Type.Optional(Id),
  ticket: Type.Optional(Id),
  openedAt: Instant,
  endsAt: Type.Union([Instant, Type.Null()]),
  closedAt: Type.Union([Instant, Type.Null()]),
  why: Type.Array(closed({ rule: Id, says: Text })),
  openObligations: Type.Integer(),
});
export const TimelineEntry = closed({ at: Instant, id: Id, type: Id, label: Text, by: Id, says: Type.String() });
export const OpenCase = closed({
  asks: Type.Array(closed({ kind: oneOf(askKinds), connector: Id, object: Id, entitlement: Type.Optional(Id) }), {
    minItems: 1,
    maxItems: 10,
  }),
  subject: Subject,
  reasonCode: oneOf(reasonCodes),
  reason: Text,
  ticket: Type.Optional(Id),
  /** How long the grant shall last; a request without an end is refused (R4.5). */
  durationSeconds: Type.Integer({ minimum: 1, maximum: 366 * 24 * 3600 }),
  /** Required from somebody who is not signed in. */
  caseKey: Type.Optional(RecipientKey),
});
const evidenceChannels = ['phone', 'in-person', 'ticket-system', 'directory'] as const;
export const AddEvidence = closed({
  kind: oneOf(evidenceKinds),
  channel: oneOf(evidenceChannels),
  /** 1 low, 2 substantial, 3 high. */
  assurance: Type.Integer({ minimum: 1, maximum: 3 }),
  note: Text,
  /** Call-back: the code that the person read out from their own client, e.g. `3fa9-01bc`. */
  code: Type.Optional(SpokenCode),
  /** Call-back: digest of the contact point on record that was called, as the desk's contact list gives it (R3.4). */
  contact: Type.Optional(Digest),
});
/** Everything an approver needs to see, and what to sign. */
export const ApprovalView = closed({
  caseId: Id,
  /** For If-Match: how many facts approval has of the case. */
  version: Type.Integer(),
  state: oneOf([
    'waiting-for-plan',
    'waiting-for-evidence',
    'waiting-for-decisions',
    'granted',
    'denied',
    'expired',
    'withdrawn',
    'frozen',
  ] as const),
  plan: Type.Union([Plan, Type.Null()]),
  planDigest: Type.Union([Digest, Type.Null()]),
  evidenceDigest: Type.Union([Digest, Type.Null()]),
  policyDigest: Type.Union([Digest, Type.Null()]),
  /** The policy whose digest that is; `document` is null when this service never heard of it. */
  policy: Type.Union([closed({ version: Id, digest: Digest, document: Type.Unknown() }), Type.Null()]),
  /** `known`: the directory says which human it is. When not, approvers must make sure that it is none of them. */
  requester: closed({ kind: oneOf(['anonymous', 'person'] as const), id: Type.Optional(Id), known: Type.Boolean() }),
  nonce: Type.Union([Id, Type.Null()]),
  decideBefore: Type.Union([Instant, Type.Null()]),
  needs: CaseNeeds,
  /** Every proof with all that its digest is the SHA-256 of (JCS of kind, channel, assurance, note, contact, code, by, at, salt). */
  evidence: Type.Array(
    closed({
      id: Id,
      digest: Digest,
      kind: oneOf(evidenceKinds),
      channel: oneOf(evidenceChannels),
      assurance: Type.Integer(),
      /** Null: the words were erased. */
      note: Type.Union([Text, Type.Null()]),
      salt: Type.Union([Type.String(), Type.Null()]),
      contact: Type.Optional(Digest),
      code: Type.Optional(SpokenCode),
      by: Id,
      at: Instant,
      staleAt: Instant,
    }),
  ),
  decisions: Type.Array(Decision),
});
export const ParkedMessage = closed({
  id: Id,
  topic: Id,
  partition: Type.Integer(),
  offset: Type.String(),
  key: Type.String(),
  eventId: Type.Union([Type.String(), Type.Null()]),
  type: Type.Union([Type.String(), Type.Null()]),
  reason: Id,
  says: Text,
  parkedAt: Instant,
  state: oneOf(['parked', 'redriven', 'discarded'] as const),
  headers: Type.Optional(Type.Record(Type.String(), Type.String())),
  bytes: Type.Optional(Type.String()),
});
const Parked = Type.Array(ParkedMessage);
const areas = {
  intake: 'intake',
  classification: 'classification',
  approval: 'approval',
  execution: 'execution',
  revocation: 'revocation-scheduler',
  audit: 'audit',
} as const;
export type Area = keyof typeof areas;
export const serviceOfArea = (area: Area): ServiceName => areas[area];
export const areaNames = Object.keys(areas) as Area[];

export const routes = {
  openCase: {
    service: 'intake',
    method: 'POST',
    path: '/api/intake/cases',
    access: 'anyone',
    status: 202,
    says: 'Ask for a way back in. Claims nothing: the case is classified and proved before anything happens.',
    body: OpenCase,
    repeatable: true,
    response: Accepted,
  },
  listCases: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/cases',
    access: 'person',
    status: 200,
    says: 'Cases, newest first: those that you have a part in; for operators and auditors all.',
    query: closed({
      state: Type.Optional(oneOf(caseStates)),
      subject: Type.Optional(Id),
      before: Type.Optional(Id),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    }),
    response: Type.Array(CaseView),
  },
  showCase: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/cases/:caseId',
    access: 'person-or-case-key',
    status: 200,
    says: 'One case, for who has a part in it, operators and auditors; to others it does not exist. A case key is shown no more than it asked for until its code was read back.',
    response: CaseView,
  },
  caseTimeline: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/cases/:caseId/timeline',
    access: 'person-or-case-key',
    status: 200,
    says: 'What happened, in order; to a case key as one case is shown to it.',
    response: Type.Array(TimelineEntry),
  },
  repudiate: {
    service: 'intake',
    method: 'POST',
    path: '/api/intake/cases/:caseId/repudiate',
    access: 'anyone',
    status: 202,
    says: 'This was not me: freezes the case and takes back what it gave, also after it was closed. By the subject, with the code of a notice, or for the subject by the verifying teams and operators.',
    body: closed({
      reason: Text,
      /** Of a notice of the case: then no sign-in is needed. It opens nothing. */
      code: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    }),
    response: Accepted,
  },
  publishSignal: {
    service: 'intake',
    method: 'POST',
    path: '/api/intake/signals',
    access: 'provider',
    status: 202,
    says: 'An identity provider reports a lockout as a CloudEvent. Opens nothing by itself (R1.8).',
    event: SignalEvent,
    // The same source and id came before: nothing has changed.
    response: closed({ signalId: Id, repeated: Type.Boolean() }),
  },
  inbox: {
    service: 'approval',
    method: 'GET',
    path: '/api/approval/inbox',
    access: 'person',
    status: 200,
    says: 'What waits for you of the cases that you are attested for: those whose quorum lacks your decision, and those whose proofs you may record.',
    query: inboxQuery,
    response: Inbox,
  },
  showApproval: {
    service: 'approval',
    method: 'GET',
    path: '/api/approval/cases/:caseId',
    access: 'person',
    status: 200,
    says: 'Plan, proofs and quorum of a case, and what a decision signs.',
    response: ApprovalView,
  },
  addEvidence: {
    service: 'approval',
    method: 'POST',
    path: '/api/approval/cases/:caseId/evidence',
    access: 'person',
    status: 202,
    says: 'Record a proof.',
    body: AddEvidence,
    response: closed({ caseId: Id, evidenceId: Id, link: Type.String() }),
  },
  decide: {
    service: 'approval',
    method: 'POST',
    path: '/api/approval/cases/:caseId/decisions',
    access: 'person',
    status: 202,
    says: 'A signed decision over plan, evidence and policy.',
    body: Type.Omit(Decision, ['id']),
    response: closed({ caseId: Id, decisionId: Id, link: Type.String() }),
  },
  withdraw: {
    service: 'approval',
    method: 'POST',
    path: '/api/approval/cases/:caseId/withdraw',
    access: 'person-or-case-key',
    status: 202,
    says: 'The requester takes the request back.',
    response: Accepted,
  },
  deskContact: {
    service: 'classification',
    method: 'GET',
    path: '/api/classification/cases/:caseId/contacts',
    access: 'person',
    status: 200,
    says: 'Contact points on record of the subject, masked, for those who may verify the case (R3.4).',
    response: Type.Array(closed({ kind: Id, value: Text, digest: Digest })),
  },
  showContact: {
    service: 'classification',
    method: 'POST',
    path: '/api/classification/cases/:caseId/contacts',
    access: 'person',
    status: 200,
    says: 'One contact point in full, for the agent who calls back. Each look is on record first; few an hour (R3.4).',
    body: closed({ digest: Digest }),
    response: closed({ kind: Id, value: Text, digest: Digest }),
  },
  showPlan: {
    service: 'execution',
    method: 'GET',
    path: '/api/execution/cases/:caseId',
    access: 'person',
    status: 200,
    says: 'Plan and execution of a case.',
    response: closed({
      caseId: Id,
      plan: Type.Union([Plan, Type.Null()]),
      planDigest: Type.Union([Digest, Type.Null()]),
      waitsFor: Type.Array(Text),
      work: Type.Array(
        closed({ id: Id, kind: Id, state: Id, tries: Type.Integer(), notBefore: Instant, lastError: Type.Optional(Type.String()) }),
      ),
      after: Type.Array(Facet),
    }),
  },
  pickUpSecret: {
    service: 'execution',
    method: 'GET',
    path: '/api/execution/cases/:caseId/secret',
    access: 'case-key',
    status: 200,
    says: 'The sealed secret, for the key it is sealed to; repeats until acknowledged.',
    response: closed({ caseId: Id, jwe: Type.String(), ciphertextDigest: Digest }),
  },
  acknowledgeSecret: {
    service: 'execution',
    method: 'POST',
    path: '/api/execution/cases/:caseId/secret/acknowledgement',
    access: 'case-key',
    status: 200,
    says: 'The secret arrived: its ciphertext is destroyed.',
    body: closed({ ciphertextDigest: Digest }),
    response: closed({ caseId: Id, acknowledged: Type.Boolean() }),
  },
  showObligations: {
    service: 'revocation-scheduler',
    method: 'GET',
    path: '/api/revocation/cases/:caseId',
    access: 'person-or-case-key',
    status: 200,
    says: 'What must be undone, by when, and whether it was.',
    response: Type.Array(
      closed({
        obligationId: Id,
        undo: Undo,
        dueAt: Type.Union([Instant, Type.Null()]),
        state: oneOf(['recorded', 'armed', 'due', 'overdue', 'discharged'] as const),
        how: Type.Union([Id, Type.Null()]),
        /** What an end of the case, or its containment, would do to it now. */
        ifEnded: Type.Optional(oneOf(['falls', 'stays'] as const)),
        ifContained: Type.Optional(oneOf(['falls', 'stays'] as const)),
        /** Every time that it was said due, and why. */
        dues: Type.Optional(Type.Array(closed({ at: Instant, cause: Id, by: Type.Optional(Id), reason: Type.Optional(Text) }))),
      }),
    ),
  },
  listOverdue: {
    service: 'revocation-scheduler',
    method: 'GET',
    path: '/api/revocation/overdue',
    access: 'operator',
    status: 200,
    says: 'Obligations whose undo is late, the longest first; at most 100.',
    response: Type.Array(OverdueObligation),
  },
  showOrders: {
    service: 'revocation-scheduler',
    method: 'GET',
    path: '/api/revocation/cases/:caseId/orders',
    access: 'person-or-case-key',
    status: 200,
    says: 'Who ended or contained the case, when and why.',
    response: Type.Array(closed({ at: Instant, by: Id, order: oneOf(['end', 'contain'] as const), reason: Type.Optional(Text) })),
  },
  endEarly: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/cases/:caseId/end',
    access: 'person-or-case-key',
    status: 202,
    says: 'End what the case granted, now (R6.4). Of a reissued secret the old login ends and the new one stays.',
    body: closed({ reason: Text }),
    response: Accepted,
  },
  contain: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/cases/:caseId/contain',
    access: 'operator',
    status: 202,
    says: 'Stop the case and undo what it granted, at any stage; never waits for a quorum.',
    body: closed({ reason: Text }),
    /** `will`: what follows, in sentences. */
    response: closed({ caseId: Id, link: Type.String(), will: Type.Optional(Type.Array(Type.String())) }),
  },
  checkpoint: {
    service: 'audit',
    method: 'GET',
    path: '/api/audit/checkpoint',
    access: 'anyone',
    status: 200,
    says: 'The latest signed checkpoint (C2SP tlog-checkpoint).',
    response: closed({ size: Type.Integer(), note: Type.String() }),
  },
  exportLog: {
    service: 'audit',
    method: 'GET',
    path: '/api/audit/export',
    access: 'operator',
    status: 200,
    says: 'The whole log as NDJSON: entries with their signed events, then the checkpoints.',
    query: closed({ size: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })) }),
    response: Type.String(),
  },
  ...parkedRoutes(),
} as const satisfies Record<string, Route>;
export type RouteName = keyof typeof routes;

function parkedRoutes() {
  const of = <A extends Area>(area: A) =>
    ({
      [`${area}ListParked`]: {
        service: areas[area],
        method: 'GET',
        path: `/api/${area}/parked`,
        access: 'operator',
        status: 200,
        says: 'Messages that this service could not take, with the reason.',
        query: closed({
          state: Type.Optional(oneOf(['parked', 'redriven', 'discarded'] as const)),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        }),
        response: Parked,
      },
      [`${area}ShowParked`]: {
        service: areas[area],
        method: 'GET',
        path: `/api/${area}/parked/:parkedId`,
        access: 'operator',
        status: 200,
        says: 'One parked message with its bytes.',
        response: ParkedMessage,
      },
      [`${area}SettleParked`]: {
        service: areas[area],
        method: 'POST',
        path: `/api/${area}/parked/:parkedId`,
        access: 'operator',
        status: 202,
        says: 'Try a parked message again, or give it up; both are recorded.',
        body: closed({ action: oneOf(['redrive', 'discard'] as const) }),
        response: ParkedMessage,
      },
    }) as unknown as Record<`${A}ListParked` | `${A}ShowParked` | `${A}SettleParked`, Route>;
  return { ...of('intake'), ...of('classification'), ...of('approval'), ...of('execution'), ...of('revocation'), ...of('audit') };
}

/** RFC 9457; `type` is `urn:readmit:problem:<reason>`. */
export const Problem = closed({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.Optional(Type.String()),
  instance: Type.Optional(Type.String()),
  rule: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(closed({ where: Type.String(), what: Type.String() }))),
});
