import type { ServiceFigures } from '@readmit/service';
import type { Store } from '@readmit/store';

/** Gauges of the live source with this name. Its age is absent until it was read completely. */
export const sourceFigures = (store: Pick<Store, 'query'>, name: string): ServiceFigures => ({
  gauges: {
    directory_source_age_seconds: 'Seconds since the live source of the directory was last read completely.',
    directory_source_failing: '1 while the last run of the live source failed or waits for an operator, otherwise 0.',
  },
  async read() {
    const [row] = await store.query<{ age: number | null; failing: boolean }>(
      `SELECT extract(epoch FROM clock_timestamp() - read_at)::float8 AS age, problem IS NOT NULL OR removals > 0 AS failing
       FROM directory_source WHERE source = $1`,
      [name],
    );
    return {
      ...(typeof row?.age === 'number' ? { directory_source_age_seconds: row.age } : {}),
      directory_source_failing: row?.failing === true ? 1 : 0,
    };
  },
});
