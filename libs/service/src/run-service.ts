import { messageOf } from '@readmit/platform';
import type { ServiceApp } from './service-app.js';
import { configurationExitCode, ConfigurationError, type SettingsSpec } from './settings/settings.js';
import { startService, type Environment, type RunningService, type StartOptions } from './start-service.js';

/** Milliseconds that a service may take to stop; orchestrators kill after 30 s. */
const drainWithinMs = 10_000;
const signals = ['SIGTERM', 'SIGINT'] as const;

/** The part of `process` that a service's life touches; specs bring their own. */
export interface Host {
  once(signal: (typeof signals)[number], listener: () => void): unknown;
  removeListener(signal: (typeof signals)[number], listener: () => void): unknown;
  exit(code: number): void;
  readonly stderr: { write(text: string): unknown };
}
export interface RunOptions extends StartOptions {
  readonly host?: Host;
  readonly drainWithinMs?: number;
}

/**
 * The whole life of a service's process: starts it, and on SIGTERM or SIGINT drains it and exits 0. Exit codes: 78 the configuration
 * is wrong (the list is on standard error), 1 it did not stop cleanly within 10 s. Rejects when it cannot start for another reason.
 */
export async function runService<S extends SettingsSpec>(
  app: ServiceApp<S>,
  env: Environment = process.env,
  options: RunOptions = {},
): Promise<void> {
  const host = options.host ?? process;
  let running: RunningService | undefined;
  const asked = new AbortController();
  const onSignal = () => {
    asked.abort();
    if (running) void drain(app.name, running, host, options.drainWithinMs ?? drainWithinMs);
  };
  for (const signal of signals) host.once(signal, onSignal);
  try {
    running = await startService(app, env, { ...options, signal: asked.signal });
  } catch (error) {
    for (const signal of signals) host.removeListener(signal, onSignal);
    if (asked.signal.aborted && error === asked.signal.reason) return host.exit(0);
    if (!(error instanceof ConfigurationError)) throw error;
    host.stderr.write(`${app.name} cannot start. ${error.message}\n`);
    host.exit(configurationExitCode);
    return;
  }
  // A signal that came while it started, and found nothing that waits, is obeyed now, when there is something whole to close.
  if (asked.signal.aborted) onSignal();
}

async function drain(name: string, running: RunningService, host: Host, withinMs: number): Promise<void> {
  let code: number | undefined;
  const exit = (outcome: number, says?: string) => {
    if (code !== undefined) return;
    code = outcome;
    clearTimeout(late);
    if (says !== undefined) host.stderr.write(`${name}: ${says}\n`);
    host.exit(outcome);
  };
  const late = setTimeout(
    () => exit(1, `did not stop within ${withinMs / 1000} s; exiting. Work in progress resumes after its lease expires.`),
    withinMs,
  );
  try {
    await running.stop();
    exit(0);
  } catch (error) {
    exit(1, messageOf(error));
  }
}
