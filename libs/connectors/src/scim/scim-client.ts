/** Requests to a SCIM 2.0 service provider (RFC 7644). */
import { IssuedToken } from '../client-credentials.js';
import { TargetError } from '../connector.js';
import { HttpCall, type HttpAnswer, type HttpTarget } from '../http-call.js';
import { printable } from '../http-answers.js';
import { secretIn } from '../secret-file.js';
import { bearerToken, type TokenSource } from './scim-token.js';

/** `url`: base URL of the service provider; `/Users` and `/Groups` are below it. */
export interface ScimClientOptions extends HttpTarget {
  readonly token: TokenSource;
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

export class ScimClient {
  readonly issued = new IssuedToken();

  constructor(readonly options: ScimClientOptions) {}

  call(signal: AbortSignal): Call {
    return new Call(this, signal);
  }
}

/** Requests of one connector method. */
export class Call extends HttpCall {
  constructor(
    private readonly client: ScimClient,
    signal: AbortSignal,
  ) {
    super(client.options, signal, 'manual');
  }

  async send(request: Request): Promise<HttpAnswer> {
    const { method, path, body, ifMatch, also = [] } = request;
    const writes = method === 'PATCH';
    const answer = await this.authorized({
      ...{ method, url: `${this.client.options.url.replace(/\/$/, '')}${path}`, maxBytes: request.mostBytes ?? mostBytes },
      // The answer to a change may be a group with all its members.
      ...{ writes, withoutAnswer: writes },
      headers: {
        accept: `${scimJson}, application/json`,
        ...(body === undefined ? {} : { 'content-type': scimJson }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if ((answer.status >= 200 && answer.status < 300) || also.includes(answer.status)) return answer;
    throw this.refusal(answer, `${method} ${path.split('?')[0]}`);
  }

  /** A token of the executor; one that was issued now, unless it is in a file. */
  executorToken(): Promise<string> {
    return this.bearer(true);
  }

  /** Whether tokens are issued on demand, and not read from a file. */
  get issuesTokens(): boolean {
    return 'tokenUrl' in this.client.options.token;
  }

  protected async bearer(fresh: boolean): Promise<string> {
    const { token: source } = this.client.options;
    if ('tokenFile' in source) return secretIn(`the token of ${this.name}`, source.tokenFile, bearerToken, this.effect);
    return this.issuedToken({ ...source, issued: this.client.issued }, fresh);
  }

  private refusal({ status, body }: HttpAnswer, what: string): TargetError {
    const { scimType, detail } = (body ?? {}) as { scimType?: unknown; detail?: unknown };
    const told = [scimType, detail].filter((word) => typeof word === 'string').join(': ');
    // Some servers repeat the header.
    const words = this.token === undefined ? told : told.replaceAll(this.token, '...');
    const message = `${this.name} answers ${status} to ${what}${words === '' ? '' : ` (${printable(words)})`}`;
    if (status === 404) return new TargetError(message, this.effect, 'not-found');
    if (status === 401 || status === 403)
      return new TargetError(`${message}: check the token of the executor and its rights`, this.effect, 'refused');
    if (status >= 300 && status < 400) return new TargetError(`${message}: redirects are not followed`, this.effect, 'refused');
    if (status >= 500 || status === 429 || status === 408)
      return new TargetError(message, this.effect, status === 501 ? 'unsupported' : 'unreachable');
    return new TargetError(message, this.effect, status === 409 || status === 412 ? 'changed' : 'refused');
  }
}
