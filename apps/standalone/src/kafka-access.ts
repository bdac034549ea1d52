import { KafkaTopics, type KafkaConnection } from '@readmit/bus';
import { partitionsPerTopic, servicePrincipal, services, signalTopicOf, topicsWrittenBy, type ServiceName } from '@readmit/contracts';
import { ConfigurationError, kafkaConnectionOf, kafkaSettings, readSettings } from '@readmit/service';

/** How everybody reaches Kafka. */
export interface KafkaAccess {
  /** Whether each service signs in as itself, so that the brokers know who writes. With brokers of the user's own there is one user. */
  readonly ownUsers: boolean;
  connectionOf(principal: string): KafkaConnection;
  /** What a service's environment says of it. */
  environmentOf(service: ServiceName): Promise<Readonly<Record<string, string>>>;
  /** Process id of our own broker. */
  pid(): number | undefined;
}

/** What programs on librdkafka (kcat, rsyslog, confluent-kafka) need to sign in as a user of our own Kafka. Holds the password. */
export function librdkafkaSettings({ brokers, sasl }: KafkaConnection): string {
  const lines = [`bootstrap.servers=${brokers.join(',')}`, 'security.protocol=SASL_PLAINTEXT'];
  if (sasl)
    lines.push(`sasl.mechanisms=${sasl.mechanism.toUpperCase()}`, `sasl.username=${sasl.username}`, `sasl.password=${sasl.password}`);
  return `${lines.join('\n')}\n`;
}

/** Settings of Kafka that the user gave the launcher; each service gets them as they are. */
export const kafkaVariables = (env: NodeJS.ProcessEnv): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.keys(kafkaSettings).flatMap((name) => (env[name] ? [[name, env[name]]] : [])));

/**
 * The brokers that the variables name, with topics that were made there before (`readmit setup --kafka`).
 * @throws {ConfigurationError} the variables do not go together.
 * @throws {Error} the brokers are not reached, or a topic is not there (its cause says what).
 */
export async function usersOwnKafka(variables: Readonly<Record<string, string>>, providers: readonly string[]): Promise<KafkaAccess> {
  const connection = kafkaConnectionOf(readSettings(kafkaSettings, variables));
  if (!connection) throw new ConfigurationError(['KAFKA_BROKERS: is missing.']);
  const topics = new KafkaTopics(connection, 'readmit-launcher');
  try {
    const names = [...services.flatMap(topicsWrittenBy), ...providers.map(signalTopicOf)];
    await topics.ends(names.flatMap((topic) => Array.from({ length: partitionsPerTopic }, (_, partition) => ({ topic, partition }))));
  } catch (cause) {
    const make = `readmit setup --kafka --provider ${providers.join(' ')} --apply`;
    throw new Error(`the brokers of KAFKA_BROKERS cannot be used; create the topics with: ${make}`, { cause });
  } finally {
    await topics.close();
  }
  return { ownUsers: false, connectionOf: () => connection, environmentOf: async () => variables, pid: () => undefined };
}

/** A Kafka of our own, where each service has a user. `secretFile` keeps a password and gives the file. */
export function ownKafka(
  server: () => { readonly brokers: readonly string[]; readonly pids: ReadonlyMap<number, number> } & {
    credentials(user: string): NonNullable<KafkaConnection['sasl']>;
  },
  secretFile: (name: string, text: string) => Promise<string>,
): KafkaAccess {
  return {
    ownUsers: true,
    connectionOf: (principal) => ({ brokers: server().brokers, sasl: server().credentials(principal) }),
    async environmentOf(service) {
      const { mechanism, username, password } = server().credentials(servicePrincipal(service));
      return {
        KAFKA_BROKERS: server().brokers.join(','),
        KAFKA_SASL_MECHANISM: mechanism,
        KAFKA_SASL_USERNAME: username,
        KAFKA_SASL_PASSWORD_FILE: await secretFile(`kafka-${service}.password`, password),
      };
    },
    pid: () => server().pids.get(1),
  };
}
