/** Every record of a case can be read alone: who did what, and whose account it is about. */
import { describe, expect, it } from '@jest/globals';
import { entryOf, eventTypes, type EventType } from '@readmit/contracts';
import { ocsfFaults, sampleOf } from '@readmit/testing';
import { changed, record } from '../../../test/ocsf-record.js';
import type { OcsfEvent } from './event.js';
import type { KnownCase } from './whose.js';

const caseId = 'case_0190a3f2-6b1e-7c44-9d1a-2f5b8e0c7a11';

describe('a record of a case', () => {
  const role = { connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
  const whose = { subject: { kind: 'person' as const, id: 'erin' }, requester: { kind: 'person' as const, id: 'ada' } };
  const approvers = ['chidi', 'dana'];
  const asks = [{ kind: 'role.restore' as const, ...role }];
  const known: KnownCase = {
    opened: { ...whose, asks },
    granted: { approvers, undoes: [{ id: 'obl-1', kind: 'role.revoke', ...role }] },
  };
  const ofErin = 'recovery of erin, requested by ada, approved by chidi, dana.';
  const asked = `role.restore app_admin for erin at target-postgres; ${ofErin}`;
  const undone = `role.revoke app_admin for erin at target-postgres; ${ofErin}`;
  const fieldsOf = (type: EventType): object => entryOf(type).fields;
  const ofCases = eventTypes.filter((type) => type !== 'readmit.case.opened' && ('caseId' in fieldsOf(type) || type.endsWith('.refused')));
  const others = eventTypes.filter((type) => type !== 'readmit.case.opened' && !ofCases.includes(type));

  it.each(ofCases)('R7.4 the record of %s names subject, requester, approvers and what it is about', (type) => {
    const ofObligation = 'obligationId' in fieldsOf(type);
    const event = record(type, sampleOf(type).data, known);
    const what = ofObligation ? [{ kind: 'role.revoke', ...role }] : asks;
    expect(event.unmapped['whose']).toEqual({ ...whose, approvers, what });
    expect(event.message).toMatch(new RegExp(`^[A-Z].*: ${ofObligation ? undone : asked}$`));
    const owner = { uid: 'erin', type: 'User' };
    if (event.class_uid === 6003 || event.class_uid === 2004)
      expect(event).toMatchObject({ resources: [{ uid: caseId, type: 'Recovery Case', owner }] });
    else if (event.class_uid === 3004) expect(event).toHaveProperty('entity.user.uid');
    else expect(event).toHaveProperty('user.uid');
    expect(ocsfFaults(event)).toEqual([]);
  });

  it.each(ofCases)('R7.4 there is a record of %s when nothing is known of its case', (type) => {
    const event = record(type);
    expect(event.unmapped).not.toHaveProperty('whose');
    expect(event.message).toMatch(/^[A-Z].*[.…]$/);
    expect(ocsfFaults(event)).toEqual([]);
  });

  it.each(others)('R7.4 the record of %s names the key alone: it is about no account', (type) => {
    expect(record(type, sampleOf(type).data, known).unmapped).not.toHaveProperty('whose');
  });

  it.each<[string, OcsfEvent, string]>([
    ['a denied approval', changed('readmit.approval.denied', {}, known), `Approval denied by chidi (denied): ${asked}`],
    ['a denied case', changed('readmit.case.closed', { outcome: 'denied' }, known), `Case closed as denied (denied): ${asked}`],
    ['an overdue revocation', changed('readmit.revocation.overdue', {}, known), `Revocation overdue: ${undone}`],
    ['a refusal', changed('readmit.approval.refused', {}, known), `Command decide by mallory refused (approver-is-requester): ${asked}`],
    [
      'an opened case',
      record('readmit.case.opened'),
      'Case opened by anonymous: factor.bypass for ada at demo-idp; recovery of ada, requested by somebody without a sign-in.',
    ],
    ['a signal', record('readmit.signal.received'), 'Signal of demo-idp: account-locked of ada.'],
  ])('R7.4 the message of %s says who did what, and whose it is', (_what, event, message) => {
    expect(event.message).toBe(message);
  });

  it.each<[string, KnownCase, string]>([
    ['whose grant is known', known, ': role.revoke app_admin for erin at target-postgres.'],
    ['whose opening alone is known', { opened: { ...whose, asks } }, ': role.restore app_admin for erin at target-postgres.'],
    ['of which nothing is known', {}, '.'],
  ])('R7.4 an overdue revocation of a case %s says what is still given, to whom and where', (_of, ofCase, what) => {
    expect(changed('readmit.revocation.overdue', {}, ofCase)).toHaveProperty(
      'finding_info.desc',
      `What was granted should have been undone by 2026-11-22T13:30:00.000Z, and no target has shown that it was${what}`,
    );
  });

  it('R7.4 a message stays short however long ids and lists are', () => {
    const id = 'x'.repeat(255);
    const ask = { kind: 'role.restore' as const, connector: id, object: id, entitlement: id };
    const closed = (people: readonly string[], things: readonly (typeof ask)[]): string =>
      changed('readmit.case.closed', {}, { opened: { ...whose, asks: things }, granted: { approvers: people, undoes: [] } }).message;
    expect(
      closed(
        Array.from({ length: 9 }, () => id),
        Array.from({ length: 10 }, () => ask),
      ).length,
    ).toBe(1000);
    expect(closed(['chidi', 'dana', 'gita', 'pat', 'boris'], [])).toContain('approved by chidi, dana, gita and 2 more.');
  });

  it.each<[string, OcsfEvent, object]>([
    ['a case that closed as completed', changed('readmit.case.closed', { outcome: 'completed' }), { status: 'Success' }],
    ['a case that closed as denied', changed('readmit.case.closed', { outcome: 'denied' }), { status: 'Failure', status_code: 'denied' }],
    [
      'a case that closed as expired',
      changed('readmit.case.closed', { outcome: 'expired' }),
      { status: 'Failure', status_code: 'expired' },
    ],
    ['a case that closed as withdrawn', changed('readmit.case.closed', { outcome: 'withdrawn' }), { status_id: 99, status: 'Withdrawn' }],
    [
      'a request that was denied',
      record('readmit.approval.denied'),
      { status: 'Failure', status_code: 'denied', action: 'Denied', disposition: 'Rejected' },
    ],
    ['a request that was left to expire', record('readmit.approval.expired'), { status: 'Failure', status_code: 'expired' }],
    ['a request that was withdrawn', record('readmit.approval.withdrawn'), { status_id: 99, status: 'Withdrawn' }],
  ])('R7.4 the status of %s is what became of the request', (_what, event, status) => {
    expect(event).toMatchObject(status);
  });
});
