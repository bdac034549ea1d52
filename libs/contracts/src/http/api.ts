/**
 * The HTTP API, once: every route with its service, who may call, request and response shapes. Controllers, CLI and
 * OpenAPI are derived from here. Errors are problem details (RFC 9457) with `rule` and `reason`.
 */
import { Type } from 'typebox';
import type { ServiceName } from '../events/entry.js';
import { SignalEvent } from '../signals/signal.js';
import { Digest, Id, closed, described, oneOf } from '../events/values.js';
import { AddEvidence, ApprovalView, SignedDecision } from './approval-shapes.js';
import { Accepted, CaseView, Contact, OpenCase, Repudiation, TimelineEntry, accepted, stateFilters } from './case-shapes.js';
import { Acknowledged, Acknowledgement, Because, Contained, ExecutionView, Obligation, Order, SealedSecret } from './execution-shapes.js';
import { Inbox, inboxQuery, OverdueObligation } from './inbox-shapes.js';
import { parkedRoutes } from './parked-routes.js';
import type { Route } from './route.js';

const SignInWith = described(
  closed({
    issuer: described(Type.String({ minLength: 1 }), 'The OpenID Connect issuer, as its tokens name it.'),
    audience: described(Type.String({ minLength: 1 }), 'The audience that an access token must carry.'),
  }),
  'What a client needs to get an access token for the API.',
);

