/**
 * Pieces of work from claim to call; what becomes of the call is in work-results.ts. Intent first: claims, `begin` and what it says are one
 * commit before the calls. Then each call by itself, told to stop at half of the lease. Before its first call the row is marked (`began`). Killed
 * anywhere, a row is claimed again when the lease ended: the mark tells whether anything may have been done.
 */
import { sqlStateOf, type Tx } from '@readmit/store';
import { ResultUnstorable, type Lane, type Still, type WorkHandler } from './service-definition.js';
import { byHandler, HandlerFailed } from './handler-errors.js';
import { messageOf, crashPoint, Gathering } from '@readmit/platform';
import { CallNeverEnded, PutOff, reachOf, type Breakers } from './breaker.js';
import type { Calls } from './calls.js';
import { attemptSpan } from './spans.js';
import type { Transactor } from './transact.js';
import { failureIn, nameOf, textOf, WorkResults, type Intent } from './work-results.js';
import { callMs, claimAll, mayCallSql, putOffSql, release, type Candidate, type Release, type WorkRow } from './work-row.js';

interface Question {
  readonly row: WorkRow;
  readonly began: boolean;
}

/** Questions that share a statement at most. */
const mostTogether = 256;
/** Attempts of a failing `begin`; after these it is recorded that there is no result. */
const mostBegins = 5;

export class WorkRun {
  private readonly results: WorkResults;
  private readonly asking: Gathering<Question, boolean>;
  private readonly leaseMs: number;

  constructor(
    private readonly transactor: Transactor,
    private readonly about: { readonly lane: Lane; readonly leaseMs: number; readonly calls: Calls; readonly breakers: Breakers },
    /** Told of work that waits again. */
    onWaiting: (candidate: Candidate, notBefore: Date) => void,
  ) {
    this.leaseMs = about.leaseMs;
    this.results = new WorkResults(transactor, about, onWaiting);
    this.asking = new Gathering(mostTogether, (questions) => this.mayCall(questions));
  }

  /** Claims the candidates and has their handlers begin; those that may be called now. */
  async intend(candidates: readonly Candidate[]): Promise<readonly Intent[]> {
    const { log, definition } = this.transactor.options;
    try {
      return await this.intendTogether(candidates);
    } catch (error) {
      const collided = sqlStateOf(error) === '23505';
      if (!collided && !(error instanceof HandlerFailed)) throw error;
      if (candidates.length > 1) {
        const intents: Intent[] = [];
        for (const one of candidates) intents.push(...(await this.intend([one])));
        return intents;
      }
      // Another claimed the same object in the same instant.
      const [candidate] = candidates;
      if (collided || !candidate) return [];
      log.error({ service: definition.name, work: candidate.id, error: messageOf(error) }, 'could not begin work; retrying later');
      await this.putOff(candidate, messageOf(error));
      return [];
    }
  }

  private async intendTogether(candidates: readonly Candidate[]): Promise<readonly Intent[]> {
    const asked = performance.now();
    let rows: readonly WorkRow[] = [];
    const going: Omit<Intent, 'facts'>[] = [];
    const releases: Release[] = [];
    const changeset = await this.transactor.run({
      urgent: this.urgent,
      keys: () => candidates.flatMap(({ key, also_keys }) => [key, ...also_keys]),
      check: async (tx) => {
        rows = await this.claim(tx, candidates);
        return rows.length > 0;
      },
      decide: (changeset) => {
        going.length = 0;
        releases.length = 0;
        const locked = new Set(candidates.flatMap(({ key, also_keys }) => [key, ...also_keys]));
        for (const row of rows) {
          // It was put back with more keys after the candidate was read. `begin` would find nothing in an aggregate that is not locked.
          if (row.also_keys.some((key) => !locked.has(key))) {
            releases.push({ row, state: 'waiting', notBefore: row.not_before, alsoKeys: row.also_keys, looked: true });
            continue;
          }
          const handler = this.handlerOf(row);
          const { facts, context, aggregate } = this.results.open(changeset, row);
          const begun = byHandler(`begin of ${row.kind}`, () => handler.begin(this.results.workOf(row), facts, context));
          if (begun.go === 'later') {
            releases.push({ row, state: 'waiting', notBefore: begun.notBefore, alsoKeys: begun.alsoKeys, looked: true });
            continue;
          }
          changeset.emit(aggregate, begun.emit);
          if (begun.go) going.push({ row, handler, asked, input: begun.input });
          else releases.push({ row, state: 'done' });
        }
      },
      after: (tx) => release(tx, releases),
    });
    if (changeset) this.results.tellWaiting(releases);
    if (changeset && going.length > 0) crashPoint('work.after-claim-commit');
    return changeset ? going.map((one) => ({ ...one, facts: changeset.aggregate(one.row.key).current() })) : [];
  }

