/** Providers' topics in memory, behind the port of the bus: offsets move in `afterCommit`, as on Kafka. */
import type { Batch, Bus, Subscription, TopicRecord } from '@readmit/bus';
import { signalGroup } from '@readmit/contracts';

/** One partition per topic; unconfirmed records are delivered again to the next subscription. */
export class ProviderTopics {
  readonly subscribed: { readonly group: string; readonly topics: readonly string[]; readonly member: string }[] = [];
  /** The group's offset: how many records are confirmed. */
  position = 0;
  confirmations = 0;
  /** Number of open subscriptions. */
  open = 0;
  /** Errors that the named operations throw until this is reset. */
  broken: { subscribe?: Error; next?: Error; confirm?: Error } = {};
  private readonly records: TopicRecord[] = [];
  private wakeUp: () => void = () => {};

  write(topic: string, message: Pick<TopicRecord, 'headers' | 'value' | 'undecodable'>): void {
    const offset = BigInt(this.records.filter((record) => record.topic === topic).length);
    this.records.push({ topic, partition: 0, offset, key: '', ...message });
    this.wakeUp();
  }

  subscribe = async (options: (typeof this.subscribed)[number]): Promise<Subscription> => {
    if (this.broken.subscribe) throw this.broken.subscribe;
    this.subscribed.push(options);
    this.open++;
    let read = this.position;
    let closed = false;
    return {
      next: async (max) => {
        if (this.broken.next) throw this.broken.next;
        while (!closed && read >= this.records.length) await new Promise<void>((resolve) => (this.wakeUp = resolve));
        if (closed) return undefined;
        const records = this.records.slice(read, read + max);
        read += records.length;
        return this.batch(records, read);
      },
      lag: async () => BigInt(this.records.length - this.position),
      close: async () => {
        if (!closed) this.open--;
        closed = true;
        this.wakeUp();
      },
    };
  };

  private batch(records: readonly TopicRecord[], to: number): Batch {
    return {
      records,
      commit: () => Promise.reject(new Error('the position of this bus does not move in a transaction')),
      afterCommit: async () => {
        if (this.broken.confirm) throw this.broken.confirm;
        this.position = to;
        this.confirmations++;
      },
    };
  }
}

/** The given bus plus the providers' topics. */
export const withProviderTopics = (bus: Bus, topics: ProviderTopics): Bus =>
  new Proxy(bus, {
    get(target, name) {
      if (name === 'kind') return 'kafka';
      if (name === 'subscribe')
        return (options: Parameters<Bus['subscribe']>[0]) =>
          options.group === signalGroup ? topics.subscribe(options) : target.subscribe(options);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
