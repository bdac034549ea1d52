import { setTimeout as wait } from 'node:timers/promises';
import { EmbeddedBus, KafkaTopics, type TopicRecord } from '@readmit/bus';
import { partitionsPerTopic, servicePrincipal } from '@readmit/contracts';
import { openStore, schemaOf } from '@readmit/store';
import type { System } from '../system.js';

interface Topics {
  read(topic: string, partition: number, from: bigint, max: number): Promise<readonly TopicRecord[]>;
  close(): Promise<void>;
}

/** Looks into topics as audit may: with its database role on the embedded bus, as its user on Kafka. */
export class TopicView {
  private constructor(private readonly topics: Topics) {}

  static async open(system: Pick<System, 'databaseUrls' | 'kafka'>): Promise<TopicView> {
    if (system.kafka) return new TopicView(new KafkaTopics(system.kafka.connectionOf(servicePrincipal('audit')), 'readmit-tour'));
    const store = await openStore({ url: system.databaseUrls.audit, schema: schemaOf('audit'), applicationName: 'tour', poolSize: 1 });
    const bus = await EmbeddedBus.open({ service: 'audit', store });
    const close = async (): Promise<void> => {
      await bus.close();
      await store.close();
    };
    return new TopicView({ read: (...place) => bus.read(...place), close });
  }

  /** The first event of the type and key on a topic that audit consumes, once it is there. */
  async await(topic: string, type: string, key: string, timeoutMs: number): Promise<TopicRecord> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await this.find(topic, type, key);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`no ${type} of ${key} on ${topic} within ${timeoutMs / 1000} s`);
      await wait(100);
    }
  }

  private async find(topic: string, type: string, key: string): Promise<TopicRecord | undefined> {
    for (let partition = 0; partition < partitionsPerTopic; partition++)
      for (let from = 0n; ;) {
        const records = await this.topics.read(topic, partition, from, 500);
        const found = records.find((record) => record.key === key && record.headers['ce_type'] === type);
        if (found) return found;
        const last = records.at(-1);
        if (!last) break;
        from = last.offset + 1n;
      }
    return undefined;
  }

  close(): Promise<void> {
    return this.topics.close();
  }
}
