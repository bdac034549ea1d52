/** A person's browser at a real Keycloak: posts each page's form, and exchanges the code at the end for tokens. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { TestRealm } from '@readmit/testing';

const clientId = 'app';
const redirectUri = 'http://localhost:4300/cb';

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

export interface Browser {
  /** Posts the form of the page. */
  post(body: Record<string, string>): Promise<void>;
  /** The page, or the address of the application that the browser was sent to. */
  page(): string;
  /** Exchanges the code with which the browser was sent back to the application. */
  tokens(): Promise<Tokens>;
}

/** Opens the sign-in and posts the password. */
export async function signIn(realm: TestRealm, person: string, scope = 'openid'): Promise<Browser> {
  const cookies = new Map<string, string>();
  let page = '';
  const load = async (url: string, body?: Record<string, string>): Promise<void> => {
    const answer = await fetch(url, {
      ...{ method: body ? 'POST' : 'GET', redirect: 'manual' },
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body ? { body: new URLSearchParams(body) } : {}),
    });
    for (const one of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      cookies.set(name, value);
    }
    const to = answer.headers.get('location');
    page = to ?? (await answer.text());
    if (to?.startsWith(realm.issuer)) await load(to);
  };
  const post = (body: Record<string, string>): Promise<void> => {
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1] ?? '';
    return load(new URL(action.replaceAll('&amp;', '&'), realm.issuer).href, body);
  };
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    ...{ client_id: clientId, response_type: 'code', scope, redirect_uri: redirectUri, code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  await load(`${realm.issuer}/protocol/openid-connect/auth?${query}`);
  await post({ username: person, password: `${person}-pw` });
  return {
    post,
    page: () => page,
    async tokens() {
      const code = new URL(page).searchParams.get('code') ?? '';
      const answer = await token(realm, { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier });
      if (answer.status !== 200) throw new Error(`no tokens for the code: ${JSON.stringify(answer.body)}`);
      return answer.body as unknown as Tokens;
    },
  };
}

export const refresh = (realm: TestRealm, { refresh_token }: Tokens) => token(realm, { grant_type: 'refresh_token', refresh_token });

async function token(realm: TestRealm, body: Record<string, string>) {
  const answer = await fetch(`${realm.issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, ...body }),
  });
  return { status: answer.status, body: (await answer.json()) as { readonly error_description?: string } };
}

/** Code of a one-time-code device (RFC 6238). Each is accepted once, and the next one already: `ahead` is 1 for a second sign-in. */
export function oneTimeCode(secret: string, ahead = 0): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac('sha1', secret).update(counter).digest();
  const at = (digest.at(-1) ?? 0) & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
