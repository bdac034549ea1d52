/** `readmit login` by code and PKCE on a loopback port, and the step-up that a service asks for, against a scripted issuer. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SignJWT, UnsecuredJWT } from 'jose';
import { newSigningKey } from '../src/keys.js';
import { api, atDesk, desk, now } from './cli-run.js';
import { approval, caseOfAda } from './samples.js';

let issuer: Server;
let url: string;
/** What the token endpoint received. */
let forms: URLSearchParams[];
/** What the issuer was asked for at its page. */
let asked: URLSearchParams[];
let subject: string;
let nonceOf: (nonce: string) => string;
let onToken: () => void;

atDesk();
beforeEach(async () => {
  [forms, asked, subject] = [[], [], 'dana'];
  nonceOf = (nonce) => nonce;
  onToken = () => undefined;
  issuer = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void answerTo(request.url ?? '', Buffer.concat(chunks).toString()).then(([status, body]) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      );
    });
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  desk.now = new Date();
});
afterEach(async () => {
  issuer.closeAllConnections();
  await new Promise((resolve) => issuer.close(resolve));
});

async function answerTo(target: string, form: string): Promise<readonly [number, object]> {
  if (target === '/.well-known/openid-configuration')
    return [
      200,
      {
        issuer: url,
        authorization_endpoint: `${url}/auth`,
        token_endpoint: `${url}/token`,
        jwks_uri: `${url}/jwks`,
        authorization_response_iss_parameter_supported: true,
        id_token_signing_alg_values_supported: ['HS256'],
      },
    ];
  forms.push(new URLSearchParams(form));
  onToken();
  const seconds = Math.floor(Date.now() / 1000);
  const idToken = await new SignJWT({ nonce: nonceOf(asked.at(-1)?.get('nonce') ?? '') })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(url)
    .setAudience('readmit-cli')
    .setSubject(subject)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 300)
    .sign(new Uint8Array(32));
  const accessToken = new UnsecuredJWT({ sub: subject, upn: `${subject}@acme`, auth_time: seconds }).encode();
  return [200, { access_token: accessToken, id_token: idToken, token_type: 'Bearer', expires_in: 600 }];
}

/** A browser that signs in at once and follows the redirect with these parameters. */
function signsIn(answer: Readonly<Record<string, string | undefined>> = {}): Promise<{ status: number; text: string }[]> {
  const pages: Promise<{ status: number; text: string }>[] = [];
  return new Promise((resolve) => {
    desk.openBrowser = (address) => {
      const parameters = new URL(address).searchParams;
      asked.push(parameters);
      const back = new URL(parameters.get('redirect_uri') ?? '');
      const given = { code: 'code-1', state: parameters.get('state') ?? '', iss: url, ...answer };
      for (const [name, value] of Object.entries(given)) if (value !== undefined) back.searchParams.set(name, value);
      pages.push(fetch(back).then(async (response) => ({ status: response.status, text: await response.text() })));
      resolve(Promise.all(pages));
    };
  });
}
const login = (...more: readonly string[]) => desk.run('login', '--issuer', url, ...more);

describe('readmit login', () => {
  it('signs in by code and PKCE on a port of this machine alone, with the scope openid, and shows the address', async () => {
    const pages = signsIn();
    const { code, stderr } = await login();
    expect([code, (await pages)[0]]).toEqual([0, { status: 200, text: expect.stringContaining('You are signed in.') }]);
    const [request] = asked;
    expect(Object.fromEntries(request ?? [])).toMatchObject({
      client_id: 'readmit-cli',
      response_type: 'code',
      scope: 'openid',
      code_challenge_method: 'S256',
      audience: 'readmit-api',
      redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
    });
    expect(stderr).toContain(`${url}/auth?`);
    const [form] = forms;
    expect(Object.fromEntries(form ?? [])).toMatchObject({
      grant_type: 'authorization_code',
      code: 'code-1',
      redirect_uri: request?.get('redirect_uri'),
    });
    expect(
      createHash('sha256')
        .update(form?.get('code_verifier') ?? '')
        .digest('base64url'),
    ).toBe(request?.get('code_challenge'));
    expect(await desk.vault.session()).toMatchObject({ person: 'dana', flow: 'browser', audience: 'readmit-api', scope: 'openid' });
    // Nothing listens any more.
    await expect(fetch(request?.get('redirect_uri') ?? '')).rejects.toThrow();
  });

  it.each<[string, () => unknown, RegExp]>([
    ['another issuer in the answer', () => signsIn({ iss: 'https://attacker.example' }), /"iss"|issuer/i],
    ['no issuer in the answer of one that names itself', () => signsIn({ iss: undefined }), /"iss"|issuer/i],
    ['the nonce of another sign-in', () => [signsIn(), (nonceOf = () => 'another')], /nonce/i],
    [
      'a refusal',
      () => signsIn({ code: undefined, error: 'access_denied', error_description: 'the person refused' }),
      /the person refused \(access_denied\)/,
    ],
  ])('refuses %s', async (_, begin, message) => {
    begin();
    const { code, stderr } = await login();
    expect([code, stderr]).toEqual([5, expect.stringMatching(message)]);
    expect(await desk.vault.session()).toBeUndefined();
  });

  it('is neither ended nor reached by a page that does not know its state, and by a second answer', async () => {
    desk.openBrowser = (address) => {
      const parameters = new URL(address).searchParams;
      asked.push(parameters);
      const at = (query: string) => fetch(`${parameters.get('redirect_uri') ?? ''}?${query}`);
      void (async () => {
        expect((await at('code=stolen&state=guessed')).status).toBe(400);
        expect((await fetch(new URL('/favicon.ico', parameters.get('redirect_uri') ?? ''))).status).toBe(404);
        await at(`code=code-1&state=${parameters.get('state') ?? ''}&iss=${encodeURIComponent(url)}`);
      })();
    };
    expect((await login()).code).toBe(0);
    expect(forms.map((form) => form.get('code'))).toEqual(['code-1']);
  });

  it('does not wait for a connection that a browser opened in advance and sends nothing on', async () => {
    const answered = signsIn();
    const { openBrowser } = desk;
    const idle = Promise.withResolvers<Socket>();
    desk.openBrowser = (address) => {
      const { port } = new URL(new URL(address).searchParams.get('redirect_uri') ?? '');
      const socket = connect(Number(port), '127.0.0.1', () => {
        idle.resolve(socket);
        openBrowser?.(address);
      });
      socket.on('error', () => undefined);
    };
    const before = performance.now();
    expect((await login()).code).toBe(0);
    expect(performance.now() - before).toBeLessThan(20_000);
    expect((await answered)[0]?.text).toContain('You are signed in.');
    (await idle.promise).destroy();
  });

  it('gives up with the reasons when nobody comes back', async () => {
    expect(await login('--timeout', '1s')).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/Nobody signed in within 1 s[\s\S]*redirect URI http:\/\/127\.0\.0\.1\/callback[\s\S]*--device/),
    });
  });
});

