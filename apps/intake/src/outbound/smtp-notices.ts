import { noticeSubjects } from '@readmit/domain';
import type { NoticeDeliveries } from './notice-deliveries.js';
import type { NoticePort } from './notice.js';
import type { SmtpRelay } from './smtp-relay.js';

/** Less than half a lease, at which a call is given up: what was accepted is reported, not lost with the call. */
const budgetMs = 12_000;

export interface SmtpNoticesOptions {
  readonly relay: SmtpRelay;
  /** The addresses of a person, as of now. @throws {Error} they are unknown. */
  readonly addressesOf: (person: string, signal: AbortSignal) => Promise<readonly string[]>;
  readonly deliveries: NoticeDeliveries;
  readonly budgetMs?: number;
}

/** Notices by mail: one mail to each address, never again to an address that accepted it. */
export function smtpNotices({ relay, addressesOf, deliveries, ...options }: SmtpNoticesOptions): NoticePort {
  return {
    channel: 'smtp',
    async send({ id, to, about, text, mayWait }, signal) {
      const stop = AbortSignal.any([signal, AbortSignal.timeout(options.budgetMs ?? budgetMs)]);
      const addresses = await addressesOf(to, stop);
      const { accepted, tried } = await deliveries.of(id);
      if (addresses.length === 0) return { addresses: accepted.size };
      if (mayWait) {
        const heldMs = await deliveries.turnOf(id, to);
        if (heldMs > 0) return { addresses: 0, heldMs };
      }
      const outcomes = { accepted: accepted.size, waiting: 0, refused: 0 };
      // One address that lets us wait is last at the next attempt, so that it does not keep the others from theirs.
      for (const address of addresses.filter((one) => !accepted.has(one)).toSorted((a, b) => tried.indexOf(a) - tried.indexOf(b))) {
        if (stop.aborted) {
          outcomes.waiting++;
          continue;
        }
        await deliveries.record(id, address, false);
        const outcome = await relay.send({ id, to: address, subject: noticeSubjects[about], text }, stop);
        if (outcome === 'accepted') await deliveries.record(id, address, true);
        outcomes[outcome]++;
      }
      return { addresses: outcomes.accepted, waiting: outcomes.waiting, refused: outcomes.refused };
    },
  };
}
