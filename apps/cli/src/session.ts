import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { decodeJwt } from 'jose';
import { CliError } from './errors.js';
import { readPrivate, writePrivate } from './files.js';
import { readRecipientKey, type RecipientKeyPair } from './keys.js';

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

  /** The key is on disk before the case is asked for: an answer that is lost must not lose the only way to the case. */
  async keepPending(pair: RecipientKeyPair): Promise<string> {
    const file = path.join(this.home, 'cases', `pending-${pair.fingerprint.slice(0, 16)}.json`);
    await writePrivate(file, `${JSON.stringify(pair)}\n`, { exclusive: true });
    return file;
  }
  async adopt(pendingFile: string, caseId: string): Promise<string> {
    const file = this.caseKeyFile(caseId);
    await rename(pendingFile, file);
    return file;
  }
  dropPending(pendingFile: string): Promise<void> {
    return rm(pendingFile, { force: true });
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
  async caseKey(caseId: string): Promise<RecipientKeyPair | undefined> {
    const file = this.caseKeyFile(caseId);
    return (await readPrivate(file)) === undefined ? undefined : readRecipientKey(file);
  }
}
