import rateLimit from '@fastify/rate-limit';
import { routes, type Area, type Route, type ServiceName } from '@readmit/contracts';
import { EngineStrategy, type ServiceRuntime } from '@readmit/runtime';
import { Module, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { closeScope, inScope, openScope } from '../telemetry.js';
import { NestLog } from '../log/nest-logger.js';
import type { Log } from '../log/logger.js';
import type { EdgeRequest } from './edge-request.js';
import { admit, EdgeGuard, EdgeInterceptor, type EdgeOptions } from './edge.js';
import type { Instruments } from './instruments.js';
import { bodyLimit, parseJsonBody } from './json-body.js';
import { parkedController } from './parked.controller.js';
import { answerUnread, nothingAt, ProblemError, problemOf, writeProblem } from './problem.js';
import { ProblemFilter } from './problem.filter.js';
import { assertAllServed } from './serves.js';

export interface HttpOptions extends Omit<EdgeOptions, 'limit' | 'refusals'> {
  readonly service: ServiceName;
  readonly area: Area;
  readonly engine: ServiceRuntime;
  readonly instruments: Pick<Instruments, 'request'>;
  /** What /metrics answers. */
  readonly scrape: () => ReturnType<Instruments['scrape']>;
  readonly log: Log;
  readonly controllers: readonly Type[];
  readonly providers: readonly Provider[];
  readonly trustedProxies: readonly string[];
  /** Requests a minute. */
  readonly limits: { readonly perAddress: number; readonly perActor: number };
  /** True once the service has begun to stop: readiness goes first. */
  readonly draining: () => boolean;
}

/** Headers for an API that nobody shall frame, sniff, cache or take scripts from. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

@Module({})
class ServiceModule {}

/**
 * The Nest application of a service, initialised and not listening yet: its HTTP side, and the engine as its microservice. Closing it ends
 * HTTP first and the engine then, so that a command that was taken is finished.
 */
export async function createHttp(options: HttpOptions): Promise<NestFastifyApplication> {
  const { log, area, engine } = options;
  const controllers = [...options.controllers, parkedController(area, () => engine.parked)];
  assertAllServed(options.service, controllers);
  const adapter = new FastifyAdapter({
    bodyLimit,
    genReqId: () => `req_${randomUUID()}`,
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    // An id of 255 characters, percent-encoded.
    routerOptions: { maxParamLength: 1024 },
    clientErrorHandler: answerUnread,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const { problem } = problemOf(error, request.id);
      reply.hijack();
      writeProblem(reply.raw, problem, request.id);
    },
  });
  const server = adapter.getInstance() as unknown as FastifyInstance;
  const app = await NestFactory.create<NestFastifyApplication>(
    { module: ServiceModule, controllers, providers: [...options.providers] },
    adapter,
    { bodyParser: false, abortOnError: false, logger: new NestLog(log) },
  );
  app.connectMicroservice({ strategy: new EngineStrategy(engine) });
  takeBodies(server);
  observe(server, log, options.instruments);
  await app.register(rateLimit as unknown as Parameters<NestFastifyApplication['register']>[0], { global: false });
  serveHealth(server, options);
  const edge: EdgeOptions = { ...options, refusals: engine, limit: limiter(server, options.limits) };
  admitBeforeBody(server, edge, options.service);
  app.useGlobalFilters(new ProblemFilter(log));
  app.useGlobalGuards(new EdgeGuard(edge));
  app.useGlobalInterceptors(new EdgeInterceptor(options.checkAnswers));
  await app.init();
  await server.ready();
  return app;
}

/** Paths that take CloudEvents. */
const eventPaths: ReadonlySet<string> = new Set(
  Object.values(routes as Record<string, Route>).flatMap(({ event, path }) => (event ? [path] : [])),
);
const takesEvent = (request: FastifyRequest): boolean => eventPaths.has(request.routeOptions.url ?? '');

function takeBodies(server: FastifyInstance): void {
  // What is in an event, and of which type, is for its reader alone to judge, so that the answer is the same as over Kafka. It has the headers
  // as they came; without this one fastify takes any body, or would refuse a type that it cannot read.
  server.addHook('onRequest', (request, _reply, done) => {
    if (takesEvent(request)) delete request.headers['content-type'];
    done();
  });
  server.removeAllContentTypeParsers();
  const take = (type: string, read: (raw: Buffer, request: FastifyRequest) => unknown): void =>
    void server.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit }, (request, bytes, done) => {
      try {
        const raw = bytes as Buffer;
        (request as EdgeRequest).rawBody = raw;
        assertNotEncoded(request);
        done(null, read(raw, request));
      } catch (error) {
        done(error as Error);
      }
    });
  take('application/json', (raw) => (raw.length === 0 ? undefined : parseJsonBody(raw)));
  take('*', (_raw, request) => {
    if (!takesEvent(request)) throw new ProblemError(415, 'media-type', 'Send the body as application/json.');
  });
}

