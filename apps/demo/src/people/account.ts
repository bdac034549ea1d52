/** What the demo keeps about one account. Passwords, session tokens and bypass codes only as hashes. */
export interface Scrypted {
  /** base64url */
  readonly salt: string;
  /** base64url of scrypt N=16384 r=8 p=1, 32 bytes */
  readonly hash: string;
}

export interface Factor {
  readonly id: string;
  readonly kind: 'totp';
  /** Base32; the server must know it to check a code, so the state file is private to its owner. */
  readonly secret: string;
  readonly enrolledAt: string;
  /** The last time step that was accepted: a code opens once. */
  lastStep: number;
}

/** `full`: everything the account may do. `enrol-only`: opened by a bypass; may enrol one new factor and nothing else. */
export type SessionScope = 'full' | 'enrol-only';

export interface Session {
  readonly id: string;
  readonly tokenHash: string;
  readonly scope: SessionScope;
  readonly openedBy: 'factor' | 'bypass';
  readonly openedAt: string;
  readonly expiresAt: string;
  /** A factor begun in this session and not yet confirmed. */
  pending?: { readonly id: string; readonly secret: string };
}

export interface Bypass {
  readonly id: string;
  /** The case that it was issued for. */
  readonly for: string;
  readonly code: Scrypted;
  readonly issuedAt: string;
  readonly expiresAt: string;
  usedAt?: string;
  closedAt?: string;
  /** The enrol-only session that it opened. */
  sessionId?: string;
  /** Sessions ended when it was closed. */
  sessionsEnded?: number;
}

/** An administrative operation that was done, so that repeating it does nothing. */
export interface Operation {
  readonly digest: string;
  readonly at: string;
  readonly result: Readonly<Record<string, unknown>>;
}

export interface Account {
  readonly id: string;
  readonly username: string;
  /** Absent: nobody can sign in (the canary). */
  readonly password?: Scrypted;
  /** Grows with every change that an administrator can see. */
  version: number;
  factors: Factor[];
  sessions: Session[];
  bypass?: Bypass;
  badTries: number;
  lockedAt?: string;
  operations: Record<string, Operation>;
  /** Cases whose bypass was closed: no bypass can be issued for them any more, even by a request that was late. */
  closedFor: string[];
}

/** State of the bypass as an administrator sees it. */
export type BypassState = 'none' | 'active' | 'used' | 'expired' | 'closed';

/** Half open: at its `expiresAt` a bypass is over. */
export function bypassState(bypass: Bypass | undefined, now: Date): BypassState {
  if (!bypass) return 'none';
  if (bypass.closedAt) return 'closed';
  if (bypass.usedAt) return 'used';
  return now < new Date(bypass.expiresAt) ? 'active' : 'expired';
}

export const liveSessions = (account: Account, now: Date): Session[] => account.sessions.filter((each) => now < new Date(each.expiresAt));
