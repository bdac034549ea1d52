import { randomUUID } from 'node:crypto';
import { fstatSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { browserOf } from './browser.js';

export interface Sink {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}
export interface Stdout extends Sink {
  /** Resolves once the reader has accepted the text; rejects if there is none (a closed pipe). */
  deliver(text: string): Promise<void>;
  /** Why what is written arrives no more, EPIPE when the reader has gone; without it everything arrives. */
  lost?(): NodeJS.ErrnoException | undefined;
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
  /** Shows an address in a browser; absent where none is known. Whether one really opens is not known. */
  readonly openBrowser?: ((url: string) => void) | undefined;
  /** Everything on standard input. */
  readonly stdin?: (() => Promise<string>) | undefined;
  /** Asks a person; `undefined` when nobody is there to answer. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

export function processIo(): Io {
  return {
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    env: process.env,
    fetch,
    now: () => new Date(),
    uuid: randomUUID,
    sleep: (milliseconds) => wait(milliseconds),
    openBrowser: process.stderr.isTTY ? browserOf(process.platform, process.env) : undefined,
    stdin: () => text(process.stdin),
    confirm: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  };
}

interface Terminal {
  readonly fd?: number;
  readonly isTTY?: boolean;
  readonly columns?: number;
}
/** A stream that somebody else reads. That the reader goes away is kept and throws nothing: it changes nothing of what a command finds out. */
export function sinkOf(stream: Writable & Terminal): Stdout {
  let lost: NodeJS.ErrnoException | undefined;
  const keep = (error: Error | null | undefined): void => void (lost ??= error ?? undefined);
  stream.on('error', keep);
  const { fd } = stream;
  const toFile = typeof fd === 'number' && fstatSync(fd).isFile();
  const write = (text: string, done?: (error?: Error | null) => void): void => {
    if (!toFile) {
      stream.write(text, (error) => {
        keep(error);
        done?.(error);
      });
      return;
    }
    try {
      writeWhole(fd, Buffer.from(text));
    } catch (error) {
      keep(error as Error);
    }
    done?.(lost);
  };
  return {
    isTTY: stream.isTTY,
    columns: stream.columns,
    write: (text) => write(text),
    deliver: (text) => new Promise((resolve, reject) => write(text, (error) => (error ? reject(error) : resolve()))),
    lost: () => lost,
  };
}

/** Node's own stream writes to a file once and does not look how much was taken: on a disk that fills up the rest is lost without a word. */
function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(`${question} [y/N] `)).trim().toLowerCase() === 'y';
  } finally {
    lines.close();
  }
}
