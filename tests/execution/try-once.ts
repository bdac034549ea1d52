/** One try of a piece of slow work, like in the engine but without a database: `begin`, `call` and `finish` of the real handler. */
import type { ServiceDefinition, Work, WorkHandler } from '@readmit/runtime';
import type { Draft } from '@readmit/contracts';
import type { Begun, Context, Facts, WorkDraft } from '@readmit/domain';

export interface WorkRow {
  readonly draft: WorkDraft;
  readonly key: string;
  alsoKeys: readonly string[];
  state: 'waiting' | 'running' | 'done' | 'cancelled';
  notBefore: Date;
  tries: number;
  began: boolean;
}
export const newRow = (draft: WorkDraft, key: string): WorkRow => ({
  ...{ draft, key, alsoKeys: draft.alsoKeys, state: 'waiting', notBefore: draft.notBefore, tries: 0, began: false },
});

/** What the try needs from a test. */
export interface Surroundings {
  readonly handlers: ServiceDefinition['work'];
  readonly now: () => Date;
  readonly look: (row: WorkRow) => { readonly facts: Facts; readonly context: Context };
  /** Stores what the try emitted, and all that follows from it. */
  readonly emit: (row: WorkRow, drafts: readonly Draft[]) => void;
  /** In place of the query before a call, which tells whether the work may continue. */
  readonly still: () => boolean;
  /** Runs during the call: what others do meanwhile. */
  readonly meanwhile: () => void;
  /** Whether the worker was killed between call and result. */
  readonly lost: () => boolean;
}

export async function tryOnce(row: WorkRow, around: Surroundings): Promise<'later' | 'done' | 'again' | 'lost'> {
  row.tries += 1;
  const begun = begin(row, around);
  if (begun.go === 'later') {
    row.tries -= 1;
    row.alsoKeys = begun.alsoKeys ?? row.alsoKeys;
    row.notBefore = begun.notBefore;
    return 'later';
  }
  around.emit(row, begun.emit);
  if (!begun.go) {
    row.state = 'done';
    return 'done';
  }
  row.state = 'running';
  const { facts } = around.look(row);
  around.meanwhile();
  const still = (about?: { readonly began?: boolean }): Promise<boolean> => {
    const held = stateOf(row) !== 'cancelled' && around.still();
    if (held && about?.began) row.began = true;
    return Promise.resolve(held);
  };
  const work = { ...workOf(row, around), input: { ...row.draft.input, ...begun.input } };
  const outcome = await handlerOf(row, around)
    .call(work, facts, new AbortController().signal, still)
    .catch((error: unknown) => ({ error: error instanceof Error ? error : new Error(String(error)) }));
  // The next worker finds the change at the target, but no record of it.
  if (around.lost()) {
    if (stateOf(row) === 'running') row.state = 'waiting';
    return 'lost';
  }
  return finish(row, outcome, around);
}

export function begin(row: WorkRow, around: Surroundings): Begun {
  const { facts, context } = around.look(row);
  return handlerOf(row, around).begin(workOf(row, around), facts, context);
}

export function finish(row: WorkRow, outcome: unknown, around: Surroundings): 'done' | 'again' {
  const { facts, context } = around.look(row);
  const { emit, retryAt } = handlerOf(row, around).finish(workOf(row, around), outcome, facts, context);
  if (row.state !== 'cancelled') row.state = retryAt ? 'waiting' : 'done';
  if (retryAt) row.notBefore = retryAt;
  around.emit(row, emit);
  return retryAt ? 'again' : 'done';
}

function handlerOf({ draft }: WorkRow, { handlers }: Surroundings): WorkHandler {
  const handler = handlers[draft.kind];
  if (!handler) throw new Error(`there is no handler for ${draft.kind}`);
  return handler;
}
const workOf = ({ draft, key, alsoKeys, tries, began }: WorkRow, { now }: Surroundings): Work => ({
  ...draft,
  ...{ key, alsoKeys, tries, began, now },
});
/** Read again, because others change the row during a call. */
const stateOf = (row: WorkRow): WorkRow['state'] => row.state;
