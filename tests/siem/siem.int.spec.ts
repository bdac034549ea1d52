/**
 * kcat and rsyslog's imkafka read the topic for SIEMs from a real Kafka, as a principal that may do nothing else. The published OCSF schema
 * validates what they read.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KafkaBus } from '@readmit/bus';
import { removeKafka, startKafka, type KafkaServer } from '@readmit/servers';
import { aclSpecs, auditOcsfTopic, eventTypes, servicePrincipal, siemPrincipal, topicOf, topicSpecs } from '@readmit/contracts';
import { ocsfFaults, sampleOf, testDatabase, until, type TestDatabase } from '@readmit/testing';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } from 'kafkajs';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { textOf } from '../../libs/domain/test/ocsf-record.js';
import { ensureDebian, siemReaders } from '../../tools/debian.mjs';
import { kcat, Rsyslog, type Principal } from './readers.js';

const installation = { providers: [], siems: ['soc'], replication: 1, minInSync: 1 };
const siem = siemPrincipal('soc');
const audit = servicePrincipal('audit');
const missing = ensureDebian(siemReaders);
if (missing !== undefined) it.skip(`kcat and rsyslog read the topic for SIEMs: ${missing}`, () => {});

/**
 * Debian 12 has librdkafka 2.0.2, whose SCRAM nonce Kafka 4 rejects (fixed in librdkafka 2.6.1). Its programs sign in with PLAIN here; users,
 * ACLs and refusals are the same.
 */
