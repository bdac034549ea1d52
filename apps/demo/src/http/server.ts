import Fastify, { type FastifyInstance } from 'fastify';
import { Refusal } from '../refusal.js';
import { pageHeaders } from './pages.js';

const bodyLimit = 16 * 1024;

/** Fastify with the demo's way of saying no: problem details (RFC 9457) with a reason, never a stack, never what was sent. */
export function newServer(log: (entry: Readonly<Record<string, unknown>>) => void): FastifyInstance {
  const app = Fastify({ logger: false, bodyLimit, ajv: { customOptions: { coerceTypes: false, removeAdditional: false, strict: false } } });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  app.setErrorHandler(
    async (error: Error & { statusCode?: number; validation?: readonly { instancePath: string; message?: string }[] }, _request, reply) => {
      const refusal = refusalOf(error);
      if (refusal.status >= 500) log({ what: 'request failed', name: error.name, says: error.message });
      if (refusal.status === 401) void reply.header('www-authenticate', 'Bearer');
      return reply
        .code(refusal.status)
        .type('application/problem+json')
        .send({
          type: `urn:readmit:problem:${refusal.reason}`,
          title: refusal.reason.replaceAll('-', ' '),
          status: refusal.status,
          detail: refusal.message,
          reason: refusal.reason,
          ...(error.validation && {
            errors: error.validation.map(({ instancePath, message }) => ({ where: instancePath || '/', what: message ?? 'not valid' })),
          }),
        });
    },
  );
  app.setNotFoundHandler(async () => {
    throw new Refusal(404, 'no-such-route', 'unknown route');
  });
  app.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(pageHeaders)) if (name !== 'content-type') void reply.header(name, value);
  });
  return app;
}

function refusalOf(error: Error & { statusCode?: number; validation?: unknown }): Refusal {
  if (error instanceof Refusal) return error;
  if (error.validation) return new Refusal(400, 'malformed', 'the request does not match the schema of this route');
  switch (error.statusCode) {
    case 400:
      return new Refusal(400, 'malformed', 'the request cannot be read');
    case 413:
      return new Refusal(413, 'too-large', `a request may have at most ${bodyLimit} bytes`);
    case 415:
      return new Refusal(415, 'media-type', 'send JSON');
    default:
      return new Refusal(500, 'failed', 'the demo failed; see its log');
  }
}
