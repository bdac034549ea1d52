import { methodsAt, type ServiceName } from '@readmit/contracts';
import type { CommandRefusal } from '@readmit/domain';
import { isTransientSqlError } from '@readmit/store';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly errors?: readonly FieldError[];
}
/** `where`: a JSON pointer below `/body`, `/query` or `/params`. */
export interface FieldError {
  readonly where: string;
  readonly what: string;
}

const titles: Readonly<Record<number, string>> = {
  400: 'Malformed request',
  401: 'Not signed in',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  408: 'Request time-out',
  409: 'Conflict',
  413: 'Too large',
  414: 'URL too long',
  415: 'Unsupported media type',
  422: 'Invalid',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  503: 'Not available now',
};

/** An answer that is not the route's: thrown anywhere below a handler, sent as problem details (RFC 9457). Its texts go to the client. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    /** Kebab literal that states the rule. */
    readonly reason: string,
    /** One sentence: what it means and what to do. */
    readonly detail: string,
    readonly more: {
      readonly rule?: string;
      readonly errors?: readonly FieldError[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(`${reason}: ${detail}`, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'ProblemError';
  }
  details(requestId: string): ProblemDetails {
    return {
      type: `urn:readmit:problem:${this.reason}`,
      title: titles[this.status] ?? 'Error',
      status: this.status,
      detail: this.detail,
      instance: `urn:readmit:request:${requestId}`,
      ...(this.more.rule === undefined ? {} : { rule: this.more.rule }),
      reason: this.reason,
      ...(this.more.errors === undefined ? {} : { errors: this.more.errors }),
    };
  }
}

/** No route takes the request: its path has other methods (405), or there is nothing at it. */
export function nothingAt(url: string | undefined, service?: ServiceName): ProblemError {
  const methods = methodsAt((url ?? '').split('?', 1)[0] ?? '', service);
  if (methods.length === 0) return new ProblemError(404, 'no-such-route', 'There is nothing at this path.');
  return new ProblemError(405, 'method-not-allowed', `This path has ${methods.join(' and ')} only.`, {
    headers: { allow: methods.join(', ') },
  });
}

export const unavailable = (reason: string, detail: string, cause?: unknown, seconds = 1): ProblemError =>
  new ProblemError(503, reason, detail, { headers: { 'retry-after': String(seconds) }, ...(cause === undefined ? {} : { cause }) });

const statusOf: Readonly<Record<CommandRefusal['as'], number>> = {
  forbidden: 403,
  conflict: 409,
  'not-ready': 409,
  'not-found': 404,
  invalid: 422,
};

/** The reply of a command; a refusal becomes the problem that the person is answered with (it is already recorded). */
export function answer<R>(result: { readonly reply: R } | { readonly refused: CommandRefusal }): R {
  if (!('refused' in result)) return result.reply;
  throw refused(result.refused);
}

/** A refusal as a problem, for refusals that do not come out of a command (reads). */
export function refused(refusal: CommandRefusal, status = statusOf[refusal.as]): ProblemError {
  return new ProblemError(status, refusal.reason, refusal.message, {
    rule: refusal.rule,
    ...(refusal.as === 'not-ready' ? { headers: { 'retry-after': '1' } } : {}),
  });
}

/** Requests that fastify's router cannot take, by its error code. */
const server: Readonly<Record<string, readonly [number, string, string]>> = {
  FST_ERR_BAD_URL: [400, 'bad-url', 'The URL is not encoded correctly.'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'url-too-long', 'A part of the path is too long.'],
  FST_ERR_ASYNC_CONSTRAINT: [400, 'bad-url', 'The URL cannot be routed.'],
};

const byStatus: Readonly<Record<number, readonly [string, string]>> = {
  400: ['malformed', 'The request cannot be read.'],
  404: ['no-such-route', 'There is nothing at this path.'],
  408: ['too-slow', 'The request took too long to arrive.'],
  413: ['body-too-large', 'The body is larger than 256 KiB.'],
  414: ['url-too-long', 'A part of the path is too long.'],
  415: ['media-type', 'The content type cannot be read. Send the body as application/json.'],
};

/** Our own database is away or full, in a code or, as pg says it of a connection that was cut, in words; or a socket failed: nothing that a client did. */
function isOutage(error: unknown): boolean {
  if (isTransientSqlError(error)) return true;
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    const code = (current as { code?: unknown }).code;
    if (typeof code === 'string' && /^(08|53|57P|ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENOTFOUND)/.test(code)) return true;
  }
  return false;
}

/** Nest wraps what fastify throws and keeps the status alone. Without Nest the status counts only on fastify's own errors: others have one of somebody else's answer. */
function httpStatusOf(error: unknown, code: unknown): number | undefined {
  const { getStatus, statusCode } = (error ?? {}) as { readonly getStatus?: () => number; readonly statusCode?: number };
  if (getStatus) return getStatus.call(error);
  return typeof code === 'string' && code.startsWith('FST_') ? statusCode : undefined;
}

/** Total: whatever was thrown becomes a problem that is safe to show. `unexpected`: log it, nobody else will. */
export function problemOf(error: unknown, requestId: string): { readonly problem: ProblemError; readonly unexpected: boolean } {
  if (error instanceof ProblemError) return { problem: error, unexpected: false };
  const code = (error as { code?: unknown } | undefined)?.code;
  const known = typeof code === 'string' ? server[code] : undefined;
  if (known) return { problem: new ProblemError(...known), unexpected: false };
  const status = httpStatusOf(error, code);
  const wrapped = status === undefined ? undefined : byStatus[status];
  if (status !== undefined && wrapped) return { problem: new ProblemError(status, ...wrapped), unexpected: false };
  if (isOutage(error))
    return {
      problem: unavailable('backend-unavailable', 'The database or another part cannot be reached. Try again.', error),
      unexpected: true,
    };
  return {
    problem: new ProblemError(500, 'internal', `Something broke on our side. Quote the request ${requestId} to the operators.`, {
      cause: error,
    }),
    unexpected: true,
  };
}

/** What Node refuses before there is a request, by its error code. Everything else is no HTTP. */
const unread: Readonly<Record<string, readonly [number, string, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'too-slow', 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'headers-too-large', 'The headers are too large.'],
};

/** Answers what could not be read as a request, and closes the connection: where the next request would begin is not known. */
export function answerUnread(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem = new ProblemError(...(unread[error.code ?? ''] ?? ([400, 'malformed', 'The request cannot be read.'] as const)));
  const body = JSON.stringify(problem.details(`req_${randomUUID()}`));
  socket.write(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\ncontent-type: application/problem+json; charset=utf-8\r\n` +
      `cache-control: no-store\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  // Not `end`: a client that never closes its side would keep the socket, and a stop of the service would wait for it.
  socket.destroySoon();
}

/** For the places where fastify has no route context: writes the problem to the raw response. */
export function writeProblem(response: ServerResponse, problem: ProblemError, requestId: string): void {
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    ...problem.more.headers,
  });
  response.end(JSON.stringify(problem.details(requestId)));
}
