/** One Kafka node as a process: starts it, waits until it is ready, ends it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { readyLine } from './kafka-layout.js';
import type { KafkaPrograms } from './kafka-jars.js';

export interface BrokerProcess {
  readonly pid: number;
  /** Resolves with the exit code when the process has ended; `null` after a signal. */
  readonly exited: Promise<number | null>;
  /** Shuts it down and waits; killed after a timeout, which loses nothing that was acknowledged. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
}

export interface BrokerLaunch {
  readonly id: number;
  readonly programs: KafkaPrograms;
  readonly properties: string;
  readonly logging: string;
  readonly log: (line: string) => void;
  /** Called as soon as the process exists, long before it is ready. */
  readonly started: (pid: number) => Promise<void>;
}

const stopTimeoutMs = 20_000;

/** Resolves when the node is registered and listening. */
export async function launchBroker({ id, programs, properties, logging, log, started }: BrokerLaunch): Promise<BrokerProcess> {
  const memory = ['-Xms256m', '-Xmx512m', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
  const args = [...memory, `-Dlog4j2.configurationFile=${logging}`, '-cp', programs.classPath, 'kafka.Kafka', properties];
  // In its own session, so that Ctrl-C reaches only the launcher, which stops the broker last.
  const child = spawn(programs.java, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  // Last resort if this process ends without `stop`, also during the start.
  const onExit = (): void => void child.kill('SIGTERM');
  process.once('exit', onExit);
  void exited.then(() => process.removeListener('exit', onExit));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const hard = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(hard);
  };
  const becameReady = ready(child, id, exited, log);
  try {
    if (child.pid !== undefined) await started(child.pid);
    await becameReady;
  } catch (error) {
    await becameReady.catch(() => undefined);
    if (child.pid !== undefined) await end('SIGKILL');
    throw error;
  }
  return { pid: child.pid ?? 0, exited, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

async function ready(child: ChildProcess, id: number, exited: Promise<number | null>, log: (line: string) => void): Promise<void> {
  if (!child.stdout || !child.stderr) throw new Error('this is a bug: the broker has no log');
  const last: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new Error('Kafka could not be started', { cause: error })));
    const seen = (line: string): void => {
      log(`kafka ${id}: ${line}`);
      if (last.push(line) > 20) last.shift();
      if (line.includes(readyLine)) resolve();
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', seen);
    void exited.then((code) => reject(new Error(`Kafka's node ${id} ended while starting (exit code ${code}):\n${last.join('\n')}`)));
  });
}
