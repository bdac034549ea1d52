/** Makes in a Kafka what the catalogue says of topics and permissions, and tells what is there and is different. */
import { aclSpecs, topicSpecs, type AclSpec, type TopicSpec, type TopologyOptions } from '@readmit/contracts';
import kafkajs, { type Admin } from 'kafkajs';
import { kafkaClient, type KafkaConnection } from '../kafka/client.js';
import { kafkaError } from '../kafka/kafka-error.js';
import { aclEntry, entriesOf, foreignPermissions, sameWords } from './kafka-permissions.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, ResourcePatternTypes } = kafkajs;

export interface KafkaSetupOptions {
  /** As a super user. */
  readonly connection: KafkaConnection;
  readonly topology: TopologyOptions;
  /** `false`: look only. */
  readonly apply: boolean;
}

export interface KafkaSetup {
  /** Topics that were not there; made when `apply` was set. */
  readonly topics: readonly TopicSpec[];
  /** Permissions that were not there; given when `apply` was set. */
  readonly acls: readonly AclSpec[];
  /** What is there and is not as the catalogue says. Never changed from here: each is a sentence for an operator. */
  readonly differs: readonly string[];
}

/** Looks at the brokers and, with `apply`, makes what is missing. Can be repeated; what is there already stays as it is. */
export async function setUpKafka({ connection, topology, apply }: KafkaSetupOptions): Promise<KafkaSetup> {
  const admin = kafkaClient(connection, { clientId: 'readmit-setup', requestTimeoutMs: 30_000 }).admin();
  const step = <R>(what: string, work: () => Promise<R>): Promise<R> =>
    work().catch((error: unknown) => {
      throw kafkaError(what, error);
    });
  try {
    await step('connecting to Kafka', () => admin.connect());
    // First, because it is for super users alone: to anybody else the brokers would show no topics, and so all as missing.
    const entries = await step('listing permissions', () => everyPermission(admin));
    const wanted = topicSpecs(topology);
    const names = new Set(await step('listing topics', () => admin.listTopics()));
    const topics = wanted.filter((topic) => !names.has(topic.name));
    const there = wanted.filter((topic) => names.has(topic.name));
    const differs = await step('describing topics', () => differences(admin, there));
    const wantedAcls = aclSpecs(topology);
    const known = new Set(entries.map(sameWords));
    const acls = wantedAcls.filter((acl) => !known.has(sameWords(aclEntry(acl))));
    const foreign = foreignPermissions(
      entries,
      wantedAcls,
      wanted.map((topic) => topic.name),
    );
    if (apply && topics.length > 0) await step('making topics', () => make(admin, topics));
    if (apply && acls.length > 0) await step('giving permissions', () => give(admin, acls));
    return { topics, acls, differs: [...differs, ...foreign] };
  } finally {
    await admin.disconnect();
  }
}

const topicConfig = ({ name, partitions, replication, config }: TopicSpec) => ({
  topic: name,
  numPartitions: partitions,
  replicationFactor: replication,
  configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
});

async function differences(admin: Admin, there: readonly TopicSpec[]): Promise<readonly string[]> {
  if (there.length === 0) return [];
  const metadata = await admin.fetchTopicMetadata({ topics: there.map((topic) => topic.name) });
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: there.map(({ name, config }) => ({ type: ConfigResourceTypes.TOPIC, name, configNames: Object.keys(config) })),
  });
  return there.flatMap((topic) => {
    const partitions = metadata.topics.find(({ name }) => name === topic.name)?.partitions ?? [];
    const settings = described.resources.find(({ resourceName }) => resourceName === topic.name)?.configEntries ?? [];
    const is: Readonly<Record<string, string | undefined>> = {
      partitions: String(partitions.length),
      replication: String(Math.min(...partitions.map(({ replicas }) => replicas.length))),
      ...Object.fromEntries(settings.map(({ configName, configValue }) => [configName, configValue])),
    };
    const shall = { partitions: String(topic.partitions), replication: String(topic.replication), ...topic.config };
    return Object.entries(shall)
      .filter(([name, value]) => is[name] !== value)
      .map(([name, value]) => `topic ${topic.name}: ${name} is ${is[name] ?? 'unknown'}, not ${value}`);
  });
}

/** Returns when the broker that we talk to serves the topics: the controller confirms them before its brokers know them. */
async function make(admin: Admin, topics: readonly TopicSpec[]): Promise<void> {
  await admin.createTopics({ waitForLeaders: false, topics: topics.map(topicConfig) });
  const names = topics.map(({ name }) => name);
  await shown('topics', async () => {
    const metadata = await admin.fetchTopicMetadata({ topics: names }).catch((error: unknown) => {
      if (['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'].includes(String((error as { type?: unknown }).type))) return undefined;
      throw error;
    });
    return metadata?.topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)) === true;
  });
}

/** Returns when the broker that we talk to acts on the permissions: it confirms them before it applies them. */
async function give(admin: Admin, acls: readonly AclSpec[]): Promise<void> {
  const entries = acls.map(aclEntry);
  await admin.createAcls({ acl: entries });
  await shown('permissions', async () => {
    const known = new Set((await everyPermission(admin)).map(sameWords));
    return entries.every((entry) => known.has(sameWords(entry)));
  });
}

async function shown(what: string, look: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await look()); await new Promise((resolve) => setTimeout(resolve, 50)))
    if (Date.now() > end) throw new Error(`the brokers confirmed the ${what} but do not list them after 30 seconds`);
}

async function everyPermission(admin: Admin) {
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  });
  return entriesOf(resources);
}
