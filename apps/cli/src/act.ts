import type { Command } from 'commander';
import type { Context } from './context.js';
import type { ExitName } from './errors.js';

/** What a command does; a returned exit name stands for something other than success that is not a failure of the program. */
export type Handler<O> = (context: Context, options: O, ...args: string[]) => Promise<ExitName | void>;
/** Turns a handler into a commander action. */
export type Act = <O extends object>(handler: Handler<O>) => (...commanderArguments: unknown[]) => Promise<void>;
export type Register = (program: Command, act: Act) => void;

/** Appends example lines to `--help`. */
export const example = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);

/** Several values of one repeatable option, each parsed. */
export const repeated =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): readonly T[] => [...(before ?? []), parse(text)];
