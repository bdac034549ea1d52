import { randomBytes } from 'node:crypto';
import type { Account } from './account.js';
import { canaryId, type PeopleState } from './people.js';
import { newToken, scrypted, tokenHash } from './secrets.js';
import { newTotp } from './totp.js';

/** What a persona of the demo knows and has, for the person who plays it. */
export interface PersonaCredentials {
  readonly username: string;
  readonly password: string;
  /** `otpauth://` URI of the factor that the persona has at the first start; only a person who lost it no longer has it. */
  readonly totp: string;
}

/** Makes an account with a random password and one factor. */
async function newAccount(id: string, now: Date): Promise<{ account: Account; credentials: PersonaCredentials }> {
  const password = randomBytes(12).toString('base64url');
  const { secret, uri } = newTotp(id);
  const account: Account = {
    ...blank(id),
    password: await scrypted(password),
    factors: [{ id: `totp-${id}-1`, kind: 'totp', secret, enrolledAt: now.toISOString(), lastStep: 0 }],
  };
  return { account, credentials: { username: id, password, totp: uri } };
}

const blank = (id: string): Account => ({
  id,
  username: id,
  version: 1,
  factors: [],
  sessions: [],
  badTries: 0,
  operations: {},
  closedFor: [],
});

/** Has one of each thing that can be read, and no password: nobody can sign in to it, and nothing ever changes it. */
async function canary(now: Date): Promise<Account> {
  const farAway = '9999-12-31T23:59:59.000Z';
  return {
    ...blank(canaryId),
    factors: [{ id: 'canary-factor', kind: 'totp', secret: newTotp(canaryId).secret, enrolledAt: now.toISOString(), lastStep: 0 }],
    sessions: [
      {
        id: 'canary-session',
        tokenHash: tokenHash(newToken()),
        scope: 'enrol-only',
        openedBy: 'bypass',
        openedAt: now.toISOString(),
        expiresAt: farAway,
      },
    ],
    bypass: { id: 'canary-bypass', for: 'canary', code: await scrypted(newToken()), issuedAt: now.toISOString(), expiresAt: farAway },
  };
}

/** Accounts and credentials of a first start. */
export async function firstPeople(
  ids: readonly string[],
  now: Date,
): Promise<{ people: PeopleState; credentials: Record<string, PersonaCredentials> }> {
  const made = await Promise.all(ids.map((id) => newAccount(id, now)));
  return {
    people: Object.fromEntries([...made.map(({ account }) => [account.id, account] as const), [canaryId, await canary(now)] as const]),
    credentials: Object.fromEntries(made.map(({ account, credentials }) => [account.id, credentials])),
  };
}
