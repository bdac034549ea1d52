/** Maps the events of execution and of the revocation scheduler to records. */
import type { OwnEvents } from '@readmit/contracts';
import { undoTable } from '../../kernel/restorations.js';
import { given, givenByHolds, isOfMachine, takenBack, takenBackHold } from './accounts.js';
import type { MappingOf } from './case-mapping.js';
import { affectedText } from '../../case-view/sentences.js';
import {
  accountChange,
  authentication,
  entity,
  failure,
  finding,
  rejected,
  success,
  user,
  type About,
  type Entity,
  type Mapped,
} from './classes.js';

const execution = (uid: string, data?: Readonly<Record<string, unknown>>): Entity => ({
  type: 'Execution',
  uid,
  ...(data === undefined ? {} : { data }),
});
const obligation = (uid: string, data?: Readonly<Record<string, unknown>>): Entity => ({
  type: 'Revocation Obligation',
  uid,
  ...(data === undefined ? {} : { data }),
});
const factorTypes: Readonly<Record<string, number>> = { totp: 7, webauthn: 10, passkey: 10, password: 11 };

const findingTitles = {
  more: 'target has more than the case left there',
  less: 'target has less than the case left there',
  same: 'renamed at the target since the case',
} as const;

export const executionMapping: MappingOf<OwnEvents<'execution'>> = {
  'readmit.plan.proposed': ({ data: { planId, plan, digest } }) =>
    entity(
      1,
      {
        type: 'Restoration Plan',
        uid: planId,
        data: {
          digest,
          class: plan.class,
          steps: plan.steps.map(({ kind, connector, object, entitlement }) => ({ kind, connector, object, entitlement })),
          obligations: plan.obligations.map(({ id, kind, connector, object, entitlement }) => ({
            id,
            kind,
            connector,
            object,
            entitlement,
          })),
          duration_seconds: plan.durationSeconds,
        },
      },
      { severity_id: 1 },
    ),
  'readmit.plan.refused': ({ data }) =>
    entity(
      1,
      { type: 'Restoration Plan', uid: data.caseId },
      {
        severity_id: 3,
        status: failure(data.reason, data.says),
        control: rejected,
        unmapped: { rule: data.rule },
      },
    ),
  // Not an account change yet: the result is in a later entry.
  'readmit.execution.started': ({ data }) =>
    entity(
      10,
      execution(data.executionId, { plan_digest: data.planDigest, grant_id: data.grantId, ends_at: data.endsAt, holds: data.holds }),
      {
        severity_id: 2,
        status: { status_id: 99, status: 'Started' },
      },
    ),
  'readmit.execution.succeeded': ({ data }) => {
    const about: About = { severity_id: 3, status: success, unmapped: { execution_id: data.executionId, plan_digest: data.planDigest } };
    const { gave, holds = [] } = data;
    return (
      (gave
        ? given(gave, { ...about, unmapped: { ...about.unmapped, holds, gave } })
        : givenByHolds(holds, { ...about, unmapped: { ...about.unmapped, holds } })) ??
      entity(10, execution(data.executionId, { plan_digest: data.planDigest }), { severity_id: 3, status: success })
    );
  },
  'readmit.execution.failed': ({ data }) =>
    entity(10, execution(data.executionId, { effect: data.effect }), {
      // Only `none` is certain to leave nothing to undo.
      severity_id: data.effect === 'none' ? 2 : 4,
      status: failure(data.reason, data.says),
      unmapped: { rule: data.rule },
    }),
  'readmit.revocation.confirmed': ({ data }) => {
    const about: About = {
      severity_id: 1,
      unmapped: { obligation_id: data.obligationId, how: data.how, sessions_ended: data.sessionsEnded },
    };
    const account: Mapped | undefined = data.undo
      ? takenBack(data.undo, data.how, about)
      : data.hold === undefined
        ? undefined
        : takenBackHold(data.hold, data.how, about);
    return account ?? entity(3, obligation(data.obligationId, { how: data.how }), { ...about, status: success });
  },
  'readmit.revocation.failed': ({ data }) =>
    entity(3, obligation(data.obligationId, { tries: data.tries, retry_at: data.retryAt }), {
      severity_id: 3,
      status: failure('revocation-failed', data.reason),
    }),
  'readmit.credential.used': ({ data }) =>
    authentication(1, user(data.object, undefined, data.connector), data.connector, {
      severity_id: 2,
      unmapped: { used_at: data.usedAt },
    }),
  'readmit.secret.picked-up': ({ data }) =>
    entity(2, { type: 'Sealed Secret', uid: data.ciphertextDigest, data: { recipient: data.recipient } }, { severity_id: 2 }),
  'readmit.enrolment.confirmed': ({ data }) =>
    accountChange(10, user(data.object, 1, data.connector), {
      severity_id: 1,
      auth_factors: [{ factor_type_id: factorTypes[data.factor] ?? 99, factor_type: data.factor, provider: data.connector }],
    }),
  'readmit.incident.raised': ({ data }) =>
    finding(
      'opened',
      { uid: data.incidentId, title: data.reason, desc: data.says, rule: data.rule },
      { severity_id: 5, resource: data.caseId },
    ),
  'readmit.finding.raised': ({ data }) =>
    finding(
      'opened',
      {
        uid: data.findingId,
        title: findingTitles[data.power],
        desc: `${data.facet} of ${data.object} at ${data.connector} should be ${data.was || 'empty'} and is ${data.is || 'empty'}.`,
        rule: 'R6.7',
      },
      // Only what gives power is an alert; the rest is for the record.
      {
        severity_id: data.power === 'more' ? 4 : 2,
        resource: data.caseId,
        unmapped: { connector: data.connector, object: data.object, facet: data.facet, was: data.was, is: data.is, power: data.power },
      },
    ),
  'readmit.finding.cleared': ({ data }) =>
    finding(
      'resolved',
      {
        uid: data.findingId,
        title: 'target is as the case left it',
        desc: `${data.facet} of ${data.object} at ${data.connector} is as it should be, or another case has changed it since.`,
        rule: 'R6.7',
      },
      { severity_id: 1, resource: data.caseId, unmapped: { connector: data.connector, object: data.object, facet: data.facet } },
    ),
  'readmit.consumer.confirmed': ({ data }) =>
    entity(
      3,
      { type: 'Credential', uid: data.object, user: user(data.object, 4) },
      {
        severity_id: 1,
        by: user(data.consumer, 4),
      },
    ),
};

