/** The workers of a service, by lane: revocations have their own and never wait for the others. */
import type { Lane } from './service-definition.js';
import { Breakers, type OpenBreaker } from './breaker.js';
import { LaneWorkers } from './lane-workers.js';
import type { Transactor } from './transact.js';
import { ObjectsInUse } from './work-ahead.js';
import { laneOf } from './work-row.js';

/** Concurrent calls that revoke something, in addition to those of the other lanes. */
const urgentCalls = 8;

export class Workers {
  private readonly lanes = new Map<Lane, LaneWorkers>();

  private readonly breakers: Breakers;

  constructor(transactor: Transactor) {
    const { definition, workers = 32, log } = transactor.options;
    this.breakers = new Breakers(({ connector, lane, since, state }) => {
      const about = { service: definition.name, connector, lane, since: new Date(since).toISOString() };
      if (state === 'opened')
        log.warn(about, 'circuit breaker opened: the target cannot be reached; its work waits, and one call at a time is tried');
      else log.info(about, 'circuit breaker closed: the target can be reached again');
    });
    if (workers === 0) return;
    // A flood of read-only work gets at most half of the calls.
    const calls: Readonly<Record<Lane, number>> = { urgent: urgentCalls, ordinary: workers, reading: Math.ceil(workers / 2) };
    const objects = new ObjectsInUse();
    for (const kind of Object.keys(definition.work)) {
      const lane = laneOf(definition, kind);
      if (!this.lanes.has(lane))
        this.lanes.set(lane, new LaneWorkers(transactor, lane, calls[lane], lane === 'reading' ? undefined : objects, this.breakers));
    }
    transactor.onCommit((changeset) => {
      for (const { key, draft } of changeset.asked.values())
        this.lanes
          .get(laneOf(definition, draft.kind))
          ?.expect({ id: draft.id, key, also_keys: draft.alsoKeys, connector: draft.connector, object: draft.object }, draft.notBefore);
    });
  }

  /** Connectors that this process does not call now, but for one call at a time. */
  open(): readonly OpenBreaker[] {
    return this.breakers.open();
  }

  /** Revocations start at once: they must not wait for the backlog. */
  startUrgent(): void {
    this.lanes.get('urgent')?.start();
  }

  /** Everything else, once all messages that may forbid it have been processed. */
  startRest(): void {
    for (const [lane, workers] of this.lanes) if (lane !== 'urgent') workers.start();
  }

  /** Claims no more and waits for the calls in progress; each ends at half of its lease. */
  async stop(): Promise<void> {
    await Promise.all([...this.lanes.values()].map((workers) => workers.stop()));
  }
}