describe('the claim that the services take the id from', () => {
  const tokens = { types: ['at+jwt'], algorithms: ['ES256'], subjectClaim: 'upn', teamsClaim: 'teams', clientIdClaim: 'azp' };
  it.each([
    ['is who signed in, at the issuer of the services', () => url, 'dana@acme'],
    ['is not asked of another issuer', () => 'https://other.example', 'dana'],
  ])('%s', async (_, issuerOfServices, person) => {
    void signsIn();
    api.on('signInWith', { issuer: issuerOfServices(), audience: 'readmit-api', tokens });
    expect((await login()).code).toBe(0);
    expect((await desk.vault.session())?.person).toBe(person);
  });
});

describe('a decision that needs a fresher sign-in', () => {
  const challenge = {
    'www-authenticate': 'Bearer realm="readmit", error="insufficient_user_authentication", acr_values="gold phr", max_age="300"',
  };
  const tooOld = { reason: 'sign-in-too-old', rule: 'R4.10', detail: 'You signed in more than 300 s ago. Sign in again to decide.' };
  const accepted = { caseId: 'case_1', decisionId: 'decision_1', link: `http://127.0.0.1/api/approval/cases/case_1` };
  async function approve() {
    desk.now = now;
    api.on('showApproval', approval).on('showCase', caseOfAda);
    await writeFile(desk.vault.approverKeyFile, JSON.stringify({ ...newSigningKey(), kid: 'dana-1' }), { mode: 0o600 });
    await desk.vault.saveSession({
      url: api.url,
      issuer: url,
      clientId: 'readmit-cli',
      accessToken: 'token-of-dana',
      person: 'dana',
      expiresAt: new Date(now.getTime() + 600_000).toISOString(),
      flow: 'browser',
    });
    return desk.run('approve', 'case_1', '--reason', 'her manager vouched', '--yes');
  }

  it('R4.10 signs in again as the service asks, and sends a decision that is signed after it, once', async () => {
    void signsIn();
    api.refuse('decide', 401, tooOld, challenge);
    onToken = () => {
      api.on('decide', accepted);
      desk.now = new Date(now.getTime() + 60_000);
    };
    const { code, stderr } = await approve();
    expect([code, asked[0]?.get('acr_values'), asked[0]?.get('max_age')]).toEqual([0, 'gold phr', '300']);
    expect(stderr).toContain('You signed in more than 300 s ago');
    const [first, second, ...more] = api.of('decide').map(({ body, headers }) => ({
      at: (body as { statement: { decidedAt: string } }).statement.decidedAt,
      token: headers.authorization,
    }));
    expect(more).toEqual([]);
    expect(Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '')).toBe(60_000);
    expect([first?.token, second?.token]).toEqual(['Bearer token-of-dana', expect.not.stringContaining('token-of-dana')]);
  });

  it('R4.10 ends with what to set when the new sign-in is not enough either', async () => {
    void signsIn();
    api.refuse('decide', 401, { ...tooOld, reason: 'acr-not-accepted' }, challenge);
    expect(await approve()).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/still not enough[\s\S]*acr_values=gold phr[\s\S]*readmit doctor/),
    });
    expect(api.of('decide')).toHaveLength(2);
  });

  it('R4.2 sends nothing for somebody else who signs in on the way', async () => {
    void signsIn();
    subject = 'mallory';
    api.refuse('decide', 401, tooOld, challenge);
    expect(await approve()).toMatchObject({ code: 5, stderr: expect.stringContaining('You signed in as mallory') });
    expect(api.of('decide')).toHaveLength(1);
    expect((await desk.vault.session())?.person).toBe('dana');
  });
});
