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
/** Since the start; `refused` counts what was not taken, each with its reason in an event. */
export interface SignalCounts {
  recorded: number;
  repeated: number;
  refused: number;
}
export type Recorded = { readonly signalId: string; readonly repeated: boolean } | { readonly refused: CommandRefusal };

/** The one way of a signal into the system, whichever way it came: read, refuse by name, record once. */
export class SignalIntake {
  readonly counts: SignalCounts = { recorded: 0, repeated: 0, refused: 0 };

  constructor(private readonly options: SignalIntakeOptions) {}

  read(message: EventMessage, from: { readonly provider: string; readonly binding: EventBinding; readonly replayed?: boolean }) {
    const { providers, now } = this.options;
    return readSignal(message, { ...from, providers, now: now() });
  }

  /** A record of a topic: the topic says whose it is, because its provider alone may write there. */
  readRecord({ topic, headers, value, undecodable }: TopicRecord, replayed = false) {
    if (undecodable !== undefined) return { ok: false, reason: 'undecodable', message: undecodable } as const;
    return this.read({ headers, bytes: value }, { provider: providerOfSignalTopic(topic) ?? '', binding: 'kafka', replayed });
  }

  idOf(signal: Signal): string {
    return signalIdOf(signal, engineCrypto.digest);
  }

  /** Durable when it resolves. @throws {Error} it could not be recorded. */
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

  /** Puts what cannot be taken on record for somebody who waits for an answer (HTTP). @throws {Error} it could not be recorded. */
  async refuse(provider: string, { reason, message }: RefusedEvent, as: CommandRefusal['as']): Promise<CommandRefusal> {
    const refusal: CommandRefusal = { refused: true, as, rule: 'R8.3', reason, message };
    await this.options.commands.command({ key: 'http:publishSignal', name: 'publish-signal', actor: provider }, () => refusal);
    this.counts.refused++;
    return refusal;
  }

  /** Puts what cannot be taken among the parked messages, with its bytes, and announces it once. @throws {Error} it could not be kept. */
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
      // The key of the record is a stranger's text: it stays in the row.
      announceParked({ key: parkedId, parkedId, topic, reason: message.reason, says: sentence(message.message), action: 'parked' }),
    );
    if ('reply' in done && !done.reply.repeated) this.counts.refused++;
  }
}
