/**
 * Kafka's topics, their settings and permissions: derived from the catalogue, for the command that creates them, for the documents, and
 * for the test that reads them back from the broker.
 */
import { auditOcsfTopic, partitionsPerTopic, topicOf, topicsWrittenBy } from './catalogue.js';
import { services, type ServiceName } from './entry.js';

export interface TopologyOptions {
  /** Identity providers that publish signals to Kafka. Each gets its own topic. */
  readonly providers: readonly string[];
  /** Readers of the topic for SIEMs. */
  readonly siems: readonly string[];
  /** Replicas of each partition. */
  readonly replication: number;
  /** Replicas that must have a record before it counts as written. */
  readonly minInSync: number;
}

/** Allowed names of providers and SIEMs: they become part of the names of topics, principals and groups. */
export const kafkaName = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;

/** The topic that only this identity provider may write. */
export const signalTopicOf = (provider: string): string => `readmit.signals.${provider}.v1`;

/** Kafka principals, without the prefix `User:` of its ACLs. */
export const servicePrincipal = (service: ServiceName): string => `readmit-${service}`;
export const providerPrincipal = (provider: string): string => `idp-${provider}`;
export const siemPrincipal = (siem: string): string => `siem-${siem}`;

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  /** Every setting that Readmit relies on, whatever the brokers' defaults are. */
  readonly config: Readonly<Record<string, string>>;
}

const day = 86_400_000;
/** Retention of records. Less than the 35 days for which consumers remember ids, so that any record on a topic can be recognized. */
export const retentionDays = 30;

/** All topics of an installation. */
export function topicSpecs(options: TopologyOptions): readonly TopicSpec[] {
  const config = {
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionDays * day),
    'retention.bytes': '-1',
    // Only closed segments are deleted: with the default of a week, a record would outlive the ids that consumers remember.
    'segment.ms': String(day),
    // The broker's clock: a producer that sets another time could have records deleted at once, or never.
    'message.timestamp.type': 'LogAppendTime',
    // Twice the largest value, for headers and framing: brokers must never refuse what a service may emit.
    'max.message.bytes': String(2 * 1024 * 1024),
    'min.insync.replicas': String(options.minInSync),
    'unclean.leader.election.enable': 'false',
  };
  const spec = (name: string, more: Readonly<Record<string, string>> = {}): TopicSpec => ({
    name,
    partitions: partitionsPerTopic,
    replication: options.replication,
    config: { ...config, ...more },
  });
  return [
    ...services.flatMap(topicsWrittenBy).map((name) => spec(name)),
    ...options.providers.map((provider) => spec(signalTopicOf(provider), signalConfig)),
  ];
}

/** Maximum bytes per partition of a provider's topic, so that a provider cannot fill the brokers; older records are deleted. */
const signalBytes = 256 * 1024 * 1024;
/** Only closed segments are deleted, so segments must be small as well. */
const signalConfig = { 'retention.bytes': String(signalBytes), 'segment.bytes': String(signalBytes / 4) };
/** Bytes per second that a provider may write to each broker: some hundred signals. kafkajs cannot set quotas, so `readmit setup` prints the command that can. */
export const providerByteRate = 128 * 1024;

/**
 * The services whose topics a service consumes. Listed here because contracts do not import services; a test compares this with the event
 * types that the services list themselves.
 */
const consumedFrom: Readonly<Record<ServiceName, readonly ServiceName[]>> = {
  intake: services.filter((service) => service !== 'intake'),
  classification: ['intake', 'approval', 'revocation-scheduler'],
  approval: ['intake', 'classification', 'execution', 'revocation-scheduler'],
  execution: ['intake', 'classification', 'approval', 'revocation-scheduler', 'audit'],
  'revocation-scheduler': services.filter((service) => service !== 'revocation-scheduler'),
  audit: services.filter((service) => service !== 'audit'),
};

/** The topics of events that a service consumes. */
export const topicsConsumedBy = (service: ServiceName): readonly string[] => consumedFrom[service].map(topicOf);

/** One permission. `READ` and `WRITE` imply `DESCRIBE`; there are no others. */
export interface AclSpec {
  readonly principal: string;
  readonly operation: 'READ' | 'WRITE';
  readonly resource: 'topic' | 'group';
  readonly pattern: 'literal' | 'prefixed';
  readonly name: string;
}

/** All permissions; the broker refuses everything else. */
export function aclSpecs({ providers, siems }: TopologyOptions): readonly AclSpec[] {
  return [
    ...services.flatMap((service) => {
      const principal = servicePrincipal(service);
      const signals = service === 'intake' ? providers.map(signalTopicOf) : [];
      return [
        ...topicsWrittenBy(service).map((topic) => onTopic(principal, 'WRITE', topic)),
        // Its own as well: at start it checks that its database is not behind what it has emitted.
        ...[topicOf(service), ...topicsConsumedBy(service), ...signals].map((topic) => onTopic(principal, 'READ', topic)),
        ...groupsOf(principal, service),
      ];
    }),
    ...providers.map((provider) => onTopic(providerPrincipal(provider), 'WRITE', signalTopicOf(provider))),
    ...siems.flatMap((siem) => {
      const principal = siemPrincipal(siem);
      return [onTopic(principal, 'READ', auditOcsfTopic), ...groupsOf(principal, principal)];
    }),
  ];
}

const onTopic = (principal: string, operation: 'READ' | 'WRITE', name: string): AclSpec => ({
  principal,
  operation,
  resource: 'topic',
  pattern: 'literal',
  name,
});

/** The group with this name, and those with the prefix `<name>.`: a prefix without the dot would cover every longer name as well. */
const groupsOf = (principal: string, group: string): readonly AclSpec[] => [
  { principal, operation: 'READ', resource: 'group', pattern: 'literal', name: group },
  { principal, operation: 'READ', resource: 'group', pattern: 'prefixed', name: `${group}.` },
];

/** All Kafka principals. */
export const principals = ({ providers, siems }: Pick<TopologyOptions, 'providers' | 'siems'>): readonly string[] => [
  ...services.map(servicePrincipal),
  ...providers.map(providerPrincipal),
  ...siems.map(siemPrincipal),
];
