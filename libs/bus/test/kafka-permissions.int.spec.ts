/**
 * What the catalogue says of topics and permissions, asked of a real broker: every principal tries everything with every topic and
 * group, and the broker's answers must be the generated table, cell by cell.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aclSpecs, principals, topicSpecs, type AclSpec, type TopologyOptions } from '@readmit/contracts';
import kafkajs, { Kafka, logLevel, type Admin } from 'kafkajs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setUpKafka, type KafkaConnection } from '../src/index.js';
import { startKafka, type KafkaServer } from '@readmit/servers';

const topology: TopologyOptions = { providers: ['acme', 'okta'], siems: ['soc', 'soc-archive'], replication: 1, minInSync: 1 };
const everybody = principals(topology);
const topics = topicSpecs(topology).map(({ name }) => name);
const acls = aclSpecs(topology);
const logged: string[] = [];
let folder: string;
let server: KafkaServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-permissions-'));
  server = await startKafka({ dataDir: path.join(folder, 'kafka'), users: everybody });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const connection = (user: string): KafkaConnection => ({ brokers: server.brokers, sasl: server.credentials(user) });
const clientOf = (user: string): Kafka =>
  new Kafka({
    clientId: user,
    brokers: [...server.brokers],
    sasl: server.credentials(user),
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => void logged.push(`${entry.log.message} ${String(entry.log['error'])}`),
    // A refusal is an answer: nothing is asked twice.
    retry: { retries: 0 },
  });
const setUp = (apply: boolean, user = 'admin') => setUpKafka({ connection: connection(user), topology, apply });

async function asAdmin<T>(user: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(user).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

describe('setting up Kafka', () => {
  it('says what is missing without making it, makes it, and finds nothing to do the second time', async () => {
    const all = { topics: topicSpecs(topology), acls, differs: [] };
    expect(await setUp(false)).toEqual(all);
    expect(await asAdmin('admin', (admin) => admin.listTopics())).toEqual([]);
    expect(await setUp(true)).toEqual(all);
    expect(await setUp(true)).toEqual({ topics: [], acls: [], differs: [] });
    expect((await asAdmin('admin', (admin) => admin.listTopics())).sort()).toEqual([...topics].sort());
  });

  it('tells of a topic that somebody changed and of permissions that somebody gave, and leaves both as they are', async () => {
    const topic = 'readmit.audit.v1';
    const stranger = {
      ...{ principal: 'User:stranger', host: '*', permissionType: kafkajs.AclPermissionTypes.ALLOW },
      ...{ operation: kafkajs.AclOperationTypes.WRITE, resourceType: kafkajs.AclResourceTypes.TOPIC },
      ...{ resourceName: 'readmit.', resourcePatternType: kafkajs.ResourcePatternTypes.PREFIXED },
    };
    const set = (value: string) => ({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries: [...configOf(topic, value)] }],
    });
    await asAdmin('admin', async (admin) => {
      await admin.alterConfigs(set('1000'));
      await admin.createAcls({ acl: [stranger] });
      await admin.createPartitions({ topicPartitions: [{ topic: 'readmit.signals.okta.v1', count: 5 }] });
    });
    const differs = [
      `topic ${topic}: retention.ms is 1000, not 2592000000`,
      'topic readmit.signals.okta.v1: partitions is 5, not 4',
      'User:stranger is allowed WRITE on topic readmit.*, which is not in the event catalogue',
    ];
    expect(await setUp(true)).toEqual({ topics: [], acls: [], differs });
    expect(await setUp(true)).toEqual({ topics: [], acls: [], differs });
    await asAdmin('admin', async (admin) => {
      await admin.alterConfigs(set('2592000000'));
      await admin.deleteAcls({ filters: [stranger] });
      await admin.deleteTopics({ topics: ['readmit.signals.okta.v1'] });
    });
    expect((await setUp(true)).topics.map(({ name }) => name)).toEqual(['readmit.signals.okta.v1']);
    expect(await setUp(true)).toEqual({ topics: [], acls: [], differs: [] });
  });

  it('is for the super user alone', async () => {
    await expect(setUp(false, 'readmit-audit')).rejects.toThrow('listing permissions: CLUSTER_AUTHORIZATION_FAILED');
    const wrong = { ...server.credentials('admin'), password: 'wrong' };
    await expect(setUpKafka({ connection: { brokers: server.brokers, sasl: wrong }, topology, apply: false })).rejects.toThrow(
      'connecting to Kafka: KafkaJSSASLAuthenticationError',
    );
  });
});

function* configOf(topic: string, retention: string) {
  for (const [name, value] of Object.entries(topicSpecs(topology).find((one) => one.name === topic)?.config ?? {}))
    yield { name, value: name === 'retention.ms' ? retention : value };
}

/** `allowed`, or the type that the broker gave for its refusal; else the whole error, which no table expects. */
async function answer(work: () => Promise<unknown>): Promise<string> {
  logged.length = 0;
  try {
    await work();
    return 'allowed';
  } catch (error) {
    // kafkajs looks for the group's coordinator until it gives up; the broker's reason is in its log alone.
    const hidden = named(error, 'KafkaJSGroupCoordinatorNotFound') && logged.some((line) => line.includes('Group authorization failed'));
    return hidden ? 'GROUP_AUTHORIZATION_FAILED' : (typeOf(error) ?? `unexpected: ${String(error)}`);
  }
}
const named = (error: unknown, name: string): boolean => (error as { name?: unknown }).name === name;
function typeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { type, cause, errors } = error as { type?: unknown; cause?: unknown; errors?: readonly unknown[] };
  return typeof type === 'string' ? type : (typeOf(errors?.[0]) ?? (cause === error ? undefined : typeOf(cause)));
}

