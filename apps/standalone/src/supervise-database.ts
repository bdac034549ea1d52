import { startPostgres, type PostgresServer } from '@readmit/servers';
import { supervise, type Running, type Supervised } from './supervise.js';

/**
 * Readmit's own embedded database. One that ends by itself is started again on the same port and data folder, so that the
 * services find it where it was. While processes of a killed server still hold its memory the new one refuses to start: it is
 * tried again.
 */
export function superviseDatabase(options: {
  readonly dataDir: string;
  readonly port: number;
  readonly log: (line: string) => void;
  readonly onGivenUp: (says: string) => void;
  readonly signal?: AbortSignal;
}): Promise<Supervised<PostgresServer & Running>> {
  const { dataDir, port, ...supervising } = options;
  const said: string[] = [];
  const hear = (line: string): void => {
    // Where the data really lies is for people; the rest is told when the server is given up.
    if (/^the (data of|user postgres) /.test(line)) options.log(`PostgreSQL: ${line}`);
    said.push(line);
    if (said.length > 20) said.shift();
  };
  return supervise({
    ...supervising,
    name: 'PostgreSQL',
    async start() {
      const server = await startPostgres({ dataDir, port, log: hear });
      return { ...server, ended: server.exited.then((code) => (code === null ? 'by a signal' : `exit code ${code}`)) };
    },
    lastLines: async () => said.join('\n'),
  });
}
