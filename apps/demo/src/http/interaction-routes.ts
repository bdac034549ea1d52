import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errors, type InteractionResults } from 'oidc-provider';
import type Provider from 'oidc-provider';
import { demoAcr } from '../issuer/issuer.js';
import type { SignIn } from '../people/sign-in.js';
import { Refusal } from '../refusal.js';
import { consentPage, errorPage, signInPage } from './pages.js';

interface Asked {
  Params: { uid: string };
  Body: Readonly<Record<string, unknown>> | undefined;
}

/** The pages between the user code and the token: sign-in with password and factor, then consent. */
export function interactionRoutes(app: FastifyInstance, provider: Provider, signIn: SignIn): void {
  const html = (reply: FastifyReply, status: number, page: string) => reply.code(status).type('text/html; charset=utf-8').send(page);
  const detailsOf = async (request: FastifyRequest<Asked>, reply: FastifyReply) => {
    try {
      return await provider.interactionDetails(request.raw, reply.raw);
    } catch (error) {
      // The browser is not the one that began, or took too long.
      if (error instanceof errors.SessionNotFound)
        throw new Refusal(400, 'sign-in-not-found', 'this sign-in has expired; start again in your terminal');
      throw error;
    }
  };
  const finish = async (request: FastifyRequest<Asked>, reply: FastifyReply, result: InteractionResults) =>
    reply.redirect(await provider.interactionResult(request.raw, reply.raw, result), 303);

  app.get<Asked>('/interaction/:uid', async (request, reply) => {
    const { prompt, params, uid } = await detailsOf(request, reply);
    if (prompt.name === 'login') return html(reply, 200, signInPage(uid));
    const client = await provider.Client.find(String(params['client_id']));
    return html(
      reply,
      200,
      consentPage(
        uid,
        client?.clientName ?? 'A program',
        String(params['scope'] ?? '')
          .split(' ')
          .filter(Boolean),
      ),
    );
  });

  app.post<Asked>('/interaction/:uid/sign-in', async (request, reply) => {
    const { uid, prompt } = await detailsOf(request, reply);
    if (prompt.name !== 'login') throw new Refusal(409, 'not-asked', 'this page is outdated; reload it');
    const field = (name: string): string => {
      const value = request.body?.[name];
      return typeof value === 'string' && value.length <= 256 ? value : '';
    };
    try {
      const code = field('code');
      const account = await signIn.proveWithFactor({
        username: field('username'),
        password: field('password'),
        ...(code === '' ? {} : { code }),
      });
      return await finish(request, reply, { login: { accountId: account.id, acr: demoAcr, amr: ['pwd', 'otp', 'mfa'], remember: false } });
    } catch (error) {
      if (error instanceof Refusal) return html(reply, error.status, signInPage(uid, `${error.message} (${error.reason})`));
      throw error;
    }
  });

  app.post<Asked>('/interaction/:uid/consent', async (request, reply) => {
    const { prompt, params, session } = await detailsOf(request, reply);
    if (prompt.name !== 'consent' || !session?.accountId) throw new Refusal(409, 'not-asked', 'this page is outdated; reload it');
    const grant = new provider.Grant({ accountId: session.accountId, clientId: String(params['client_id']) });
    const details = prompt.details as { missingOIDCScope?: string[]; missingResourceScopes?: Record<string, string[]> };
    if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
    for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {}))
      grant.addResourceScope(resource, scopes.join(' '));
    return finish(request, reply, { consent: { grantId: await grant.save() } });
  });

  app.post<Asked>('/interaction/:uid/abort', async (request, reply) => {
    await detailsOf(request, reply);
    return finish(request, reply, { error: 'access_denied', error_description: 'the person refused' });
  });

  app.get('/interaction', (_request, reply) => html(reply, 404, errorPage('no-such-route', 'Start in your terminal.')));
}
