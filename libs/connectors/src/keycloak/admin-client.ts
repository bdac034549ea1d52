import { setTimeout as pause } from 'node:timers/promises';
import { claimsOf } from '../check.js';
import { clientCredentials, IssuedToken } from '../client-credentials.js';
import { TargetError } from '../connector.js';
import { failureCode, isRefusedConnection, limitedText, maxRetryAfterMs, printable, retryAfterMs } from '../http-answers.js';
import { secretIn } from '../secret-file.js';

export interface KeycloakOptions {
  /** Name of the target in the configuration, e.g. `keycloak`. */
  readonly name: string;
  /** The realm: `https://<host>/realms/<realm>`, as tokens have it in `iss`. */
  readonly url: string;
  /** JSON file with `clientId` and `clientSecret` of the executor, mode 0600. */
  readonly credentialsFile: string;
  /** Timeout of each request. */
  readonly callTimeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A list of 10,000 groups with their attributes is about as large. */
const maxBytes = 16 * 1024 * 1024;
/** Retries of a request that Keycloak postponed (429, 503 with Retry-After), while the caller waits. */
const maxRetries = 3;

/** Token and credentials of one target; a `Call` for each method of the connector. */
export class AdminClient {
  readonly issued = new IssuedToken();

  constructor(readonly options: KeycloakOptions) {}

  call(signal: AbortSignal): Call {
    return new Call(this, signal);
  }
}

/** Requests of one connector method. After a write was sent, every failure has the effect `unknown`. */
export class Call {
  private wrote = false;
  private token: string | undefined;

  constructor(
    private readonly client: AdminClient,
    readonly signal: AbortSignal,
  ) {}

  get name(): string {
    return this.client.options.name;
  }

  /** Effect on the target if the method fails now. */
  get effect(): 'none' | 'unknown' {
    return this.wrote ? 'unknown' : 'none';
  }

  /** The object at the path; throws `not-found` if there is none. */
  async get<T>(path: string): Promise<T> {
    return (await this.send('GET', path)).body as T;
  }

  /** The object at the path, or `absent`. Only Keycloak's own 404 counts: a gateway's says nothing about the object. */
  async find<T>(path: string): Promise<T | 'absent'> {
    const { status, body } = await this.send('GET', path, undefined, true);
    if (status !== 404) return body as T;
    if (typeof (body as { error?: unknown } | undefined)?.error === 'string') return 'absent';
    throw new TargetError(`${this.name} responded with 404 to GET ${path} and not as Keycloak does: check url`, this.effect, 'unreachable');
  }

  /** A write. `missingIsFine`: the object to delete may not exist; returns whether it did. */
  async write(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, missingIsFine = false): Promise<boolean> {
    return (await this.send(method, path, body, missingIsFine)).status !== 404;
  }

  /** Claims of the executor's token; `fresh`: of one that was issued now. */
  async claims(fresh = false): Promise<Readonly<Record<string, unknown>>> {
    if (fresh || this.token === undefined) this.token = await this.bearer(fresh);
    return claimsOf(this.token) ?? {};
  }

  /** User id of the executor's own service account, from its token. */
  async ownId(): Promise<string> {
    const { sub } = await this.claims();
    if (typeof sub === 'string') return sub;
    throw new TargetError(`the token of ${this.name} names no account: the client needs a service account`, this.effect, 'refused');
  }

