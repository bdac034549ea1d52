import { catalogue, eventTypes } from '@readmit/contracts';
import { compileSchemas } from '@readmit/signing';
import type { Engine } from './service-definition.js';
import { CommandRunner } from './commands.js';
import { crashPoint, uuidv7 } from '@readmit/platform';
import { EventConsumer } from './consumer.js';
import { Inbox, topicsOf } from './inbox.js';
import { MessageLoop } from './message-loop.js';
import type { EngineOptions } from './options.js';
import { ParkedStore, redriveEvents } from './parking.js';
import { Transactor } from './transact.js';
import { Wakes } from './wakes.js';
import { Workers } from './workers.js';

/** How long a service may be behind without a batch before it counts as not ready. */
const stuckAfterMs = 30_000;

/** Makes a service of its definition: nothing runs before `start`; commands work without it. */
export function createEngine(options: EngineOptions): Engine {
  const { definition, store, log } = options;
  const newId = options.newId ?? uuidv7;
  const transactor = new Transactor(options, newId);
  const inbox = new Inbox(options);
  const consumer = new MessageLoop(
    {
      service: definition.name,
      bus: options.bus,
      group: definition.name,
      topics: topicsOf(definition),
      member: options.member ?? `${definition.name}-${newId()}`,
      log,
      counters: transactor.counters,
      now: () => transactor.now(),
      maxBatch: options.maxBatch,
    },
    new EventConsumer(transactor, inbox, newId),
  );
  const workers = new Workers(transactor);
  const wakes = new Wakes(transactor);
  const commands = new CommandRunner(transactor);
  const { observer } = options;
  if (observer?.emitted) transactor.onCommit((changeset) => observer.emitted?.(changeset.emittedEvents()));
  let startedAt: Date | undefined;
  let stopped: Promise<void> | undefined;

  return {
    service: definition.name,
    counters: transactor.counters,
    parked: new ParkedStore(store, redriveEvents(transactor, inbox)),
    command: (about, command) => commands.command(about, command),
    facts: (key) => commands.facts(key),
    refuse: async (about, refusal) => void (await commands.command(about, () => refusal)),
    async start() {
      // What it emits and what it reads; it looks into nothing else.
      compileSchemas(eventTypes.filter((type) => catalogue[type].producer === definition.name || inbox.reads(type)));
      await transactor.learnTime();
      await consumer.start();
      wakes.start();
      startedAt = new Date();
      workers.startUrgent();
      void consumer.caughtUp().then(() => (stopped ? undefined : workers.startRest()));
      log.info({ service: definition.name, bus: options.bus.kind }, 'started');
    },
    stop() {
      stopped ??= (async () => {
        await consumer.stop();
        crashPoint('drain.during');
        await Promise.all([workers.stop(), wakes.stop()]);
        await transactor.idle();
        log.info({ service: definition.name }, 'stopped');
      })();
      return stopped;
    },
    openBreakers: () => workers.open(),
    async progress() {
      const [counts] = await store.query<{ waiting: number; parked: number }>(
        // One count a state: each has a partial index of its own, and done work is never read.
        `SELECT ((SELECT count(*) FROM work WHERE state = 'waiting') + (SELECT count(*) FROM work WHERE state = 'running' AND stands_in_for IS NULL))::integer AS waiting,
           (SELECT count(*) FROM parked WHERE state = 'parked')::integer AS parked`,
      );
      const lag = startedAt ? Number((await consumer.lag()) ?? 0n) : 0;
      const moved = Math.max(startedAt?.getTime() ?? 0, consumer.lastBatchAt?.getTime() ?? 0);
      const stuck = lag > 0 && transactor.now().getTime() - moved > stuckAfterMs;
      const ready = startedAt !== undefined && stopped === undefined && !stuck;
      const says = stopped
        ? 'stopped'
        : startedAt === undefined
          ? 'not started'
          : stuck
            ? `${lag} messages behind and nothing was taken for ${stuckAfterMs / 1000} s`
            : lag > 0
              ? `${lag} messages behind and moving`
              : 'up to date';
      return {
        ready,
        lag,
        lastBatchAt: consumer.lastBatchAt?.toISOString() ?? null,
        workWaiting: counts?.waiting ?? 0,
        parked: counts?.parked ?? 0,
        says,
      };
    },
  };
}
