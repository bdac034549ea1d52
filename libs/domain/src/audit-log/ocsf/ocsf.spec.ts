/**
 * Records for SIEMs, validated by the published OCSF schema: one for every golden sample of the catalogue, and for every value
 * of every enumeration in it.
 */
import { describe, expect, it } from '@jest/globals';
import { catalogue, entryOf, eventTypes, product, services, type EventType, type ServiceName } from '@readmit/contracts';
import { ocsfCaptions, ocsfFaults, sampleOf } from '@readmit/testing';
import { createHash } from 'node:crypto';
import { at, eventId, record, signedBytes } from '../../../test/ocsf-record.js';
import type { OcsfEvent } from './event.js';

const low = 'Low';
const medium = 'Medium';
const high = 'High';
const critical = 'Critical';
const informational = 'Informational';
/** The contract with searches in SIEMs: type_uid and severity of each golden sample. Changing a line breaks somebody's detection rule. */
const expected: Record<EventType, Row> = {
  'readmit.case.opened': [300401, informational],
  'readmit.signal.received': [300109, low],
  'readmit.case.frozen': [300412, high],
  'readmit.notice.sent': [300401, informational],
  'readmit.notice.given-up': [300401, medium],
  'readmit.case.closed': [300411, informational],
  'readmit.case.classified': [300403, informational],
  'readmit.policy.activated': [300410, medium],
  'readmit.people.attested': [300401, informational],
  'readmit.plan.proposed': [300401, informational],
  'readmit.plan.refused': [300401, medium],
  'readmit.execution.started': [300410, low],
  'readmit.execution.succeeded': [300410, medium],
  'readmit.execution.failed': [300410, low],
  'readmit.revocation.confirmed': [300502, informational],
  'readmit.revocation.failed': [300403, medium],
  'readmit.credential.used': [300201, low],
  'readmit.secret.picked-up': [300402, low],
  'readmit.enrolment.confirmed': [300110, informational],
  'readmit.consumer.confirmed': [300403, informational],
  'readmit.incident.raised': [200401, critical],
  'readmit.finding.raised': [200401, high],
  'readmit.finding.cleared': [200403, informational],
  'readmit.contact.shown': [300402, low],
  'readmit.attestation.wanted': [300402, informational],
  'readmit.evidence.added': [300401, informational],
  'readmit.approval.requested': [300401, informational],
  'readmit.decision.recorded': [300403, informational],
  'readmit.approval.granted': [300408, low],
  'readmit.approval.denied': [300411, low],
  'readmit.approval.expired': [300411, low],
  'readmit.approval.withdrawn': [300411, informational],
  'readmit.obligation.recorded': [300401, informational],
  'readmit.revocation.due': [300403, informational],
  'readmit.revocation.overdue': [200401, high],
  'readmit.obligation.discharged': [300411, informational],
  'readmit.deadline.reached': [300411, informational],
  'readmit.containment.ordered': [300409, high],
  'readmit.audit.recorded': [300401, informational],
  'readmit.checkpoint.signed': [300401, informational],
  'readmit.violation.found': [200401, critical],
  ...ofEvery('refused', [600399, medium]),
  ...ofEvery('deadline-set', [300401, informational]),
  ...ofEvery('message-parked', [200403, informational]),
};
type Row = readonly [number, string];
function ofEvery<K extends string>(kind: K, row: Row): Record<`readmit.${ServiceName}.${K}`, Row> {
  return Object.fromEntries(services.map((name) => [`readmit.${name}.${kind}`, row])) as Record<`readmit.${ServiceName}.${K}`, Row>;
}

/** The records of a sample for each value of each of its enumerations. */
function variants(type: EventType): { readonly what: string; readonly event: OcsfEvent }[] {
  const { data } = sampleOf(type);
  const { properties } = JSON.parse(JSON.stringify(catalogue[type].schema)) as { properties: Record<string, { enum?: string[] }> };
  return Object.entries(properties).flatMap(([field, { enum: values = [] }]) =>
    values.map((value) => ({ what: `${field} = ${value}`, event: record(type, { ...data, [field]: value }) })),
  );
}

