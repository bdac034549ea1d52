import type { ServiceFigures } from '@readmit/service';
import type { Store } from '@readmit/store';

/** Both are read from the end of an index. */
export const logFigures = (store: Store): ServiceFigures => ({
  gauges: {
    log_entries: 'Entries of the log; alert when it ever falls: that is the log of another time, or a rewritten one.',
    checkpoint_age_seconds: 'Since the last signed state of the log, which every batch brings; alert when it is high while records wait.',
  },
  async read(): Promise<Readonly<Record<string, number>>> {
    const [row] = await store.query<{ size: string; age: number }>(
      `SELECT size, extract(epoch FROM clock_timestamp() - at)::float8 AS age FROM checkpoint ORDER BY size DESC LIMIT 1`,
    );
    return row ? { log_entries: Number(row.size), checkpoint_age_seconds: row.age } : { log_entries: 0 };
  },
});
