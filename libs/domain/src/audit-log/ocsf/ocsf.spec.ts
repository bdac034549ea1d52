/**
 * What SIEMs read, judged by the published OCSF schema and not by us: a record for every golden sample of the catalogue, and for every
 * value of every enumeration in it.
 */
import { describe, expect, it } from '@jest/globals';
import * as contracts from '@readmit/contracts';
import {
  catalogue,
  entryOf,
  eventTypes,
  product,
  services,
  topicOf,
  type EventData,
  type EventType,
  type Fact,
  type ServiceName,
} from '@readmit/contracts';
import { ocsfCaptions, ocsfFaults } from '@readmit/testing';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { leafOf } from '../leaf.js';
import { ocsfOf } from './project.js';
import type { OcsfEvent } from './event.js';

const house = { product, environment: 'test', origin: 'readmit.example/log/test' };
const at = '2026-11-22T09:30:00.123Z';
const eventId = '0190a3f2-6b1e-7c44-9d1a-000000000009';
const caseId = 'case_0190a3f2-6b1e-7c44-9d1a-2f5b8e0c7a11';
interface Sample {
  readonly key: string;
  readonly data: object;
}
const sampleOf = (type: EventType): Sample =>
  JSON.parse(readFileSync(path.resolve(`libs/contracts/samples/${type}.v1.json`), 'utf8')) as Sample;

function record(type: EventType, data: object = sampleOf(type).data, key = sampleOf(type).key): OcsfEvent {
  const fact = { id: eventId, type, at, data } as Fact;
  const { producer, label } = entryOf(type);
  const tools = { contracts, sha256: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest() };
  const leaf = leafOf(41, { fact, topic: topicOf(producer), key, signedBytes: Buffer.from('signed') }, tools);
  // As it lies on the topic.
  return JSON.parse(JSON.stringify(ocsfOf({ leaf, fact, producer, label }, house))) as OcsfEvent;
}
/** The sample's record with some of its data changed. */
const changed = <T extends EventType>(type: T, data: Partial<EventData<T>>): OcsfEvent => record(type, { ...sampleOf(type).data, ...data });

const low = 'Low';
const medium = 'Medium';
const high = 'High';
const critical = 'Critical';
const informational = 'Informational';
/** The contract with whoever searches: type_uid and severity of each golden sample. Changing a line breaks somebody's rule. */
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

/** Every record that a sample gives when each of its enumerations takes each of its values. */
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
      message: entryOf(type).label,
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
      raw_data_hash: { algorithm_id: 3, value: createHash('sha256').update('signed').digest('hex') },
      unmapped: { type, key },
    });
  });
});

