import type { Route } from '@readmit/contracts';
import { Client, type Credential } from './client.js';
import { CliError } from './errors.js';
import { homeOf } from './files.js';
import type { Io } from './io.js';
import { parseOrigin } from './origin.js';
import { Output } from './output.js';
import { Vault, type Session } from './session.js';
import { refreshed } from './sign-in.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url?: string;
  readonly json?: boolean;
  readonly insecureHttp?: boolean;
}
export const defaultUrl = 'http://127.0.0.1:7400';
/** A token that ends sooner than this is renewed first, so that it does not run out on the way. */
const renewBeforeMs = 10_000;

/** What a command works with. */
export class Context {
  readonly out: Output;
  readonly vault: Vault;
  readonly origin: URL;
  readonly client: Client;
  readonly allowHttp: boolean;

  constructor(
    readonly io: Io,
    options: GlobalOptions,
  ) {
    this.out = new Output(io, options.json === true);
    this.vault = new Vault(homeOf(io.env));
    this.allowHttp = options.insecureHttp === true;
    this.origin = parseOrigin(
      options.url ?? (io.env['READMIT_URL'] || defaultUrl),
      options.url === undefined && io.env['READMIT_URL'] ? 'READMIT_URL' : '--url',
      this.allowHttp,
    );
    this.client = new Client(this.origin, io, (route, caseId) => this.credentialFor(route, caseId));
  }

  /** The stored sign-in for this origin, renewed when it has run out; `undefined` when nobody is signed in here. */
  async session(): Promise<Session | undefined> {
    const session = await this.vault.session();
    if (session === undefined || session.url !== this.origin.origin) return undefined;
    if (Date.parse(session.expiresAt) - this.io.now().getTime() > renewBeforeMs) return session;
    const renewed = await refreshed(session, this.allowHttp, this.io);
    if (renewed === undefined)
      throw new CliError('notSignedIn', 'Your sign-in has expired', { where: this.origin.origin, next: 'Sign in again: readmit login' });
    await this.vault.saveSession(renewed);
    return renewed;
  }

  async signedIn(): Promise<Session> {
    const session = await this.session();
    if (session === undefined)
      throw new CliError('notSignedIn', 'You are not signed in', { where: this.origin.origin, next: 'Sign in: readmit login' });
    return session;
  }

  /** The case's own key where the route takes one and it is here: who asked without signing in has nothing else. */
  private async credentialFor(route: Route, caseId: string | undefined): Promise<Credential> {
    const key =
      caseId !== undefined && (route.access === 'case-key' || route.access === 'person-or-case-key')
        ? await this.vault.caseKey(caseId)
        : undefined;
    if (key) return { kind: 'key', key };
    switch (route.access) {
      case 'anyone':
        return { kind: 'none' };
      case 'case-key':
        throw new CliError('notSignedIn', "This needs the case's own key, which is not on this machine", {
          where: caseId === undefined ? this.vault.home : this.vault.caseKeyFile(caseId),
          next: 'Run it where the case was opened, or name the key file with --key.',
        });
      default:
        return { kind: 'bearer', token: (await this.signedIn()).accessToken };
    }
  }
}
