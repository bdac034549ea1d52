import type { Step, Undo } from '@readmit/contracts';
import { isLoopback } from '@readmit/platform';
import { allowInsecureRequests, clientCredentialsGrant, ClientError, Configuration, customFetch, ResponseBodyError } from 'openid-client';
import { TargetError } from '../connector.js';
import { failureCode, isRefusedConnection, limitedText } from '../http-answers.js';

export interface DemoIdpOptions {
  /** Name of the target in the configuration, e.g. `demo-idp`. */
  readonly name: string;
  /** Origin of the identity provider. */
  readonly url: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly fetch?: typeof globalThis.fetch;
}

/** A person's authentication as the target shows it to an administrator. */
export interface PersonState {
  readonly id: string;
  readonly version: number;
  readonly factors: readonly { readonly id: string; readonly kind: string; readonly enrolledAt: string }[];
  readonly sessions: readonly { readonly id: string; readonly scope: string; readonly openedBy: string }[];
  readonly bypass: {
    readonly state: 'none' | 'active' | 'used' | 'expired' | 'closed';
    readonly id?: string;
    readonly for?: string;
    readonly usedAt?: string;
    readonly sessionsEnded?: number;
  };
  readonly locked: boolean;
}

interface Changed {
  readonly person: PersonState;
  readonly result: { readonly sessionsEnded?: number };
}

export const canaryId = 'demo-canary';
const renewBeforeMs = 30_000;
const maxBytes = 1024 * 1024;
/** Attempts of a compare-and-set, if the person is changed concurrently. */
const maxAttempts = 5;

/** The target's admin API. One `Call` per connector method tracks whether anything may have been written. */
export class AdminClient {
  private token: { readonly value: string; readonly until: number } | undefined;

  constructor(private readonly options: DemoIdpOptions) {}

  call(signal: AbortSignal): Call {
    return new Call(this, this.options, signal);
  }

  /** A bearer token by client credentials, cached until shortly before it expires. */
  async bearer(signal: AbortSignal, fresh: boolean): Promise<string> {
    if (!fresh && this.token && Date.now() < this.token.until) return this.token.value;
    const { tokenUrl, clientId, clientSecret } = this.options;
    const server = new Configuration({ issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl }, clientId, clientSecret);
    const send = this.options.fetch ?? fetch;
    server[customFetch] = (url, init) =>
      send(url, { ...init, signal: init.signal ? AbortSignal.any([init.signal, signal]) : signal } as RequestInit);
    // Plain HTTP only to the loopback, where the demo runs.
    if (isLoopback(new URL(tokenUrl).hostname)) allowInsecureRequests(server);
    const granted = await clientCredentialsGrant(server, { scope: 'people:read people:recover' });
    this.token = { value: granted.access_token, until: Date.now() + (granted.expires_in ?? 60) * 1000 - renewBeforeMs };
    return granted.access_token;
  }
}

/** Requests of one connector method. After a write was sent, every failure has the effect `unknown`. */
export class Call {
  private wrote = false;

  constructor(
    private readonly client: AdminClient,
    private readonly options: DemoIdpOptions,
    private readonly signal: AbortSignal,
  ) {}

  /** What is known about the target if the method fails now. */
  get effect(): 'none' | 'unknown' {
    return this.wrote ? 'unknown' : 'none';
  }

  /** Gets a token. */
  async signIn(): Promise<void> {
    await this.bearer(true);
  }

  async person(object: string): Promise<PersonState> {
    return (await this.send('GET', `/demo/admin/people/${encodeURIComponent(object)}`)) as PersonState;
  }

  /**
   * Reads the person, then a canary account that always has a factor, a session and a bypass: only a client that sees those may conclude
   * that the person has none.
   */
  async personWithProof(object: string): Promise<PersonState> {
    const state = await this.person(object);
    const canary = await this.person(canaryId);
    const seen = canary.id === canaryId && canary.factors.length > 0 && canary.sessions.length > 0 && canary.bypass.state === 'active';
    if (!seen)
      throw new TargetError(
        `${this.options.name} does not show its canary account, so what it does not show may exist; check the permissions of client ${this.options.clientId}`,
        'unknown',
        'refused',
      );
    return state;
  }

