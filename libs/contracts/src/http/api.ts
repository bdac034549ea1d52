/**
 * The HTTP API: every route with its service, who may call it, request and response. Controllers, CLI and OpenAPI are derived from here.
 * Errors are problem details (RFC 9457) with `rule` and `reason`.
 */
import { Type } from 'typebox';
import type { ServiceName } from '../events/entry.js';
import { SignalEvent } from '../signals/signal.js';
import { Digest, Id, closed, described, oneOf } from '../events/values.js';
import { AddEvidence, ApprovalView, SignedDecision } from './approval-shapes.js';
import { Accepted, CaseView, Contact, OpenCase, Repudiation, TimelineEntry, accepted, stateFilters } from './case-shapes.js';
import {
  Acknowledged,
  Acknowledgement,
  OrderReason,
  Contained,
  ExecutionView,
  Obligation,
  Order,
  SealedSecret,
} from './execution-shapes.js';
import { Inbox, inboxQuery, OverdueObligation } from './inbox-shapes.js';
import { parkedRoutes } from './parked-routes.js';
import type { Route } from './route.js';
import { SignInWith } from './sign-in-shapes.js';

export const routes = {
  signInWith: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/sign-in',
    access: 'anyone',
    status: 200,
    says: 'Where people sign in: the OpenID Connect issuer, and what their access tokens must be.',
    response: SignInWith,
  },
  openCase: {
    service: 'intake',
    method: 'POST',
    path: '/api/intake/cases',
    access: 'anyone',
    status: 202,
    says: 'Request a recovery. Grants nothing by itself: the case is classified, proved and approved before anything happens.',
    more: 'Without a sign-in, the body has `caseKey` and the request proves its possession.',
    body: OpenCase,
    repeatable: true,
    takesKey: true,
    response: Accepted,
  },
  listCases: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/cases',
    access: 'person',
    status: 200,
    says: 'Cases, newest first: those that you are a party of; for operators and auditors, all.',
    query: closed({
      state: Type.Optional(described(oneOf(stateFilters), 'Cases in this state; `open`: every case that is not closed.')),
      subject: Type.Optional(described(Id, 'Cases of this person or machine.')),
      before: Type.Optional(
        described(Id, 'For the next page: id of the last case of the previous one. An unknown id gives an empty page.'),
      ),
      limit: Type.Optional(described(Type.Integer({ minimum: 1, maximum: 200 }), 'Maximum number; 50 if absent.')),
    }),
    response: Type.Array(CaseView),
  },
  showCase: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/cases/:caseId',
    access: 'person-or-case-key',
    status: 200,
    says: 'One case, for its parties, operators and auditors; for others it does not exist. The holder of a case key sees only what they requested until the code was read back.',
    response: CaseView,
  },
  caseTimeline: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/cases/:caseId/timeline',
    access: 'person-or-case-key',
    status: 200,
    says: 'What happened, in order; for the holder of a case key, as limited as the case itself.',
    response: Type.Array(TimelineEntry),
  },
  repudiate: {
    service: 'intake',
    method: 'POST',
    path: '/api/intake/cases/:caseId/repudiate',
    access: 'anyone',
    status: 202,
    says: '"This was not me": freezes the case and revokes what it granted, also after it was closed. By the subject, by anyone with the code of a notice, or on behalf of the subject by the verifying teams and operators.',
    more: 'Without a sign-in, the body has `code`.',
    body: Repudiation,
    versioned: true,
    response: Accepted,
  },
  publishSignal: {
    service: 'intake',
    method: 'POST',
    path: '/api/intake/signals',
    access: 'provider',
    status: 202,
    says: 'Report a lockout, compromise or revoked session as a CloudEvent. Opens no case (R1.8).',
    event: SignalEvent,
    response: closed({
      signalId: described(Id, 'Set by Readmit.'),
      repeated: described(Type.Boolean(), 'The same source and id were recorded before: this had no effect.'),
    }),
  },
  inbox: {
    service: 'approval',
    method: 'GET',
    path: '/api/approval/inbox',
    access: 'person',
    status: 200,
    says: 'Cases that wait for you, of those that you are attested for: to decide, or to record proofs.',
    query: inboxQuery,
    response: Inbox,
  },
  showApproval: {
    service: 'approval',
    method: 'GET',
    path: '/api/approval/cases/:caseId',
    access: 'person',
    status: 200,
    says: 'Plan, proofs and quorum of a case: everything that a decision signs.',
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
    versioned: true,
    response: closed({ ...accepted, evidenceId: described(Id, 'Id of the proof.') }),
  },
  decide: {
    service: 'approval',
    method: 'POST',
    path: '/api/approval/cases/:caseId/decisions',
    access: 'person',
    status: 202,
    says: 'Send a signed decision on plan, evidence and policy.',
    body: SignedDecision,
    versioned: true,
    stepUp: true,
    response: closed({ ...accepted, decisionId: described(Id, 'Id of the decision.') }),
  },
  withdraw: {
    service: 'approval',
    method: 'POST',
    path: '/api/approval/cases/:caseId/withdraw',
    access: 'person-or-case-key',
    status: 202,
    says: 'Withdraw the request, as its requester.',
    more: 'Only before it is granted; afterwards, end the case.',
    versioned: true,
    response: Accepted,
  },
  deskContact: {
    service: 'classification',
    method: 'GET',
    path: '/api/classification/cases/:caseId/contacts',
    access: 'person',
    status: 200,
    says: "The subject's contact points on record, masked, for those who may verify the case (R3.4).",
    response: Type.Array(Contact),
  },
  showContact: {
    service: 'classification',
    method: 'POST',
    path: '/api/classification/cases/:caseId/contacts',
    access: 'person',
    status: 200,
    says: 'One contact point in full, for the agent who calls back. Each view is recorded first; limited per hour (R3.4).',
    body: closed({ digest: described(Digest, 'Digest of the contact point in the list.') }),
    response: Contact,
  },
  showPlan: {
    service: 'execution',
    method: 'GET',
    path: '/api/execution/cases/:caseId',
    access: 'person',
    status: 200,
    says: 'Plan and execution of a case.',
    response: ExecutionView,
  },
  pickUpSecret: {
    service: 'execution',
    method: 'GET',
    path: '/api/execution/cases/:caseId/secret',
    access: 'case-key',
    status: 200,
    says: 'The sealed secret, for the key that it is sealed to. Can be repeated until it is acknowledged.',
    response: SealedSecret,
  },
  acknowledgeSecret: {
    service: 'execution',
    method: 'POST',
    path: '/api/execution/cases/:caseId/secret/acknowledgement',
    access: 'case-key',
    status: 200,
    says: 'Confirm that the secret arrived: its ciphertext is deleted.',
    body: Acknowledgement,
    response: Acknowledged,
  },
  showObligations: {
    service: 'revocation-scheduler',
    method: 'GET',
    path: '/api/revocation/cases/:caseId',
    access: 'person-or-case-key',
    status: 200,
    says: 'Obligations of a case: what must be undone, by when, and whether it was.',
    response: Type.Array(Obligation),
  },
  listOverdue: {
    service: 'revocation-scheduler',
    method: 'GET',
    path: '/api/revocation/overdue',
    access: 'operator',
    status: 200,
    says: 'Overdue obligations, the oldest first; at most 100.',
    response: Type.Array(OverdueObligation),
  },
  showOrders: {
    service: 'revocation-scheduler',
    method: 'GET',
    path: '/api/revocation/cases/:caseId/orders',
    access: 'person-or-case-key',
    status: 200,
    says: 'Who ended or contained the case, when and why.',
    response: Type.Array(Order),
  },
  endEarly: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/cases/:caseId/end',
    access: 'person-or-case-key',
    status: 202,
    says: 'End what the case granted, now (R6.4). For a reissued secret, the old login ends and the new one stays.',
    body: OrderReason,
    response: Accepted,
  },
  contain: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/cases/:caseId/contain',
    access: 'operator',
    status: 202,
    says: 'Stop the case and undo what it granted, in any state; never waits for a quorum.',
    body: OrderReason,
    response: Contained,
  },
  containSubject: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/subjects/:subjectId/contain',
    access: 'operator',
    status: 202,
    says: 'Contain every open case of a person or machine, as if each had been contained by id.',
    more: 'Not found if none is open. Contain a closed case, or one that was opened just now, by its own id.',
    body: OrderReason,
    response: closed({
      subject: described(Id, 'The person or machine.'),
      cases: described(Type.Array(Contained), 'The cases that were contained.'),
    }),
  },
  checkpoint: {
    service: 'audit',
    method: 'GET',
    path: '/api/audit/checkpoint',
    access: 'anyone',
    status: 200,
    says: 'The latest signed checkpoint (C2SP tlog-checkpoint).',
    more: 'Not found before the first one, which is signed seconds after the first event.',
    mayLack: true,
    response: closed({
      size: described(Type.Integer(), 'Number of entries in the log.'),
      note: described(Type.String(), 'The checkpoint as a signed note: origin, size, root, and signature.'),
    }),
  },
  exportLog: {
    service: 'audit',
    method: 'GET',
    path: '/api/audit/export',
    access: 'operator',
    status: 200,
    says: 'The whole log as NDJSON: entries with their signed events, then the checkpoint.',
    query: closed({
      size: Type.Optional(
        described(
          Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
          'Ends at the last checkpoint of at most this many entries; if absent, at the latest one.',
        ),
      ),
    }),
    response: Type.String(),
  },
  ...parkedRoutes(),
} as const satisfies Record<string, Route>;
export type RouteName = keyof typeof routes;

