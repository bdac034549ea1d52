/** A real Kafka with the topics and permissions for the providers acme and okta, and kcat as their principal. */
import { removeKafka, startKafka } from '@readmit/servers';
import { setUpKafka, type KafkaConnection } from '@readmit/bus';
import { providerPrincipal, servicePrincipal } from '@readmit/contracts';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { run } from './page.js';

const installation = { providers: ['acme', 'okta'], siems: [], replication: 1, minInSync: 1 };

export interface ProviderKafka {
  /** The connection of intake. */
  readonly connection: KafkaConnection;
  /** A folder with a kcat.conf for the user: the example file with values filled in. */
  folderOf(user: string): Promise<string>;
  /** Every record of the topic, read with kcat as a user who may read everything. */
  records(topic: string): Promise<readonly { readonly key: string; readonly headers: string; readonly value: string }[]>;
  close(): Promise<void>;
}

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

export async function startProviderKafka(): Promise<ProviderKafka> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-signals-'));
  const dataDir = path.join(folder, 'kafka');
  // The super user reads what no other principal may read.
  const users = ['admin', ...installation.providers.map(providerPrincipal)];
  const passwords = Object.fromEntries(users.map((user) => [user, randomBytes(24).toString('base64url')] as const));
  const intake = servicePrincipal('intake');
  const kafka = await startKafka({ dataDir, users: [intake], settings: plainToo(passwords) });
  const connection = (user: string): KafkaConnection => ({ brokers: kafka.brokers, sasl: kafka.credentials(user) });
  await setUpKafka({ connection: connection('admin'), topology: installation, apply: true });
  const broker = (): string => kafka.brokers[0] ?? '';
  const kafkaOf: ProviderKafka = {
    connection: connection(intake),
    async folderOf(user) {
      const own = path.join(folder, user);
      await mkdir(own, { recursive: true });
      const filledIn = {
        'kafka.example.com:9092': broker(),
        SASL_SSL: 'SASL_PLAINTEXT',
        'SCRAM-SHA-512': 'PLAIN',
        'idp-acme': user,
        '=PASSWORD': `=${passwords[user]}`,
      };
      const text = Object.entries(filledIn).reduce(
        (all, [what, value]) => {
          if (!all.includes(what)) throw new Error(`deploy/identity-providers/kcat.conf has no ${what}`);
          return all.replaceAll(what, value);
        },
        await readFile('deploy/identity-providers/kcat.conf', 'utf8'),
      );
      await writeFile(path.join(own, 'kcat.conf'), text, { mode: 0o600 });
      return own;
    },
    async records(topic) {
      const own = await kafkaOf.folderOf('admin');
      const text = await run(`kcat -F kcat.conf -C -t ${topic} -o beginning -e -q -f '%k\\t%h\\t%s\\n'`, own, {});
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [key = '', headers = '', value = ''] = line.split('\t');
          return { key, headers, value };
        });
    },
    async close() {
      await kafka.stop();
      await removeKafka(dataDir);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return kafkaOf;
}
