import type { ServiceFigures } from '@readmit/service';
import type { Store } from '@readmit/store';

/** Both are cheap: read from the end of an index. */
export const logFigures = (store: Store): ServiceFigures => ({
  gauges: {
    log_entries: 'Entries of the log. Alert if it ever decreases: the log was restored from a backup, or rewritten.',
    checkpoint_age_seconds:
      'Seconds since the last checkpoint was signed; every batch signs one. Alert when it is high while records wait.',
  },
  async read(): Promise<Readonly<Record<string, number>>> {
    const [row] = await store.query<{ size: string; age: number }>(
      `SELECT size, extract(epoch FROM clock_timestamp() - at)::float8 AS age FROM checkpoint ORDER BY size DESC LIMIT 1`,
    );
    return row ? { log_entries: Number(row.size), checkpoint_age_seconds: row.age } : { log_entries: 0 };
  },
});
