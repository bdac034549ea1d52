import { readFile } from 'node:fs/promises';
import { EmbeddedBus, Signer, uuidv7, type OutgoingRecord, type PrivateJwk, type TopicRecord } from '@readmit/bus';
import { topicOf, writeEnvelope, type Draft, type ServiceName } from '@readmit/contracts';
import { openStore, schemaOf, type Store } from '@readmit/store';
import type { System } from '../system.js';

/** What an attacker has got hold of: passwords of database roles and key files. */
export type Loot = Pick<System, 'databaseUrls' | 'keys' | 'environment'>;

/** Somebody who stole a service's database password, and perhaps a service's signing key. For the tour and for tests. */
export class Attacker {
  private constructor(
    private readonly system: Loot,
    readonly role: ServiceName,
    private readonly store: Store,
    private readonly bus: EmbeddedBus,
  ) {}

  static async with(system: Loot, role: ServiceName): Promise<Attacker> {
    const store = await openStore({ url: system.databaseUrls[role], schema: schemaOf(role), applicationName: 'attacker', poolSize: 2 });
    return new Attacker(system, role, store, await EmbeddedBus.open({ service: role, store }));
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
  /** Writes into a topic with the stolen role. The SQLSTATE when the database refuses. */
  async write(record: OutgoingRecord): Promise<string | undefined> {
    try {
      await this.store.transaction((tx) => this.bus.write(tx, [record]));
      return undefined;
    } catch (error) {
      for (let at: unknown = error; at instanceof Error; at = at.cause)
        if ('code' in at && typeof at.code === 'string' && /^[0-9A-Z]{5}$/.test(at.code)) return at.code;
      throw error;
    }
  }
  /** The first event of the type and key on a topic. */
  async find(topic: string, type: string, key: string): Promise<TopicRecord> {
    for (let partition = 0; partition < 64; partition++)
      for (let from = 0n; ;) {
        const records = await this.bus.read(topic, partition, from, 500);
        const found = records.find((record) => record.key === key && record.headers['ce_type'] === type);
        if (found) return found;
        const last = records.at(-1);
        if (!last) break;
        from = last.offset + 1n;
      }
    throw new Error(`no ${type} of ${key} on ${topic}`);
  }
  async close(): Promise<void> {
    await this.bus.close();
    await this.store.close();
  }
}
