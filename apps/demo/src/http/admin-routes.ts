import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { closed, Id, Instant, oneOf } from '@readmit/contracts';
import { Type, type Static, type TProperties } from 'typebox';
import { administer, stateOf, type Change } from '../people/administration.js';
import { canaryId, type People } from '../people/people.js';
import { Refusal } from '../refusal.js';

type Check = (header: string | undefined, scope: string) => Promise<string>;

const asked = <P extends TProperties>(properties: P) => closed({ operation: Id, ...properties });
const Salted = closed({
  /** The only way to hash that the demo takes: parameters cannot be weakened by a caller. */
  algorithm: Type.Literal('scrypt-16384-8-1'),
  salt: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  hash: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
});
const RemoveFactor = asked({ factor: Id });
const EndSessions = asked({ openedBy: oneOf(['any', 'factor', 'bypass'] as const) });
const IssueBypass = asked({ for: Id, code: Salted, expiresAt: Instant, replaces: Type.Optional(Id) });
const CloseBypass = asked({ for: Id });
const Lock = asked({});

/** For the connector: a person's state with its version (ETag), and changes by compare-and-set (If-Match), each done once. */
export function adminRoutes(
  app: FastifyInstance,
  people: People,
  check: Check,
  log: (entry: Readonly<Record<string, unknown>>) => void,
): void {
  app.get<{ Params: { id: string } }>('/demo/admin/people/:id', async (request, reply) => {
    await check(request.headers.authorization, 'people:read');
    const account = people.find(request.params.id);
    if (!account) throw new Refusal(404, 'person-not-found', 'no person has this id');
    return reply.header('etag', `"${account.version}"`).send(stateOf(account, people.clock()));
  });

  const change = async (
    request: FastifyRequest<{ Params: { id: string }; Body: { operation: string } }>,
    reply: FastifyReply,
    wanted: Change,
  ) => {
    const by = await check(request.headers.authorization, 'people:recover');
    if (request.params.id === canaryId) throw new Refusal(403, 'canary', 'the canary is never changed');
    const header = request.headers['if-match'];
    if (header === undefined) throw new Refusal(428, 'if-match-required', 'read the person and send the ETag as If-Match');
    const version = Number(/^"(\d{1,15})"$/.exec(header)?.[1] ?? Number.NaN);
    if (Number.isNaN(version)) throw new Refusal(400, 'malformed', 'If-Match is not an ETag of this API');
    const done = await administer(people, request.params.id, { operation: request.body.operation, version, by }, wanted);
    log({ what: wanted.kind, account: request.params.id, by, operation: request.body.operation, repeated: done.repeated });
    return reply.header('etag', `"${done.state.version}"`).send({ person: done.state, result: done.result, repeated: done.repeated });
  };

  app.post<{ Params: { id: string }; Body: Static<typeof RemoveFactor> }>(
    '/demo/admin/people/:id/factors/remove',
    { schema: { body: RemoveFactor } },
    (request, reply) => change(request, reply, { kind: 'factor.remove', factor: request.body.factor }),
  );
  app.post<{ Params: { id: string }; Body: Static<typeof EndSessions> }>(
    '/demo/admin/people/:id/sessions/end',
    { schema: { body: EndSessions } },
    (request, reply) => change(request, reply, { kind: 'sessions.end', openedBy: request.body.openedBy }),
  );
  app.post<{ Params: { id: string }; Body: Static<typeof IssueBypass> }>(
    '/demo/admin/people/:id/bypass',
    { schema: { body: IssueBypass } },
    (request, reply) => {
      const { for: caseId, code, expiresAt, replaces } = request.body;
      return change(request, reply, {
        kind: 'bypass.issue',
        for: caseId,
        code: { salt: code.salt, hash: code.hash },
        expiresAt,
        ...(replaces === undefined ? {} : { replaces }),
      });
    },
  );
  app.post<{ Params: { id: string }; Body: Static<typeof CloseBypass> }>(
    '/demo/admin/people/:id/bypass/close',
    { schema: { body: CloseBypass } },
    (request, reply) => change(request, reply, { kind: 'bypass.close', for: request.body.for }),
  );
  app.post<{ Params: { id: string }; Body: Static<typeof Lock> }>(
    '/demo/admin/people/:id/unlock',
    { schema: { body: Lock } },
    (request, reply) => change(request, reply, { kind: 'unlock' }),
  );
  app.post<{ Params: { id: string }; Body: Static<typeof Lock> }>(
    '/demo/admin/people/:id/lock',
    { schema: { body: Lock } },
    (request, reply) => change(request, reply, { kind: 'lock' }),
  );
}
