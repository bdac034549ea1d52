/** What a benchmark has started: ended in the reverse order when it is over, and when somebody interrupts it. */
import { removePostgres, type PostgresServer } from '@readmit/servers';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const signals = Object.keys(exitCodes) as (keyof typeof exitCodes)[];

export class Started {
  private readonly ends: (() => Promise<void>)[] = [];
  private ending: Promise<void> | undefined;
  private readonly onSignal = (signal: keyof typeof exitCodes): void => {
    if (!this.ending) process.stderr.write(`${signal}: stopping what was started\n`);
    this.end().then(
      () => process.exit(exitCodes[signal]),
      (error: unknown) => {
        process.stderr.write(`error: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };

  constructor() {
    for (const signal of signals) process.on(signal, this.onSignal);
  }

  /** What is interrupted while it begins is ended as soon as it has begun. */
  async start<Made>(begin: () => Promise<Made>, end: (made: Made) => Promise<void>): Promise<Made> {
    if (this.ending) throw new Error('the benchmark was interrupted');
    const beginning = begin();
    this.ends.push(async () => {
      const [begun] = await Promise.allSettled([beginning]);
      if (begun.status === 'fulfilled') await end(begun.value);
    });
    return beginning;
  }

  /** Idempotent. Continues after a failure, and throws the first. */
  end(): Promise<void> {
    this.ending ??= (async () => {
      const failures: unknown[] = [];
      for (const end of this.ends.reverse()) await end().catch((error: unknown) => failures.push(error));
      for (const signal of signals) process.removeListener(signal, this.onSignal);
      if (failures.length > 0) throw failures[0];
    })();
    return this.ending;
  }
}

/** For what the servers of this run keep. */
export const startFolder = (started: Started): Promise<string> =>
  started.start(
    () => mkdtemp(path.join(os.tmpdir(), 'readmit-bench-')),
    (made) => rm(made, { recursive: true, force: true }),
  );

export async function endPostgres(server: PostgresServer): Promise<void> {
  await server.stop();
  await removePostgres(server.dataDir);
}