const patterns = (Object.values(routes) as Route[]).map(({ service, method, path }) => ({
  service,
  methods: method === 'GET' ? ['GET', 'HEAD'] : [method],
  pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`),
}));
/** Sorted methods of the path, at one service or at any. Empty if the path does not exist. */
export const methodsAt = (path: string, of?: ServiceName): readonly string[] =>
  [
    ...new Set(
      patterns.filter(({ service, pattern }) => service === (of ?? service) && pattern.test(path)).flatMap(({ methods }) => methods),
    ),
  ].sort();

export const Problem = described(
  closed({
    type: described(Type.String(), '`urn:readmit:problem:<reason>`.'),
    title: described(Type.String(), 'Title of the status.'),
    status: described(Type.Integer(), 'The HTTP status.'),
    detail: Type.Optional(described(Type.String(), 'What happened, and what to do.')),
    instance: Type.Optional(described(Type.String(), '`urn:readmit:request:<id>`; give it to the operators when you report a problem.')),
    rule: Type.Optional(described(Type.String(), 'The rule that refused it, e.g. `R4.2`; absent if none did.')),
    reason: Type.Optional(described(Type.String(), 'The reason as a code in kebab case, for programs.')),
    errors: Type.Optional(
      described(
        Type.Array(
          closed({
            where: described(Type.String(), 'JSON pointer below `/body`, `/query` or `/params`.'),
            what: described(Type.String(), 'What is wrong there.'),
          }),
        ),
        'Every error, at most 50; only for malformed requests.',
      ),
    ),
  }),
  'Problem details (RFC 9457).',
);
