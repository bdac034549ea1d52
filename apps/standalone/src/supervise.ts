import { backoffMs, messageOf } from '@readmit/platform';
import { setTimeout as delay } from 'node:timers/promises';

/** Something that runs by itself and may end by itself. */
export interface Running {
  /** Resolves when the process has ended for any reason, with how it ended: `signal SIGKILL`, `exit code 1`. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export interface SuperviseOptions<R extends Running> {
  readonly name: string;
  /** Resolves when it is ready. MUST leave nothing running when it rejects; SHOULD reject soon after the abort. */
  readonly start: (signal: AbortSignal) => Promise<R>;
  /** One line for each time that it is started again. */
  readonly log: (line: string) => void;
  /** It ended too often and is not started any more. */
  readonly onGivenUp: (says: string) => void;
  /** What it said last, for the one who must find out why it does not stay. */
  readonly lastLines: () => Promise<string>;
  /** Ends the first start. */
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface Supervised<R extends Running> {
  /** The one that runs or, while it is away, the last one. */
  current(): R;
  /** Stops it and starts nothing any more. Idempotent. */
  stop(): Promise<void>;
}

/** This many starts within the window are a crash loop: what is wrong then does not go away by itself. */
const mostStarts = 10;
const windowMs = 60_000;
const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** Starts it and, whenever it ends by itself, starts it again: after 0.2 s, 0.4 s ... 5 s. The first start is not repeated: its failure is the caller's. */
export async function supervise<R extends Running>(options: SuperviseOptions<R>): Promise<Supervised<R>> {
  const { name, log, now = () => performance.now(), wait = pause } = options;
  const stopping = new AbortController();
  const starts: number[] = [];
  const start = (signal: AbortSignal): Promise<R> => {
    starts.push(now());
    return options.start(signal);
  };
  let current = await start(options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal);
  let restarting: Promise<boolean> | undefined;

  /** True when it runs again. */
  const again = async (ended: string): Promise<boolean> => {
    for (let how = ended; !stopping.signal.aborted;) {
      while (starts[0] !== undefined && now() - starts[0] >= windowMs) starts.shift();
      if (starts.length >= mostStarts) {
        const last = (await options.lastLines()).trimEnd();
        options.onGivenUp(
          `${name} was started ${starts.length} times within a minute and exited each time (${how}): giving up.${last === '' ? '' : ` Its last output:\n${last}`}`,
        );
        return false;
      }
      const pauseMs = backoffMs(Math.max(0, starts.length - 1), firstPauseMs, longestPauseMs);
      log(`restarting ${name} in ${pauseMs / 1000} s: it exited unexpectedly (${how})`);
      await wait(pauseMs, stopping.signal);
      if (stopping.signal.aborted) return false;
      try {
        current = await start(stopping.signal);
        return true;
      } catch (error) {
        how = `it did not start: ${messageOf(error).split('\n', 1)[0] ?? ''}`;
      }
    }
    return false;
  };
  const watch = async (): Promise<void> => {
    for (;;) {
      const how = await current.ended;
      if (stopping.signal.aborted) return;
      restarting = again(how);
      if (!(await restarting)) return;
      restarting = undefined;
    }
  };
  const watching = watch();
  let stopped: Promise<void> | undefined;
  return {
    current: () => current,
    stop: () =>
      (stopped ??= (async () => {
        stopping.abort();
        // A start under way ends first, one way or the other: what it started is the current one then.
        await restarting;
        await current.stop();
        await watching;
      })()),
  };
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
