import { supervise, type Running, type Supervised } from './supervise.js';

interface Server {
  stop(): Promise<void>;
}

/**
 * A server of our own that the services or the people need. One that ends by itself is started again on the same ports and data folder, so that
 * its clients find it where it was.
 */
export function superviseServer<S extends Server>(options: {
  readonly name: string;
  readonly start: (log: (line: string) => void) => Promise<S>;
  /** Resolves with the exit code when the server ends without `stop`. */
  readonly failed: (server: S) => Promise<number | null>;
  readonly log: (line: string) => void;
  readonly onGivenUp: (says: string) => void;
  readonly signal?: AbortSignal;
}): Promise<Supervised<S & Running>> {
  const { start, failed, ...supervising } = options;
  const said: string[] = [];
  const take = (line: string): void => {
    // These steps take minutes the first time.
    if (isProgress(line)) options.log(line);
    said.push(line);
    if (said.length > 20) said.shift();
  };
  let last: S | undefined;
  return supervise({
    ...supervising,
    async start() {
      // Releases its folder first.
      await last?.stop();
      const server = (last = await start(take));
      const stop = server.stop.bind(server);
      const stopped = Promise.withResolvers<string>();
      const ended = failed(server).then((code) => (code === null ? 'by a signal' : `exit code ${code}`));
      return Object.assign(server, {
        ended: Promise.race([ended, stopped.promise]),
        stop: () => stop().finally(() => stopped.resolve('stopped')),
      });
    },
    lastLines: async () => said.join('\n'),
  });
}

export const isProgress = (line: string): boolean => /^(fetching|downloading|building) /.test(line);
