import type { ServiceName } from '@readmit/contracts';
import { isTransientSqlError, type Store } from '@readmit/store';
import { backoffMs, messageOf, type Log } from '@readmit/platform';
import { byKeyList } from './parked-rows.js';
import type { ParkedMessages } from './service-definition.js';
import { believe } from './believed-list.js';
import { loadKeyRing, whyNotToSign, type KeyRing, type PublicJwk } from '@readmit/signing';

/** A list of keys in a place where the operator replaces it. */
export interface KeyListSource {
  /** The list in use. */
  readonly text: string;
  /** What is there now. @throws {Error} it cannot be read. */
  read(): string;
  /** `text` from now on. */
  take(text: string): void;
}
export interface FollowKeyListOptions {
  readonly service: ServiceName;
  readonly ring: KeyRing;
  readonly root: PublicJwk;
  readonly list: KeyListSource;
  readonly environment: string;
  /** Of the service's own schema: it remembers the latest list that was believed. */
  readonly store: Pick<Store, 'query'>;
  /** The key that the service signs with. */
  readonly kid: string;
  readonly parked: ParkedMessages;
  readonly log: Log;
  /** Milliseconds between looks; default 2 000. */
  readonly everyMs?: number;
}

const atOnce = 200;

/**
 * Takes each later key list while the service runs, so that a key is rotated without a stop. What was parked because nobody knew its key is
 * tried again by itself once the list names the key: an unknown key id waits, and is never believed. A list that is older, of another environment
 * or not signed by the root changes nothing.
 */
export function followKeyList(options: FollowKeyListOptions): { close(): Promise<void> } {
  const { service, ring, root, list, environment, store, kid, parked, log, everyMs = 2_000 } = options;
  let seen = list.text;
  let told: string | undefined;
  /** A message that met the list before may only be parked after the first time that it is looked for. */
  let triesLeft = 2;
  let failures = 0;
  let closed = false;
  let timer: NodeJS.Timeout;
  let looking: Promise<void> = Promise.resolve();

  const tell = (trouble: string): void => {
    if (trouble !== told) log.error({ service, error: trouble }, 'service keys need attention');
    told = trouble;
  };
  const look = async (): Promise<void> => {
    const text = list.read();
    if (text !== seen) {
      const before = seen;
      seen = text;
      const later = await loadKeyRing(text, root, environment);
      await believe(store, later).catch((error: unknown) => {
        // Not the list's fault: it is looked at again.
        if (isTransientSqlError(error)) seen = before;
        throw error;
      });
      ring.adopt(later);
      list.take(text);
      told = undefined;
      triesLeft = 2;
      log.info({ service, issued: ring.issuedAt }, 'loaded a newer key list');
    }
    const why = whyNotToSign(ring, service, kid, new Date());
    const end = ring.get(kid)?.notAfter ?? Infinity;
    if (why !== undefined) tell(`${why}: this service can no longer publish events. Restart it with its new key`);
    else if (end !== Infinity) tell(`key ${kid} ends at ${new Date(end).toISOString()}: restart this service with its new key before that`);
    if (triesLeft === 0) return;
    const taken = await takeKnown(parked, () => closed);
    if (taken > 0) log.info({ service, messages: taken }, 're-drove parked messages whose key is now in the key list');
    triesLeft--;
  };
  const later = (): void => {
    timer = setTimeout(
      () => {
        looking = look()
          .then(
            () => (failures = 0),
            (error: unknown) => {
              failures++;
              tell(messageOf(error));
            },
          )
          .then(() => (closed ? undefined : later()));
      },
      Math.max(everyMs, failures > 0 ? backoffMs(failures) : 0),
    );
    timer.unref();
  };
  later();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** Tries all that wait for their key again; gives how many were taken. */
async function takeKnown(parked: ParkedMessages, stop: () => boolean): Promise<number> {
  let taken = 0;
  for (let skip = 0; ;) {
    const page = await parked.list({ state: 'parked', reason: 'unknown-key', limit: atOnce, skip });
    for (const { id } of page) {
      if (stop()) return taken;
      const after = await parked.settle(id, 'redrive', byKeyList);
      // What is refused for another reason by now is not on the next page.
      if (after?.state !== 'parked') taken++;
      else if (after.reason === 'unknown-key') skip++;
    }
    if (page.length < atOnce) return taken;
  }
}
