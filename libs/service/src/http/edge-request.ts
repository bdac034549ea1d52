import type { FastifyRequest } from 'fastify';
import type { OpenScope } from '../telemetry.js';
import type { Actor, Call } from './call.js';

/** What travels on a request from hook to guard to handler. */
export interface EdgeRequest extends FastifyRequest {
  rawBody?: Buffer;
  actor?: Actor;
  call?: Call;
  scope?: OpenScope;
}
