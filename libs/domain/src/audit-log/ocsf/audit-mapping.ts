/** Maps audit's own events, and the kinds that every service has, to records. */
import type { CommonKind, EventData, FactOf, OwnEvents, ServiceName } from '@readmit/contracts';
import type { CaseRule } from '../finding.js';
import type { MappingOf } from './case-mapping.js';
import { apiActivity, entity, failure, finding, rejected, unauthorized, type Mapped } from './classes.js';
import type { SeverityId } from './vocabulary.js';

/** Late is High. What neither order of arrival nor an outage explains is Critical: a rule was bypassed. */
const violations: Record<CaseRule, SeverityId> = {
  'started-before-record': 5,
  'obligation-after-start': 5,
  'plan-not-approved': 5,
  'decisions-invalid': 5,
  'evidence-differs': 5,
  'obligation-missing': 5,
  'obligation-differs': 5,
  'obligation-overdue': 4,
  'discharge-unproved': 4,
  'confirmed-without-due': 5,
  'still-held-unproved': 5,
  'plan-above-ceiling': 5,
  'plan-not-asked': 5,
  'evidence-missing': 5,
  'collector-invalid': 5,
  'grant-outlives-policy': 5,
  'granted-after-end': 5,
  'started-after-stop': 5,
  'opened-twice': 5,
  'granted-twice': 5,
  'ended-without-start': 5,
  'event-repeated': 5,
};
const isCaseRule = (rule: string): rule is CaseRule => Object.hasOwn(violations, rule);

export const auditMapping: MappingOf<OwnEvents<'audit'>> = {
  // Not an entry of the log, so it never reaches the topic; mapped for completeness.
  'readmit.audit.recorded': ({ data }) =>
    entity(1, { type: 'Log Entry', uid: data.eventId, data: { index: data.index, type: data.type } }, { severity_id: 1 }),
  'readmit.checkpoint.signed': ({ data }) =>
    entity(
      1,
      // With the whole signed note: a SIEM that keeps it can prove later that the log was cut or forked.
      { type: 'Checkpoint', uid: String(data.size), data: { size: data.size, note: data.note } },
      { severity_id: 1 },
    ),
  'readmit.violation.found': ({ id, data }) =>
    finding(
      'opened',
      { uid: id, title: data.rule, desc: data.says, rule: data.rule },
      { severity_id: isCaseRule(data.rule) ? violations[data.rule] : 5, resource: data.caseId },
    ),
};

/** Reasons that no honest mistake explains: the message was forged, altered or sent through the wrong topic. */
const forged: ReadonlySet<string> = new Set([
  'bad-signature',
  'unknown-key',
  'key-not-valid-then',
  'key-ended',
  'wrong-producer',
  'key-differs',
  'event-id-reused',
]);

const parked = ({ data }: { readonly data: EventData<'readmit.intake.message-parked'> }): Mapped => {
  const info = { uid: data.parkedId, title: 'message parked', desc: data.says, rule: data.reason };
  const about = {
    resource: data.key,
    unmapped: { topic: data.topic, reason: data.reason, action: data.action },
  };
  switch (data.action) {
    case 'parked':
      return finding('opened', info, { ...about, severity_id: forged.has(data.reason) ? 4 : 3 });
    case 'redriven':
      return finding('resolved', info, { ...about, severity_id: 1 });
    case 'discarded':
      return finding('suppressed', info, { ...about, severity_id: 2 });
  }
};
/** Tells missing permission from impossible commands: rules of separation and authority are R4. */
const refused =
  (service: ServiceName) =>
  ({ data }: { readonly data: EventData<'readmit.intake.refused'> }): Mapped => {
    const notAllowed = /^R4\./.test(data.rule);
    return apiActivity(data.command, service, data.key, {
      severity_id: notAllowed ? 3 : 2,
      status: failure(data.reason, data.says),
      control: notAllowed ? unauthorized : rejected,
      unmapped: { rule: data.rule },
    });
  };
const deadlineSet = ({ data: { key, deadline } }: { readonly data: EventData<'readmit.intake.deadline-set'> }): Mapped =>
  deadline === null
    ? entity(4, { type: 'Deadline', uid: key }, { severity_id: 1 })
    : entity(1, { type: 'Deadline', uid: key, data: { deadline } }, { severity_id: 1 });

type OfService<S extends ServiceName> = {
  readonly [K in CommonKind as `readmit.${S}.${K}`]: (fact: FactOf<`readmit.${S}.${K}`>) => Mapped;
};
const kindsOf = <S extends ServiceName>(service: S): OfService<S> =>
  Object.fromEntries([
    [`readmit.${service}.refused`, refused(service)],
    [`readmit.${service}.deadline-set`, deadlineSet],
    [`readmit.${service}.message-parked`, parked],
  ]) as unknown as OfService<S>;

export const everyServiceMapping = {
  ...kindsOf('intake'),
  ...kindsOf('classification'),
  ...kindsOf('execution'),
  ...kindsOf('approval'),
  ...kindsOf('revocation-scheduler'),
  ...kindsOf('audit'),
};
