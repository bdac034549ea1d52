/** `readmit setup --kafka`: topics and permissions in somebody's Kafka, from the catalogue. */
import type { KafkaSetup } from '@readmit/bus';
import { kafkaName, principals, providerByteRate, providerPrincipal, type AclSpec, type TopologyOptions } from '@readmit/contracts';
import type { Context } from '../context.js';
import { CliError, saidBy, usage, type ExitName } from '../errors.js';
import { kafkaConnection } from '../kafka-connection.js';

export interface SetupKafkaOptions {
  readonly provider?: readonly string[];
  readonly siem?: readonly string[];
  readonly replication: string;
  readonly minInSync: string;
  readonly apply?: true;
}

export async function setUpKafka(context: Context, options: SetupKafkaOptions): Promise<ExitName | void> {
  const topology = topologyOf(options);
  const connection = await kafkaConnection(context.io.env);
  const where = connection.brokers.join(', ');
  const apply = options.apply === true;
  // Loaded only here: kafkajs is of no use to any other command.
  const bus = await import('@readmit/bus');
  let found: KafkaSetup;
  try {
    found = await bus.setUpKafka({ connection, topology, apply });
  } catch (cause) {
    throw kafkaFailure(cause, where);
  }
  const users = principals(topology).map((user) => scramCommand(user, connection.brokers[0] ?? ''));
  const quotas = topology.providers.map((provider) => quotaCommand(providerPrincipal(provider), connection.brokers[0] ?? ''));
  context.out.result({ applied: apply, ...found, users, quotas }, () => print(context, found, { users, quotas }, apply));
  return found.differs.length > 0 ? 'verificationFailed' : undefined;
}

function topologyOf({ provider = [], siem = [], replication, minInSync }: SetupKafkaOptions): TopologyOptions {
  const wrong = [...provider, ...siem].find((name) => !kafkaName.test(name));
  if (wrong !== undefined)
    throw usage(`"${wrong}" cannot be part of a topic or principal name`, 'Use letters, digits and dashes, at most 63.');
  const number = (text: string, option: string): number => {
    if (!/^[1-9]\d?$/.test(text)) throw usage(`${option} is "${text}"`, 'Use an integer from 1 to 99.');
    return Number(text);
  };
  const topology = {
    providers: [...provider],
    siems: [...siem],
    replication: number(replication, '--replication'),
    minInSync: number(minInSync, '--min-in-sync'),
  };
  if (topology.minInSync > topology.replication)
    throw usage(
      '--min-in-sync is more than --replication: nothing could ever be written',
      'Use a smaller value, or an equal one with a single broker.',
    );
  return topology;
}

const aclWords = ({ principal, operation, resource, pattern, name }: AclSpec): string =>
  `let User:${principal} ${operation} ${resource} ${name}${pattern === 'prefixed' ? '*' : ''}`;

/** kafkajs cannot make users (AlterUserScramCredentials), so the command that can is printed. */
const scramCommand = (user: string, broker: string): string =>
  `kafka-configs.sh --bootstrap-server ${broker} --command-config admin.properties --alter --entity-type users --entity-name ${user} --add-config-file ${user}.scram`;

/** Nor quotas (AlterClientQuotas). */
const quotaCommand = (user: string, broker: string): string =>
  `kafka-configs.sh --bootstrap-server ${broker} --command-config admin.properties --alter --entity-type users --entity-name ${user} --add-config producer_byte_rate=${providerByteRate}`;

interface ByHand {
  readonly users: readonly string[];
  readonly quotas: readonly string[];
}

function print({ out }: Context, { topics, acls, differs }: KafkaSetup, { users, quotas }: ByHand, apply: boolean): void {
  const steps = [
    ...topics.map(
      ({ name, partitions, replication }) => `create topic ${name}: ${partitions} partitions, replication factor ${replication}`,
    ),
    ...acls.map(aclWords),
  ];
  if (steps.length === 0) out.line('All topics and ACLs already exist.');
  else {
    out.line(apply ? 'Done:' : 'This would:');
    for (const step of steps) out.line(`  - ${step}`);
    if (!apply) out.line('Nothing was changed. Repeat with --apply.');
  }
  if (differs.length > 0) {
    out.line('Differs from the catalogue, left unchanged:');
    for (const one of differs) out.line(`  - ${one}`);
  }
  out.line('Each principal needs a user, which this command cannot create. The file has one line (mode 0600):');
  out.line('SCRAM-SHA-512=iterations=8192,password=...');
  for (const user of users) out.line(`  ${user}`);
  if (quotas.length === 0) return;
  out.line('Each identity provider should have a quota, so that none can overload the brokers:');
  for (const quota of quotas) out.line(`  ${quota}`);
}

function kafkaFailure(cause: unknown, where: string): CliError {
  const said = saidBy(cause);
  if (/SASL|AUTHORIZATION|SECURITY_DISABLED/.test(said))
    return new CliError('refused', said, { where, next: 'Sign in as a super user of a Kafka that has an authorizer.', cause });
  if (/connect|ECONN|ENOTFOUND|timed? ?out|no answer/i.test(said))
    return new CliError('unreachable', said, { where, next: 'Check KAFKA_BROKERS, KAFKA_TLS and that the brokers are running.', cause });
  return new CliError('unexpected', said, { where, next: 'It is safe to run again: existing objects are kept.', cause });
}
