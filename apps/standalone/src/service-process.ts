import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ServiceName } from '@readmit/contracts';
import type { Running } from './supervise.js';

export interface ServiceProcess extends Running {
  readonly url: string;
  readonly pid: number;
}

/** Seconds on a quiet machine. Six that start at once on a busy one need minutes. */
const readyWithinMs = 180_000;
/** A service drains within 10 s by itself. */
const stopWithinMs = 15_000;

/** Starts one service as its own process and waits until it says that it is ready. Its log goes to the file. When this rejects the process is gone. */
export async function startProcess(options: {
  readonly service: ServiceName;
  /** Folder of the built apps. */
  readonly appsDir: string;
  readonly env: Readonly<Record<string, string>> & { readonly PORT: string };
  readonly logFile: string;
  /** Ends the start. */
  readonly signal: AbortSignal;
}): Promise<ServiceProcess> {
  const { service, appsDir, env, logFile, signal } = options;
  const log = createWriteStream(logFile, { flags: 'a' });
  let said = '';
  const child = spawn(
    process.execPath,
    ['--import', pathToFileURL(path.join(appsDir, 'standalone', 'supervised.js')).href, path.join(appsDir, service, 'main.js')],
    {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // In a session of its own: Ctrl-C goes to the launcher alone, which stops the services before what they stand on.
      detached: true,
    },
  );
  child.stdin.on('error', () => undefined);
  child.stdout.pipe(log, { end: false });
  child.stderr.on('data', (bytes: Buffer) => {
    said = `${said}${bytes.toString('utf8')}`.slice(-4000);
    log.write(bytes);
  });
  let over = false;
  // `close` and not `exit`: what it said last is in the log then.
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not run: ${error.message}`));
    child.once('close', (code, by) => resolve(by === null ? `exit code ${code}` : `signal ${by}`));
  }).then((how) => {
    over = true;
    log.end();
    return how;
  });
  const stop = async (): Promise<void> => {
    if (!over) child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await ended;
    clearTimeout(late);
  };
  const url = `http://127.0.0.1:${env.PORT}`;
  const deadline = performance.now() + readyWithinMs;
  while (!over && !signal.aborted && performance.now() < deadline) {
    const ready = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) }).then(
      async (response) => {
        await response.body?.cancel();
        return response.ok;
      },
      () => false,
    );
    if (ready && !over) return { url, pid: child.pid ?? 0, ended, stop };
    await delay(50);
  }
  if (over) throw new Error(`${service} did not start (${await ended}); see ${logFile}\n${said}`);
  await stop();
  signal.throwIfAborted();
  throw new Error(`${service} was not ready within ${readyWithinMs / 1000} s; see ${logFile}`);
}
