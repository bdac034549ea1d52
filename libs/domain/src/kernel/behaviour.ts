import type { Draft, EventData, EventType } from '@readmit/contracts';
import type { Facts } from './facts.js';

/** Cryptography is passed in: the domain decides, the caller computes. */
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

/** What a rule may know in addition to the facts. `now` is the clock of the database; `T` as in `Facts`. */
export interface Context<in T extends EventType = EventType> {
  readonly now: Date;
  /** The aggregate that is decided on: a case id, `subject:<id>`, `connector:<id>`, `policy`. */
  readonly key: string;
  /** A new id with the prefix: `newId('plan')` gives `plan_0190...`. */
  newId(prefix: string): string;
  readonly crypto: Crypto;
  /** Ids of all work that was ever requested for this aggregate. */
  readonly work: ReadonlySet<string>;
  /** Facts of another aggregate that was locked and loaded in the same transaction; empty if it was not. */
  other(key: string): Facts<T>;
}

/** Slow work for a worker: one row. Only one worker at a time works on a (connector, object). */
export interface WorkDraft {
  /** Deterministic, so that requesting it twice creates one row: `<caseId>/plan`. */
  readonly id: string;
  readonly kind: string;
  readonly connector: string;
  readonly object: string;
  /** Further objects of the work: it has exclusive access to each of them. */
  readonly alsoAt?: readonly { readonly connector: string; readonly object: string }[];
  /** Not before this instant. */
  readonly notBefore: Date;
  /** Further aggregates to lock and load for `begin` and `finish`. */
  readonly alsoKeys: readonly string[];
  readonly input: Readonly<Record<string, unknown>>;
}

export interface Reaction {
  readonly emit: readonly Draft[];
  readonly work?: readonly WorkDraft[];
  /** Work that must not start any more. Work in progress is not interrupted; its call deadline ends it. */
  readonly cancel?: readonly string[];
  /** When `react` must run again even if nothing arrives; `null`: never. */
  readonly wakeAt?: Date | null;
}

/**
 * The rule of a service: what follows from the set of facts at `now`. MUST be pure and total, MUST give the same result for
 * any order of arrival, MUST not emit what the set already has (it is repeated until it emits nothing).
 */
export type React<T extends EventType = EventType> = (facts: Facts<T>, context: Context<T>) => Reaction;

/** A "no" by the domain: a value that is recorded, never thrown. */
export interface Refusal {
  /** Row of docs/requirements.md, e.g. `R4.2`. */
  readonly rule: string;
  /** Names the case in kebab case: `approver-is-requester`. */
  readonly reason: string;
  /** One or two sentences: what is wrong, where, and what to do or who can act next. */
  readonly message: string;
}

/** The refusal of a command. */
export interface CommandRefusal extends Refusal {
  readonly refused: true;
  /** How the caller is answered; the HTTP edge maps it to a status. */
  readonly as: 'forbidden' | 'conflict' | 'not-ready' | 'not-found' | 'invalid';
}
export const refusal = (as: CommandRefusal['as'], rule: string, reason: string, message: string): CommandRefusal => ({
  refused: true,
  as,
  rule,
  reason,
  message,
});

/** Result of a command: the events that follow and the reply, or a refusal. */
export type CommandResult<R> =
  | CommandRefusal
  | {
      readonly refused?: false;
      readonly emit: readonly Draft[];
      readonly reply: R;
      readonly work?: readonly WorkDraft[];
      readonly cancel?: readonly string[];
    };
/** Reply of a command that refuses the caller and still emits events, which are stored. */
export interface RecordedRefusal {
  readonly refusal: CommandRefusal;
}

export type Command<R, T extends EventType = EventType> = (facts: Facts<T>, context: Context<T>) => CommandResult<R>;

/** An event that is about to be emitted. The compiler checks the data against the type. */
export const draft = <T extends Draft['type']>(type: T, key: string, data: EventData<T>): Draft => ({ type, key, data }) as Draft;
