/** What an analyst finds in the records by OCSF attributes, and what is in none of them. */
import { describe, expect, it } from '@jest/globals';
import { entryOf, eventTypes, type EventData } from '@readmit/contracts';
import { ocsfFaults, sampleOf } from '@readmit/testing';
import { changed, record } from '../../../test/ocsf-record.js';
import type { OcsfEvent } from './event.js';

const caseId = 'case_0190a3f2-6b1e-7c44-9d1a-2f5b8e0c7a11';
const low = 'Low';
const medium = 'Medium';

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
      'a privilege and a factor',
      ['demo-idp/erin/factor.reset', 'target-postgres/erin/app_admin'],
      {
        type_uid: 300501,
        privileges: ['app_admin'],
        unmapped: { holds: ['demo-idp/erin/factor.reset', 'target-postgres/erin/app_admin'] },
      },
    ],
    ['an entitlement with a slash', ['demo-idp/erin/teams/admins'], { type_uid: 300501, privileges: ['teams/admins'] }],
    ['nothing that can be named', ['?'], { type_uid: 300410, entity: { type: 'Execution' } }],
  ])('R7.4 an old execution, whose holds are names, that gave %s is found on the account', (_what, holds, shown) => {
    const event = changed('readmit.execution.succeeded', { holds: [...holds] });
    expect(event).toMatchObject({ ...shown, severity: medium, status: 'Success' });
    expect(ocsfFaults(event)).toEqual([]);
  });

  it.each<[string, NonNullable<EventData<'readmit.execution.succeeded'>['gave']>, object]>([
    [
      'privileges, one with a slash',
      [
        { kind: 'role.grant', connector: 'target-postgres', object: 'erin/x', entitlement: 'app/admin' },
        { kind: 'role.grant', connector: 'target-postgres', object: 'erin/x', entitlement: 'app_reader' },
        { kind: 'role.grant', connector: 'target-postgres', object: 'boris', entitlement: 'app_reader' },
      ],
      { type_uid: 300501, user: { uid: 'erin/x', domain: 'target-postgres' }, privileges: ['app/admin', 'app_reader'] },
    ],
    [
      'a bypass',
      [{ kind: 'bypass.issue', connector: 'demo-idp', object: 'ada' }],
      { type_uid: 300110, user: { uid: 'ada', type: 'User' } },
    ],
    [
      'the loss of a factor and a bypass',
      [
        { kind: 'factor.remove', connector: 'demo-idp', object: 'ada' },
        { kind: 'bypass.issue', connector: 'demo-idp', object: 'ada' },
      ],
      { type_uid: 300111, user: { uid: 'ada' } },
    ],
    ['an unlocked account', [{ kind: 'account.unlock', connector: 'demo-idp', object: 'ada' }], { type_uid: 300112, user: { uid: 'ada' } }],
    [
      'a new secret of a machine',
      [{ kind: 'secret.issue', connector: 'target-postgres', object: 'svc-payroll' }],
      { type_uid: 300104, user: { uid: 'svc-payroll', type: 'Service' } },
    ],
    [
      'a privilege and a factor',
      [
        { kind: 'factor.remove', connector: 'demo-idp', object: 'erin' },
        { kind: 'role.grant', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' },
      ],
      { type_uid: 300501, privileges: ['app_admin'], unmapped: { holds: ['target-postgres/role.grant/1/2'] } },
    ],
    ['nothing', [], { type_uid: 300410, entity: { type: 'Execution' } }],
  ])('R7.4 an execution that gave %s is found on the account, by what the event names', (_what, gave, shown) => {
    const event = changed('readmit.execution.succeeded', { gave, holds: ['target-postgres/role.grant/1/2'] });
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
      'readmit.incident.raised',
      'readmit.finding.raised',
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

describe('what is in no record', () => {
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
    // The control: a public id is there.
    expect(JSON.stringify(changed('readmit.case.frozen', { by: secret }))).toContain(secret);
  });
});
