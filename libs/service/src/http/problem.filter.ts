import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Log } from '../log/logger.js';
import type { EdgeRequest } from './edge-request.js';
import { problemPage, wantsPage } from './problem-page.js';
import { problemOf, type ProblemError } from './problem.js';

/** Every error of the HTTP side ends here, also those of the server's own parsing and routing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<EdgeRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = this.problemFor(error, request);
    if (reply.sent) return;
    const details = problem.details(request.id);
    const page = wantsPage(request.method, request.headers.accept);
    void reply
      .code(problem.status)
      .headers({ 'cache-control': 'no-store', ...problem.more.headers })
      .type(page ? 'text/html; charset=utf-8' : 'application/problem+json; charset=utf-8')
      .send(page ? problemPage(details, request.url) : JSON.stringify(details));
  }

  private problemFor(error: unknown, request: EdgeRequest): ProblemError {
    const { problem, unexpected } = problemOf(error, request.id);
    if (unexpected) this.log.error({ err: error, requestId: request.id }, 'request failed with an unexpected error');
    else if (problem.status === 503)
      this.log.warn({ err: problem.cause, requestId: request.id, reason: problem.reason }, 'request failed: a dependency is unavailable');
    return problem;
  }
}
