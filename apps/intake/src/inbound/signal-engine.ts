import { MessageLoop, ParkedStore, type Engine, type EngineOptions } from '@readmit/runtime';
import { providerOfSignalTopic, signalGroup, signalTopicOf, type Signal, type SignalProviders } from '@readmit/contracts';
import type { SignalIntake } from '../usecases/signal-intake.js';
import { SignalConsumer } from './signal-consumer.js';

/**
 * Intake's engine plus a loop that consumes the providers' topics; the loop starts after the engine and stops before it. Only Kafka has
 * these topics; on the embedded bus signals arrive over HTTP only. Their failures show in logs, lag and the readiness message, and never
 * make intake unready: a provider's unreadable topic must not keep people from requesting recovery.
 */
export function withSignals(
  engine: Engine,
  { bus, log, member, newId, store, maxBatch }: Required<Pick<EngineOptions, 'newId'>> & EngineOptions,
  { signals, providers }: { readonly signals: SignalIntake; readonly providers: SignalProviders },
): Engine {
  const loop =
    bus.kind === 'kafka' && providers.size > 0
      ? new MessageLoop(
          {
            service: engine.service,
            bus,
            group: signalGroup,
            topics: [...providers.keys()].map(signalTopicOf),
            member: member ?? `${engine.service}-${newId()}`,
            log,
            // The engine's metrics count events; signals are counted separately, below.
            counters: { batches: 0, messages: 0 },
            now: () => new Date(),
            maxBatch,
          },
          new SignalConsumer({ signals, log }),
        )
      : undefined;

  /** A parked signal is not one of Readmit's events: it is parsed as a signal, without the limits on its time. */
  const parkedSignals = new ParkedStore<{ readonly signal: Signal }>(store, {
    read(record) {
      const read = signals.readRecord(record, true);
      return read.ok ? read : { record, reason: read.reason, message: read.message };
    },
    async settle({ id, topic, reason, says }, _record, { by }, message) {
      if (!message) throw new Error('this is a bug: signals are discarded by the engine');
      const recorded = await signals.record(message.signal, { parkedId: id, by, topic, reason, says });
      return 'refused' in recorded ? recorded.refused : undefined;
    },
  });

  return {
    ...engine,
    parked: {
      list: (filter) => engine.parked.list(filter),
      show: (id) => engine.parked.show(id),
      async settle(id, action, by) {
        const found = action === 'redrive' ? await engine.parked.show(id) : undefined;
        return found && providerOfSignalTopic(found.topic) !== undefined
          ? parkedSignals.settle(id, action, by)
          : engine.parked.settle(id, action, by);
      },
    },
    get counts() {
      const { recorded, repeated, refused } = signals.counts;
      return {
        signals_recorded: { says: 'Signals recorded.', value: recorded },
        signals_repeated: {
          says: 'Signals that had been recorded before. An increase means that a provider sends duplicates.',
          value: repeated,
        },
        signals_refused: { says: 'Signals refused; alert on an increase and check the parked messages.', value: refused },
      };
    },
    async start() {
      await engine.start();
      loop?.startInBackground();
    },
    async stop() {
      await loop?.stop();
      await engine.stop();
    },
    async progress() {
      const progress = await engine.progress();
      if (!loop) return progress;
      const behind = await loop.lag().catch(() => undefined);
      // The lag of those topics is unknown, so any number would be wrong.
      if (behind === undefined) return { ...progress, lag: null, says: `${progress.says}; the signal topics cannot be read` };
      return { ...progress, lag: progress.lag === null ? null : progress.lag + Number(behind) };
    },
  };
}
