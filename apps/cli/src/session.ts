import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { decodeJwt } from 'jose';
import { CliError, codeOf } from './errors.js';
import { readPrivate, writePrivate } from './files.js';
import { digestOf, readRecipientKey, recipientKeyOf, type RecipientKeyPair } from './keys.js';

/** A sign-in as it lies on disk (0600). */
export interface Session {
  /** Origin that the sign-in is for: the token goes nowhere else. */
  readonly url: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  /** The person's id as the issuer's tokens give it. */
  readonly person: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** How to sign in again when a fresher sign-in is asked for; absent in files of older versions. */
  readonly flow?: 'browser' | 'device' | 'persona';
  readonly audience?: string;
  /** The claim that the services take the id of the person from; absent: `sub`. */
  readonly subjectClaim?: string;
  readonly scope?: string;
}

/** What a token says; only for showing, since the services check it themselves. Empty for opaque tokens. */
export function claimsOf(token: string | undefined): Readonly<Record<string, unknown>> {
  if (token === undefined) return {};
  try {
    return decodeJwt(token);
  } catch {
    // An opaque token is legal (RFC 6749) and says nothing to us.
    return {};
  }
}

/** Every private file of this program, in one folder. */
/** A case that was asked for and not yet answered. */
export interface PendingCase {
  readonly idempotencyKey: string;
  readonly since: string;
  readonly key?: RecipientKeyPair;
}
/** After an hour the same words are a new request. */
const pendingMs = 3_600_000;

export class Vault {
  constructor(readonly home: string) {}

  private get sessionFile(): string {
    return path.join(this.home, 'session.json');
  }
  get approverKeyFile(): string {
    return path.join(this.home, 'approver-key.json');
  }
  get checkpointFolder(): string {
    return path.join(this.home, 'checkpoints');
  }

  async session(): Promise<Session | undefined> {
    const text = await readPrivate(this.sessionFile);
    if (text === undefined) return undefined;
    try {
      const session = JSON.parse(text) as Partial<Session>;
      const { url, issuer, clientId, accessToken, person, expiresAt } = session;
      if ([url, issuer, clientId, accessToken, person, expiresAt].every((value) => typeof value === 'string')) return session as Session;
    } catch (error) {
      // The parser's message would quote the file, which holds a token.
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new CliError('notSignedIn', 'The stored sign-in cannot be read', {
      where: this.sessionFile,
      next: 'Sign in again: readmit login',
    });
  }
  saveSession(session: Session): Promise<void> {
    return writePrivate(this.sessionFile, `${JSON.stringify(session)}\n`);
  }
  async dropSession(): Promise<void> {
    await rm(this.sessionFile, { force: true });
  }

  /**
   * What a request is sent with is on disk before it leaves: an answer that is lost must not lose the only way to the case. The same
   * request within an hour takes it up again.
   */
  async pendingCase(request: unknown, now: Date, fresh: () => PendingCase): Promise<PendingCase & { readonly file: string }> {
    const folder = path.join(this.home, 'cases');
    const prefix = `pending-${digestOf(request).slice(0, 16)}-`;
    for (const name of (await filesIn(folder)).filter((one) => one.startsWith(prefix))) {
      const file = path.join(folder, name);
      const kept = await readPending(file);
      if (kept && now.getTime() - Date.parse(kept.since) < pendingMs) return { ...kept, file };
    }
    const pending = fresh();
    const file = path.join(folder, `${prefix}${pending.idempotencyKey}.json`);
    await writePrivate(file, `${JSON.stringify(pending)}\n`, { exclusive: true });
    return { ...pending, file };
  }
  /** The case is known: its key, if it has one, is found under its id from now on. */
  async adopt({ file, key }: PendingCase & { readonly file: string }, caseId: string): Promise<string | undefined> {
    const keyFile = this.caseKeyFile(caseId);
    if (key) await writePrivate(keyFile, `${JSON.stringify(key)}\n`);
    await this.dropPending(file);
    return key && keyFile;
  }
  dropPending(file: string): Promise<void> {
    return rm(file, { force: true });
  }
  caseKeyFile(caseId: string): string {
    // Ids may hold "/" and come from a server: the name is built so that no id leaves the folder or is too long.
    const plain = /^[A-Za-z0-9_-]{1,100}$/.test(caseId);
    return path.join(
      this.home,
      'cases',
      `${plain ? caseId.replace(/^(?!case_)/, 'case-') : `case-x${createHash('sha256').update(caseId).digest('hex')}`}.json`,
    );
  }
  /** Cases whose key is here, by the ids that intake makes. */
  async caseIds(): Promise<readonly string[]> {
    return (await filesIn(path.join(this.home, 'cases'))).flatMap((name) => keyFileName.exec(name)?.[1] ?? []);
  }
  /** Cases whose key was put here since then, the latest first, at most so many. */
  async casesOfKeys(since: Date, most: number): Promise<readonly string[]> {
    const made = await Promise.all(
      (await this.caseIds()).map(async (caseId) => ({ caseId, at: (await stat(this.caseKeyFile(caseId))).mtimeMs })),
    );
    return made
      .filter(({ at }) => at >= since.getTime())
      .sort((a, b) => b.at - a.at)
      .slice(0, most)
      .map(({ caseId }) => caseId);
  }
  async caseKey(caseId: string): Promise<RecipientKeyPair | undefined> {
    const file = this.caseKeyFile(caseId);
    return (await readPrivate(file)) === undefined ? undefined : readRecipientKey(file);
  }
}

/** Names in the folder; none when it is not there. */
const filesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });

/** A file of `cases` whose name is the id of its case; an id that is hashed there cannot be read back. */
const keyFileName = /^(case_[A-Za-z0-9_-]+)\.json$/;

async function readPending(file: string): Promise<PendingCase | undefined> {
  const text = await readPrivate(file);
  try {
    const { idempotencyKey, since, key } = JSON.parse(text ?? '{}') as Partial<PendingCase>;
    if (typeof idempotencyKey !== 'string' || typeof since !== 'string') return undefined;
    return { idempotencyKey, since, ...(key === undefined ? {} : { key: recipientKeyOf(key, file) }) };
  } catch (error) {
    // Torn by a full disk: it is of no use, and its text may be a private key.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