const plainToo = (passwords: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  'listener.name.client.sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN',
  'listener.name.client.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${Object.entries(
    passwords,
  )
    .map(([user, password]) => `user_${user}="${password}"`)
    .join(' ')};`,
});

/** One record for each type in the log, and one that is longer than rsyslog's default limit. */
const people = Array.from({ length: 200 }, (_, n) => ({
  id: `person-${n}`,
  human: `human-${n}`,
  teams: ['security-oncall'],
  authority: 3,
  employment: 'employee' as const,
  privileged: false,
  keys: [],
}));
const long = { ...sampleOf('readmit.people.attested').data, people };
const texts = [
  ...eventTypes.filter((type) => type !== 'readmit.audit.recorded').map((type, index) => textOf(type, undefined, `event-${index}`, index)),
  textOf('readmit.people.attested', long, 'event-long', 999),
];

if (missing === undefined)
  describe('a SIEM on a real Kafka', () => {
    let folder: string;
    let kafka: KafkaServer;
    let reader: Principal;
    let database: TestDatabase;
    const passwords: Readonly<Record<string, string>> = {
      [siem]: randomBytes(24).toString('base64url'),
      somebody: randomBytes(24).toString('base64url'),
    };
    const principal = (username: string): Principal => ({ broker: kafka.brokers[0] ?? '', username, password: passwords[username] ?? '' });
    const client = (user: string): Kafka =>
      new Kafka({ clientId: 'siem-spec', brokers: [...kafka.brokers], sasl: kafka.credentials(user), logLevel: logLevel.NOTHING });

    beforeAll(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-siem-'));
      kafka = await startKafka({ dataDir: path.join(folder, 'kafka'), users: [audit], settings: plainToo(passwords) });
      reader = principal(siem);
      const admin = client('admin').admin();
      await admin.connect();
      const topics = topicSpecs(installation);
      await admin.createTopics({
        topics: topics.map(({ name, partitions, config }) => ({
          topic: name,
          numPartitions: partitions,
          configEntries: Object.entries(config).map(([setting, value]) => ({ name: setting, value })),
        })),
        waitForLeaders: true,
      });
      const acl = aclSpecs(installation).map(({ principal: user, operation, resource, pattern, name }) => ({
        principal: `User:${user}`,
        host: '*',
        permissionType: AclPermissionTypes.ALLOW,
        operation: AclOperationTypes[operation],
        resourceType: resource === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
        resourcePatternType: pattern === 'literal' ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.PREFIXED,
        resourceName: name,
      }));
      await admin.createAcls({ acl });
      // The controller responds; the broker gets the ACLs a moment later.
      const all = { resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY } as const;
      const known = { operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY } as const;
      await until(
        async () => (await admin.describeAcls({ ...all, ...known })).resources.flatMap(({ acls }) => acls).length === acl.length,
        {
          what: 'the broker has the ACLs',
        },
      );
      await admin.disconnect();
      database = await testDatabase();
      const store = await database.store('audit');
      const connection = { brokers: kafka.brokers, sasl: kafka.credentials(audit) };
      const bus = await KafkaBus.open({ service: 'audit', store, connection });
      const headers = { 'content-type': 'application/json' };
      const records = texts.map((text) => ({ topic: auditOcsfTopic, key: 'case_1', headers, value: Buffer.from(text) }));
      await store.transaction((tx) => bus.write(tx, records));
      await bus.publish(records);
      await bus.close();
    }, 300_000);
    afterAll(async () => {
      await database?.drop();
      await kafka?.stop();
      if (folder) await removeKafka(path.join(folder, 'kafka'));
      await rm(folder, { recursive: true, force: true });
    });

    it('R7.4 kcat reads a record of every type, each valid in the published schema', async () => {
      const { code, lines, stderr } = await kcat(folder, reader, ['-C', '-t', auditOcsfTopic, '-o', 'beginning', '-e', '-q']);
      expect([code, stderr.replace(/^% Reading configuration from file .*\n/, '')]).toEqual([0, '']);
      expect([...lines].sort()).toEqual([...texts].sort());
      for (const line of lines) expect(ocsfFaults(JSON.parse(line))).toEqual([]);
    });

    it('R7.4 rsyslog writes the same records to a file, byte for byte, including long ones and checkpoints', async () => {
      const own = path.join(folder, 'rsyslog');
      await mkdir(own);
      const rsyslog = await Rsyslog.start(own, reader);
      try {
        await until(() => rsyslog.lines().length >= texts.length, {
          what: `rsyslog has written ${texts.length} lines`,
        });
      } finally {
        await rsyslog.stop();
      }
      expect(rsyslog.log).toBe('');
      expect([...rsyslog.lines()].sort()).toEqual([...texts].sort());
      expect(Math.max(...rsyslog.lines().map((line) => Buffer.byteLength(line)))).toBeGreaterThan(8192);
      for (const line of rsyslog.lines()) expect(ocsfFaults(JSON.parse(line))).toEqual([]);
    });

    it.each<[string, readonly string[], string, string]>([
      [
        'read another topic',
        ['-C', '-t', topicOf('audit'), '-o', 'beginning', '-e'],
        '',
        `Topic ${topicOf('audit')} error: Broker: Topic authorization failed`,
      ],
      [
        'write to its own topic',
        ['-P', '-t', auditOcsfTopic],
        'forged\n',
        'Delivery failed for message: Broker: Topic authorization failed',
      ],
      [
        'read in the group of audit',
        ['-G', 'audit', auditOcsfTopic, '-e'],
        '',
        'Consumer error: FindCoordinator response error: Group authorization failed.',
      ],
    ])('R7.4 R8.3 its principal may not %s', async (_what, args, input, message) => {
      const { code, lines, stderr } = await kcat(folder, reader, args, input);
      expect(stderr).toContain(message);
      expect(lines).toEqual([]);
      expect(code).not.toBe(0);
    });

    it('R8.3 a principal without these permissions reads nothing', async () => {
      const { code, lines, stderr } = await kcat(folder, principal('somebody'), ['-C', '-t', auditOcsfTopic, '-o', 'beginning', '-e']);
      expect(stderr).toContain(`Topic ${auditOcsfTopic} error: Broker: Topic authorization failed`);
      expect([code === 0, lines]).toEqual([false, []]);
    });

    it('R8.3 a client with a wrong password reads nothing', async () => {
      const { code, stderr } = await kcat(folder, { ...reader, password: 'wrong' }, ['-C', '-t', auditOcsfTopic, '-o', 'beginning', '-e']);
      expect(stderr).toContain('SASL authentication error: Authentication failed: Invalid username or password');
      expect(code).not.toBe(0);
    });
  });
