import path from 'node:path';
import { startPostgres } from '@readmit/servers';
import { prepareTarget, type PreparedTarget } from './prepare-target.js';

export interface RunningTarget extends PreparedTarget {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a second embedded PostgreSQL, apart from Readmit's own, as the system that access is restored to. */
export async function startTarget(options: {
  readonly dataDir: string;
  readonly port?: number;
  readonly log?: (line: string) => void;
}): Promise<RunningTarget> {
  const server = await startPostgres(options);
  try {
    const prepared = await prepareTarget(server.url, { secretsDir: path.join(server.dataDir, 'secrets') });
    return { ...prepared, port: server.port, stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
