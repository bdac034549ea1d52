import { readFile } from 'node:fs/promises';
import { EmbeddedBus, KafkaError, KafkaTopics, type OutgoingRecord, type TopicRecord } from '@readmit/bus';
import { Signer, type PrivateJwk } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';
import { servicePrincipal, topicOf, writeEnvelope, type Draft, type ServiceName } from '@readmit/contracts';
import { openStore, schemaOf } from '@readmit/store';
import type { System } from '../system.js';
import { TopicView } from './topic-view.js';

/** What an attacker has got hold of: passwords of database roles and of users of Kafka, and key files. */
export type Loot = Pick<System, 'databaseUrls' | 'keys' | 'environment' | 'kafka'>;

interface WayIn {
  write(record: OutgoingRecord): Promise<void>;
  close(): Promise<void>;
}

/** Somebody who stole a service's password of the bus, and perhaps a service's signing key. For the tour and for tests. */
export class Attacker {
  private constructor(
    private readonly system: Loot,
    readonly role: ServiceName,
    private readonly wayIn: WayIn,
    private readonly view: TopicView,
  ) {}

  static async with(system: Loot, role: ServiceName): Promise<Attacker> {
    return new Attacker(system, role, await wayInOf(system, role), await TopicView.open(system));
  }

  /** An event as `claims` would say it, signed with the key of `signs`. */
  async event(draft: Draft, claims: ServiceName, signs: PrivateJwk | ServiceName): Promise<OutgoingRecord> {
    const key =
      typeof signs === 'string' ? (JSON.parse(await readFile(this.system.keys.serviceKeyFile[signs], 'utf8')) as PrivateJwk) : signs;
    const headers = writeEnvelope({
      id: uuidv7(),
      environment: this.system.environment,
      service: claims,
      type: draft.type,
      time: new Date().toISOString(),
      subject: draft.key,
      version: '1',
      correlationId: draft.key,
    });
    const [signed] = new Signer(key).sign(this.system.environment, [
      { topic: topicOf(claims), key: draft.key, headers, value: Buffer.from(JSON.stringify(draft.data)) },
    ]);
    if (!signed) throw new Error('this is a bug: nothing was signed');
    return signed;
  }
  /** Writes into a topic with what was stolen. SQLSTATE or Kafka's error name when database or brokers refuse. */
  async write(record: OutgoingRecord): Promise<string | undefined> {
    try {
      await this.wayIn.write(record);
      return undefined;
    } catch (error) {
      if (error instanceof KafkaError && error.type !== undefined) return error.type;
      for (let at: unknown = error; at instanceof Error; at = at.cause)
        if ('code' in at && typeof at.code === 'string' && /^[0-9A-Z]{5}$/.test(at.code)) return at.code;
      throw error;
    }
  }
  /** The first event of the type and key on a topic: what a service has answered may still be on its way there. */
  find(topic: string, type: string, key: string): Promise<TopicRecord> {
    return this.view.await(topic, type, key, 10_000);
  }
  async close(): Promise<void> {
    await this.view.close();
    await this.wayIn.close();
  }
}

async function wayInOf(system: Loot, role: ServiceName): Promise<WayIn> {
  if (system.kafka) {
    const topics = new KafkaTopics(system.kafka.connectionOf(servicePrincipal(role)), 'attacker');
    return { write: (record) => topics.send([record]), close: () => topics.close() };
  }
  const store = await openStore({ url: system.databaseUrls[role], schema: schemaOf(role), applicationName: 'attacker', poolSize: 2 });
  const bus = await EmbeddedBus.open({ service: role, store });
  return {
    write: (record) => store.transaction((tx) => bus.write(tx, [record])),
    async close() {
      await bus.close();
      await store.close();
    },
  };
}
