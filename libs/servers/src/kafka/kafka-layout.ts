/** The layout of a cluster: its nodes and the text of their configuration. */

/** Stored in the data folder at the first start and never changed: the quorum's log refers to nodes by these ids. */
export interface Cluster {
  readonly clusterId: string;
  readonly nodes: readonly ClusterNode[];
}

export interface ClusterNode {
  readonly id: number;
  /** Identity of the node's metadata folder in the quorum. */
  readonly directoryId: string;
  readonly clientPort: number;
  readonly controllerPort: number;
}

/** Principals that the server itself needs; both are super users, as is `admin`. */
export const brokerUser = 'broker';
export const controllerUser = 'controller';
export const adminUser = 'admin';

export interface NodeProperties {
  readonly cluster: Cluster;
  readonly node: ClusterNode;
  readonly logDir: string;
  readonly brokerPassword: string;
  readonly controllerPassword: string;
  /** Further properties, which take precedence. */
  readonly settings: Readonly<Record<string, string>>;
}

/** `server.properties` of one node. Secret: it has the passwords of broker and controller. */
export function nodeProperties({ cluster, node, logDir, brokerPassword, controllerPassword, settings }: NodeProperties): string {
  const replicas = String(cluster.nodes.length);
  const minInSync = String(cluster.nodes.length > 1 ? 2 : 1);
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.bootstrap.servers': cluster.nodes.map((one) => `127.0.0.1:${one.controllerPort}`).join(','),
    listeners: `CLIENT://127.0.0.1:${node.clientPort},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${node.clientPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENT',
    'listener.security.protocol.map': 'CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.client.scram-sha-512.sasl.jaas.config': `${scram} username="${brokerUser}" password="${brokerPassword}";`,
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    // PLAIN, because SCRAM's users are in the metadata, which controllers cannot read before they have connected to each other.
    'listener.name.controller.plain.sasl.jaas.config': `${plain} username="${controllerUser}" password="${controllerPassword}" user_${controllerUser}="${controllerPassword}";`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': [brokerUser, controllerUser, adminUser].map((user) => `User:${user}`).join(';'),
    'allow.everyone.if.no.acl.found': 'false',
    'log.dirs': logDir,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': minInSync,
    'offsets.topic.replication.factor': replicas,
    // Fifty by default, each with files and a leader: more than all other partitions of an installation.
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minInSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minInSync,
    'group.initial.rebalance.delay.ms': '0',
    ...settings,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${escaped(value)}\n`)
    .join('');
}

/** The backslash is the only character with a meaning in a value of a Java properties file; Windows paths have many. */
const escaped = (value: string): string => value.replaceAll('\\', '\\\\');

/** This line, logged when the node is registered, unfenced and listening, has level INFO; nothing else of that level is needed. */
export const readyLine = 'Kafka Server started';
export const loggingProperties = `rootLogger.level = WARN
rootLogger.appenderRef.c.ref = C
appender.c.type = Console
appender.c.name = C
appender.c.target = SYSTEM_OUT
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %d{ISO8601} %p %c{1} %m%n
logger.started.name = kafka.server.KafkaRaftServer
logger.started.level = INFO
`;