describe('an entry of the log in OCSF 1.8.0', () => {
  it.each(eventTypes)('R7.4 %s keeps the published schema of its class, whatever its enumerations say', (type) => {
    expect(ocsfFaults(record(type))).toEqual([]);
    for (const { what, event } of variants(type)) expect([what, ocsfFaults(event)]).toEqual([what, []]);
  });

  it.each(eventTypes)('R7.4 %s has the class and severity that searches rest on', (type) => {
    const { type_uid, severity } = record(type);
    expect([type_uid, severity]).toEqual(expected[type]);
  });

  it('R7.4 calls every number what the published schema calls it', () => {
    const captions = ocsfCaptions();
    const all = eventTypes.flatMap((type) => [record(type), ...variants(type).map(({ event }) => event)]);
    for (const event of all) {
      const of = captions[event.class_uid];
      expect(event).toMatchObject({ class_name: of?.class_name, category_uid: of?.category_uid, category_name: of?.category_name });
      expect(event.type_uid).toBe(event.class_uid * 100 + event.activity_id);
      expect(event.type_name).toBe(`${event.class_name}: ${event.activity_name}`);
      if (event.activity_id !== 99) expect(event.activity_name).toBe(of?.activity_id[event.activity_id]);
      expect(event.severity).toBe(of?.severity_id[event.severity_id]);
      if (event.status_id !== 99) expect(event.status).toBe(of?.status_id[event.status_id]);
      if ('action_id' in event) expect(event['action']).toBe(of?.action_id[String(event['action_id'])]);
      if ('disposition_id' in event) expect(event['disposition']).toBe(of?.disposition_id[String(event['disposition_id'])]);
    }
    expect(all.length).toBeGreaterThan(eventTypes.length);
  });

  it.each(eventTypes)('R7.4 %s names event, code, place in the log, case and digest of what was signed', (type) => {
    const event = record(type);
    const { key, data } = sampleOf(type);
    expect(event).toMatchObject({
      time: Date.parse(at),
      metadata: {
        version: '1.8.0',
        product: { name: 'Readmit', vendor_name: 'Readmit', version: product.version, feature: { name: entryOf(type).producer } },
        uid: eventId,
        event_code: entryOf(type).code,
        correlation_uid: 'caseId' in data ? data.caseId : key,
        sequence: 41,
        log_name: 'readmit.example/log/test',
        original_time: at,
        labels: ['environment:test'],
      },
      raw_data_hash: { algorithm_id: 3, value: createHash('sha256').update(signedBytes).digest('hex') },
      unmapped: { type, key },
    });
  });
});

describe('the judge', () => {
  const genuine = record('readmit.approval.refused');
  const without = (name: string): object => Object.fromEntries(Object.entries(genuine).filter(([key]) => key !== name));
  it.each<[string, unknown, string]>([
    ['a class that nobody asked for', { ...genuine, class_uid: 3007 }, '/class_uid 3007 is not one of 2004, 3001, 3002, 3004, 3005, 6003'],
    ['a type of another class', { ...genuine, type_uid: 300401 }, '/type_uid must be equal to one of the allowed values'],
    ['a missing attribute of the class', without('api'), "/ must have required property 'api'"],
    ['a missing attribute of all classes', without('time'), "/ must have required property 'time'"],
    ['an attribute that OCSF does not know', { ...genuine, surprise: 1 }, '/ must NOT have additional properties: surprise'],
    ['a time in words', { ...genuine, time: at }, '/time must be integer'],
    ['a severity that does not exist', { ...genuine, severity_id: 7 }, '/severity_id must be equal to one of the allowed values'],
    ['an actor that is nobody', { ...genuine, actor: {} }, '/actor must match a schema in anyOf'],
    ['no event at all', null, '/class_uid undefined is not one of 2004, 3001, 3002, 3004, 3005, 6003'],
  ])('refuses %s by name; as it was it is in order', (_what, event, fault) => {
    expect(ocsfFaults(event)).toContain(fault);
    expect(ocsfFaults(genuine)).toEqual([]);
  });
});
