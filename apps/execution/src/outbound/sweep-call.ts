import { createHash } from 'node:crypto';
import type { Facet } from '@readmit/contracts';
import type { Call } from '@readmit/runtime';
import { planGranted, type Swept } from '@readmit/domain';
import { connectorOf, type Connectors } from './connectors.js';
import type { SweepPace } from './sweep-pace.js';

/** Beyond so many accounts the oldest reading is forgotten: a difference there is raised one reading later. */
const mostRemembered = 20_000;

/** Reads one account again, with the same reading as for the plan. It changes nothing and decides nothing. */
export function sweepCall(connectors: Connectors, pace: SweepPace): Call<Swept> {
  const seen = new Map<string, { readonly digest: string; readonly since: string }>();
  return async (work, facts, signal) => {
    const plan = planGranted(facts)?.data.plan;
    if (!plan) throw new Error('this is a bug: sweeping without a plan');
    const now = work.now();
    const later = pace.ask(work.connector, work.id, now);
    if (later) return { later };
    try {
      const readAt = now.toISOString();
      const facets: Facet[] = [];
      for (const ask of plan.asks)
        if (ask.connector === work.connector && ask.object === work.object)
          facets.push(...(await connectorOf(connectors, ask.connector).read(ask, signal)));
      const digest = createHash('sha256').update(JSON.stringify(facets)).digest('base64');
      const before = seen.get(work.id);
      const since = before?.digest === digest ? before.since : readAt;
      seen.delete(work.id);
      seen.set(work.id, { digest, since });
      for (const [oldest] of seen) {
        if (seen.size <= mostRemembered) break;
        seen.delete(oldest);
      }
      return { facets, readAt, sameSince: since };
    } finally {
      pace.done(work.connector);
    }
  };
}