async function table(names: readonly string[], ask: (name: string) => Promise<string>): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const name of names) answers[name] = await ask(name);
  return answers;
}
const may = (principal: string, operation: AclSpec['operation'], topic: string): boolean =>
  acls.some((acl) => acl.principal === principal && acl.operation === operation && acl.resource === 'topic' && acl.name === topic);
const expected = (names: readonly string[], allowed: (name: string) => boolean, refusal: string): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, allowed(name) ? 'allowed' : refusal]));

/** Joins the group, reads what lies on the topic, leaves. */
async function consume(kafka: Kafka, groupId: string, topic: string): Promise<void> {
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100, retry: { retries: 0 } });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve(resolve()) }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
}

describe('the brokers', () => {
  beforeAll(async () => {
    await setUp(true);
    const producer = clientOf('admin').producer();
    await producer.connect();
    for (const topic of topics) await producer.send({ topic, messages: [{ key: 'k', value: 'there' }] });
    await producer.disconnect();
    // The brokers make the topic of the groups' positions for the first group that comes, and until then know no coordinator.
    for (const end = Date.now() + 60_000; (await answer(() => consume(clientOf('admin'), 'first', 'readmit.intake.v1'))) !== 'allowed';)
      if (Date.now() > end) throw new Error('the brokers get no coordinator of groups');
  });

  it.each(everybody)(
    'R8.1 R8.3 let %s do what the generated table allows with each topic and each group, and refuse the rest',
    async (principal) => {
      const kafka = clientOf(principal);
      const groups = acls.filter((acl) => acl.resource === 'group' && acl.pattern === 'literal');
      const own = groups.find((acl) => acl.principal === principal)?.name;
      const readable = topics.find((topic) => may(principal, 'READ', topic));

      const writable = topics.find((topic) => may(principal, 'WRITE', topic));

      // Not idempotent: a forger does not request a producer id first.
      const producer = kafka.producer();
      await producer.connect();
      const writes = await table(topics, (topic) =>
        answer(() => producer.send({ topic, acks: -1, messages: [{ key: 'k', value: 'tried' }] })),
      );
      await producer.disconnect();
      expect(writes).toEqual(expected(topics, (topic) => may(principal, 'WRITE', topic), 'TOPIC_AUTHORIZATION_FAILED'));

      const numbered = kafka.producer({ idempotent: true, retry: { retries: 1 } });
      const starts = await answer(async () => {
        await numbered.connect();
        await numbered.send({ topic: writable ?? '', messages: [{ value: 'numbered' }] });
      });
      await numbered.disconnect();
      expect(starts).toBe(writable === undefined ? 'CLUSTER_AUTHORIZATION_FAILED' : 'allowed');

      if (own !== undefined) {
        const reads = await table(topics, (topic) => answer(() => consume(kafka, own, topic)));
        expect(reads).toEqual(expected(topics, (topic) => may(principal, 'READ', topic), 'TOPIC_AUTHORIZATION_FAILED'));
      }
      // The topic is one that it may read, or at least see, so that nothing but the group can be refused.
      const names = [
        ...groups.map(({ name }) => name),
        ...groups.map(({ name }) => `${name}.signals`),
        ...groups.map(({ name }) => `${name}x`),
      ];
      const joins = await table(names, (group) => answer(() => consume(kafka, group, readable ?? writable ?? '')));
      const mine = (group: string): boolean => own !== undefined && (group === own || group.startsWith(`${own}.`));
      expect(joins).toEqual(expected(names, mine, 'GROUP_AUTHORIZATION_FAILED'));

      await asAdmin(principal, async (admin) => {
        const nothing = expected(topics, () => false, 'TOPIC_AUTHORIZATION_FAILED');
        const creates = await table(topics, (topic) => answer(() => admin.createTopics({ topics: [{ topic: `${topic}.x` }] })));
        expect(Object.values(creates)).toEqual(Object.values(nothing));
        const resource = (topic: string) => [
          { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries: [...configOf(topic, '1000')] },
        ];
        expect(
          await table(topics, (topic) => answer(() => admin.alterConfigs({ validateOnly: false, resources: resource(topic) }))),
        ).toEqual(nothing);
        expect(await table(topics, (topic) => answer(() => admin.deleteTopics({ topics: [topic] })))).toEqual(nothing);
      });
    },
  );

  it('let the super user do all of it: nothing above was refused for another reason', async () => {
    const kafka = clientOf('admin');
    expect(await answer(() => consume(kafka, 'anything', 'readmit.intake.v1'))).toBe('allowed');
    await asAdmin('admin', async (admin) => {
      expect(await answer(() => admin.createTopics({ topics: [{ topic: 'made.v1' }] }))).toBe('allowed');
      expect(await answer(() => admin.deleteTopics({ topics: ['made.v1'] }))).toBe('allowed');
      const resources = [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: 'readmit.intake.v1',
          configEntries: [...configOf('readmit.intake.v1', '2592000000')],
        },
      ];
      expect(await answer(() => admin.alterConfigs({ validateOnly: false, resources }))).toBe('allowed');
    });
    expect(await setUp(true)).toEqual({ topics: [], acls: [], differs: [] });
  });
});
