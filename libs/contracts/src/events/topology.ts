/**
 * The topics of Kafka, how each is kept, and who may do what with it: derived from the catalogue, for the command that makes them,
 * for the documents and for the test that asks the broker.
 */
import { auditOcsfTopic, partitionsPerTopic, topicOf, topicsWrittenBy } from './catalogue.js';
import { services, type ServiceName } from './entry.js';

export interface TopologyOptions {
  /** Identity providers that publish signals to Kafka. Each gets a topic of its own. */
  readonly providers: readonly string[];
  /** Readers of the topic for SIEMs. */
  readonly siems: readonly string[];
  /** Copies of each partition. */
  readonly replication: number;
  /** Copies that must have a record before it counts as written. */
  readonly minInSync: number;
}

/** What a provider or a SIEM may be called: it becomes a part of the name of a topic, a principal and a group. */
export const kafkaName = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;

/** The topic that this identity provider alone may write. */
export const signalTopicOf = (provider: string): string => `readmit.signals.${provider}.v1`;

/** Principals of Kafka, without the `User:` that its ACLs put before them. */
export const servicePrincipal = (service: ServiceName): string => `readmit-${service}`;
export const providerPrincipal = (provider: string): string => `idp-${provider}`;
export const siemPrincipal = (siem: string): string => `siem-${siem}`;

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  /** Every setting that we rely on, whatever the brokers' defaults are. */
  readonly config: Readonly<Record<string, string>>;
}

const day = 86_400_000;
/** Days that a record stays. Fewer than the 35 that consumers remember ids for: what still lies on a topic can be recognized. */
export const retentionDays = 30;

/** Every topic of an installation. */
export function topicSpecs(options: TopologyOptions): readonly TopicSpec[] {
  const config = {
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionDays * day),
    'retention.bytes': '-1',
    // Only closed segments are deleted: with the week of the default a record would outlive the ids that consumers remember.
    'segment.ms': String(day),
    // By the broker's clock: a producer that says another time could have records deleted at once, or never.
    'message.timestamp.type': 'LogAppendTime',
    // Twice what we take as a value, because of headers and framing: what we may say must never be what the brokers refuse.
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

/** Bytes of each partition of a provider's topic, beyond which its oldest records go: what a provider writes must not fill the brokers. */
const signalBytes = 256 * 1024 * 1024;
/** Only closed segments go, so those must be small as well. */
const signalConfig = { 'retention.bytes': String(signalBytes), 'segment.bytes': String(signalBytes / 4) };
/** Bytes a second that a provider may write to each broker: some hundred signals. kafkajs cannot set quotas, so the command that can is printed. */
export const providerByteRate = 128 * 1024;

/**
 * Whose topics a service hears. A test holds this against what the services themselves list, event type by event type; it stands
 * here because contracts know no service's code.
 */
const hears: Readonly<Record<ServiceName, readonly ServiceName[]>> = {
  intake: services.filter((service) => service !== 'intake'),
  classification: ['intake', 'approval', 'revocation-scheduler'],
  approval: ['intake', 'classification', 'execution', 'revocation-scheduler'],
  execution: ['intake', 'classification', 'approval', 'revocation-scheduler', 'audit'],
  'revocation-scheduler': services.filter((service) => service !== 'revocation-scheduler'),
  audit: services.filter((service) => service !== 'audit'),
};

/** The topics of events that a service reads. */
export const topicsHeardBy = (service: ServiceName): readonly string[] => hears[service].map(topicOf);

/** One permission. `READ` and `WRITE` bring `DESCRIBE` with them; nobody has any other. */
export interface AclSpec {
  readonly principal: string;
  readonly operation: 'READ' | 'WRITE';
  readonly resource: 'topic' | 'group';
  readonly pattern: 'literal' | 'prefixed';
  readonly name: string;
}

/** Everything that is allowed; what is not here the broker refuses. */
export function aclSpecs({ providers, siems }: TopologyOptions): readonly AclSpec[] {
  return [
    ...services.flatMap((service) => {
      const principal = servicePrincipal(service);
      const signals = service === 'intake' ? providers.map(signalTopicOf) : [];
      return [
        ...topicsWrittenBy(service).map((topic) => onTopic(principal, 'WRITE', topic)),
        // Its own as well: at its start it looks whether its database goes on from what it has said.
        ...[topicOf(service), ...topicsHeardBy(service), ...signals].map((topic) => onTopic(principal, 'READ', topic)),
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

/** The group of this name, and those with a dot behind it: the prefix alone would be a right on every longer name as well. */
const groupsOf = (principal: string, group: string): readonly AclSpec[] => [
  { principal, operation: 'READ', resource: 'group', pattern: 'literal', name: group },
  { principal, operation: 'READ', resource: 'group', pattern: 'prefixed', name: `${group}.` },
];

/** Everybody who signs in to Kafka. */
export const principals = ({ providers, siems }: Pick<TopologyOptions, 'providers' | 'siems'>): readonly string[] => [
  ...services.map(servicePrincipal),
  ...providers.map(providerPrincipal),
  ...siems.map(siemPrincipal),
];
