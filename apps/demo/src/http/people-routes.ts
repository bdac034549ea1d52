import type { FastifyInstance } from 'fastify';
import { closed } from '@readmit/contracts';
import { Type, type Static } from 'typebox';
import { beginFactor, confirmFactor, mustBeFull, presentOf, type Present } from '../people/enrolment.js';
import type { People } from '../people/people.js';
import type { SignIn } from '../people/sign-in.js';
import { tokenOf } from './bearer.js';

const Code = Type.String({ pattern: '^[0-9]{6}$' });
const SignInBody = closed({
  username: Type.String({ minLength: 1, maxLength: 128 }),
  password: Type.String({ minLength: 1, maxLength: 256 }),
  code: Type.Optional(Code),
  bypass: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
});
const FactorsBody = closed({ code: Type.Optional(Code) });
const NoBody = closed({});

/** Self-service routes of a person: sign in, view, enrol a factor, sign out. */
export function peopleRoutes(app: FastifyInstance, people: People, signIn: SignIn): void {
  const present = (header: string | undefined): Present => presentOf(people, tokenOf(header));

  app.post<{ Body: Static<typeof SignInBody> }>('/demo/sign-in', { schema: { body: SignInBody } }, async (request, reply) => {
    const { token, session } = await signIn.open(request.body);
    return reply.code(201).send({ session: token, scope: session.scope, expiresAt: session.expiresAt });
  });

  app.get('/demo/me', async (request) => {
    const { account, session } = mustBeFull(present(request.headers.authorization));
    return {
      id: account.id,
      scope: session.scope,
      expiresAt: session.expiresAt,
      factors: account.factors.map(({ id, kind, enrolledAt }) => ({ id, kind, enrolledAt })),
    };
  });

  app.post<{ Body: Static<typeof FactorsBody> }>('/demo/factors', { schema: { body: FactorsBody } }, async (request, reply) => {
    const who = present(request.headers.authorization);
    const { code } = request.body;
    return code === undefined
      ? reply.code(200).send(await beginFactor(people, who))
      : reply.code(201).send(await confirmFactor(people, who, code));
  });

  app.post<{ Body: Static<typeof NoBody> }>('/demo/sign-out', { schema: { body: NoBody } }, async (request, reply) => {
    const { account, session } = mustBeFull(present(request.headers.authorization));
    await people.exclusive(account.id, (kept) => {
      kept.sessions = kept.sessions.filter((each) => each.id !== session.id);
      kept.version += 1;
    });
    return reply.code(204).send();
  });
}