export const schedulerMapping: MappingOf<OwnEvents<'revocation-scheduler'>> = {
  'readmit.obligation.recorded': ({ data }) =>
    entity(
      1,
      {
        ...obligation(data.obligationId, {
          grant_id: data.grantId,
          kind: data.undo.kind,
          connector: data.undo.connector,
          ...(data.undo.entitlement === undefined ? {} : { entitlement: data.undo.entitlement }),
          hard_bound: data.hardBound,
        }),
        user: user(data.undo.object, isOfMachine(undoTable[data.undo.kind].ocsf) ? 4 : undefined, data.undo.connector),
      },
      { severity_id: 1 },
    ),
  'readmit.revocation.due': ({ data }) =>
    entity(3, obligation(data.obligationId, { cause: data.cause }), {
      severity_id: data.cause === 'frozen' || data.cause === 'containment' ? 3 : 1,
    }),
  'readmit.revocation.overdue': ({ data }, whose) =>
    finding(
      'opened',
      {
        uid: data.obligationId,
        title: 'revocation overdue',
        // Also right with the asks of the case, which is all that is known before audit has the grant.
        desc: `What was granted should have been undone by ${data.dueSince}, and no target has shown that it was${whose ? `: ${whose.what.map(affectedText).join(', ')}` : ''}.`,
        rule: 'R6.3',
      },
      { severity_id: 4, resource: data.caseId, unmapped: { due_since: data.dueSince } },
    ),
  'readmit.obligation.discharged': ({ data }) =>
    entity(11, obligation(data.obligationId, { kind: data.kind, how: data.how }), {
      severity_id: 1,
      status: success,
    }),
  'readmit.deadline.reached': ({ data }) =>
    entity(
      11,
      { type: 'Deadline', uid: data.key, data: { owner: data.owner, deadline: data.deadline } },
      {
        severity_id: 1,
      },
    ),
  'readmit.containment.ordered': ({ data }) =>
    entity(9, { type: 'Recovery Case', uid: data.caseId, data: { cause: 'containment' } }, { severity_id: 4 }),
};
