/** The issuer: device flow through its pages, persona grant, client credentials, and what each token says. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startDemo, type Demo } from '../src/index.js';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { URI } from 'otpauth';
import { Browser, type Page } from './pages.js';

let demo: Demo;
let browser: Browser;
const logged: string[] = [];
beforeEach(async () => {
  logged.length = 0;
  demo = await startDemo({ log: (entry) => logged.push(JSON.stringify(entry)), env: {} });
  browser = new Browser();
});
afterEach(() => demo.stop());

const personaOf = (id: string) => {
  const persona = demo.people[id];
  if (!persona) throw new Error(`no persona ${id}`);
  return { ...persona, code: () => URI.parse(persona.totp).generate() };
};

async function post(path: string, form: Readonly<Record<string, string>>): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${demo.url}${path}`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const beginDevice = async () =>
  (await post('/device/auth', { client_id: 'readmit-cli', scope: 'openid readmit' })).body as {
    device_code: string;
    user_code: string;
    verification_uri: string;
  };
const redeem = (device_code: string) =>
  post('/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'readmit-cli', device_code });
const verify = async (token: unknown) =>
  (
    await jwtVerify(String(token), createRemoteJWKSet(new URL(`${demo.url}/jwks`)), {
      issuer: demo.issuer,
      audience: 'readmit-api',
      typ: 'at+jwt',
    })
  ).payload;

async function toSignIn(userCode: string, verificationUri: string): Promise<Page> {
  const input = await browser.open(verificationUri);
  expect(input.html).toContain('<label for="user-code">');
  const confirm = await browser.submit(input, { user_code: userCode });
  expect(confirm.html).toContain(userCode);
  return browser.submit(confirm);
}

describe('the demo issuer', () => {
  it('gives a terminal a token after user code, password with factor code, and consent', async () => {
    const { device_code, user_code, verification_uri } = await beginDevice();
    expect((await redeem(device_code)).body['error']).toBe('authorization_pending');
    const signIn = await toSignIn(user_code, verification_uri);
    const { username, password, code } = personaOf('chidi');

    const without = await browser.submit(signIn, { username, password });
    expect([without.status, without.html]).toEqual([401, expect.stringContaining('second-factor-required')]);
    expect((await redeem(device_code)).body['error']).toBe('authorization_pending');

    const typed = code();
    const consent = await browser.submit(signIn, { username, password, code: typed });
    expect(consent.html).toContain('Allow access?');
    const done = await browser.submit(consent);
    expect(done.html).toContain('Your terminal is connected');

    const { status, body } = await redeem(device_code);
    expect(status).toBe(200);
    const claims = await verify(body['access_token']);
    expect(claims).toMatchObject({
      sub: 'chidi',
      teams: ['security-oncall'],
      client_id: 'readmit-cli',
      acr: 'aal2',
      amr: ['pwd', 'otp', 'mfa'],
      scope: 'readmit',
    });
    expect(claims['auth_time']).toEqual(expect.any(Number));
    expect(body['id_token']).toEqual(expect.any(String));
    for (const text of [...browser.seen, ...logged]) for (const secret of [password, typed]) expect(text).not.toContain(secret);
    for (const html of browser.seen.filter((each) => each.includes('<main>'))) expect(html).toContain('Readmit demo identity provider');
  });

  it('gives nothing when the person refuses', async () => {
    const { device_code, user_code, verification_uri } = await beginDevice();
    const signIn = await toSignIn(user_code, verification_uri);
    const { username, password, code } = personaOf('ada');
    const consent = await browser.submit(signIn, { username, password, code: code() });
    await browser.open(`${consent.url}/abort`, {});
    expect((await redeem(device_code)).body['error']).toBe('access_denied');
  });

  it('issues persona tokens that say so, and to nobody who is not a persona', async () => {
    const grant = (persona: string) => post('/token', { grant_type: 'urn:readmit:demo:persona', client_id: 'readmit-cli', persona });
    const { status, body } = await grant('ada');
    expect(status).toBe(200);
    expect(await verify(body['access_token'])).toMatchObject({
      sub: 'ada',
      teams: ['staff'],
      client_id: 'readmit-cli',
      amr: ['demo-persona'],
    });
    for (const nobody of ['nobody', 'demo-canary', '__proto__']) expect((await grant(nobody)).body['error']).toBe('invalid_grant');
  });

  it('gives a client only the resource and scopes that are its own', async () => {
    const ask = async (id: 'demo-idp' | 'readmit-execution', form: Record<string, string>) => {
      const authorization = `Basic ${Buffer.from(`${id}:${demo.clients[id].clientSecret}`).toString('base64')}`;
      const response = await fetch(demo.tokenUrl, {
        method: 'POST',
        headers: { authorization },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...form }),
      });
      return (await response.json()) as Record<string, unknown>;
    };
    const own = await ask('demo-idp', { scope: 'signals:publish people:recover' });
    expect(await verify(own['access_token'])).toMatchObject({ client_id: 'demo-idp', scope: 'signals:publish' });
    expect((await ask('demo-idp', { resource: 'urn:readmit:demo-admin', scope: 'people:recover' }))['error']).toBe('invalid_target');
    expect((await ask('readmit-execution', { resource: 'urn:readmit:api', scope: 'signals:publish' }))['error']).toBe('invalid_target');
  });

  it('announces its endpoints', async () => {
    const found = (await (await fetch(`${demo.url}/.well-known/openid-configuration`)).json()) as Record<string, unknown>;
    expect(found).toMatchObject({
      issuer: demo.issuer,
      token_endpoint: demo.tokenUrl,
      device_authorization_endpoint: `${demo.url}/device/auth`,
    });
  });
});
