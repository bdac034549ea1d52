/** Requests to a SCIM 2.0 service provider (RFC 7644): one origin, no redirects, bounded answers. */
import { setTimeout as pause } from 'node:timers/promises';
import { TargetError } from '../connector.js';
import { clientCredentials, IssuedToken } from '../client-credentials.js';
import { failureCode, isRefusedConnection, limitedText, maxRetryAfterMs, printable, retryAfterMs } from '../http-answers.js';
import { secretIn } from '../secret-file.js';
import { bearerToken, type TokenSource } from './scim-token.js';

export interface ScimClientOptions {
  /** Name of the target in the file of targets. */
  readonly name: string;
  /** Base URL of the service provider: `/Users` and `/Groups` are below it. */
  readonly url: string;
  readonly token: TokenSource;
  /** Of each request. Milliseconds. */
  readonly callTimeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly etag: string | undefined;
}

export interface Request {
  readonly method: 'GET' | 'PATCH';
  /** Below the base URL, encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly ifMatch?: string | undefined;
  /** Statuses that the caller looks at itself, besides 2xx. */
  readonly also?: readonly number[];
  /** A list of members may be larger than other answers. */
  readonly mostBytes?: number;
}

const scimJson = 'application/scim+json';
const mostBytes = 2 * 1024 * 1024;
/** So often a request that the target put off (429, 503 with Retry-After) is sent again, while the caller waits. */
const putOff = 3;

export class ScimClient {
  readonly issued = new IssuedToken();

  constructor(readonly options: ScimClientOptions) {}

  call(signal: AbortSignal): Call {
    return new Call(this, signal);
  }
}

/** Requests of one connector method. After a write was sent, every failure has the effect `unknown`. */
export class Call {
  private wrote = false;

  constructor(
    private readonly client: ScimClient,
    readonly signal: AbortSignal,
  ) {}

  get name(): string {
    return this.client.options.name;
  }

  /** What is certain about the target when the method fails now. */
  get effect(): 'none' | 'unknown' {
    return this.wrote ? 'unknown' : 'none';
  }