export const routes = {
  signInWith: {
    service: 'intake',
    method: 'GET',
    path: '/api/intake/sign-in',
    access: 'anyone',
    status: 200,
    says: 'Where people sign in: the OpenID Connect issuer, and the audience that their access tokens must carry.',
    response: SignInWith,
  },
  openCase: {
    service: 'intake',
    method: 'POST',
    path: '/api/intake/cases',
    access: 'anyone',
    status: 202,
    says: 'Ask for a way back in. Claims nothing: the case is classified and proved before anything happens.',
    more: 'Without a sign-in the body has `caseKey` and the request a proof of it.',
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
    says: 'Cases, newest first: those that you have a part in; for operators and auditors all.',
    query: closed({
      state: Type.Optional(described(oneOf(stateFilters), 'Cases in this state; `open`: every case that is not closed.')),
      subject: Type.Optional(described(Id, 'Cases of this person or machine.')),
      before: Type.Optional(described(Id, 'The next page: id of the last case of the page before; nothing when there is no such case.')),
      limit: Type.Optional(described(Type.Integer({ minimum: 1, maximum: 200 }), 'How many at most; 50 when absent.')),
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
    more: 'Without a sign-in the body has `code`.',
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
    says: 'An identity provider reports a lockout as a CloudEvent. Opens nothing by itself (R1.8).',
    event: SignalEvent,
    response: closed({
      signalId: described(Id, 'Set by Readmit.'),
      repeated: described(Type.Boolean(), 'The same source and id came before: nothing has changed.'),
    }),
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
    versioned: true,
    response: closed({ ...accepted, evidenceId: described(Id, 'Id of the proof.') }),
  },
  decide: {
    service: 'approval',
    method: 'POST',
    path: '/api/approval/cases/:caseId/decisions',
    access: 'person',
    status: 202,
    says: 'A signed decision over plan, evidence and policy.',
    body: SignedDecision,
    versioned: true,
    response: closed({ ...accepted, decisionId: described(Id, 'Id of the decision.') }),
  },
  withdraw: {
    service: 'approval',
    method: 'POST',
    path: '/api/approval/cases/:caseId/withdraw',
    access: 'person-or-case-key',
    status: 202,
    says: 'The requester takes the request back.',
    more: 'Only before it is granted; afterwards the case is ended.',
    versioned: true,
    response: Accepted,
  },
  deskContact: {
    service: 'classification',
    method: 'GET',
    path: '/api/classification/cases/:caseId/contacts',
    access: 'person',
    status: 200,
    says: 'Contact points on record of the subject, masked, for those who may verify the case (R3.4).',
    response: Type.Array(Contact),
  },
  showContact: {
    service: 'classification',
    method: 'POST',
    path: '/api/classification/cases/:caseId/contacts',
    access: 'person',
    status: 200,
    says: 'One contact point in full, for the agent who calls back. Each look is on record first; few an hour (R3.4).',
    body: closed({ digest: described(Digest, 'Of the contact point in the list.') }),
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
    says: 'The sealed secret, for the key it is sealed to; repeats until acknowledged.',
    response: SealedSecret,
  },
  acknowledgeSecret: {
    service: 'execution',
    method: 'POST',
    path: '/api/execution/cases/:caseId/secret/acknowledgement',
    access: 'case-key',
    status: 200,
    says: 'The secret arrived: its ciphertext is destroyed.',
    body: Acknowledgement,
    response: Acknowledged,
  },
  showObligations: {
    service: 'revocation-scheduler',
    method: 'GET',
    path: '/api/revocation/cases/:caseId',
    access: 'person-or-case-key',
    status: 200,
    says: 'What must be undone, by when, and whether it was.',
    response: Type.Array(Obligation),
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
    response: Type.Array(Order),
  },
  endEarly: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/cases/:caseId/end',
    access: 'person-or-case-key',
    status: 202,
    says: 'End what the case granted, now (R6.4). Of a reissued secret the old login ends and the new one stays.',
    body: Because,
    response: Accepted,
  },
  contain: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/cases/:caseId/contain',
    access: 'operator',
    status: 202,
    says: 'Stop the case and undo what it granted, at any stage; never waits for a quorum.',
    body: Because,
    response: Contained,
  },
  containSubject: {
    service: 'revocation-scheduler',
    method: 'POST',
    path: '/api/revocation/subjects/:subjectId/contain',
    access: 'operator',
    status: 202,
    says: 'Contain every open case of a person or machine, each as if it had been named.',
    more: 'Not found when none is open. Closed cases, and one that was opened just now, are contained by their own id.',
    body: Because,
    response: closed({
      subject: described(Id, 'The person or machine.'),
      cases: described(Type.Array(Contained), 'Every case that was contained.'),
    }),
  },
  checkpoint: {
    service: 'audit',
    method: 'GET',
    path: '/api/audit/checkpoint',
    access: 'anyone',
    status: 200,
    says: 'The latest signed checkpoint (C2SP tlog-checkpoint).',
    more: 'Not found before the first one, seconds after the first event.',
    mayLack: true,
    response: closed({
      size: described(Type.Integer(), 'How many entries the log had.'),
      note: described(Type.String(), 'The checkpoint as a signed note: origin, size, root, and the signature of the log.'),
    }),
  },
  exportLog: {
    service: 'audit',
    method: 'GET',
    path: '/api/audit/export',
    access: 'operator',
    status: 200,
    says: 'The whole log as NDJSON: entries with their signed events, then the checkpoints.',
    query: closed({
      size: Type.Optional(
        described(
          Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
          'The log as it was at the last checkpoint of at most so many entries; at the latest checkpoint when absent.',
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
/** Methods that the path has, at one service or at all, in order; none: there is nothing at it. */
export const methodsAt = (path: string, of?: ServiceName): readonly string[] =>
  [
    ...new Set(
      patterns.filter(({ service, pattern }) => service === (of ?? service) && pattern.test(path)).flatMap(({ methods }) => methods),
    ),
  ].sort();

export const Problem = described(
  closed({
    type: described(Type.String(), '`urn:readmit:problem:<reason>`.'),
    title: described(Type.String(), 'The status in words.'),
    status: described(Type.Integer(), 'The HTTP status.'),
    detail: Type.Optional(described(Type.String(), 'What happened and what to do, as a sentence.')),
    instance: Type.Optional(described(Type.String(), '`urn:readmit:request:<id>`: quote it to the operators.')),
    rule: Type.Optional(described(Type.String(), 'The rule that refused it, e.g. `R4.2`; absent where no rule did.')),
    reason: Type.Optional(described(Type.String(), 'Why, as a code in kebab case; programs go by it.')),
    errors: Type.Optional(
      described(
        Type.Array(
          closed({
            where: described(Type.String(), 'JSON pointer below `/body`, `/query` or `/params`.'),
            what: described(Type.String(), 'What is wrong there.'),
          }),
        ),
        'Every place that is wrong, at most 50; absent unless the request is malformed.',
      ),
    ),
  }),
  'Problem details (RFC 9457).',
);
