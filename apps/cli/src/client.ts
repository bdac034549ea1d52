import { Ajv, type ValidateFunction } from 'ajv';
import { idempotencyHeader, Problem, routes, type Route, type RouteName } from '@readmit/contracts';
import type { Static, TSchema } from 'typebox';
import { CliError, saidBy, usage, type ProblemDetails } from './errors.js';
import type { Io } from './io.js';
import type { RecipientKeyPair } from './keys.js';
import { failureOf } from './refusal.js';
import { requestProof } from './sign.js';

type Names<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Names<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;
type Params<R extends Route> = string extends R['path']
  ? { readonly params?: Readonly<Record<string, string>> }
  : [Names<R['path']>] extends [never]
    ? object
    : { readonly params: Readonly<Record<Names<R['path']>, string>> };
type Body<R> = R extends { readonly body: infer B extends TSchema } ? { readonly body: Static<B> } : object;
type Query<R> = R extends { readonly query: infer Q extends TSchema } ? { readonly query?: Static<Q> } : object;
export type Input<N extends RouteName> = Params<(typeof routes)[N]> & Body<(typeof routes)[N]> & Query<(typeof routes)[N]>;
export type Answer<N extends RouteName> = Static<(typeof routes)[N]['response']>;

/** How a request says who sends it. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'key'; readonly key: RecipientKeyPair; readonly token?: string };

/** Longest that one request may take, in milliseconds; an export reads the whole log. */
export const deadlines = { call: 30_000, download: 30 * 60_000 } as const;

const ajv = new Ajv({ strict: false, allErrors: true });
const compiled = new WeakMap<TSchema, ValidateFunction>();
function validator(schema: TSchema): ValidateFunction {
  const known = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, known);
  return known;
}
const faultsOf = (validate: ValidateFunction): string =>
  (validate.errors ?? [])
    .slice(0, 5)
    .map(
      ({ instancePath, message, params }) =>
        `${instancePath || '/'} ${message ?? 'is wrong'}${'additionalProperty' in params ? ` (${String(params['additionalProperty'])})` : ''}`,
    )
    .join('; ');

/** The API of contracts over HTTP. Requests are checked before they leave, answers before they are believed. */
export class Client {
  constructor(
    private readonly origin: URL,
    private readonly io: Io,
    private readonly credentialFor: (route: Route, caseId: string | undefined) => Promise<Credential>,
  ) {}

  /** Calls one route; the credential is chosen by the route's access unless one is given. */
  async call<N extends RouteName>(name: N, input: Input<N>, credential?: Credential, idempotencyKey?: string): Promise<Answer<N>> {
    const { response, where } = await this.send(name, input, deadlines.call, credential, idempotencyKey);
    const value = await bodyOf(response, where);
    const validate = validator(routes[name].response);
    if (!validate(value)) throw notUnderstood(where, faultsOf(validate));
    return value as Answer<N>;
  }

  /** The same for an answer that is too long to hold: its bytes as they come. */
  async download(name: RouteName, input: { readonly query?: object }): Promise<AsyncIterable<Uint8Array>> {
    const { response, where } = await this.send(name, input, deadlines.download, undefined);
    if (!response.body) throw notUnderstood(where, 'the response has no body');
    return response.body;
  }

  private async send(
    name: RouteName,
    input: object,
    deadline: number,
    given: Credential | undefined,
    idempotencyKey?: string,
  ): Promise<{ readonly response: Response; readonly where: string }> {
    const route: Route = routes[name];
    const { params, query, body } = input as { params?: Record<string, string>; query?: object; body?: unknown };
    check(route.body, body, 'what would be sent');
    check(route.query, query ?? {}, 'the filter');
    const target = `${pathOf(route.path, params)}${searchOf(query)}`;
    const where = `${route.method} ${this.origin.origin}${target}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const credential = given ?? (await this.credentialFor(route, params?.['caseId']));
    const headers: Record<string, string> = { accept: 'application/json, application/problem+json' };
    if (text !== undefined) headers['content-type'] = 'application/json';
    if (idempotencyKey !== undefined) headers[idempotencyHeader] = idempotencyKey;
    if (credential.kind !== 'none' && credential.token !== undefined) headers['authorization'] = `Bearer ${credential.token}`;
    if (credential.kind === 'key') {
      headers['readmit-proof'] = await requestProof(credential.key.signing, {
        method: route.method,
        target,
        at: this.io.now(),
        id: this.io.uuid(),
        ...(text === undefined ? {} : { body: text }),
      });
    }
    let response: Response;
    try {
      // A redirect would carry the token elsewhere, and a proof names one path: neither is followed.
      response = await this.io.fetch(`${this.origin.origin}${target}`, {
        method: route.method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(deadline),
        ...(text === undefined ? {} : { body: text }),
      });
    } catch (error) {
      throw unreachable(where, route.method, error);
    }
    if (response.ok) return { response, where };
    throw failureOf(response.status, await problemOf(response), response.headers, where, target);
  }
}

function check(schema: TSchema | undefined, value: unknown, what: string): void {
  if (!schema) return;
  const validate = validator(schema);
  if (!validate(value))
    throw usage(`The service would refuse ${what}: ${faultsOf(validate)}`, 'Correct the options; see the example in --help.');
}

function pathOf(path: string, params: Readonly<Record<string, string>> = {}): string {
  return path.replace(/:(\w+)/g, (_, name: string) => {
    const value = params[name];
    if (!value || value === '.' || value === '..') throw usage(`"${value ?? ''}" is not an id`);
    return encodeURIComponent(value);
  });
}

function searchOf(query: object | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? '' : `?${search.toString()}`;
}

async function bodyOf(response: Response, where: string): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw notUnderstood(where, 'the response is not JSON', error);
  }
}

async function problemOf(response: Response): Promise<ProblemDetails | undefined> {
  try {
    const value: unknown = await response.json();
    return validator(Problem)(value) ? (value as ProblemDetails) : undefined;
  } catch {
    // Something on the way (a proxy) answered with a page of its own: the status is all there is to say.
    return undefined;
  }
}

const notUnderstood = (where: string, why: string, cause?: unknown): CliError =>
  new CliError('unexpected', `The response does not match the API: ${why}`, {
    where,
    next: 'Check --url, and that this readmit has the same version as the services.',
    cause,
  });

function unreachable(where: string, method: Route['method'], cause: unknown): CliError {
  // fetch says no more than "fetch failed"; its cause says why.
  const { name, cause: deeper } = (cause ?? {}) as { readonly name?: unknown; readonly cause?: unknown };
  const reason = name === 'TimeoutError' ? 'timed out' : saidBy(deeper ?? cause);
  return new CliError('unreachable', `The service cannot be reached: ${reason}`, {
    where,
    next:
      method === 'POST'
        ? 'Check --url and the network. The request may have been processed: check before you repeat it.'
        : 'Check --url and the network, then try again.',
    cause,
  });
}