/** Nothing here decompresses; without this the bytes would be refused as broken text. */
function assertNotEncoded({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return;
  const named = /^[a-z0-9, -]{1,40}$/.test(encoding) ? `Content-Encoding ${encoding}` : 'This Content-Encoding';
  throw new ProblemError(415, 'content-encoding', `${named} is not taken: send the body as it is.`, {
    headers: { 'accept-encoding': 'identity' },
  });
}

/** Security headers, spans, request log and request metrics. The log names the route, never the URL: a query may hold anything. */
function observe(server: FastifyInstance, log: Log, instruments: HttpOptions['instruments']): void {
  const routeOf = (request: FastifyRequest) => request.routeOptions.url ?? 'none';
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers({ ...securityHeaders, 'x-request-id': request.id });
    const { traceparent } = request.headers;
    (request as EdgeRequest).scope = openScope({
      requestId: request.id,
      method: request.method,
      route: routeOf(request),
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
    });
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { scope, actor } = request as EdgeRequest;
    if (scope) closeScope(scope, reply.statusCode);
    instruments.request(request.method, routeOf(request), reply.statusCode, reply.elapsedTime / 1000);
    const level = /^\/(health|metrics)/.test(routeOf(request)) ? 'trace' : 'info';
    log[level](
      {
        requestId: request.id,
        traceparent: scope?.traceparent,
        method: request.method,
        route: routeOf(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        actor: actor?.id,
      },
      'request',
    );
    done();
  });
}

/** Health and metrics are open to the network of the services, and cost nothing. */
const open = /^\/(health\/(live|ready)|metrics)$/;

function admitBeforeBody(server: FastifyInstance, edge: EdgeOptions, service: ServiceName): void {
  server.addHook('onRequest', async (request: EdgeRequest) => {
    if (open.test(request.routeOptions.url ?? '')) return;
    await (request.scope ? inScope(request.scope, () => admit(request, edge)) : admit(request, edge));
    // Before the body is read, and before fastify judges the content type of a method that no route has.
    if (request.is404) throw nothingAt(request.raw.url, service);
  });
}

function serveHealth(server: FastifyInstance, { engine, draining, service, scrape }: HttpOptions): void {
  server.get('/health/live', () => ({ status: 'live', service }));
  server.get('/health/ready', async (_request, reply) => {
    if (draining()) return reply.code(503).send({ ready: false, service, says: 'The service is stopping.' });
    try {
      const progress = await engine.progress();
      return await reply.code(progress.ready ? 200 : 503).send({ service, ...progress });
    } catch (error) {
      const { problem } = problemOf(error, 'health');
      return reply.code(503).send({ ready: false, service, says: problem.detail });
    }
  });
  server.get('/metrics', async (_request, reply) => {
    const { type, text } = await scrape();
    return reply.type(type).send(text);
  });
}

/** How many callers are counted at a time; beyond that the count of the least recent caller is lost. */
const counted = { cache: 50_000 };

function limiter(server: FastifyInstance, limits: HttpOptions['limits']): EdgeOptions['limit'] {
  const minute = 60_000;
  const checks = {
    // By the library's own key: all addresses of one IPv6 network (/64) are one, because one client has as many as it likes.
    address: server.createRateLimit({ max: limits.perAddress, timeWindow: minute, ...counted }),
    actor: server.createRateLimit({
      max: limits.perActor,
      timeWindow: minute,
      ...counted,
      keyGenerator: (request) => `actor:${(request as EdgeRequest).actor?.id ?? ''}`,
    }),
  };
  return async (request, by) => {
    const result = await checks[by](request);
    if (result.isAllowed || !result.isExceeded) return;
    const seconds = Math.max(1, result.ttlInSeconds);
    throw new ProblemError(429, 'rate-exceeded', `Too many requests; ${result.max} a minute are allowed. Try again in ${seconds} s.`, {
      headers: { 'retry-after': String(seconds) },
    });
  };
}
