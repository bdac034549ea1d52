/**
 * Every event of the system, once: who says it, on which topic, keyed by what, in which shape.
 * Topics, subscriptions, dispatch, redaction, timeline labels and the audit view are derived from here.
 */
import { Type, type Static, type TSchema } from 'typebox';
import {
  Ask, Ceiling, Consumer, Decision, Digest, EvidenceRef, Facet, Id, Instant, Person, Plan, PolicyRef, RecipientKey, Requester,
  Requirements, Seconds, Subject, Text, Undo, caseClasses, closed, evidenceKinds, oneOf, reasonCodes, tiers, undoKinds,
} from './values.js';

export const services = ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit'] as const;
export type ServiceName = (typeof services)[number];

/**
 * `public` may appear in logs and traces; `sensitive` only in the case itself. A field that is not named here is secret
 * (STYLE: unclassified means secret).
 */
export type Sensitivity = 'public' | 'sensitive';

export interface CatalogueEntry {
  readonly producer: ServiceName;
  /** Stable audit code, never reused. */
  readonly code: string;
  /** What the timeline prints. */
  readonly label: string;
  readonly schema: TSchema;
  readonly fields: Readonly<Record<string, Sensitivity>>;
  readonly version: 1;
  /** Execution waits until audit has these in its log (DESIGN 3.6); audit says Recorded for them alone. */
  readonly gate?: true;
}

const CaseId = Id;
const cause = ['expiry', 'used', 'taken-over', 'ended-by-person', 'frozen', 'containment', 'execution-failed', 'execution-missing'] as const;
export type EndCause = (typeof cause)[number];

