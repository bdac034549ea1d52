/** What audit publishes for SIEMs, on a real PostgreSQL and the embedded bus: each entry of the log once, together with its leaf. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditOcsfTopic, entryOf, product, services, type Draft, type Fact, type ServiceName } from '@readmit/contracts';
import { foldCase, ocsfOf, openCheckpoint, type KnownCase, type Leaf } from '@readmit/domain';
import { busSchema, roleOf, tablesOfTopic } from '@readmit/store';
import { ocsfFaults, sampleFor, until } from '@readmit/testing';
import pg from 'pg';
import { logTools } from '../src/outbound/log-crypto.js';
import { bySequence, environment, eventOf, RunningAudit } from './running-audit.js';

let audit: RunningAudit;
beforeEach(async () => {
  audit = await RunningAudit.open();
});
afterEach(() => audit.close());

const notice = (caseId: string): Draft => sampleFor('readmit.notice.sent', caseId);
const openedOf = (caseId: string): Draft => sampleFor('readmit.case.opened', caseId, { requester: { kind: 'person', id: 'boris' } });
const opened = openedOf('case_1');
const granted = sampleFor('readmit.approval.granted', 'case_1');
const overdue = sampleFor('readmit.revocation.overdue', 'case_1', { obligationId: 'undo-1' });
const denied = sampleFor('readmit.approval.refused', 'case_1');
const started = sampleFor('readmit.execution.started', 'case_1');
const attested = sampleFor('readmit.people.attested', 'case_1');
const owner = async (sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: audit.database.ownerUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
};

describe('the topic for SIEMs', () => {
  it('R7.1 R7.4 has each entry of the log once, in OCSF: allowed, denied, forged and found; and no Recorded', async () => {
    const [forged] = audit.signed([notice('case_2')]);
    if (!forged) throw new Error('nothing to forge');
    const engine = await audit.start();
    await audit.publish([
      ...audit.signed([opened, notice('case_1'), denied, attested, started]),
      { ...forged, value: Buffer.from('{"caseId":"case_2"}') },
    ]);
    await audit.processed(engine, 6);
    await engine.watch();
    await engine.stop();
    const events = await audit.siemEvents();
    expect(events.map(({ metadata }) => metadata.uid)).toEqual(await audit.leaves());
    expect(events.map(({ metadata }) => metadata.sequence)).toEqual(events.map((_, index) => index));
    for (const event of events) expect([event.message, ocsfFaults(event)]).toEqual([event.message, []]);
    const of = (type: string) => events.filter(({ unmapped }) => unmapped['type'] === type);
    expect(of('readmit.approval.refused')).toMatchObject([{ status_code: 'approver-is-requester', actor: { user: { uid: 'mallory' } } }]);
    expect(of('readmit.audit.message-parked')).toMatchObject([{ severity: 'High', unmapped: { reason: 'bad-signature' } }]);
    expect(of('readmit.violation.found')).not.toHaveLength(0);
    for (const violation of of('readmit.violation.found'))
      expect(violation).toMatchObject({
        severity: 'Critical',
        is_alert: true,
        finding_info: { title: 'started-before-record' },
        unmapped: { whose: { subject: { id: 'ada' }, requester: { id: 'boris' }, what: [{ kind: 'factor.bypass', object: 'ada' }] } },
      });
    expect(of('readmit.audit.recorded')).toEqual([]);
  });

  it('R7.4 names the people of the case in each entry, in any batch: byte for byte as when the log is read from its beginning', async () => {
    const engine = await audit.start();
    // Each in its own batch: what is known of the case comes from the previous one.
    for (const [at, draft] of [opened, granted, overdue].entries()) {
      await audit.publish(audit.signed([draft]));
      await audit.processed(engine, at + 1);
    }
    await audit.publish(audit.signed([openedOf('case_2'), notice('case_2')]));
    await audit.processed(engine, 5);
    await engine.watch();
    await engine.stop();
    const events = await audit.siemEvents();
    const ofType = (type: string) => events.filter(({ unmapped }) => unmapped['type'] === type);
    expect(ofType('readmit.revocation.overdue')).toMatchObject([
      {
        unmapped: { whose: { subject: { id: 'ada' }, requester: { id: 'boris' }, approvers: ['chidi'], what: [{ kind: 'bypass.close' }] } },
      },
    ]);
    expect(ofType('readmit.notice.sent')).toMatchObject([{ unmapped: { whose: { subject: { id: 'ada' } } } }]);
    const cases = new Map<string, KnownCase>();
    const rows = await audit.store.query<{ entry: Buffer; key: string; value: Buffer }>(
      'SELECT entry, key, value FROM leaf ORDER BY index',
    );
    const again = rows.map(({ entry, key: caseId, value }) => {
      const leaf = JSON.parse(entry.toString('utf8')) as Leaf;
      const fact = { id: leaf.eventId, type: leaf.type, at: leaf.at, data: JSON.parse(value.toString('utf8')) as unknown } as Fact;
      const known = foldCase(cases.get(caseId) ?? {}, fact);
      cases.set(caseId, known);
      const { producer } = entryOf(fact.type);
      return JSON.stringify(ocsfOf({ leaf, fact, producer, known }, { product, environment, origin: audit.key.name }));
    });
    const onTopic = (await audit.siemRecords())
      .toSorted((a, b) => bySequence(eventOf(a), eventOf(b)))
      .map(({ value }) => value.toString('utf8'));
    expect(again).toEqual(onTopic);
    expect(again.length).toBeGreaterThan(5);
  });

  it('R7.2 R7.4 has checkpoints with a note signed by the log key', async () => {
    const engine = await audit.start();
    await audit.publish(audit.signed([notice('case_1')]));
    await audit.recorded(1);
    await audit.publish(audit.signed([notice('case_2')]));
    await audit.recorded(3);
    await engine.stop();
    const [checkpoint] = (await audit.siemEvents()).filter(({ unmapped }) => unmapped['type'] === 'readmit.checkpoint.signed');
    const { note } = (checkpoint?.['entity'] as { data: { note: string } }).data;
    expect(openCheckpoint(note, audit.key, logTools)).toMatchObject({ checkpoint: { size: 1 } });
  });

  it('R7.4 keeps the entries of a case in order on one partition, as plain JSON', async () => {
    const engine = await audit.start();
    await audit.publish(audit.signed(Array.from({ length: 12 }, (_, n) => notice(`case_${n % 3}`))));
    await audit.processed(engine, 12);
    await engine.stop();
    const records = await audit.siemRecords();
    expect(new Set(records.map(({ headers }) => JSON.stringify(headers)))).toEqual(new Set(['{"content-type":"application/json"}']));
    for (const caseId of ['case_0', 'case_1', 'case_2']) {
      const own = records.filter((record) => record.key === caseId);
      const sequence = own.map((record) => eventOf(record).metadata.sequence);
      expect(own.length).toBeGreaterThanOrEqual(4);
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
      expect(sequence).toEqual([...sequence].sort((a, b) => a - b));
    }
  });

  it('R7.4 R8.3 has one record for an event that is delivered twice', async () => {
    const records = audit.signed([notice('case_1')]);
    const engine = await audit.start();
    await audit.publish(records);
    await audit.recorded(1);
    await audit.publish([...records, ...audit.signed([denied])]);
    await audit.processed(engine, 3);
    await engine.stop();
    const uids = (await audit.siemEvents()).map(({ metadata }) => metadata.uid);
    expect(uids).toEqual(await audit.leaves());
    expect(new Set(uids).size).toBe(uids.length);
  });

  it('R7.4 an entry that cannot be published is not recorded, either; once it can, it is both', async () => {
    const { log } = tablesOfTopic(auditOcsfTopic);
    await owner(`REVOKE INSERT ON ${busSchema}.${log} FROM ${roleOf('audit')}`);
    const engine = await audit.start();
    await audit.publish(audit.signed([notice('case_1')]));
    const stuck = async (): Promise<boolean> => (await engine.progress()).says.includes(`permission denied for table ${log}`);
    await until(stuck, { what: 'audit reports why it cannot record' });
    expect(await audit.leaves()).toEqual([]);
    await owner(`GRANT INSERT ON ${busSchema}.${log} TO ${roleOf('audit')}`);
    await audit.recorded(1);
    await engine.stop();
    expect((await audit.siemEvents()).map(({ metadata }) => metadata.uid)).toEqual(await audit.leaves());
  });

  const others = services.filter((service): service is Exclude<ServiceName, 'audit'> => service !== 'audit');
  it.each(others)('R7.4 is neither read nor written by %s (42501); the control is audit', async (service) => {
    const { log, head } = tablesOfTopic(auditOcsfTopic);
    const store = await audit.database.store(service);
    const insert = `INSERT INTO ${busSchema}.${log} (partition, "offset", key, headers, value) VALUES (0, 0, 'k', '{}', '')`;
    const denial = { code: '42501', message: expect.stringContaining(`permission denied for table ${log}`) };
    for (const sql of [`SELECT 1 FROM ${busSchema}.${log}`, insert, `UPDATE ${busSchema}.${head} SET next_offset = 7`])
      await expect(store.query(sql)).rejects.toMatchObject(denial);
    await audit.store.query(insert);
    expect(await audit.store.query(`SELECT key FROM ${busSchema}.${log}`)).toEqual([{ key: 'k' }]);
  });
});
