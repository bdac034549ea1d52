/** HTTP as a batch of one: the same transaction, locks and signatures as a message. */
import { isKey, type Fact } from '@readmit/contracts';
import { Facts, refusal, type Command, type CommandRefusal } from '@readmit/domain';
import type { Commands } from './service-definition.js';
import { engineTypes, type Origin } from './aggregate.js';
import { backoffMs, WakeUp, crashPoint } from '@readmit/platform';
import { byHandler } from './handler-errors.js';
import { isCollision } from '@readmit/store';
import { below, commandSpan } from './spans.js';
import type { Transactor } from './transact.js';

const mostCollisions = 5;

export class CommandRunner implements Commands {
  constructor(private readonly transactor: Transactor) {}

  /**
   * @returns the reply, or the refusal, both only after they are recorded.
   * @throws {Error} the database cannot record (the edge answers 503), or the command is a bug.
   */
  async command<R>(
    options: Parameters<Commands['command']>[0],
    command: Command<R>,
  ): Promise<{ readonly reply: R } | { readonly refused: CommandRefusal }> {
    for (let collisions = 0; ; collisions++) {
      try {
        return await this.once(options, command);
      } catch (error) {
        if (!isCollision(error) || collisions >= mostCollisions) throw error;
        await new WakeUp().wait(backoffMs(collisions));
      }
    }
  }

  async facts(key: string): Promise<Facts> {
    return new Facts(
      await this.transactor.options.store.query<Fact & Record<string, unknown>>('SELECT id, type, at, data FROM fact WHERE key = $1', [
        key,
      ]),
    );
  }

  private async once<R>(
    { key, alsoKeys, name, actor, rows, ifVersion }: Parameters<Commands['command']>[0],
    command: Command<R>,
  ): Promise<{ readonly reply: R } | { readonly refused: CommandRefusal }> {
    if (!isKey(key)) throw new RangeError('not an id of an aggregate');
    const traceparent = this.transactor.options.traceparent?.();
    let answer: { readonly reply: R } | { readonly refused: CommandRefusal } | undefined;
    await this.transactor.run({
      keys: () => [key, ...(alsoKeys ?? [])],
      decide: (changeset) => {
        const aggregate = changeset.aggregate(key);
        const given: Origin = traceparent === undefined ? {} : { traceparent };
        const span = commandSpan(this.transactor.options, name, aggregate, traceparent);
        aggregate.origin = below(given, span);
        // What a command decides takes no time; the span is its place in the trace of the case.
        span?.end();
        const facts = aggregate.current();
        const stale = ifVersion !== undefined && ifVersion !== facts.size;
        const result = stale
          ? refusal(
              'conflict',
              'R4.4',
              'stale-version',
              `Something has happened since version ${ifVersion}: look again (now ${facts.size}).`,
            )
          : byHandler(`command ${name}`, () => command(facts, changeset.contextOf(aggregate)));
        if (result.refused) {
          const { rule, reason, message } = result;
          changeset.announce(
            {
              type: engineTypes(changeset.service).refused,
              key,
              data: { key, command: name, rule, reason, actor, says: message.slice(0, 500) },
            },
            aggregate.origin,
          );
          answer = { refused: result };
          return;
        }
        aggregate.rows.push(...(rows ?? []));
        changeset.emit(aggregate, result.emit);
        if (changeset.ask(aggregate, result.work)) aggregate.dirty = true;
        changeset.cancel(result.cancel);
        answer = { reply: result.reply };
      },
    });
    crashPoint('command.after-commit-before-answer');
    if (!answer) throw new Error('this is a bug: a command without an answer');
    return answer;
  }
}