  /** Asks for a change of the canary account, which the target always refuses: what it answers shows whether the executor may change others. */
  async refusedChange(operation: string): Promise<TargetError> {
    try {
      await this.send('POST', `/demo/admin/people/${canaryId}/unlock`, { body: { operation }, version: 0 });
    } catch (error) {
      if (error instanceof TargetError) return error;
      throw error;
    }
    return new TargetError(`${this.options.name} changed its canary account`, this.effect, 'changed');
  }

  /** Throws if the name now belongs to another account than in the plan. */
  assertAccount({ object, identity }: Step | Undo, { id }: PersonState): void {
    const account = identity?.find(({ name }) => name === 'account')?.value;
    if (account !== undefined && account !== id)
      throw new TargetError(`${object} is another account at ${this.options.name} now (${id}, it was ${account})`, this.effect, 'changed');
  }

  /**
   * Changes the person of the step or undo by compare-and-set, and never another person who has the name now. `wanted` gets the state again
   * after each concurrent change; `undefined` from it: nothing to do.
   */
  async change(
    of: Step | Undo,
    wanted: (state: PersonState) => { readonly path: string; readonly body: Readonly<Record<string, unknown>> } | undefined,
  ): Promise<Changed> {
    const { object } = of;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const state = await this.person(object);
      this.assertAccount(of, state);
      const step = wanted(state);
      if (!step) return { person: state, result: {} };
      const changed = await this.send('POST', `/demo/admin/people/${encodeURIComponent(object)}/${step.path}`, {
        body: step.body,
        version: state.version,
      });
      if (changed !== 'version-changed') return changed as Changed;
    }
    throw new TargetError(`${object} at ${this.options.name} keeps being changed concurrently; try again`, this.effect, 'changed');
  }

  private async send(method: 'GET' | 'POST', path: string, write?: { readonly body: unknown; readonly version: number }): Promise<unknown> {
    for (const fresh of [false, true]) {
      const token = await this.bearer(fresh);
      const effectBefore = this.effect;
      let response: Response;
      let body: unknown;
      try {
        if (write) this.wrote = true;
        response = await (this.options.fetch ?? fetch)(new URL(path, this.options.url), {
          method,
          redirect: 'error',
          signal: this.signal,
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            ...(write && { 'content-type': 'application/json', 'if-match': `"${write.version}"` }),
          },
          ...(write && { body: JSON.stringify(write.body) }),
        });
        // More than the limit is not JSON either.
        body = JSON.parse((await limitedText(response, maxBytes)) ?? '');
      } catch (error) {
        if (isRefusedConnection(error)) this.wrote = effectBefore === 'unknown';
        throw this.unreachable(error);
      }
      if (response.ok) return body;
      // The target refused it and did nothing.
      if (response.status < 500) this.wrote = effectBefore === 'unknown';
      if (response.status === 401 && !fresh) continue;
      if (response.status === 412) return 'version-changed';
      throw this.refusalOf(response.status, body, path);
    }
    throw new TargetError(`${this.options.name} does not accept the tokens of client ${this.options.clientId}`, this.effect, 'refused');
  }

  private async bearer(fresh: boolean): Promise<string> {
    try {
      return await this.client.bearer(this.signal, fresh);
    } catch (error) {
      if (error instanceof ResponseBodyError)
        throw new TargetError(`${this.options.tokenUrl} refuses client ${this.options.clientId}: ${error.error}`, this.effect, 'refused');
      throw this.unreachable(error);
    }
  }

  private unreachable(error: unknown): TargetError {
    if (this.signal.aborted) return new TargetError(`${this.options.name} did not respond in time`, this.effect, 'timeout');
    const why =
      failureCode(error) ??
      (error instanceof ClientError ? (error.code ?? 'client error') : error instanceof Error ? error.message : 'unknown');
    return new TargetError(`${this.options.name} cannot be reached at ${this.options.url}: ${why}`, this.effect, 'unreachable');
  }

  private refusalOf(status: number, body: unknown, path: string): TargetError {
    const reason = typeof body === 'object' && body !== null && 'reason' in body ? String(body.reason) : 'no-reason';
    const message = `${this.options.name} responded with ${status} ${reason} at ${path}`;
    if (status === 404) return new TargetError(message, this.effect, 'not-found');
    if (status >= 500) return new TargetError(message, this.effect, 'unreachable');
    return new TargetError(message, this.effect, status === 409 ? 'changed' : 'refused');
  }
}
