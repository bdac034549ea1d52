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

/** Total over the catalogue: a type without a mapping does not compile. */
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
  /** What the log says of its case up to this entry and with it. */
  readonly known: KnownCase;
}
/** Whose log it is. */
export interface OcsfOrigin {
  readonly product: { readonly name: string; readonly version: string };
  readonly environment: string;
  /** Origin of the log, as in its checkpoints. */
  readonly origin: string;
}

/**
 * The entry as an OCSF event: a function of house, entry and what is known of its case, which the entries before it say. So a SIEM which loses it
 * can be given the same again. It holds ids and digests that the topics have, and no field that the catalogue calls sensitive (ADR 0010).
 */
export function ocsfOf({ leaf, fact, producer, known }: OcsfSource, origin: OcsfOrigin): OcsfEvent {
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
        name: origin.product.name,
        vendor_name: origin.product.name,
        version: origin.product.version,
        feature: { name: producer },
      },
      uid: leaf.eventId,
      event_code: leaf.code,
      correlation_uid: caseOf(fact) ?? leaf.key,
      sequence: leaf.index,
      log_name: origin.origin,
      log_provider: 'readmit.audit',
      original_time: leaf.at,
      labels: [`environment:${origin.environment}`],
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
