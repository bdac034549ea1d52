import { startKafka, type KafkaServer } from '@readmit/servers';
import { supervise, type Running, type Supervised } from './supervise.js';

/**
 * An Apache Kafka of our own, with a user for everybody who signs in. One that ends by itself is started again on the same ports and
 * data folder, so that the services find it where it was.
 */
export function superviseKafka(options: {
  readonly dataDir: string;
  readonly users: readonly string[];
  readonly log: (line: string) => void;
  readonly onGivenUp: (says: string) => void;
  readonly signal?: AbortSignal;
}): Promise<Supervised<KafkaServer & Running>> {
  const { dataDir, users, ...supervising } = options;
  const said: string[] = [];
  const hear = (line: string): void => {
    // Fetching takes its time, and people wait.
    if (line.startsWith('fetching')) options.log(line);
    said.push(line);
    if (said.length > 20) said.shift();
  };
  let last: KafkaServer | undefined;
  return supervise({
    ...supervising,
    name: 'Kafka',
    async start() {
      // Gives its folder back first.
      await last?.stop();
      const server = (last = await startKafka({ dataDir, users, log: hear }));
      const { stop } = server;
      const stopped = Promise.withResolvers<string>();
      return Object.assign(server, {
        ended: Promise.race([endOf(server), stopped.promise]),
        stop: () => stop().finally(() => stopped.resolve('stopped')),
      });
    },
    lastLines: async () => said.join('\n'),
  });
}

async function endOf(server: KafkaServer): Promise<string> {
  const { code } = await server.failed;
  return code === null ? 'by a signal' : `exit code ${code}`;
}
