import { Refusal } from '../refusal.js';
import { liveSessions, type Account, type Session } from './account.js';
import type { People } from './people.js';
import { tokenHash } from './secrets.js';
import { newTotp, stepOf } from './totp.js';

/** A live session, found by its token. */
export interface Present {
  readonly account: Account;
  readonly session: Session;
}

/** Finds the session of a token. Throws `not-signed-in`. */
export function presentOf(people: People, token: string | undefined): Present {
  const hash = token && tokenHash(token);
  for (const account of hash ? people.all() : []) {
    const session = liveSessions(account, people.clock()).find((each) => each.tokenHash === hash);
    if (session) return { account, session };
  }
  throw new Refusal(401, 'not-signed-in', 'sign in first: POST /demo/sign-in');
}

/** Throws `enrol-only-session` for a session that may only enrol. */
export function mustBeFull(present: Present): Present {
  if (present.session.scope !== 'full') throw new Refusal(403, 'enrol-only-session', 'this session may only enrol a new factor');
  return present;
}

/** Begins a new factor: the secret is answered once, to the person, and counts only when a code of it is confirmed. */
export function beginFactor(people: People, present: Present): Promise<{ readonly factor: string; readonly uri: string }> {
  return people.exclusive(present.account.id, (account) => {
    const session = stillOpen(people, account, present.session.id);
    const { secret, uri } = newTotp(account.username);
    session.pending = { id: people.newId('totp'), secret };
    return { factor: session.pending.id, uri };
  });
}

/**
 * Enrols the factor that this session began. An enrol-only session ends with it: it can enrol one factor, never a second.
 */
export function confirmFactor(
  people: People,
  present: Present,
  code: string,
): Promise<{ readonly factor: string; readonly session: 'open' | 'ended' }> {
  return people.exclusive(present.account.id, (account) => {
    const session = stillOpen(people, account, present.session.id);
    const { pending } = session;
    if (!pending) throw new Refusal(409, 'no-enrolment-begun', 'start with POST /demo/factors without a code');
    const now = people.clock();
    const step = stepOf(pending.secret, code, now);
    if (step === undefined) throw new Refusal(422, 'wrong-code', 'the code does not match the new factor');
    delete session.pending;
    account.factors.push({ id: pending.id, kind: 'totp', secret: pending.secret, enrolledAt: now.toISOString(), lastStep: step });
    const ends = session.scope === 'enrol-only';
    if (ends) account.sessions = account.sessions.filter((each) => each.id !== session.id);
    account.version += 1;
    return { factor: pending.id, session: ends ? ('ended' as const) : ('open' as const) };
  });
}

/** The session could have been ended while the request waited for its turn. */
function stillOpen(people: People, account: Account, id: string): Session {
  const session = liveSessions(account, people.clock()).find((each) => each.id === id);
  if (!session) throw new Refusal(401, 'not-signed-in', 'the session was ended');
  return session;
}
