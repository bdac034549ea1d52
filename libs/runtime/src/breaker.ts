/**
 * Stops calling a target that cannot be reached, so that calls which would hang take no places. Each lane learns by itself: an undo is not put
 * off for what a reading saw. After a pause one call is tried, and all follow when it reaches the target. Work that waits for this is not
 * claimed: it stays due, uses up no try, and is never given up here. Libraries such as opossum and cockatiel wrap a call and reject it; here the
 * decision comes before the claim, for a search as well, and only one row may be the trial.
 */
import { TargetError, type Lane } from '@readmit/domain';

/** Calls in a row that did not reach the target. */
const failuresToOpen = 5;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** A connector whose calls are put off. */
export interface OpenBreaker {
  readonly connector: string;
  readonly lane: Lane;
  /** Milliseconds since 1970. */
  readonly since: number;
}
/** What a call shows about its target. */
export type Reach = 'reached' | 'unreached' | 'unknown';

interface State {
  failures: number;
  open: { readonly since: number; tryAt: number; pauseMs: number } | undefined;
  /** Id of the work that tries for all. */
  trial: string | undefined;
}
type At = { readonly id: string; readonly connector: string };

/** One for all lanes of a process. Instants are milliseconds since 1970. */
export class Breakers {
  private readonly lanes = new Map<Lane, Map<string, State>>();

  constructor(private readonly onChange: (change: OpenBreaker & { readonly state: 'opened' | 'closed' }) => void) {}

  /** When work at the connector may be claimed; infinite: not before the trial is over. */
  from(lane: Lane, connector: string): number {
    const state = this.stateOf(lane, connector);
    if (!state?.open) return 0;
    return state.trial === undefined ? state.open.tryAt : Infinity;
  }

  /** The work is about to be claimed: at an open breaker it is the trial. */
  claim(lane: Lane, { id, connector }: At): void {
    const state = this.stateOf(lane, connector);
    if (state?.open) state.trial ??= id;
  }

  /** Whether a claim that waits for its call should be given back: the breaker has opened since. */
  refuses(lane: Lane, { id, connector }: At): boolean {
    const state = this.stateOf(lane, connector);
    return state?.open !== undefined && state.trial !== id;
  }

  /** Whether it was called or not: another may be the trial. */
  over(lane: Lane, { id, connector }: At): void {
    const state = this.stateOf(lane, connector);
    if (state?.trial === id) state.trial = undefined;
  }

  /** What a call showed. A call that began before the breaker opened prolongs no pause. */
  saw(lane: Lane, { id, connector }: At, reach: Reach, now: number): void {
    if (reach === 'reached') this.close(lane, connector, now);
    if (reach !== 'unreached') return;
    const state = this.stateOf(lane, connector) ?? { failures: 0, open: undefined, trial: undefined };
    this.statesOf(lane).set(connector, state);
    state.failures++;
    if (state.open && state.trial === id) {
      state.open.pauseMs = Math.min(longestPauseMs, state.open.pauseMs * 2);
      state.open.tryAt = now + state.open.pauseMs;
    }
    if (state.open || state.failures < failuresToOpen) return;
    state.open = { since: now, tryAt: now + firstPauseMs, pauseMs: firstPauseMs };
    this.onChange({ connector, lane, since: now, state: 'opened' });
  }

  /** Those that are open, of one lane or of all. */
  open(only?: Lane): readonly OpenBreaker[] {
    return [...this.lanes].flatMap(([lane, states]) =>
      only !== undefined && only !== lane
        ? []
        : [...states].flatMap(([connector, { open }]) => (open ? [{ connector, lane, since: open.since }] : [])),
    );
  }

  /** The other lanes only try at once: a target may answer readings and still hang at changes. */
  private close(lane: Lane, connector: string, now: number): void {
    const own = this.stateOf(lane, connector);
    this.lanes.get(lane)?.delete(connector);
    if (own?.open) this.onChange({ connector, lane, since: own.open.since, state: 'closed' });
    for (const [other, states] of this.lanes) {
      const open = other === lane ? undefined : states.get(connector)?.open;
      if (open) open.tryAt = Math.min(open.tryAt, now);
    }
  }

  private stateOf(lane: Lane, connector: string): State | undefined {
    return this.lanes.get(lane)?.get(connector);
  }

  private statesOf(lane: Lane): Map<string, State> {
    const states = this.lanes.get(lane) ?? new Map<string, State>();
    this.lanes.set(lane, states);
    return states;
  }
}

/** The call did not end in its time, though it was told to. */
export class CallNeverEnded extends Error {}

/**
 * What a call for work at the connector shows about it. A refusal is an answer. An error that no target threw shows nothing: the call may not
 * have been made. Nor does one of another connector that the work also calls.
 */
export function reachOf(error: Error | undefined, connector: string): Reach {
  if (error instanceof CallNeverEnded) return 'unreached';
  if (error instanceof TargetError && error.connector !== undefined && error.connector !== connector) return 'unknown';
  if (error instanceof TargetError) return error.code === 'unreachable' || error.code === 'timeout' ? 'unreached' : 'reached';
  return error ? 'unknown' : 'reached';
}

/** In place of an outcome: the call was not made, and its work waits again as if it had not been claimed. */
export class PutOff {
  constructor(readonly why: string) {}
}