export const catalogue = {
  // --- intake
  'readmit.case.opened': {
    producer: 'intake', code: 'RC-1001', label: 'case opened', version: 1,
    schema: closed({
      caseId: CaseId,
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
    fields: { caseId: 'public', asks: 'public', subject: 'public', requester: 'public', reasonCode: 'public', reasonDigest: 'public', ticket: 'public', durationSeconds: 'public', caseKey: 'sensitive' },
  },
  'readmit.signal.received': {
    producer: 'intake', code: 'RC-1002', label: 'signal received', version: 1,
    schema: closed({ signalId: Id, provider: Id, kind: oneOf(['account-locked', 'credential-compromised', 'session-revoked'] as const), subject: Id, occurredAt: Instant }),
    fields: { signalId: 'public', provider: 'public', kind: 'public', subject: 'public', occurredAt: 'public' },
  },
  'readmit.case.frozen': {
    producer: 'intake', code: 'RC-1003', label: 'case frozen', version: 1,
    schema: closed({ caseId: CaseId, by: Id, cause: oneOf(['repudiated', 'signal'] as const) }),
    fields: { caseId: 'public', by: 'public', cause: 'public' },
  },
  'readmit.notice.sent': {
    producer: 'intake', code: 'RC-1004', label: 'notice sent', version: 1,
    schema: closed({ caseId: CaseId, noticeId: Id, about: oneOf(['opened', 'executed', 'ended', 'refused'] as const), channel: Id }),
    fields: { caseId: 'public', noticeId: 'public', about: 'public', channel: 'public' },
  },
  'readmit.notice.given-up': {
    producer: 'intake', code: 'RC-1005', label: 'notice given up', version: 1,
    schema: closed({ caseId: CaseId, noticeId: Id, about: oneOf(['opened', 'executed', 'ended', 'refused'] as const), reason: Text }),
    fields: { caseId: 'public', noticeId: 'public', about: 'public', reason: 'public' },
  },
  'readmit.case.closed': {
    producer: 'intake', code: 'RC-1006', label: 'case closed', version: 1,
    schema: closed({ caseId: CaseId, outcome: oneOf(['completed', 'denied', 'expired', 'withdrawn', 'failed', 'frozen'] as const) }),
    fields: { caseId: 'public', outcome: 'public' },
  },
  // --- classification
  'readmit.case.classified': {
    producer: 'classification', code: 'RC-2001', label: 'classified', version: 1, gate: true,
    schema: closed({
      caseId: CaseId,
      class: oneOf(caseClasses),
      tier: oneOf(tiers),
      ceiling: Ceiling,
      requirements: Requirements,
      policy: PolicyRef,
      reasons: Type.Array(closed({ rule: Id, says: Text }), { minItems: 1 }),
      facts: Type.Array(closed({ name: Id, value: Type.String({ maxLength: 500 }), ageSeconds: Type.Optional(Seconds) })),
    }),
    fields: { caseId: 'public', class: 'public', tier: 'public', ceiling: 'public', requirements: 'public', policy: 'public', reasons: 'public', facts: 'public' },
  },
  'readmit.policy.activated': {
    producer: 'classification', code: 'RC-2002', label: 'policy activated', version: 1,
    schema: closed({ version: Id, digest: Digest, document: Type.Unknown() }),
    fields: { version: 'public', digest: 'public', document: 'public' },
  },
  'readmit.people.attested': {
    producer: 'classification', code: 'RC-2003', label: 'people attested', version: 1, gate: true,
    schema: closed({
      caseId: CaseId,
      directory: closed({ digest: Digest, issuedAt: Instant, ageSeconds: Seconds }),
      people: Type.Array(Person),
      /** Digests of the contact points on record of the subject (R3.4), each salted with the case id. */
      contacts: Type.Array(Digest),
      consumers: Type.Array(Consumer),
    }),
    fields: { caseId: 'public', directory: 'public', people: 'public', contacts: 'public', consumers: 'public' },
  },
  // --- execution
  'readmit.plan.proposed': {
    producer: 'execution', code: 'RC-3001', label: 'plan proposed', version: 1, gate: true,
    schema: closed({ caseId: CaseId, planId: Id, plan: Plan, digest: Digest }),
    fields: { caseId: 'public', planId: 'public', plan: 'public', digest: 'public' },
  },
  'readmit.plan.refused': {
    producer: 'execution', code: 'RC-3002', label: 'plan refused', version: 1,
    schema: closed({ caseId: CaseId, rule: Id, reason: Id, says: Text }),
    fields: { caseId: 'public', rule: 'public', reason: 'public', says: 'public' },
  },
  'readmit.execution.started': {
    producer: 'execution', code: 'RC-3003', label: 'execution started', version: 1,
    schema: closed({ caseId: CaseId, executionId: Id, planDigest: Digest, grantId: Id, endsAt: Instant }),
    fields: { caseId: 'public', executionId: 'public', planDigest: 'public', grantId: 'public', endsAt: 'public' },
  },
  'readmit.execution.succeeded': {
    producer: 'execution', code: 'RC-3004', label: 'execution succeeded', version: 1,
    schema: closed({ caseId: CaseId, executionId: Id, planDigest: Digest, after: Type.Array(Facet, { maxItems: 200 }), sealed: Type.Array(Digest) }),
    fields: { caseId: 'public', executionId: 'public', planDigest: 'public', after: 'public', sealed: 'public' },
  },
  'readmit.execution.failed': {
    producer: 'execution', code: 'RC-3005', label: 'execution failed', version: 1,
    schema: closed({ caseId: CaseId, executionId: Id, effect: oneOf(['none', 'partial', 'unknown'] as const), rule: Id, reason: Id, says: Text }),
    fields: { caseId: 'public', executionId: 'public', effect: 'public', rule: 'public', reason: 'public', says: 'public' },
  },
  'readmit.revocation.confirmed': {
    producer: 'execution', code: 'RC-3006', label: 'revocation proven', version: 1,
    schema: closed({ caseId: CaseId, obligationId: Id, how: oneOf(['undone', 'never-began', 'still-held'] as const), readBack: Type.Array(Facet, { maxItems: 200 }), sessionsEnded: Type.Integer({ minimum: 0 }) }),
    fields: { caseId: 'public', obligationId: 'public', how: 'public', readBack: 'public', sessionsEnded: 'public' },
  },
  'readmit.revocation.failed': {
    producer: 'execution', code: 'RC-3007', label: 'revocation failed, retrying', version: 1,
    schema: closed({ caseId: CaseId, obligationId: Id, tries: Type.Integer({ minimum: 1 }), retryAt: Instant, reason: Text }),
    fields: { caseId: 'public', obligationId: 'public', tries: 'public', retryAt: 'public', reason: 'public' },
  },
  'readmit.credential.used': {
    producer: 'execution', code: 'RC-3008', label: 'credential used', version: 1,
    schema: closed({ caseId: CaseId, connector: Id, object: Id, usedAt: Instant }),
    fields: { caseId: 'public', connector: 'public', object: 'public', usedAt: 'public' },
  },
  'readmit.secret.picked-up': {
    producer: 'execution', code: 'RC-3009', label: 'secret picked up', version: 1,
    schema: closed({ caseId: CaseId, recipient: Digest, ciphertextDigest: Digest }),
    fields: { caseId: 'public', recipient: 'public', ciphertextDigest: 'public' },
  },
  'readmit.enrolment.confirmed': {
    producer: 'execution', code: 'RC-3010', label: 'new factor enrolled', version: 1,
    schema: closed({ caseId: CaseId, connector: Id, object: Id, factor: Id }),
    fields: { caseId: 'public', connector: 'public', object: 'public', factor: 'public' },
  },
  'readmit.consumer.confirmed': {
    producer: 'execution', code: 'RC-3011', label: 'consumer uses the new secret', version: 1,
    schema: closed({ caseId: CaseId, consumer: Id, object: Id }),
    fields: { caseId: 'public', consumer: 'public', object: 'public' },
  },
  'readmit.over-restoration.found': {
    producer: 'execution', code: 'RC-3012', label: 'over-restoration found', version: 1,
    schema: closed({ caseId: CaseId, facets: Type.Array(Facet, { maxItems: 200 }), says: Text }),
    fields: { caseId: 'public', facets: 'public', says: 'public' },
  },
  // --- approval
  'readmit.evidence.added': {
    producer: 'approval', code: 'RC-4001', label: 'evidence added', version: 1,
    schema: closed({
      caseId: CaseId, evidenceId: Id, kind: oneOf(evidenceKinds), channel: oneOf(['phone', 'in-person', 'ticket-system', 'directory'] as const),
      assurance: Type.Integer({ minimum: 1, maximum: 3 }), collectedBy: Id, collectedAt: Instant, staleAt: Instant,
      /** SHA-256 of the JCS of the evidence with its salt; the words stay with approval. */
      digest: Digest,
      /** Call-back: digest of the number on record that was called, salted with the case id. */
      contact: Type.Optional(Digest),
      /** Call-back: the fingerprint that the person read out. */
      fingerprint: Type.Optional(Digest),
    }),
    fields: { caseId: 'public', evidenceId: 'public', kind: 'public', channel: 'public', assurance: 'public', collectedBy: 'public', collectedAt: 'public', staleAt: 'public', digest: 'public', contact: 'sensitive', fingerprint: 'public' },
  },
  'readmit.approval.requested': {
    producer: 'approval', code: 'RC-4002', label: 'approval requested', version: 1,
    schema: closed({ caseId: CaseId, planDigest: Digest, evidenceDigest: Digest, decideBefore: Instant, nonce: Id }),
    fields: { caseId: 'public', planDigest: 'public', evidenceDigest: 'public', decideBefore: 'public', nonce: 'public' },
  },
  'readmit.decision.recorded': {
    producer: 'approval', code: 'RC-4003', label: 'decision recorded', version: 1,
    schema: closed({ caseId: CaseId, decision: Decision }),
    fields: { caseId: 'public', decision: 'public' },
  },
  'readmit.approval.granted': {
    producer: 'approval', code: 'RC-4004', label: 'approval granted', version: 1, gate: true,
    schema: closed({
      caseId: CaseId, grantId: Id, planDigest: Digest, evidenceDigest: Digest, evidence: Type.Array(EvidenceRef), decisions: Type.Array(Decision),
      directory: closed({ digest: Digest, ageSeconds: Seconds }), attestationId: Id, goodUntil: Instant, durationSeconds: Seconds, obligations: Type.Array(Undo),
    }),
    fields: { caseId: 'public', grantId: 'public', planDigest: 'public', evidenceDigest: 'public', evidence: 'public', decisions: 'public', directory: 'public', attestationId: 'public', goodUntil: 'public', durationSeconds: 'public', obligations: 'public' },
  },
  'readmit.approval.denied': {
    producer: 'approval', code: 'RC-4005', label: 'approval denied', version: 1,
    schema: closed({ caseId: CaseId, decisionId: Id, by: Id }),
    fields: { caseId: 'public', decisionId: 'public', by: 'public' },
  },
  'readmit.approval.expired': {
    producer: 'approval', code: 'RC-4006', label: 'approval expired', version: 1,
    schema: closed({ caseId: CaseId, expiredAt: Instant }),
    fields: { caseId: 'public', expiredAt: 'public' },
  },
  'readmit.approval.withdrawn': {
    producer: 'approval', code: 'RC-4007', label: 'request withdrawn', version: 1,
    schema: closed({ caseId: CaseId, by: Id }),
    fields: { caseId: 'public', by: 'public' },
  },
  // --- revocation-scheduler
  'readmit.obligation.recorded': {
    producer: 'revocation-scheduler', code: 'RC-5001', label: 'obligation recorded', version: 1, gate: true,
    schema: closed({ caseId: CaseId, obligationId: Id, grantId: Id, undo: Undo, hardBound: Instant }),
    fields: { caseId: 'public', obligationId: 'public', grantId: 'public', undo: 'public', hardBound: 'public' },
  },
  'readmit.revocation.due': {
    producer: 'revocation-scheduler', code: 'RC-5002', label: 'revocation due', version: 1,
    schema: closed({ caseId: CaseId, obligationId: Id, cause: oneOf(cause), by: Type.Optional(Id) }),
    fields: { caseId: 'public', obligationId: 'public', cause: 'public', by: 'public' },
  },
  'readmit.revocation.overdue': {
    producer: 'revocation-scheduler', code: 'RC-5003', label: 'revocation overdue', version: 1,
    schema: closed({ caseId: CaseId, obligationId: Id, dueSince: Instant }),
    fields: { caseId: 'public', obligationId: 'public', dueSince: 'public' },
  },
  'readmit.obligation.discharged': {
    producer: 'revocation-scheduler', code: 'RC-5004', label: 'obligation discharged', version: 1,
    schema: closed({ caseId: CaseId, obligationId: Id, kind: oneOf(undoKinds), how: oneOf(['undone', 'never-began', 'still-held', 'taken-over'] as const) }),
    fields: { caseId: 'public', obligationId: 'public', kind: 'public', how: 'public' },
  },
  'readmit.deadline.reached': {
    producer: 'revocation-scheduler', code: 'RC-5005', label: 'deadline reached', version: 1,
    schema: closed({ key: Id, owner: oneOf(services), deadline: Instant }),
    fields: { key: 'public', owner: 'public', deadline: 'public' },
  },
  'readmit.containment.ordered': {
    producer: 'revocation-scheduler', code: 'RC-5006', label: 'containment ordered', version: 1,
    schema: closed({ scope: oneOf(['case', 'subject', 'connector'] as const), id: Id, by: Id, reason: Text }),
    fields: { scope: 'public', id: 'public', by: 'public', reason: 'public' },
  },
  // --- audit
  'readmit.audit.recorded': {
    producer: 'audit', code: 'RC-6001', label: 'recorded in the log', version: 1,
    schema: closed({ caseId: CaseId, eventId: Id, type: Id, index: Type.Integer({ minimum: 0 }) }),
    fields: { caseId: 'public', eventId: 'public', type: 'public', index: 'public' },
  },
  'readmit.checkpoint.signed': {
    producer: 'audit', code: 'RC-6002', label: 'checkpoint signed', version: 1,
    schema: closed({ size: Type.Integer({ minimum: 1 }), note: Type.String({ maxLength: 4096 }) }),
    fields: { size: 'public', note: 'public' },
  },
  'readmit.violation.found': {
    producer: 'audit', code: 'RC-6003', label: 'violation found', version: 1,
    schema: closed({ caseId: CaseId, rule: Id, says: Text }),
    fields: { caseId: 'public', rule: 'public', says: 'public' },
  },
  // --- one type per service: refusals, deadlines, parked messages
  ...everyService(),
} as const satisfies Record<string, CatalogueEntry>;

/** The kinds that every service has (DESIGN 2): one wire type per service, so a type still has exactly one producer. */
function everyService() {
  const refused = (producer: ServiceName, n: number) => ({
    producer, code: `RC-${n}90W`, label: 'refused', version: 1 as const,
    schema: closed({ key: Id, command: Id, rule: Id, reason: Id, actor: Id, says: Text }),
    fields: { key: 'public', command: 'public', rule: 'public', reason: 'public', actor: 'public', says: 'public' } as const,
  });
  const deadlineSet = (producer: ServiceName, n: number) => ({
    producer, code: `RC-${n}91`, label: 'deadline set', version: 1 as const,
    schema: closed({ key: Id, deadline: Type.Union([Instant, Type.Null()]) }),
    fields: { key: 'public', deadline: 'public' } as const,
  });
  const parked = (producer: ServiceName, n: number) => ({
    producer, code: `RC-${n}92W`, label: 'message parked', version: 1 as const,
    schema: closed({ key: Id, parkedId: Id, topic: Id, reason: Id, says: Text, action: oneOf(['parked', 'redriven', 'discarded'] as const), by: Type.Optional(Id) }),
    fields: { key: 'public', parkedId: 'public', topic: 'public', reason: 'public', says: 'public', action: 'public', by: 'public' } as const,
  });
  return {
    'readmit.intake.refused': refused('intake', 1), 'readmit.intake.deadline-set': deadlineSet('intake', 1), 'readmit.intake.message-parked': parked('intake', 1),
    'readmit.classification.refused': refused('classification', 2), 'readmit.classification.deadline-set': deadlineSet('classification', 2), 'readmit.classification.message-parked': parked('classification', 2),
    'readmit.execution.refused': refused('execution', 3), 'readmit.execution.deadline-set': deadlineSet('execution', 3), 'readmit.execution.message-parked': parked('execution', 3),
    'readmit.approval.refused': refused('approval', 4), 'readmit.approval.deadline-set': deadlineSet('approval', 4), 'readmit.approval.message-parked': parked('approval', 4),
    'readmit.revocation-scheduler.refused': refused('revocation-scheduler', 5), 'readmit.revocation-scheduler.deadline-set': deadlineSet('revocation-scheduler', 5), 'readmit.revocation-scheduler.message-parked': parked('revocation-scheduler', 5),
    'readmit.audit.refused': refused('audit', 6), 'readmit.audit.deadline-set': deadlineSet('audit', 6), 'readmit.audit.message-parked': parked('audit', 6),
  } as const;
}

export type Catalogue = typeof catalogue;
export type EventType = keyof Catalogue;
export type EventData<T extends EventType = EventType> = T extends EventType ? Static<Catalogue[T]['schema']> : never;

export const eventTypes = Object.keys(catalogue) as EventType[];
export const isEventType = (value: string): value is EventType => Object.hasOwn(catalogue, value);
export const entryOf = (type: EventType): CatalogueEntry => catalogue[type];

/** Topic of a producer: `readmit.<producer>.v1`. */
export const topicOf = (service: ServiceName): string => `readmit.${service}.v1`;
export const topics: readonly string[] = services.map(topicOf);
/** Partitions of every topic; cases spread over them by key. */
export const partitionsPerTopic = 4;
export const producerOfTopic = (topic: string): ServiceName | undefined => services.find((service) => topicOf(service) === topic);
