import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { Refusal } from '../refusal.js';
import { bypassState, liveSessions, type Account, type BypassState, type Scrypted } from './account.js';
import type { People } from './people.js';

/** A person's authentication as an administrator sees it: no secret, no hash. */
export interface PersonState {
  readonly id: string;
  readonly version: number;
  readonly factors: readonly { readonly id: string; readonly kind: 'totp'; readonly enrolledAt: string }[];
  readonly sessions: readonly { readonly id: string; readonly scope: string; readonly openedBy: string; readonly openedAt: string }[];
  readonly bypass: {
    readonly state: BypassState;
    readonly id?: string;
    readonly for?: string;
    readonly issuedAt?: string;
    readonly expiresAt?: string;
    readonly usedAt?: string;
    readonly closedAt?: string;
    readonly sessionsEnded?: number;
  };
  readonly locked: boolean;
}

export function stateOf(account: Account, now: Date): PersonState {
  const { bypass } = account;
  return {
    id: account.id,
    version: account.version,
    factors: account.factors.map(({ id, kind, enrolledAt }) => ({ id, kind, enrolledAt })),
    sessions: liveSessions(account, now).map(({ id, scope, openedBy, openedAt }) => ({ id, scope, openedBy, openedAt })),
    bypass: {
      state: bypassState(bypass, now),
      ...(bypass && { id: bypass.id, for: bypass.for, issuedAt: bypass.issuedAt, expiresAt: bypass.expiresAt }),
      ...(bypass?.usedAt && { usedAt: bypass.usedAt }),
      ...(bypass?.closedAt && { closedAt: bypass.closedAt }),
      ...(bypass?.sessionsEnded !== undefined && { sessionsEnded: bypass.sessionsEnded }),
    },
    locked: account.lockedAt !== undefined,
  };
}

/** One change by an administrator. */
export type Change =
  | { readonly kind: 'factor.remove'; readonly factor: string }
  /** `bypass`: those that a bypass opened; `factor`: the others. */
  | { readonly kind: 'sessions.end'; readonly openedBy: 'any' | 'factor' | 'bypass' }
  /** The caller made the code and gives its hash: no request, answer or log here ever carries a plain one. `replaces`: the bypass that it supersedes. */
  | {
      readonly kind: 'bypass.issue';
      readonly for: string;
      readonly code: Scrypted;
      readonly expiresAt: string;
      readonly replaces?: string | undefined;
    }
  /** Voids the bypass of the case, ends the session that it opened, and refuses any later bypass for that case. */
  | { readonly kind: 'bypass.close'; readonly for: string }
  | { readonly kind: 'unlock' }
  /** As after bad tries: nobody signs in until an administrator unlocks it. Open sessions stay, they are ended by their own change. */
  | { readonly kind: 'lock' };

export interface Asked {
  /** The caller's id of the operation: repeated, it is answered and not done again. */
  readonly operation: string;
  /** The version that the caller saw (If-Match). */
  readonly version: number;
  readonly by: string;
}

/** At most this many operations are remembered for an account, the oldest go first. */
const remembered = 500;
const longestBypassMs = 24 * 3600_000;

/** Does the change once. Throws `version-changed` (412), `operation-reused` (409) and what the change itself refuses. */
export function administer(
  people: People,
  id: string,
  asked: Asked,
  change: Change,
): Promise<{ readonly state: PersonState; readonly result: Readonly<Record<string, unknown>>; readonly repeated: boolean }> {
  return people.exclusive(id, (account) => {
    const now = people.clock();
    const digest = createHash('sha256')
      .update(canonicalize(change) ?? '')
      .digest('hex');
    const key = `${asked.by} ${asked.operation}`;
    const done = Object.hasOwn(account.operations, key) ? account.operations[key] : undefined;
    if (done) {
      if (done.digest !== digest) throw new Refusal(409, 'operation-reused', 'this operation id was used for another request');
      return { state: stateOf(account, now), result: done.result, repeated: true };
    }
    if (asked.version !== account.version) throw new Refusal(412, 'version-changed', `the person's state is at version ${account.version}`);
    const result = apply(people, account, change, now);
    account.version += 1;
    account.operations[key] = { digest, at: now.toISOString(), result };
    for (const old of Object.keys(account.operations).slice(0, -remembered)) delete account.operations[old];
    return { state: stateOf(account, now), result, repeated: false };
  });
}

function apply(people: People, account: Account, change: Change, now: Date): Readonly<Record<string, unknown>> {
  switch (change.kind) {
    case 'factor.remove': {
      const left = account.factors.filter((each) => each.id !== change.factor);
      if (left.length === account.factors.length) throw new Refusal(404, 'factor-not-found', 'the person has no such factor');
      account.factors = left;
      return { removed: change.factor };
    }
    case 'sessions.end':
      return { sessionsEnded: endSessions(account, now, (openedBy) => change.openedBy === 'any' || openedBy === change.openedBy) };
    case 'bypass.issue':
      return issue(people, account, change, now);
    case 'bypass.close': {
      if (!account.closedFor.includes(change.for)) account.closedFor.push(change.for);
      const { bypass } = account;
      if (!bypass || bypass.for !== change.for) return { sessionsEnded: 0 };
      bypass.sessionsEnded = (bypass.sessionsEnded ?? 0) + endSessions(account, now, (_, id) => id === bypass.sessionId);
      bypass.closedAt ??= now.toISOString();
      return { closed: bypass.id, sessionsEnded: bypass.sessionsEnded };
    }
    case 'unlock':
      delete account.lockedAt;
      account.badTries = 0;
      return { unlocked: true };
    case 'lock':
      account.lockedAt ??= now.toISOString();
      return { locked: true };
  }
}

function issue(
  people: People,
  account: Account,
  change: Extract<Change, { kind: 'bypass.issue' }>,
  now: Date,
): Readonly<Record<string, unknown>> {
  if (account.closedFor.includes(change.for))
    throw new Refusal(409, 'closed-for-case', 'the bypass of this case was closed; it cannot be issued again');
  const lifetime = Date.parse(change.expiresAt) - now.getTime();
  if (!(lifetime > 0)) throw new Refusal(422, 'already-over', 'expiresAt is not in the future');
  if (lifetime > longestBypassMs) throw new Refusal(422, 'bypass-too-long', 'a bypass lasts at most 24 hours');
  const { bypass } = account;
  if (bypassState(bypass, now) === 'active' && bypass?.id !== change.replaces) {
    throw new Refusal(409, 'bypass-active', 'there is an active bypass; name it in replaces, or close it');
  }
  // A session that an earlier bypass opened would outlive the record that ends it.
  endSessions(account, now, (openedBy) => openedBy === 'bypass');
  const id = people.newId('bypass');
  account.bypass = { id, for: change.for, code: change.code, issuedAt: now.toISOString(), expiresAt: change.expiresAt };
  return { issued: id };
}

function endSessions(account: Account, now: Date, which: (openedBy: 'factor' | 'bypass', id: string) => boolean): number {
  const live = liveSessions(account, now);
  account.sessions = live.filter((each) => !which(each.openedBy, each.id));
  return live.length - account.sessions.length;
}
