import {
  betweenValues,
  idempotencyHeader,
  idempotencyKeyOf,
  proofHeader,
  routes,
  type EventMessage,
  type Route,
  type RouteName,
} from '@readmit/contracts';
import type { ServiceRuntime } from '@readmit/runtime';
import { Injectable, type CallHandler, type CanActivate, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { operatorTeam, type CommandRefusal, type StepUp } from '@readmit/domain';
import type { BearerVerifier } from '@readmit/signing';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { map, type Observable } from 'rxjs';
import { inScope } from '../telemetry.js';
import { problemOfToken } from './bearer.js';
import type { Actor, Call, ProvenKey } from './call.js';
import type { ProofVerifier } from './case-proof.js';
import type { EdgeRequest } from './edge-request.js';
import { ProblemError, refused, unavailable } from './problem.js';
import { servedBy } from './serves.js';
import { assertSteppedUp } from './step-up.js';
import { checkRequest, responseFaults } from './validation.js';

export interface EdgeOptions {
  readonly bearer: Pick<BearerVerifier, 'verify'>;
  readonly proofs: Pick<ProofVerifier, 'verify'>;
  readonly refusals: Pick<ServiceRuntime, 'refuse'>;
  /** What a sign-in must be for routes with `stepUp`. */
  readonly stepUp: StepUp;
  readonly now: () => Date;
  /** Client ids that may publish signals. */
  readonly signalProviders: readonly string[];
  /** Counts the request; throws the 429. `address`: no sign-in held it. */
  readonly limit: (request: EdgeRequest, by: 'address' | 'actor') => Promise<void>;
  /** Answers are checked against the catalogue; off in production, where a wrong answer is better than none. */
  readonly checkAnswers: boolean;
}
/** An operator's work may be done by a client that is given the team. */
const forPeople: ReadonlySet<Route['access']> = new Set(['anyone', 'person', 'person-or-case-key']);

/**
 * Sign-in and rate, before anything of the body is read: who asks too often costs no more than the head of the request. Who fails to sign in, or
 * cannot be judged, is counted by address as well. A proof of a case key covers the body, so it is verified behind it.
 */
export async function admit(request: EdgeRequest, { bearer, limit }: Pick<EdgeOptions, 'bearer' | 'limit'>): Promise<void> {
  const { authorization } = request.headers;
  if (authorization === undefined || request.is404) return limit(request, 'address');
  try {
    request.actor = await bearer.verify(authorization);
  } catch (error) {
    const problem = problemOfToken(error);
    if (problem instanceof ProblemError) await limit(request, 'address');
    throw problem;
  }
  await limit(request, 'actor');
}

/** Access and shape of every request that was admitted, in this order, from the catalogue. Fails closed: a handler without a route is never reached. */
@Injectable()
export class EdgeGuard implements CanActivate {
  constructor(private readonly options: EdgeOptions) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<EdgeRequest>();
    const name = servedBy(context.getHandler());
    if (!name) throw new Error(`this is a bug: ${context.getClass().name}.${context.getHandler().name} serves no route of the catalogue`);
    const enter = () => this.enter(name, routes[name], request);
    await (request.scope ? inScope(request.scope, enter) : enter());
    return true;
  }

  private async enter(name: RouteName, route: Route, request: EdgeRequest): Promise<void> {
    const { authorization } = request.headers;
    const proofText = request.headers[proofHeader];
    const { actor } = request;
    if (authorization !== undefined && !actor) throw new Error('this is a bug: a request reached its route without having been admitted');
    let proof: ProvenKey | undefined;
    try {
      if (proofText !== undefined) {
        if (Array.isArray(proofText)) throw new ProblemError(400, 'proof-repeated', `Send one header ${proofHeader}.`);
        proof = await this.options.proofs.verify(proofText, {
          method: request.method,
          path: request.raw.url ?? '',
          rawBody: request.rawBody,
        });
      }
      assertCredentials(route, actor, proof);
    } catch (error) {
      if (authorization !== undefined && error instanceof ProblemError) await this.options.limit(request, 'address');
      throw error;
    }
    await this.assertAllowed(name, route, actor);
    if (route.stepUp) assertSteppedUp(actor, this.options.stepUp, this.options.now());
    const { params, query, body } = checkRequest(name, request);
    const ifMatch = versionOf(request.headers['if-match']);
    const idempotencyKey = route.repeatable ? repeatKeyOf(request.headers[idempotencyHeader]) : undefined;
    request.call = {
      params,
      query,
      body,
      event: route.event ? messageOf(request) : undefined,
      requestId: request.id,
      ...(actor ? { actor } : {}),
      ...(proof ? { proof } : {}),
      ...(ifMatch === undefined ? {} : { ifMatch }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    } as Call;
  }

  private async assertAllowed(name: RouteName, route: Route, actor: Actor | undefined): Promise<void> {
    if (route.access === 'operator' && !actor?.teams.includes(operatorTeam)) {
      await this.refuse(name, actor, {
        refused: true,
        as: 'forbidden',
        rule: 'R4.6',
        reason: 'not-an-operator',
        message: `Only members of ${operatorTeam} may do this.`,
      });
    }
    if (actor && forPeople.has(route.access) && this.isClient(actor)) {
      await this.refuse(name, actor, {
        refused: true,
        as: 'forbidden',
        rule: 'R1.8',
        reason: 'not-a-person',
        message: 'The access token is of a client, not of a person. What people ask, see and end is not for clients.',
      });
    }
    if (route.access === 'provider' && (actor?.clientId === undefined || !this.options.signalProviders.includes(actor.clientId))) {
      await this.refuse(name, actor, {
        refused: true,
        as: 'forbidden',
        rule: 'R8.3',
        reason: 'not-a-provider',
        message: 'Only clients that are configured as identity providers may publish signals.',
      });
    }
  }

  /** Where nobody has signed in, `sub` is the client itself (RFC 9068), or an account that the issuer made for it. */
  private isClient({ id, clientId }: Actor): boolean {
    return clientId !== undefined && (clientId === id || this.options.signalProviders.includes(clientId));
  }

  /** Records the refusal before answering (R7.1). If it cannot be recorded, the answer is 503, not 403. */
  private async refuse(name: RouteName, actor: Actor | undefined, refusal: CommandRefusal): Promise<never> {
    try {
      await this.options.refusals.refuse({ key: `http:${name}`, name, actor: actor?.id ?? 'anonymous' }, refusal);
    } catch (error) {
      throw unavailable('audit-unavailable', 'The refusal could not be recorded. Try again.', error);
    }
    throw refused(refusal);
  }
}

function assertCredentials(route: Route, actor: Actor | undefined, proof: ProvenKey | undefined): void {
  const bearer = 'Bearer realm="readmit"';
  const key = 'Readmit-Proof realm="readmit"';
  switch (route.access) {
    case 'anyone':
      return;
    case 'case-key':
      if (!proof)
        throw new ProblemError(401, 'proof-missing', `Send a proof of the case key in the header ${proofHeader}.`, {
          headers: { 'www-authenticate': key },
        });
      return;
    case 'person-or-case-key':
      if (!actor && !proof)
        throw new ProblemError(
          401,
          'credentials-missing',
          `Send an access token, or a proof of the case key in the header ${proofHeader}.`,
          { headers: { 'www-authenticate': `${bearer}, ${key}` } },
        );
      return;
    case 'person':
    case 'operator':
    case 'provider':
      if (!actor)
        throw new ProblemError(401, 'token-missing', 'Send an access token: Authorization: Bearer <token>.', {
          headers: { 'www-authenticate': bearer },
        });
      return;
  }
}

/** Headers as they came, because Node joins repeated ones by a comma or drops all but one, depending on their name. */
function messageOf(request: EdgeRequest): EventMessage {
  const headers = new Map<string, string>();
  const { rawHeaders } = request.raw;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    if (name !== 'content-type' && !name.startsWith('ce-')) continue;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : before + betweenValues + value);
  }
  return { headers: Object.fromEntries(headers), bytes: request.rawBody ?? new Uint8Array() };
}

function versionOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined) throw new ProblemError(400, 'if-match', 'If-Match must be one version in quotes, as the ETag was: "7".');
  return Number(version);
}

function repeatKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = typeof header === 'string' ? idempotencyKeyOf(header) : undefined;
  if (key === undefined)
    throw new ProblemError(
      400,
      idempotencyHeader,
      'Idempotency-Key must be 16 to 64 letters, digits, "-" or "_": a UUID, new for each request.',
    );
  return key;
}

/** Runs the handler inside the request's scope and gives its answer the headers of its kind. */
@Injectable()
export class EdgeInterceptor implements NestInterceptor {
  constructor(private readonly checkAnswers: boolean) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<EdgeRequest>();
    const reply = http.getResponse<FastifyReply>();
    const name = servedBy(context.getHandler());
    // handle() captures the async context, so it is called inside.
    const answers = request.scope ? inScope(request.scope, () => next.handle()) : next.handle();
    return answers.pipe(map((result) => (name ? this.answered(name, result, reply) : result)));
  }

  private answered(name: RouteName, result: unknown, reply: FastifyReply): unknown {
    const streamed = result instanceof Readable;
    if (this.checkAnswers && !streamed) {
      const faults = responseFaults(name, result);
      if (faults.length > 0)
        throw new Error(
          `this is a bug: the answer of ${name} does not have the catalogue's shape: ${faults.map(({ where, what }) => `${where} ${what}`).join('; ')}`,
        );
    }
    if (streamed || typeof result === 'string') void reply.type('application/x-ndjson; charset=utf-8');
    const version = (result as { version?: unknown } | null)?.version;
    if (Number.isInteger(version)) void reply.header('etag', `"${String(version)}"`);
    return result;
  }
}
