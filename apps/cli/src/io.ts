import { createInterface } from 'node:readline/promises';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';

export interface Sink {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}
export interface Stdout extends Sink {
  /** Settles once the text was taken over by whoever reads; rejects when nobody does (a closed pipe). */
  deliver(text: string): Promise<void>;
}

/** Everything outside the program, so that a spec runs a command without a process, a clock or a terminal. */
export interface Io {
  readonly stdout: Stdout;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof fetch;
  now(): Date;
  uuid(): string;
  sleep(milliseconds: number): Promise<void>;
  /** Asks a person; `undefined` when nobody is there to answer. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

export function processIo(): Io {
  return {
    stdout: {
      isTTY: process.stdout.isTTY,
      columns: process.stdout.columns,
      write: (text) => process.stdout.write(text),
      deliver: (text) => new Promise((resolve, reject) => void process.stdout.write(text, (error) => (error ? reject(error) : resolve()))),
    },
    stderr: process.stderr,
    env: process.env,
    fetch,
    now: () => new Date(),
    uuid: randomUUID,
    sleep: (milliseconds) => wait(milliseconds),
    confirm: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  };
}

async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(`${question} [y/N] `)).trim().toLowerCase() === 'y';
  } finally {
    lines.close();
  }
}
