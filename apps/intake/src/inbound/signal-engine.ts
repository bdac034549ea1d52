import { showParked, stillParked, type Engine, type EngineOptions, type Parked } from '@readmit/runtime';
import { providerOfSignalTopic, type SignalProviders } from '@readmit/contracts';
import type { SignalIntake } from '../usecases/signal-intake.js';
import { SignalConsumer } from './signal-consumer.js';

/**
 * Intake's engine with the topics of the providers: they begin after it and end before it. Only Kafka has these topics; on the
 * embedded bus signals come over HTTP alone. Trouble with them shows in logs, lag and `says`, and never makes intake unready:
 * a provider's topic that cannot be read must not keep people from asking for their way back in.
 */
export function withSignals(
  engine: Engine,
  { bus, log, member, newId, store, maxBatch }: Required<Pick<EngineOptions, 'newId'>> & EngineOptions,
  { signals, providers }: { readonly signals: SignalIntake; readonly providers: SignalProviders },
): Engine {
  const consumer =
    bus.kind === 'kafka' && providers.size > 0
      ? new SignalConsumer({
          bus,
          signals,
          providers: [...providers.keys()],
          member: member ?? `${engine.service}-${newId()}`,
          log,
          ...(maxBatch === undefined ? {} : { maxBatch }),
        })
      : undefined;

  /** A parked signal is not an event of ours: it is read as what it is, whatever its time. */
  async function redrive(id: string, by: string): Promise<Parked | undefined> {
    const found = await showParked(store, id);
    if (found?.parked.state !== 'parked') return found?.parked;
    const read = signals.readRecord(found.record, true);
    const refused = read.ok ? await again(found.parked, read.signal, by) : read;
    if (refused) await stillParked(store, id, refused.reason, refused.says);
    return engine.parked.show(id);
  }
  async function again({ id, topic, reason, says }: Parked, signal: Parameters<SignalIntake['record']>[0], by: string) {
    const recorded = await signals.record(signal, { parkedId: id, by, topic, reason, says });
    return 'refused' in recorded ? recorded.refused : undefined;
  }

  return {
    ...engine,
    parked: {
      list: (filter) => engine.parked.list(filter),
      show: (id) => engine.parked.show(id),
      async settle(id, action, by) {
        const found = action === 'redrive' ? await engine.parked.show(id) : undefined;
        return found && providerOfSignalTopic(found.topic) !== undefined ? redrive(id, by) : engine.parked.settle(id, action, by);
      },
    },
    get counts() {
      const { recorded, repeated, refused } = signals.counts;
      return {
        signals_recorded: { says: 'Signals that were recorded.', value: recorded },
        signals_repeated: {
          says: 'Signals that had been recorded before: nothing changed. A rise is a provider that repeats itself.',
          value: repeated,
        },
        signals_refused: { says: 'Signals that were not taken; alert on a rise and look at the parked messages.', value: refused },
      };
    },
    async start() {
      await engine.start();
      consumer?.start();
    },
    async stop() {
      await consumer?.stop();
      await engine.stop();
    },
    async progress() {
      const progress = await engine.progress();
      if (!consumer) return progress;
      const behind = await consumer.lag().catch(() => undefined);
      // No number of ours would be right: what waits on those topics is not known.
      if (behind === undefined) return { ...progress, lag: null, says: `${progress.says}; the topics of signals cannot be read` };
      return { ...progress, lag: progress.lag === null ? null : progress.lag + Number(behind) };
    },
  };
}
