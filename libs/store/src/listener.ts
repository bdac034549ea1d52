import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@readmit/platform';
import pg from 'pg';

/** A LISTEN under way. */
export interface Listening {
  close(): Promise<void>;
}

interface ListenOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly channel: string;
  readonly onNotify: (payload: string) => void;
}

/**
 * LISTENs until closed. The first connection must succeed; a lost one is made again with pauses from 50 ms to 5 s, and then
 * `onNotify('')` runs, because notifications sent meanwhile are gone.
 */
export async function listenOn({ url, applicationName, channel, onNotify }: ListenOptions): Promise<Listening> {
  const closing = new AbortController();
  let client: pg.Client | undefined;

  const connect = async (): Promise<{ readonly lost: Promise<void> }> => {
    const next = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      connectionTimeoutMillis: 30_000,
    });
    // Without a listener an error of an idle connection would end the process; `end` follows each of them.
    next.on('error', () => undefined);
    next.on('notification', (message) => onNotify(message.payload ?? ''));
    const lost = new Promise<void>((resolve) => next.once('end', () => resolve()));
    try {
      await next.connect();
      await next.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      await next.end().catch(() => undefined);
      throw error;
    }
    client = next;
    return { lost };
  };

  const keep = async (first: Promise<void>): Promise<void> => {
    let lost = first;
    for (let failures = 0; ;) {
      await lost;
      if (closing.signal.aborted) return;
      try {
        lost = (await connect()).lost;
        failures = 0;
        if (closing.signal.aborted) await client?.end();
        else onNotify('');
      } catch {
        await delay(backoffMs(failures++), undefined, { signal: closing.signal }).catch(() => undefined);
        lost = Promise.resolve();
      }
    }
  };

  const kept = keep((await connect()).lost);
  return {
    close: async () => {
      closing.abort();
      await client?.end().catch(() => undefined);
      await kept;
    },
  };
}
