import type { Store } from '@readmit/store';
import { backoffMs, WakeUp, crashPoint } from '@readmit/platform';
import { KafkaError } from './kafka-error.js';
import type { Outbox, Unsent } from './outbox.js';
import type { Sender } from './sender.js';

export interface RelayOptions {
  readonly outbox: Outbox;
  readonly sender: Pick<Sender, 'send' | 'reach'>;
  readonly store: Pick<Store, 'transaction'>;
  /** What waits for longer was left by a process that died. */
  readonly graceMs: number;
  readonly onTrouble: (error: unknown) => void;
}

const eventsAtOnce = 1_000;

/**
 * Sends what a crash or an outage left in the outbox: oldest first, so in order along every key; one relay per service at a time,
 * by a row of its own schema that is locked until its transaction ends. While something lies here that must not be overtaken (after a failed send, and of a process
 * that is gone) everything goes this way until nothing waits.
 */
export class Relay {
  /** Nobody sends eagerly while this holds. */
  behind = false;
  private changed = false;
  private closed = false;
  private readonly wakeUp = new WakeUp();
  private loop: Promise<void> | undefined;

  constructor(private readonly options: RelayOptions) {}

  /** What lies here was left by a process before this one, or is under way in another: sent first, perhaps twice. */
  async start(): Promise<void> {
    this.behind = await this.options.outbox.hasUnsent(0);
    this.loop = this.run();
  }

  /** Something was committed that nobody else sends. */
  leave(): void {
    this.behind = true;
    this.changed = true;
    this.wakeUp.wake();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wakeUp.wake();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { outbox, graceMs, onTrouble } = this.options;
    for (let failures = 0; !this.closed;) {
      try {
        this.changed = false;
        if (this.behind) {
          // Without a way to the brokers no transaction is opened.
          await this.options.sender.reach();
          if ((await this.pass(0)) && !this.changed) this.behind = false;
        } else if (await outbox.hasUnsent(graceMs)) {
          await this.pass(graceMs);
        }
        failures = 0;
      } catch (error) {
        onTrouble(error);
        await this.wakeUp.wait(backoffMs(failures++));
        continue;
      }
      await this.wakeUp.wait(this.behind ? 50 : Math.max(graceMs / 2, 50));
    }
  }

  /** Once over everything that waits. `false`: another process is at it. */
  private async pass(olderThanMs: number): Promise<boolean> {
    const { outbox, store, onTrouble } = this.options;
    // What this process knows to be there is not sent again.
    await outbox.settle();
    for (let after = '0'; !this.closed;) {
      const done = await store.transaction(async (tx) => {
        const turn = await tx.query(`SELECT FROM turn WHERE name = 'relay' FOR UPDATE SKIP LOCKED`);
        if (turn.length === 0) return 'busy';
        const unsent = await outbox.unsent(tx, { after, olderThanMs, events: eventsAtOnce });
        for (const { batch, records } of unsent)
          if (records.length === 0) onTrouble(new Error(`the outbox has lost the events of transaction ${batch}: they cannot be sent`));
        await outbox.remove(tx, await this.send(unsent));
        return unsent.at(-1)?.batch;
      });
      if (done === 'busy') return false;
      if (done === undefined) return true;
      after = done;
    }
    return true;
  }

  /** Gives what may be taken away. Where Kafka refuses certain records, their transaction stays and the others go. */
  private async send(unsent: readonly Unsent[]): Promise<readonly string[]> {
    const records = unsent.flatMap((one) => one.records);
    if (records.length === 0) return unsent.map(({ batch }) => batch);
    try {
      crashPoint('relay.before-send');
      await this.options.sender.send(records);
      crashPoint('relay.after-send-before-remove');
      return unsent.map(({ batch }) => batch);
    } catch (error) {
      if (!(error instanceof KafkaError && error.aboutRecords)) throw error;
      if (unsent.length > 1) {
        const sent: string[] = [];
        for (const one of unsent) sent.push(...(await this.send([one])));
        return sent;
      }
      for (const { batch } of unsent) this.options.outbox.refuse(batch);
      this.options.onTrouble(error);
      return [];
    }
  }
}
