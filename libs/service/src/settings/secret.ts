import { inspect } from 'node:util';

const hidden = '[secret]';

/** A value that must not be printed. Logs, JSON, templates and `inspect` show `[secret]`; `reveal` is the one way in. */
export class Secret<T> {
  readonly #value: T;
  /** Every text that must not appear in a log line; stored with the value so that loggers can scrub it. */
  readonly #texts: readonly string[];

  constructor(value: T, texts: readonly string[] = typeof value === 'string' ? [value] : []) {
    this.#value = value;
    this.#texts = texts.filter((text) => text.length >= 6);
  }
  reveal(): T {
    return this.#value;
  }
  /** For the logger alone: what to scrub. */
  texts(): readonly string[] {
    return this.#texts;
  }
  toString(): string {
    return hidden;
  }
  toJSON(): string {
    return hidden;
  }
  [inspect.custom](): string {
    return hidden;
  }
}
