import { Refusal } from '../refusal.js';
import { bypassState, liveSessions, type Account, type Session } from './account.js';
import type { People } from './people.js';
import { matches, newToken, plainCode, scrypted, tokenHash } from './secrets.js';
import { factorOf } from './totp.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly code?: string;
  readonly bypass?: string;
}

/** What a sign-in found out. */
export interface Proved {
  readonly account: Account;
  readonly by: 'factor' | 'bypass';
}

/** Bad tries until an account is locked; only an administrator unlocks it. */
export const triesUntilLocked = 5;
const fullSessionMs = 8 * 3600_000;
const enrolSessionMs = 10 * 60_000;

const wrong = () => new Refusal(401, 'wrong-credentials', 'invalid username or password');

/**
 * Passwords, factors, bypasses and the sessions that they open. A password alone opens nothing, also for somebody who has no
 * factor at all: that is the moment an attacker waits for.
 */
export class SignIn {
  private decoy: ReturnType<typeof scrypted> | undefined;

  constructor(
    private readonly people: People,
    private readonly locked: (account: Account, at: Date) => Promise<void>,
    private readonly log: (entry: Readonly<Record<string, unknown>>) => void,
  ) {}

  /** Proves who it is by password and factor code, and opens nothing by itself. For the issuer's pages. */
  proveWithFactor(credentials: Credentials): Promise<Account> {
    return this.attempt({ ...credentials, bypass: undefined }, (account) => account);
  }

  /** Opens a session. The token is answered here once and kept as a hash. */
  open(credentials: Credentials): Promise<{ readonly token: string; readonly session: Session }> {
    return this.attempt(credentials, (account, by) => {
      const now = this.people.clock();
      const token = newToken();
      const end = now.getTime() + (by === 'bypass' ? enrolSessionMs : fullSessionMs);
      const until = by === 'bypass' && account.bypass ? Math.min(end, Date.parse(account.bypass.expiresAt)) : end;
      const session: Session = {
        id: this.people.newId('session'),
        tokenHash: tokenHash(token),
        scope: by === 'bypass' ? 'enrol-only' : 'full',
        openedBy: by,
        openedAt: now.toISOString(),
        expiresAt: new Date(until).toISOString(),
      };
      account.sessions = [...liveSessions(account, now), session];
      if (by === 'bypass' && account.bypass) account.bypass.sessionId = session.id;
      account.version += 1;
      return { token, session };
    });
  }

  private async attempt<R>(
    given: { username: string; password: string; code?: string | undefined; bypass?: string | undefined },
    done: (account: Account, by: 'factor' | 'bypass') => R,
  ): Promise<R> {
    const known = this.people.byUsername(given.username);
    if (!known?.password) {
      // An unknown name costs as much time as a known one.
      this.decoy ??= scrypted(newToken());
      await matches(given.password, await this.decoy);
      this.log({ what: 'sign-in refused', reason: 'wrong-credentials' });
      throw wrong();
    }
    try {
      const result = await this.people.exclusive(known.id, async (account) => {
        const by = await this.prove(account, given);
        account.badTries = 0;
        return done(account, by);
      });
      this.log({ what: 'signed in', account: known.id });
      return result;
    } catch (error) {
      if (error instanceof Refusal) this.log({ what: 'sign-in refused', account: known.id, reason: error.reason });
      throw error;
    }
  }

  private async prove(
    account: Account,
    given: { password: string; code?: string | undefined; bypass?: string | undefined },
  ): Promise<'factor' | 'bypass'> {
    if (account.lockedAt)
      throw new Refusal(423, 'account-locked', 'this account is locked after too many failed attempts; ask the help desk for recovery');
    if (!account.password || !(await matches(given.password, account.password))) throw await this.bad(account, wrong());
    if (given.code !== undefined && given.bypass !== undefined) throw new Refusal(400, 'two-proofs', 'give a code or a bypass, not both');
    if (given.bypass !== undefined) return this.useBypass(account, given.bypass);
    if (given.code !== undefined) {
      if (account.factors.length === 0)
        throw new Refusal(403, 'no-factor-enrolled', 'no second factor is enrolled; a recovery case issues a bypass to enrol one');
      const found = factorOf(account.factors, given.code, this.people.clock());
      if (!found) throw await this.bad(account, new Refusal(401, 'wrong-code', 'the code is wrong, expired, or already used'));
      found.factor.lastStep = found.step;
      return 'factor';
    }
    if (account.factors.length === 0)
      throw new Refusal(403, 'no-factor-enrolled', 'no second factor is enrolled; a recovery case issues a bypass to enrol one');
    throw new Refusal(401, 'second-factor-required', 'the password alone opens nothing; give the code of your second factor');
  }

  private async useBypass(account: Account, typed: string): Promise<'bypass'> {
    const { bypass } = account;
    const now = this.people.clock();
    // The code is compared first: only who holds it learns what became of it.
    if (!bypass || !(await matches(plainCode(typed), bypass.code)))
      throw await this.bad(account, new Refusal(401, 'bypass-unknown', 'no such bypass'));
    const state = bypassState(bypass, now);
    if (state !== 'active') throw await this.bad(account, new Refusal(401, `bypass-${state}`, `this bypass is ${state}`));
    bypass.usedAt = now.toISOString();
    return 'bypass';
  }

  private async bad(account: Account, refusal: Refusal): Promise<Refusal> {
    account.badTries += 1;
    if (account.badTries >= triesUntilLocked && !account.lockedAt) {
      const at = this.people.clock();
      account.lockedAt = at.toISOString();
      account.version += 1;
      this.log({ what: 'account locked', account: account.id, after: account.badTries });
      await this.locked(account, at);
    }
    return refusal;
  }
}
