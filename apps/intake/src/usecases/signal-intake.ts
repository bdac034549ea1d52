import { engineCrypto } from '@readmit/signing';
import { sentence, type Commands, type RefusedMessage } from '@readmit/runtime';
import type { TopicRecord } from '@readmit/bus';
import {
  providerOfSignalTopic,
  readSignal,
  type EventBinding,
  type EventMessage,
  type RefusedEvent,
  type Signal,
  type SignalProviders,
} from '@readmit/contracts';
import { announceParked, publishSignal, signalIdOf, signalKey, type Redriven, type CommandRefusal } from '@readmit/domain';
import type { SignalRow } from '../outbound/signal-rows.js';

export interface SignalIntakeOptions {
  readonly commands: Commands;
  readonly providers: SignalProviders;
  readonly now: () => Date;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}
/** Since the start of the process. `refused`: not accepted; the reason of each is in an event. */
export interface SignalCounts {
  recorded: number;
  repeated: number;
  refused: number;
}
export type Recorded = { readonly signalId: string; readonly repeated: boolean } | { readonly refused: CommandRefusal };

/** Every signal, over HTTP or Kafka, is accepted here: parsed, refused with a reason, or recorded once. */
export class SignalIntake {
  readonly counts: SignalCounts = { recorded: 0, repeated: 0, refused: 0 };

  constructor(private readonly options: SignalIntakeOptions) {}

  read(message: EventMessage, from: { readonly provider: string; readonly binding: EventBinding; readonly replayed?: boolean }) {
    const { providers, now } = this.options;
    return readSignal(message, { ...from, providers, now: now() });
  }

  /** The topic identifies the provider, because only that provider may write to it. */
  readRecord({ topic, headers, value, undecodable }: TopicRecord, replayed = false) {
    if (undecodable !== undefined) return { ok: false, reason: 'undecodable', message: undecodable } as const;
    return this.read({ headers, bytes: value }, { provider: providerOfSignalTopic(topic) ?? '', binding: 'kafka', replayed });
  }

  idOf(signal: Signal): string {
    return signalIdOf(signal, engineCrypto.digest);
  }

  /** Durable when it resolves. @throws {Error} if it could not be recorded. */
  async record(signal: Signal, redriven?: Redriven): Promise<Recorded> {
    const signalId = this.idOf(signal);
    const rows: SignalRow[] = redriven ? [{ kind: 'redriven', parkedId: redriven.parkedId }] : [];
    const done = await this.options.commands.command(
      { key: signalKey(signalId), name: 'publish-signal', actor: redriven?.by ?? signal.provider, rows },
      publishSignal(signal, signalId, redriven),
    );
    if ('refused' in done) return done;
    this.counts[done.reply.repeated ? 'repeated' : 'recorded']++;
    return { signalId, repeated: done.reply.repeated };
  }

  /** Records the refusal of a signal over HTTP, before the response. @throws {Error} if it could not be recorded. */
  async refuse(provider: string, { reason, message }: RefusedEvent, as: CommandRefusal['as']): Promise<CommandRefusal> {
    const refusal: CommandRefusal = { refused: true, as, rule: 'R8.3', reason, message };
    await this.options.commands.command({ key: 'http:publishSignal', name: 'publish-signal', actor: provider }, () => refusal);
    this.counts.refused++;
    return refusal;
  }

  /** Parks a signal with its bytes and emits the event about it once. @throws {Error} if it could not be stored. */
  async park(message: RefusedMessage): Promise<void> {
    const { topic, partition, offset } = message.record;
    const id = this.options.newId();
    const parkedId = `parked_${id}`;
    const row: SignalRow = { kind: 'park', id, message };
    const done = await this.options.commands.command(
      {
        key: `parked:${topic}/${partition}/${offset}`,
        name: 'park-signal',
        actor: providerOfSignalTopic(topic) ?? 'unknown',
        rows: [row],
      },
      // The record's key is untrusted text: it is stored in the row only.
      announceParked({ key: parkedId, parkedId, topic, reason: message.reason, says: sentence(message.message), action: 'parked' }),
    );
    if ('reply' in done && !done.reply.repeated) this.counts.refused++;
  }
}
