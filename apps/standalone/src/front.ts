import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import httpProxy from '@fastify/http-proxy';
import { areaNames, openapi, type Area } from '@readmit/contracts';
import { answerUnread, bodyLimit, nothingAt, ProblemError, problemOf, unavailable } from '@readmit/service';
import fastify, { type FastifyReply } from 'fastify';

/** The one origin in front of the six services: the API by area, its OpenAPI document and a page to try it. */
export async function startFront(options: {
  readonly port: number;
  readonly upstreams: Readonly<Record<Area, string>>;
  /** Receives a line for the operator when a request fails because of a bug; the client only gets an id. */
  readonly onFailure: (line: string) => void;
}): Promise<{ readonly url: string; close(): Promise<void> }> {
  const app = fastify({
    logger: false,
    trustProxy: false,
    genReqId: () => `req_${randomUUID()}`,
    clientErrorHandler: answerUnread,
    frameworkErrors: (error, request, reply) => void sendProblem(reply, problemOf(error, request.id).problem, request.id),
  });
  // Before the proxies are registered: each keeps the handler that is set at that time.
  app.setErrorHandler((error, request, reply) => sendProblem(reply, problemInFront(error, request.id, options.onFailure), request.id));
  for (const area of areaNames)
    await app.register(httpProxy, {
      upstream: options.upstreams[area],
      prefix: `/api/${area}`,
      rewritePrefix: `/api/${area}`,
      replyOptions: {
        rewriteRequestHeaders: (request, headers) => {
          // `Expect: 100-continue` was for this hop and has been answered; the client behind cannot send it on.
          delete headers['expect'];
          // Whatever a client says of its address is replaced by what it is: limits by address hold.
          return { ...headers, 'x-forwarded-for': request.socket.remoteAddress ?? '' };
        },
        onError: (reply, { error }) => void sendAway(reply as unknown as FastifyReply, area, error),
      },
    });
  // Streamed through, a body that is too large would look like a service that went away: the answer comes before the body is read.
  app.addHook('onRequest', (request, _reply, done) => {
    if (Number(request.headers['content-length'] ?? 0) > bodyLimit)
      throw new ProblemError(413, 'body-too-large', 'The body is larger than 256 KiB.', { headers: { connection: 'close' } });
    // Before fastify judges the body of a request that goes nowhere.
    if (request.is404) throw nothingAt(request.raw.url);
    done();
  });
  const document = openapi();
  app.get('/openapi.json', () => document);
  const ui = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const asset = (name: string, type: string): void => {
    app.get(`/docs/${name}`, async (_request, reply) => reply.type(type).send(await readFile(path.join(ui, name))));
  };
  asset('swagger-ui.css', 'text/css');
  asset('swagger-ui-bundle.js', 'text/javascript');
  app.get('/docs/start.js', (_request, reply) =>
    reply.type('text/javascript').send("window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api' });"),
  );
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Readmit API</title><link rel="stylesheet" href="/docs/swagger-ui.css">
<main id="api"></main><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></html>`;
  app.get('/docs', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'")
      .send(page),
  );
  app.get('/', (_request, reply) => reply.redirect('/docs'));
  const url = await app.listen({ port: options.port, host: '127.0.0.1' });
  return { url, close: () => app.close() };
}

/** What becomes of an error in the front. Its mistakes are told to people here: nobody else logs them. */
export function problemInFront(error: unknown, requestId: string, onFailure: (line: string) => void): ProblemError {
  const { statusCode, code } = (error ?? {}) as { readonly statusCode?: unknown; readonly code?: unknown };
  // The proxy gives a path that would leave its prefix this status and no code.
  if (statusCode === 400 && code === undefined) return new ProblemError(400, 'bad-url', 'The URL cannot be routed.');
  const { problem, unexpected } = problemOf(error, requestId);
  if (unexpected) onFailure(`request ${requestId} failed in the front: ${error instanceof Error ? error.stack : String(error)}`);
  return problem;
}

/** A service that is away is 503 and not 500: nobody made a mistake. What never arrived is told from what may have been carried out. */
function sendAway(reply: FastifyReply, area: Area, error: Error): FastifyReply {
  const code = (error.cause as { readonly code?: unknown } | undefined)?.code;
  const neverArrived = code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT';
  const problem = neverArrived
    ? unavailable('service-away', `The service behind /api/${area} is unavailable. Try again.`)
    : unavailable(
        'answer-lost',
        `The service behind /api/${area} closed the connection without a response. The request may have been processed: check before you repeat it.`,
      );
  return sendProblem(reply, problem, reply.request.id);
}

function sendProblem(reply: FastifyReply, problem: ProblemError, requestId: string): FastifyReply {
  return reply
    .code(problem.status)
    .headers({ 'cache-control': 'no-store', ...problem.more.headers })
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem.details(requestId)));
}
