/** Maps the events of intake, classification and approval to records. */
import type { EventData, EventType, FactOf, OwnEvents } from '@readmit/contracts';
import {
  accountChange,
  approved,
  authentication,
  entity,
  failure,
  finding,
  other,
  policy,
  policyEntity,
  rejected,
  success,
  user,
  type Mapped,
  type Status,
} from './classes.js';
import type { Whose } from './whose.js';

export type MappingOf<T extends EventType> = { readonly [K in T]: (fact: FactOf<K>, whose?: Whose) => Mapped };

const recoveryCase = (uid: string, data?: Readonly<Record<string, unknown>>) => ({
  type: 'Recovery Case',
  uid,
  ...(data === undefined ? {} : { data }),
});
const request = (uid: string, data?: Readonly<Record<string, unknown>>) => ({
  type: 'Approval Request',
  uid,
  ...(data === undefined ? {} : { data }),
});

/** Outcome of the request as a status. */
const outcomes = {
  completed: success,
  denied: failure('denied'),
  expired: failure('expired'),
  failed: failure('failed'),
  frozen: failure('frozen'),
  withdrawn: other('Withdrawn'),
} as const satisfies Record<EventData<'readmit.case.closed'>['outcome'], Status>;

export const intakeMapping: MappingOf<OwnEvents<'intake'>> = {
  'readmit.case.opened': ({ data }) =>
    entity(
      1,
      recoveryCase(data.caseId, {
        asks: data.asks,
        reason_code: data.reasonCode,
        duration_seconds: data.durationSeconds,
        ...(data.ticket === undefined ? {} : { ticket: data.ticket }),
      }),
      {
        severity_id: 1,
        ...(data.requester.id === undefined ? { by: user('anonymous') } : {}),
        unmapped: { reason_digest: data.reasonDigest },
      },
    ),
  'readmit.signal.received': ({ data }) => {
    const account = user(data.subject, undefined, data.provider);
    const about = {
      unmapped: { signal_id: data.signalId, provider: data.provider, occurred_at: data.occurredAt },
    };
    switch (data.kind) {
      case 'account-locked':
        return accountChange(9, account, { ...about, severity_id: 2 });
      case 'session-revoked':
        return authentication(2, account, data.provider, { ...about, severity_id: 2 });
      case 'credential-compromised':
        return finding(
          'opened',
          {
            uid: data.signalId,
            title: 'credential compromised',
            desc: `The identity provider ${data.provider} reports that a credential of this account is compromised.`,
            rule: data.kind,
          },
          { ...about, severity_id: 4, resource: data.subject },
        );
    }
  },
  'readmit.case.frozen': ({ data }) => entity(12, recoveryCase(data.caseId, { cause: data.cause }), { severity_id: 4 }),
  'readmit.notice.sent': ({ data }) =>
    entity(
      1,
      { type: 'Notice', uid: data.noticeId, data: { about: data.about, channel: data.channel } },
      {
        severity_id: 1,
      },
    ),
  'readmit.notice.given-up': ({ data }) =>
    entity(
      1,
      { type: 'Notice', uid: data.noticeId, data: { about: data.about } },
      // A person who was not notified cannot repudiate.
      {
        severity_id: 3,
        status: failure('notice-given-up', data.reason),
      },
    ),
  'readmit.case.closed': ({ data }) =>
    entity(11, recoveryCase(data.caseId, { outcome: data.outcome }), {
      severity_id: data.outcome === 'completed' ? 1 : 2,
      status: outcomes[data.outcome],
    }),
};

export const classificationMapping: MappingOf<OwnEvents<'classification'>> = {
  'readmit.case.classified': ({ data }) =>
    entity(
      3,
      recoveryCase(data.caseId, {
        class: data.class,
        tier: data.tier,
        ceiling: data.ceiling,
        rules: data.reasons.map(({ rule }) => rule),
      }),
      {
        severity_id: 1,
        policy: policy(data.policy.digest, data.policy.version),
      },
    ),
  'readmit.policy.activated': ({ data }) => policyEntity(10, policy(data.digest, data.version), { severity_id: 3 }),
  'readmit.people.attested': ({ data }) =>
    entity(
      1,
      {
        type: 'Attestation',
        uid: data.caseId,
        data: {
          directory: data.directory,
          people: data.people.map(({ id, teams, authority, employment, privileged }) => ({ id, teams, authority, employment, privileged })),
          consumers: data.consumers.map(({ id }) => id),
        },
      },
      { severity_id: 1 },
    ),
  'readmit.contact.shown': ({ data }) => entity(2, { type: 'Contact Point', uid: data.caseId }, { severity_id: 2, by: user(data.by) }),
};

export const approvalMapping: MappingOf<OwnEvents<'approval'>> = {
  'readmit.evidence.added': ({ data }) =>
    entity(
      1,
      {
        type: 'Evidence',
        uid: data.evidenceId,
        data: { kind: data.kind, channel: data.channel, assurance: data.assurance, stale_at: data.staleAt, digest: data.digest },
      },
      { severity_id: 1 },
    ),
  'readmit.approval.requested': ({ data }) =>
    entity(
      1,
      request(data.caseId, { plan_digest: data.planDigest, evidence_digest: data.evidenceDigest, decide_before: data.decideBefore }),
      { severity_id: 1 },
    ),
  'readmit.decision.recorded': ({ data: { caseId, decision } }) => {
    const { statement, proof } = decision;
    return entity(
      3,
      // Without the approver's reason: free text, possibly about a person.
      request(caseId, {
        decision_id: decision.id,
        decision: statement.decision,
        plan_digest: statement.planDigest,
        evidence_digest: statement.evidenceDigest,
        proof: { type: proof.type, kid: proof.kid },
      }),
      {
        severity_id: statement.decision === 'approve' ? 1 : 2,
        control: statement.decision === 'approve' ? approved : rejected,
        policy: policy(statement.policyDigest),
      },
    );
  },
  'readmit.approval.granted': ({ data }) =>
    entity(
      8,
      {
        type: 'Grant',
        uid: data.grantId,
        data: {
          plan_digest: data.planDigest,
          evidence_digest: data.evidenceDigest,
          approvers: data.decisions.filter(({ statement }) => statement.decision === 'approve').map(({ statement }) => statement.approver),
          good_until: data.goodUntil,
          duration_seconds: data.durationSeconds,
          obligations: data.obligations.map(({ id, kind, connector, object, entitlement }) => ({
            id,
            kind,
            connector,
            object,
            entitlement,
          })),
        },
      },
      { severity_id: 2, control: approved },
    ),
  'readmit.approval.denied': ({ data }) =>
    entity(11, request(data.caseId, { decision_id: data.decisionId }), {
      severity_id: 2,
      status: outcomes.denied,
      control: rejected,
    }),
  'readmit.approval.expired': ({ data }) =>
    entity(11, request(data.caseId, { expired_at: data.expiredAt }), { severity_id: 2, status: outcomes.expired }),
  'readmit.attestation.wanted': ({ data }) =>
    entity(
      2,
      { type: 'Attestation', uid: data.caseId, user: user(data.person) },
      {
        severity_id: 1,
      },
    ),
  'readmit.approval.withdrawn': ({ data }) => entity(11, request(data.caseId), { severity_id: 1, status: outcomes.withdrawn }),
};
