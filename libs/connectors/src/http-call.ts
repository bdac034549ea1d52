/** Requests to a target over HTTP: with a token of the executor, within a deadline, and with bounded answers. */
import { setTimeout as pause } from 'node:timers/promises';
import { clientCredentials, type IssuedToken } from './client-credentials.js';
import { TargetError } from './connector.js';
import { failureCode, isRefusedConnection, limitedText, maxRetryAfterMs, printable, retryAfterMs } from './http-answers.js';
import { secretIn } from './secret-file.js';

export interface HttpTarget {
  /** Name of the target in the file of targets. */
  readonly name: string;
  /** Its origin is in errors. */
  readonly url: string;
  /** Timeout of each request. Milliseconds. */
  readonly callTimeoutMs: number;
}

/** Where tokens of an OAuth client come from. */
export interface TokenEndpoint {
  readonly tokenUrl: string;
  /** JSON file with `clientId` and `clientSecret`, mode 0600. */
  readonly credentialsFile: string;
  readonly issued: IssuedToken;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
  /** The target may change something. */
  readonly writes?: boolean;
  /** What a change did is read back, so its answer is not read: it may be larger than the bound. */
  readonly withoutAnswer?: boolean;
  readonly maxBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Undefined: there is none, or an error has one that is not JSON. */
  readonly body: unknown;
  readonly etag: string | undefined;
}

/** Retries of a request that the target postponed (429, 503 with Retry-After), while the caller waits. */
const maxRetries = 3;
const maxTokenBytes = 1024 * 1024;

/** Requests of one connector method. After a write was sent, every failure has the effect `unknown`. */
export abstract class HttpCall {
  private wrote = false;
  /** The last one that was used. */
  protected token: string | undefined;

  protected constructor(
    private readonly target: HttpTarget,
    readonly signal: AbortSignal,
    /** `error`: a redirect counts as no answer. `manual`: it is an answer. None is followed. */
    private readonly redirect: 'error' | 'manual',
  ) {}

  get name(): string {
    return this.target.name;
  }

  /** Effect on the target if the method fails now. */
  get effect(): 'none' | 'unknown' {
    return this.wrote ? 'unknown' : 'none';
  }

  /** A token of the executor. `fresh`: the target did not accept the one before. */
  protected abstract bearer(fresh: boolean): Promise<string>;

  /** With the executor's token; once more with a new one if the target does not accept it. */
  protected async authorized(request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.withToken(request, false);
    return answer.status === 401 ? this.withToken(request, true) : answer;
  }

  private async withToken(request: HttpRequest, fresh: boolean): Promise<HttpAnswer> {
    this.token = await this.bearer(fresh);
    return this.exchange({ ...request, headers: { ...request.headers, authorization: `Bearer ${this.token}` } });
  }

  protected async issuedToken({ tokenUrl, credentialsFile, issued }: TokenEndpoint, fresh: boolean): Promise<string> {
    const credentials = secretIn(`the credentials of ${this.name}`, credentialsFile, clientCredentials, this.effect);
    const held = fresh ? undefined : issued.for(credentials);
    if (held !== undefined) return held;
    const { clientId, clientSecret } = credentials;
    const { status, body } = await this.exchange({
      ...{ method: 'POST', url: tokenUrl, maxBytes: maxTokenBytes, headers: { accept: 'application/json' } },
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }),
    });
    const { access_token: value, expires_in: seconds } = (body ?? {}) as { access_token?: unknown; expires_in?: unknown };
    if (status >= 500 || status === 429)
      throw new TargetError(`${this.name} answers ${status} to the request for a token`, this.effect, 'unreachable');
    if (status !== 200 || typeof value !== 'string')
      throw new TargetError(
        `${this.name} gives the client ${clientId} no token (${status}): check its secret and that it has a service account`,
        this.effect,
        'refused',
      );
    issued.keep(value, typeof seconds === 'number' ? seconds : 60, credentials);
    return value;
  }

  /** One request, sent again only where the target postponed it and did nothing. */
  protected async exchange(request: HttpRequest): Promise<HttpAnswer> {
    const { method, url, headers, body, withoutAnswer = false, maxBytes } = request;
    for (let tries = 0; ; tries += 1) {
      const effectBefore = this.wrote;
      const limit = AbortSignal.timeout(this.target.callTimeoutMs);
      let response: Response;
      let text: string | undefined = '';
      try {
        this.signal.throwIfAborted();
        if (request.writes) this.wrote = true;
        response = await fetch(url, {
          ...{ method, redirect: this.redirect, signal: AbortSignal.any([this.signal, limit]) },
          ...(headers === undefined ? {} : { headers }),
          ...(body === undefined ? {} : { body }),
        });
        if (withoutAnswer && response.ok) await response.body?.cancel();
        else text = await limitedText(response, maxBytes);
      } catch (error) {
        if (isRefusedConnection(error)) this.wrote = effectBefore;
        throw this.unreachable(error, limit);
      }
      const { status } = response;
      // Refused before anything was done. 408 may come from a gateway that did send the request on.
      if (status >= 300 && status < 500 && status !== 408) this.wrote = effectBefore;
      const wait = retryAfterMs(response.headers.get('retry-after'), new Date());
      if ((status === 429 || status === 503) && wait !== undefined && wait <= maxRetryAfterMs && tries < maxRetries) {
        await pause(Math.max(wait, 100), undefined, { signal: this.signal }).catch((error: unknown) => {
          throw this.unreachable(error);
        });
        continue;
      }
      if (text === undefined) throw new TargetError(`${this.name} answers with more than ${maxBytes} bytes`, this.effect, 'refused');
      return { status, body: this.parsed(text, response), etag: response.headers.get('etag') ?? undefined };
    }
  }

  private parsed(text: string, { status, headers }: Response): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      // Of an error only the status counts; it may be a page of a proxy.
      if (status >= 300) return undefined;
      const type = printable(headers.get('content-type') ?? 'no content type');
      throw new TargetError(`${this.name} answers ${status} with ${type} that is not JSON`, this.effect, 'unreachable');
    }
  }

  private unreachable(error: unknown, limit?: AbortSignal): TargetError {
    if (this.signal.aborted || limit?.aborted) return new TargetError(`${this.name} did not answer in time`, this.effect, 'timeout');
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = printable(String(failureCode(error) ?? (cause as Error).message));
    return new TargetError(`${this.name} cannot be reached at ${new URL(this.target.url).origin}: ${why}`, this.effect, 'unreachable');
  }
}
