import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Log } from '../log/logger.js';
import type { EdgeRequest } from './edge.js';
import { ProblemError, problemOf } from './problem.js';

/** Every error of the HTTP side ends here, also those of the server's own parsing and routing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    /** Methods that the path has, for 405. */
    private readonly methodsOf: (path: string) => readonly string[],
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<EdgeRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = this.problemFor(error, request);
    if (reply.sent) return;
    void reply
      .code(problem.status)
      .headers({ 'cache-control': 'no-store', ...problem.more.headers })
      .type('application/problem+json; charset=utf-8')
      .send(JSON.stringify(problem.details(request.id)));
  }

  private problemFor(error: unknown, request: EdgeRequest): ProblemError {
    const { problem, unexpected } = problemOf(error, request.id);
    if (unexpected) this.log.error({ err: error, requestId: request.id }, 'a request failed unexpectedly');
    else if (problem.status === 503)
      this.log.warn({ err: problem.cause, requestId: request.id, reason: problem.reason }, 'a request could not be served now');
    if (problem.reason !== 'no-such-route') return problem;
    const methods = this.methodsOf((request.raw.url ?? '').split('?', 1)[0] ?? '');
    if (methods.length === 0) return problem;
    return new ProblemError(405, 'method-not-allowed', `This path has ${methods.join(' and ')} only.`, {
      headers: { allow: methods.join(', ') },
    });
  }
}
