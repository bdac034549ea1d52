import { claimsOf } from '../check.js';
import { IssuedToken } from '../client-credentials.js';
import { TargetError } from '../connector.js';
import { HttpCall, type HttpAnswer, type HttpTarget } from '../http-call.js';

/** `url`: the realm, `https://<host>/realms/<realm>`, as tokens have it in `iss`. */
export interface KeycloakOptions extends HttpTarget {
  /** JSON file with `clientId` and `clientSecret` of the executor, mode 0600. */
  readonly credentialsFile: string;
  /** Roles of `realm-management` that the client needs, for messages. */
  readonly needs?: string;
}

/** A list of 10,000 groups with their attributes is about as large. */
const maxBytes = 16 * 1024 * 1024;

/** Token and credentials of one target; a `Call` for each method of the connector. */
export class AdminClient {
  readonly issued = new IssuedToken();

  constructor(readonly options: KeycloakOptions) {}

  call(signal: AbortSignal): Call {
    return new Call(this, signal);
  }
}

/** Requests of one connector method to the admin API of the realm. */
export class Call extends HttpCall {
  constructor(
    private readonly client: AdminClient,
    signal: AbortSignal,
  ) {
    super(client.options, signal, 'error');
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
    throw new TargetError(`${this.name} answers 404 to GET ${path} and not as Keycloak does: check url`, this.effect, 'unreachable');
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

  private async send(method: string, path: string, body?: unknown, missingIsFine = false): Promise<HttpAnswer> {
    const [origin, realm] = this.client.options.url.split('/realms/');
    const answer = await this.authorized({
      ...{ method, url: `${origin}/admin/realms/${realm}${path}`, writes: method !== 'GET', maxBytes },
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if ((answer.status >= 200 && answer.status < 300) || (answer.status === 404 && missingIsFine)) return answer;
    throw this.refusal(answer.status, `${method} ${path}`);
  }

  protected bearer(fresh: boolean): Promise<string> {
    const { url, credentialsFile } = this.client.options;
    const { issued } = this.client;
    return this.issuedToken({ tokenUrl: `${url}/protocol/openid-connect/token`, credentialsFile, issued }, fresh);
  }

  private refusal(status: number, what: string): TargetError {
    const message = `${this.name} answers ${status} to ${what}`;
    if (status === 404) return new TargetError(message, this.effect, 'not-found');
    if (status === 403)
      return new TargetError(
        `${message}: ${this.client.options.needs ?? 'its executor needs manage-users and view-realm'} of the client realm-management`,
        this.effect,
        'refused',
      );
    if (status >= 500 || status === 429 || status === 408) return new TargetError(message, this.effect, 'unreachable');
    return new TargetError(message, this.effect, status === 409 ? 'changed' : 'refused');
  }
}