  /** The call of one piece of work and the keeping of its result. Never rejects. */
  async carryOut(intent: Intent): Promise<void> {
    const { row, handler } = intent;
    const { lane, calls, breakers } = this.about;
    const { outcome, span } = await calls.run(row.connector, async () => {
      if (breakers.refuses(lane, row))
        return { outcome: new PutOff(`${row.connector} could not be reached by earlier calls`), span: undefined };
      const span = attemptSpan(this.transactor.options, intent.row);
      const outcome = await (span ? span.within(() => this.call(intent)) : this.call(intent));
      const failure = failureIn(outcome);
      span?.end(failure);
      const reach = failure || handler.reached?.(outcome) !== false ? reachOf(failure, row.connector) : 'unknown';
      breakers.saw(lane, row, reach, this.transactor.now().getTime());
      return { outcome, span };
    });
    crashPoint('work.after-call-before-finish');
    await this.results.add({ ...intent, outcome, span });
  }

  private async call({ row, handler, facts, asked, input }: Intent): Promise<unknown> {
    const controller = new AbortController();
    const stopAt = asked + callMs(this.leaseMs);
    if (performance.now() >= stopAt) return { error: new Error('earlier calls used up the time of this one: the target was not called') };
    const timers: NodeJS.Timeout[] = [];
    const after = (at: number, run: () => void): void => void timers.push(setTimeout(run, Math.max(0, at - performance.now())));
    try {
      return await new Promise<unknown>((resolve, reject) => {
        const late = () => reject(new CallNeverEnded(`the call did not end within ${callMs(this.leaseMs)} ms: its outcome is unknown`));
        after(stopAt, () => controller.abort(Object.assign(new Error('the call timed out'), { name: 'TimeoutError' })));
        // A handler that does not listen to its signal is given up before the lease ends.
        after(stopAt + this.leaseMs / 4, late);
        const work = this.results.workOf(row);
        const still: Still = (about) => this.still({ row, began: about?.began === true }, controller.signal);
        handler.call(input ? { ...work, input: { ...work.input, ...input } } : work, facts, controller.signal, still).then(resolve, reject);
      });
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  }

  private async still(question: Question, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const { begun } = this.results;
    const name = nameOf(question.row);
    const first = question.began && !question.row.began && !begun.has(name);
    // Before it is asked: an answer that is lost leaves open whether it was recorded.
    if (first) begun.add(name);
    const held = await this.asking.add(question);
    if (first && !held) begun.delete(name);
    return held && !signal.aborted;
  }

  private async mayCall(questions: readonly Question[]): Promise<readonly boolean[]> {
    const found = await this.transactor.options.store.query<{ id: string; fence: string }>(mayCallSql, [
      questions.map(({ row }) => row.id),
      questions.map(({ row }) => row.fence),
      questions.map(({ began }) => began),
    ]);
    const held = new Set(found.map(nameOf));
    return questions.map(({ row }) => held.has(nameOf(row)));
  }

  private handlerOf(row: WorkRow): WorkHandler<unknown> {
    const { definition } = this.transactor.options;
    const handler = definition.work[row.kind];
    if (!handler) throw new HandlerFailed(`${definition.name} has no worker for ${row.kind}`);
    return handler;
  }

  /** A `begin` that fails is retried, and then its end is recorded: nothing waits for it forever. */
  private async putOff(candidate: Candidate, error: string): Promise<void> {
    const [row] = await this.transactor.options.store.query<{ tries: number }>(putOffSql, [candidate.id, textOf(error), mostBegins]);
    if (!row || row.tries < mostBegins) return;
    const asked = performance.now();
    let claimed: readonly WorkRow[] = [];
    await this.transactor.run({
      urgent: this.urgent,
      keys: () => [candidate.key],
      check: async (tx) => {
        claimed = await this.claim(tx, [candidate]);
        return claimed.length > 0;
      },
      decide: () => undefined,
    });
    for (const one of claimed) {
      if (!this.transactor.options.definition.work[one.kind]) await this.results.giveUp(one, error);
      else
        await this.results.add({
          row: one,
          handler: this.handlerOf(one),
          asked,
          outcome: { error: new ResultUnstorable(error) },
          span: undefined,
        });
    }
  }

  private claim(tx: Tx, candidates: readonly Candidate[]): Promise<readonly WorkRow[]> {
    const ids = candidates.map(({ id }) => id);
    return claimAll(tx, this.about.lane, ids, this.leaseMs);
  }

  private get urgent(): boolean {
    return this.about.lane === 'urgent';
  }
}
