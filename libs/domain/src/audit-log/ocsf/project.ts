import type { EventType, Fact, FactOf, ServiceName } from '@readmit/contracts';
import { happened } from '../../case-view/sentences.js';
import type { Leaf } from '../leaf.js';
import { executionMapping, schedulerMapping } from './access-mapping.js';
import { auditMapping, everyServiceMapping } from './audit-mapping.js';
import { approvalMapping, classificationMapping, intakeMapping, type MappingOf } from './case-mapping.js';
import { success, user, type Mapped } from './classes.js';
import type { OcsfEvent, OcsfUser } from './event.js';
import { messageOf } from './message.js';
import { actions, alertFrom, classes, dispositions, findingStatuses, ocsfVersion, severities, statuses } from './vocabulary.js';
import { whoseOf, type KnownCase, type Whose } from './whose.js';

/** Covers the catalogue: a type without a mapping does not compile. */
const mapping: MappingOf<EventType> = {
  ...intakeMapping,
  ...classificationMapping,
  ...approvalMapping,
  ...executionMapping,
  ...schedulerMapping,
  ...auditMapping,
  ...everyServiceMapping,
};

/** An entry of the log, and who produced it. */
export interface OcsfSource {
  readonly leaf: Leaf;
  readonly fact: Fact;
  readonly producer: ServiceName;
  /** What the log has about its case, up to and including this entry. */
  readonly known: KnownCase;
}
/** The installation that writes the log. */
export interface OcsfInstallation {
  readonly product: { readonly name: string; readonly version: string };
  readonly environment: string;
  /** Origin of the log, as in its checkpoints. */
  readonly origin: string;
}

/**
 * The entry as an OCSF event: a function of installation, entry and earlier entries of its case, so that lost records can be
 * produced again. It has ids and digests that the topics have, and no field that is sensitive in the catalogue (ADR 0010).
 */
export function ocsfOf({ leaf, fact, producer, known }: OcsfSource, installation: OcsfInstallation): OcsfEvent {
  const whose = whoseOf(known, fact);
  const mapped = (mapping[fact.type] as (fact: Fact, whose?: Whose) => Mapped)(fact, whose);
  const { class_uid, activity_id, severity_id, control, policy } = mapped;
  const { activities, ...named } = classes[class_uid];
  const activity = mapped.activity_name ?? (activities as Readonly<Record<number, string>>)[activity_id] ?? 'Other';
  const alert = severity_id >= alertFrom;
  const guarded = control !== undefined || policy !== undefined || alert;
  const actor = mapped.by ?? (leaf.actor === undefined ? undefined : user(leaf.actor));
  const status = statusOf(mapped);
  return {
    class_uid,
    ...named,
    activity_id,
    activity_name: activity,
    type_uid: class_uid * 100 + activity_id,
    type_name: `${named.class_name}: ${activity}`,
    severity_id,
    severity: severities[severity_id],
    ...status,
    ...(control === undefined ? {} : { ...control, action: actions[control.action_id], disposition: dispositions[control.disposition_id] }),
    ...(policy === undefined ? {} : { policy }),
    ...(alert ? { is_alert: true } : {}),
    time: Date.parse(leaf.at),
    message: messageOf({
      happened: happened(fact as FactOf<EventType>),
      ...(status.status_code === undefined ? {} : { code: status.status_code }),
      ...(whose === undefined ? {} : { whose }),
    }),
    metadata: {
      version: ocsfVersion,
      product: {
        name: installation.product.name,
        vendor_name: installation.product.name,
        version: installation.product.version,
        feature: { name: producer },
      },
      uid: leaf.eventId,
      event_code: leaf.code,
      correlation_uid: caseOf(fact) ?? leaf.key,
      sequence: leaf.index,
      log_name: installation.origin,
      log_provider: 'readmit.audit',
      original_time: leaf.at,
      labels: [`environment:${installation.environment}`],
      ...(guarded ? { profiles: ['security_control'] } : {}),
    },
    ...mapped.attributes({ app_name: `readmit.${producer}`, ...(actor === undefined ? {} : { user: actor }) }, whose && subjectOf(whose)),
    raw_data_hash: { algorithm_id: 3, algorithm: 'SHA-256', value: leaf.sha256 },
    unmapped: {
      type: fact.type,
      topic: leaf.topic,
      key: leaf.key,
      ...(leaf.outcome === undefined ? {} : { outcome: leaf.outcome }),
      ...(whose === undefined ? {} : { whose }),
      ...mapped.unmapped,
    },
  };
}

function statusOf({
  status = success,
  finding_status_id,
}: Mapped): Pick<OcsfEvent, 'status_id' | 'status' | 'status_code' | 'status_detail'> {
  if (finding_status_id !== undefined) return { status_id: finding_status_id, status: findingStatuses[finding_status_id] };
  return { ...status, status: status.status_id === 99 ? status.status : statuses[status.status_id] };
}

const subjectOf = ({ subject }: Whose): OcsfUser => user(subject.id, subject.kind === 'machine' ? 4 : 1);
const caseOf = ({ data }: Fact): string | undefined => ('caseId' in data && typeof data.caseId === 'string' ? data.caseId : undefined);