  async send(request: Request): Promise<Answer> {
    const { method, path, body, ifMatch, also = [] } = request;
    for (const fresh of [false, true]) {
      const token = await this.bearer(fresh);
      const answer = await this.exchange(`${this.client.options.url.replace(/\/$/, '')}${path}`, request.mostBytes ?? mostBytes, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          accept: `${scimJson}, application/json`,
          ...(body === undefined ? {} : { 'content-type': scimJson }),
          ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (answer.status === 401 && !fresh) continue;
      if ((answer.status >= 200 && answer.status < 300) || also.includes(answer.status)) return answer;
      throw this.refusal(answer, `${method} ${path.split('?')[0]}`, token);
    }
    throw new TargetError('this is a bug: a request was neither answered nor refused', this.effect, 'refused');
  }

  /** A token of the executor; one that was issued now, unless it is in a file. */
  token(): Promise<string> {
    return this.bearer(true);
  }

  /** Whether tokens are issued on demand, and not read from a file. */
  get issuesTokens(): boolean {
    return 'tokenUrl' in this.client.options.token;
  }

  /** `fresh`: the target did not take the one before. */
  private async bearer(fresh: boolean): Promise<string> {
    const { name, token: source } = this.client.options;
    if ('tokenFile' in source) return secretIn(`the token of ${name}`, source.tokenFile, bearerToken, this.effect);
    const credentials = secretIn(`the credentials of ${name}`, source.credentialsFile, clientCredentials, this.effect);
    const held = fresh ? undefined : this.client.issued.for(credentials);
    if (held !== undefined) return held;
    const { clientId, clientSecret } = credentials;
    const { status, body } = await this.exchange(source.tokenUrl, mostBytes, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }),
    });
    const { access_token: value, expires_in: seconds } = (body ?? {}) as { access_token?: unknown; expires_in?: unknown };
    if (status >= 500 || status === 429)
      throw new TargetError(`${name} answers ${status} to the request for a token`, this.effect, 'unreachable');
    if (status !== 200 || typeof value !== 'string')
      throw new TargetError(
        `${name} gives the client ${clientId} no token (${status}): check its secret and its grants`,
        this.effect,
        'refused',
      );
    this.client.issued.keep(value, typeof seconds === 'number' ? seconds : 60, credentials);
    return value;
  }

  /** One request, sent again only where the target put it off. */
  private async exchange(to: string, most: number, init: RequestInit & { readonly method: string }): Promise<Answer> {
    for (let tries = 0; ; tries += 1) {
      const effectBefore = this.wrote;
      const limit = AbortSignal.timeout(this.client.options.callTimeoutMs);
      let response: Response;
      let text: string | undefined;
      try {
        this.signal.throwIfAborted();
        if (init.method === 'PATCH') this.wrote = true;
        response = await fetch(to, { ...init, redirect: 'manual', signal: AbortSignal.any([this.signal, limit]) });
        // The answer to a change may be a group with all its members; what it did is read back.
        if (init.method === 'PATCH' && response.ok) await response.body?.cancel();
        text = init.method === 'PATCH' && response.ok ? '' : await limitedText(response, most);
      } catch (error) {
        if (isRefusedConnection(error)) this.wrote = effectBefore;
        throw this.unreachable(error, limit);
      }
      const { status, headers } = response;
      // Refused before anything was done.
      if (status >= 300 && status < 500 && status !== 408) this.wrote = effectBefore;
      const wait = retryAfterMs(headers.get('retry-after'), new Date());
      if ((status === 429 || status === 503) && wait !== undefined && wait <= maxRetryAfterMs && tries < putOff) {
        await pause(Math.max(wait, 100), undefined, { signal: this.signal }).catch((error: unknown) => {
          throw this.unreachable(error);
        });
        continue;
      }
      if (text === undefined) throw new TargetError(`${this.name} answers with more than ${most} bytes`, this.effect, 'refused');
      return { status, body: this.parsed(text, response), etag: headers.get('etag') ?? undefined };
    }
  }

  private parsed(text: string, { status, headers }: Response): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      // Of an error only the status counts.
      if (status >= 300) return undefined;
      const type = printable(headers.get('content-type') ?? 'no content type');
      throw new TargetError(`${this.name} answers ${status} with ${type} that is not JSON`, this.effect, 'unreachable');
    }
  }

  private unreachable(error: unknown, limit?: AbortSignal): TargetError {
    if (this.signal.aborted || limit?.aborted) return new TargetError(`${this.name} did not answer in time`, this.effect, 'timeout');
    const { origin } = new URL(this.client.options.url);
    const why = failureCode(error) ?? (error as Error).message;
    return new TargetError(`${this.name} cannot be reached at ${origin}: ${printable(String(why))}`, this.effect, 'unreachable');
  }

  private refusal({ status, body }: Answer, what: string, token: string): TargetError {
    const { scimType, detail } = (body ?? {}) as { scimType?: unknown; detail?: unknown };
    const words = [scimType, detail].filter((word) => typeof word === 'string').join(': ');
    const message = `${this.name} answers ${status} to ${what}${words === '' ? '' : ` (${printable(words.replaceAll(token, '...'))})`}`;
    if (status === 404) return new TargetError(message, this.effect, 'not-found');
    if (status === 401 || status === 403)
      return new TargetError(`${message}: check the token of the executor and its rights`, this.effect, 'refused');
    if (status >= 300 && status < 400) return new TargetError(`${message}: redirects are not followed`, this.effect, 'refused');
    if (status >= 500 || status === 429 || status === 408)
      return new TargetError(message, this.effect, status === 501 ? 'unsupported' : 'unreachable');
    return new TargetError(message, this.effect, status === 409 || status === 412 ? 'changed' : 'refused');
  }
}