describe('what an analyst searches for', () => {
  it('R7.4 a refusal is a failure that was denied, with rule, reason, sentence and who tried', () => {
    expect(record('readmit.approval.refused')).toMatchObject({
      class_name: 'API Activity',
      api: { operation: 'decide', service: { name: 'approval' } },
      actor: { user: { uid: 'mallory' } },
      status: 'Failure',
      status_code: 'approver-is-requester',
      status_detail: 'You asked for it yourself; somebody else must decide.',
      action: 'Denied',
      disposition: 'Unauthorized',
      resources: [{ uid: caseId }],
      unmapped: { rule: 'R4.2' },
    });
    const impossible = { key: caseId, command: 'end', rule: 'R6.4', reason: 'already-ended', actor: 'dana', says: 'It has ended.' };
    expect(record('readmit.approval.refused', impossible)).toMatchObject({ severity: low, disposition: 'Rejected' });
  });

  it('R7.4 a decision is approved or rejected, by the approver', () => {
    expect(record('readmit.decision.recorded')).toMatchObject({
      actor: { user: { uid: 'chidi' } },
      action: 'Allowed',
      disposition: 'Approved',
      policy: { uid: '54'.repeat(32) },
    });
    const { decision } = sampleOf('readmit.decision.recorded').data as EventData<'readmit.decision.recorded'>;
    const denied = { ...decision, statement: { ...decision.statement, decision: 'deny' as const } };
    const event = changed('readmit.decision.recorded', { decision: denied });
    expect(event).toMatchObject({ action: 'Denied', disposition: 'Rejected', severity: low });
    expect(ocsfFaults(event)).toEqual([]);
  });

  it.each<[string, readonly string[], object]>([
    [
      'a privilege',
      ['target-postgres/erin/app_admin', 'target-postgres/erin/app_reader'],
      {
        type_uid: 300501,
        user: { uid: 'erin', domain: 'target-postgres' },
        privileges: ['app_admin', 'app_reader'],
        resources: [{ uid: 'target-postgres' }],
      },
    ],
    ['a bypass', ['demo-idp/ada/factor.bypass'], { type_uid: 300110, user: { uid: 'ada', type: 'User', domain: 'demo-idp' } }],
    ['the loss of a factor', ['demo-idp/ada/factor.replace'], { type_uid: 300111, user: { uid: 'ada' } }],
    ['an unlocked account', ['demo-idp/ada/account.unlock'], { type_uid: 300112, user: { uid: 'ada' } }],
    [
      'a new secret of a machine',
      ['target-postgres/svc-payroll/secret.reissue'],
      { type_uid: 300104, user: { uid: 'svc-payroll', type: 'Service' } },
    ],
    [
      'a privilege beside a factor',
      ['demo-idp/erin/factor.reset', 'target-postgres/erin/app_admin'],
      {
        type_uid: 300501,
        privileges: ['app_admin'],
        unmapped: { holds: ['demo-idp/erin/factor.reset', 'target-postgres/erin/app_admin'] },
      },
    ],
    ['an entitlement with a slash', ['demo-idp/erin/teams/admins'], { type_uid: 300501, privileges: ['teams/admins'] }],
    ['nothing that can be named', ['?'], { type_uid: 300410, entity: { type: 'Execution' } }],
  ])('R7.4 an execution that gave %s is found on the account', (_what, holds, shown) => {
    const event = changed('readmit.execution.succeeded', { holds: [...holds] });
    expect(event).toMatchObject({ ...shown, severity: medium, status: 'Success' });
    expect(ocsfFaults(event)).toEqual([]);
  });

  it.each<[string, Partial<EventData<'readmit.revocation.confirmed'>>, object]>([
    [
      'a privilege',
      { undo: { kind: 'role.revoke', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' } },
      { type_uid: 300502, user: { uid: 'erin' }, privileges: ['app_admin'], action: 'Modified', disposition: 'Access Revoked' },
    ],
    [
      'a bypass',
      { undo: { kind: 'bypass.close', connector: 'demo-idp', object: 'ada' } },
      { type_uid: 300111, user: { uid: 'ada', type: 'User' }, disposition: 'Access Revoked' },
    ],
    [
      'a secret',
      { undo: { kind: 'secret.destroy', connector: 'target-postgres', object: 'svc-payroll' } },
      {
        type_uid: 300199,
        activity_name: 'Credential Revoke',
        user: { uid: 'svc-payroll', type: 'Service' },
        disposition: 'Access Revoked',
      },
    ],
    ['nothing, because another grant holds it', { how: 'still-held' }, { type_uid: 300502, disposition: 'No Action' }],
  ])('R7.4 a revocation of %s is found on the account', (_what, data, shown) => {
    const event = changed('readmit.revocation.confirmed', data);
    expect(event).toMatchObject({ ...shown, status: 'Success' });
    expect(ocsfFaults(event)).toEqual([]);
  });

  it('R7.4 a revocation without account or hold is an answer to its obligation', () => {
    const event = record('readmit.revocation.confirmed', {
      caseId,
      obligationId: 'obl-1',
      how: 'never-began',
      readBack: [],
      sessionsEnded: 0,
    });
    expect(event).toMatchObject({ type_uid: 300403, entity: { type: 'Revocation Obligation', uid: 'obl-1' } });
    expect(ocsfFaults(event)).toEqual([]);
  });

  it.each<[string, OcsfEvent]>([
    ['a repudiated case', record('readmit.case.frozen')],
    ['a containment', record('readmit.containment.ordered')],
    ['a compromised credential', changed('readmit.signal.received', { kind: 'credential-compromised' })],
    ['an overdue revocation', record('readmit.revocation.overdue')],
    ['an execution whose effect is unknown', changed('readmit.execution.failed', { effect: 'unknown' })],
    ['a forged message', changed('readmit.intake.message-parked', { action: 'parked', reason: 'bad-signature' })],
    ['a late end', changed('readmit.violation.found', { rule: 'obligation-overdue' })],
    ['a rule that was passed by', changed('readmit.violation.found', { rule: 'decisions-invalid' })],
  ])('R7.4 %s is an alert', (_what, event) => {
    expect(event).toMatchObject({ is_alert: true, metadata: { profiles: ['security_control'] } });
    expect(event.severity_id).toBeGreaterThanOrEqual(4);
    expect(ocsfFaults(event)).toEqual([]);
  });

  it('R7.4 what is in order is no alert: only few samples are', () => {
    expect(eventTypes.filter((type) => 'is_alert' in record(type))).toEqual([
      'readmit.case.frozen',
      'readmit.revocation.overdue',
      'readmit.containment.ordered',
      'readmit.violation.found',
    ]);
  });

  it('R7.4 a parked message opens a finding that its settling closes, under one uid', () => {
    const [opened, discarded, redriven] = (['parked', 'discarded', 'redriven'] as const).map((action) =>
      changed('readmit.intake.message-parked', { action, reason: 'schema-violation' }),
    );
    expect(opened).toMatchObject({ type_uid: 200401, status: 'New', severity: medium, finding_info: { uid: 'parked-1' } });
    expect(discarded).toMatchObject({ type_uid: 200403, status: 'Suppressed', severity: low, finding_info: { uid: 'parked-1' } });
    expect(redriven).toMatchObject({ type_uid: 200403, status: 'Resolved', finding_info: { uid: 'parked-1' } });
  });

  it('R7.2 R7.4 a checkpoint is there as the note that was signed', () => {
    const { note, size } = sampleOf('readmit.checkpoint.signed').data as EventData<'readmit.checkpoint.signed'>;
    expect(record('readmit.checkpoint.signed')).toMatchObject({ entity: { type: 'Checkpoint', uid: '42', data: { size, note } } });
  });

  it('R7.4 an anonymous requester is called so, a named one by her id', () => {
    expect(record('readmit.case.opened')).toMatchObject({ actor: { user: { uid: 'anonymous' } } });
    expect(changed('readmit.case.opened', { requester: { kind: 'person', id: 'boris' } })).toMatchObject({
      actor: { user: { uid: 'boris' } },
    });
  });
});

describe('what does not leave the house', () => {
  const secret = 'canary';
  /** All text in the value replaced. */
  const poisoned = (value: unknown): unknown =>
    typeof value === 'string'
      ? secret
      : Array.isArray(value)
        ? value.map(poisoned)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poisoned(one)]))
          : value;

  it.each(eventTypes)('R7.4 no field of %s that the catalogue does not call public is in its record', (type) => {
    const { data } = sampleOf(type);
    const { fields } = entryOf(type);
    const all = Object.fromEntries(
      Object.entries(data).map(([name, value]) => [name, fields[name] === 'public' ? value : poisoned(value)]),
    );
    expect(JSON.stringify(record(type, all))).not.toContain(secret);
  });

  it('R7.4 nor words of approvers, keys and contacts of people, documents of policies, or what a target shows', () => {
    const { decision } = sampleOf('readmit.decision.recorded').data as EventData<'readmit.decision.recorded'>;
    const spoken = { ...decision, statement: { ...decision.statement, reason: secret }, proof: { ...decision.proof, signature: secret } };
    const { plan } = sampleOf('readmit.plan.proposed').data as EventData<'readmit.plan.proposed'>;
    const { people } = sampleOf('readmit.people.attested').data as EventData<'readmit.people.attested'>;
    const events = [
      changed('readmit.decision.recorded', { decision: spoken }),
      changed('readmit.approval.granted', { decisions: [spoken] }),
      changed('readmit.people.attested', {
        contacts: [secret],
        people: people.map((person) => ({ ...person, human: secret, keys: poisoned(person.keys) as typeof person.keys })),
      }),
      changed('readmit.policy.activated', { document: { words: secret } }),
      changed('readmit.plan.proposed', {
        plan: { ...plan, removes: [secret], before: { ...plan.before, facets: [{ name: secret, value: secret }] } },
      }),
      changed('readmit.execution.succeeded', { after: [{ name: secret, value: secret }] }),
      changed('readmit.case.classified', { facts: [{ name: secret, value: secret }] }),
    ];
    for (const event of events) expect(JSON.stringify(event)).not.toContain(secret);
    // The control: an id that is public is there.
    expect(JSON.stringify(changed('readmit.case.frozen', { by: secret }))).toContain(secret);
  });
});

