import type { Draft, EventData, EventType } from '@readmit/contracts';
import type { Facts } from './facts.js';

/** Cryptography arrives as an argument: the domain decides, the shell computes. */
export interface Crypto {
  /** Lower-case hex SHA-256 of the JCS (RFC 8785) of the value. */
  digest(value: unknown): string;
  /** Ed25519 over the DSSE pre-authentication encoding of (payloadType, text). `key` is the base64url `x` of the JWK. */
  verify(key: string, payloadType: string, text: string, signature: string): boolean;
  /** JCS of the value: the text that is signed. */
  canonical(value: unknown): string;
  /** Lower-case hex HMAC-SHA-256 of the text (UTF-8) under the key (UTF-8). */
  hmac(key: string, text: string): string;
}

/** What a decision may know besides the facts. `now` is the database's clock; `T` is as of `Facts`. */
export interface Context<in T extends EventType = EventType> {
  readonly now: Date;
  /** The aggregate that is decided about: a case id, `subject:<id>`, `connector:<id>`, `policy`. */
  readonly key: string;
  /** A fresh id with the prefix, e.g. `newId('plan')` -> `plan_0190...`. */
  newId(prefix: string): string;
  readonly crypto: Crypto;
  /** Ids of work that was ever asked for on this aggregate. */
  readonly work: ReadonlySet<string>;
  /** Facts of the other aggregates that were loaded with this one (same transaction, same locks). */
  other(key: string): Facts<T>;
}

/** Slow work for a worker: one row, claimed by one worker at a time per (connector, object). */
export interface WorkDraft {
  /** Deterministic, so that asking twice asks once: `<caseId>/plan/1`. */
  readonly id: string;
  readonly kind: string;
  readonly connector: string;
  readonly object: string;
  /** Further objects that the work is about: it is alone at each of them. */
  readonly alsoAt?: readonly { readonly connector: string; readonly object: string }[];
  /** Not before this instant. */
  readonly notBefore: Date;
  /** Further aggregates to lock and read in the intent transaction. */
  readonly alsoKeys: readonly string[];
  readonly input: Readonly<Record<string, unknown>>;
}

export interface Reaction {
  readonly emit: readonly Draft[];
  readonly work?: readonly WorkDraft[];
  /** Work that must not start any more; work under way is left to end by its own call deadline. */
  readonly cancel?: readonly string[];
  /** When `react` must run again though nothing arrived. `null`: never. Once due, always due: the decision is a fact. */
  readonly wakeAt?: Date | null;
}

/**
 * A service's rule: what follows from the set of facts at `now`. MUST be pure and total, MUST give the same result for any
 * order of arrival, MUST not emit what the set already holds (it is run until it emits nothing).
 */
export type React<T extends EventType = EventType> = (facts: Facts<T>, context: Context<T>) => Reaction;

/** What is wrong, and by which rule. */
export interface Problem {
  /** Row of docs/requirements.md, e.g. `R4.2`. */
  readonly rule: string;
  /** Kebab literal that states the rule: `approver-is-requester`. */
  readonly reason: string;
  /** One sentence: what it means and who can act next. */
  readonly says: string;
}

export interface Refusal extends Problem {
  readonly refused: true;
  /** How a person is answered; mapped to a status at the edge. */
  readonly as: 'forbidden' | 'conflict' | 'not-ready' | 'not-found' | 'invalid';
}
export const refusal = (as: Refusal['as'], rule: string, reason: string, says: string): Refusal => ({
  refused: true,
  as,
  rule,
  reason,
  says,
});

/** What a person commands: the facts that follow and the answer, or a refusal. Refusals are values and are recorded. */
export type Commanded<R> =
  | Refusal
  | {
      readonly refused?: false;
      readonly emit: readonly Draft[];
      readonly reply: R;
      readonly work?: readonly WorkDraft[];
      readonly cancel?: readonly string[];
    };
/** Answer of a command that emits events and refuses the caller all the same: the facts are stored, and nothing is given. */
export interface Put {
  readonly refusal: Refusal;
}

export type Command<R, T extends EventType = EventType> = (facts: Facts<T>, context: Context<T>) => Commanded<R>;

/** A draft of the type, checked against the type's own data. */
export const say = <T extends Draft['type']>(type: T, key: string, data: EventData<T>): Draft => ({ type, key, data }) as Draft;