  private async send(method: string, path: string, body?: unknown, missingIsFine = false): Promise<Answer> {
    const [origin, realm] = this.client.options.url.split('/realms/');
    const to = `${origin}/admin/realms/${realm}${path}`;
    for (const fresh of [false, true]) {
      this.token = await this.bearer(fresh);
      const answer = await this.exchange(to, method !== 'GET', {
        method,
        headers: {
          authorization: `Bearer ${this.token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (answer.status >= 200 && answer.status < 300) return answer;
      if (answer.status === 401 && !fresh) continue;
      if (answer.status === 404 && missingIsFine) return answer;
      throw this.refusal(answer.status, `${method} ${path}`);
    }
    throw new TargetError(`${this.name} does not accept the tokens of its executor`, this.effect, 'refused');
  }

  private async bearer(fresh: boolean): Promise<string> {
    const credentials = secretIn(`the credentials of ${this.name}`, this.client.options.credentialsFile, clientCredentials, this.effect);
    const cached = fresh ? undefined : this.client.issued.for(credentials);
    if (cached !== undefined) return cached;
    const { clientId, clientSecret } = credentials;
    const { status, body } = await this.exchange(`${this.client.options.url}/protocol/openid-connect/token`, false, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }),
    });
    const { access_token: value, expires_in: seconds } = (body ?? {}) as { access_token?: unknown; expires_in?: unknown };
    if (status >= 500) throw this.refusal(status, 'the request for a token');
    if (status !== 200 || typeof value !== 'string')
      throw new TargetError(
        `${this.name} refuses client ${clientId} (${status}): check its secret and that it has a service account`,
        this.effect,
        'refused',
      );
    this.client.issued.keep(value, typeof seconds === 'number' ? seconds : 60, credentials);
    return value;
  }

  /** One request to the configured origin, without redirects; retried only if Keycloak postponed it and did nothing. */
  private async exchange(to: string, writes: boolean, init: RequestInit): Promise<Answer> {
    for (let tries = 0; ; tries += 1) {
      const effectBefore = this.wrote;
      let response: Response;
      let text: string | undefined;
      const limit = AbortSignal.timeout(this.client.options.callTimeoutMs);
      try {
        this.signal.throwIfAborted();
        if (writes) this.wrote = true;
        response = await fetch(to, { ...init, redirect: 'error', signal: AbortSignal.any([this.signal, limit]) });
        text = await limitedText(response, maxBytes);
      } catch (error) {
        if (isRefusedConnection(error)) this.wrote = effectBefore;
        throw this.unreachable(error, limit);
      }
      // Refused before anything was done.
      if (response.status >= 400 && response.status < 500) this.wrote = effectBefore;
      const wait = retryAfterMs(response.headers.get('retry-after'), new Date());
      if ((response.status === 429 || response.status === 503) && wait !== undefined && wait <= maxRetryAfterMs && tries < maxRetries) {
        await pause(Math.max(wait, 100), undefined, { signal: this.signal }).catch((error: unknown) => {
          throw this.unreachable(error);
        });
        continue;
      }
      if (text === undefined) throw new TargetError(`${this.name} responded with more than ${maxBytes} bytes`, this.effect, 'refused');
      return { status: response.status, body: this.parsed(text, response) };
    }
  }

  private parsed(text: string, { status, headers }: Response): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      // A page of a proxy is not a response of Keycloak; of an error only the status matters.
      if (status >= 300) return undefined;
      throw new TargetError(
        `${this.name} responded with ${status} and ${printable(headers.get('content-type') ?? 'no content type')} instead of JSON`,
        this.effect,
        'unreachable',
      );
    }
  }

  private unreachable(error: unknown, limit?: AbortSignal): TargetError {
    if (this.signal.aborted || limit?.aborted) return new TargetError(`${this.name} did not respond in time`, this.effect, 'timeout');
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = failureCode(error) ?? (cause as Error).message;
    return new TargetError(
      `${this.name} cannot be reached at ${new URL(this.client.options.url).origin}: ${why}`,
      this.effect,
      'unreachable',
    );
  }

  private refusal(status: number, what: string): TargetError {
    const message = `${this.name} responded with ${status} to ${what}`;
    if (status === 404) return new TargetError(message, this.effect, 'not-found');
    if (status === 403)
      return new TargetError(
        `${message}: its executor needs manage-users and view-realm of the client realm-management`,
        this.effect,
        'refused',
      );
    if (status >= 500 || status === 429) return new TargetError(message, this.effect, 'unreachable');
    return new TargetError(message, this.effect, status === 409 ? 'changed' : 'refused');
  }
}