describe('the judge', () => {
  const genuine = record('readmit.approval.refused');
  const without = (name: string): object => Object.fromEntries(Object.entries(genuine).filter(([key]) => key !== name));
  it.each<[string, unknown, string]>([
    ['a class that nobody asked for', { ...genuine, class_uid: 3007 }, '/class_uid 3007 is none of 2004, 3001, 3002, 3004, 3005, 6003'],
    ['a type of another class', { ...genuine, type_uid: 300401 }, '/type_uid must be equal to one of the allowed values'],
    ['a missing attribute of the class', without('api'), "/ must have required property 'api'"],
    ['a missing attribute of all classes', without('time'), "/ must have required property 'time'"],
    ['an attribute that OCSF does not know', { ...genuine, surprise: 1 }, '/ must NOT have additional properties: surprise'],
    ['a time in words', { ...genuine, time: at }, '/time must be integer'],
    ['a severity that does not exist', { ...genuine, severity_id: 7 }, '/severity_id must be equal to one of the allowed values'],
    ['an actor that is nobody', { ...genuine, actor: {} }, '/actor must match a schema in anyOf'],
    ['no event at all', null, '/class_uid undefined is none of 2004, 3001, 3002, 3004, 3005, 6003'],
  ])('R7.4 refuses %s by name; as it was it is in order', (_what, event, fault) => {
    expect(ocsfFaults(event)).toContain(fault);
    expect(ocsfFaults(genuine)).toEqual([]);
  });
});
