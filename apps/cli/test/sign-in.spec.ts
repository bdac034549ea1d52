/** Signing in against a small issuer on this machine: browser on a loopback port, device flow, personas of the demo, renewal, and what goes wrong. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { UnsecuredJWT } from 'jose';
import { api, atDesk, desk, modeOf, now } from './cli-run.js';
import { waiting } from './samples.js';

type Answer = readonly [status: number, body: object];
let issuer: Server;
let url: string;
let token: Answer[];
let forms: URLSearchParams[];

const tokens = (sub: string, more: object = {}): Answer => [
  200,
  { access_token: new UnsecuredJWT({ sub, auth_time: 1_795_341_000 }).encode(), token_type: 'Bearer', expires_in: 600, ...more },
];
const oauth = (error: string): Answer => [400, { error }];

atDesk();
beforeEach(async () => {
  token = [];
  forms = [];
  issuer = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [status, body] = answerTo(request.url ?? '', Buffer.concat(chunks).toString());
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
});
afterEach(async () => {
  issuer.closeAllConnections();
  await new Promise((resolve) => issuer.close(resolve));
});

function answerTo(target: string, form: string): Answer {
  if (target === '/.well-known/openid-configuration')
    return [200, { issuer: url, token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device`, jwks_uri: `${url}/jwks` }];
  forms.push(new URLSearchParams(form));
  if (target === '/device')
    return [200, { device_code: 'device-1', user_code: 'WDJB-MJHT', verification_uri: `${url}/activate`, expires_in: 60, interval: 0.05 }];
  return token.shift() ?? oauth('invalid_grant');
}

describe('readmit login', () => {
  it('prints address and code, waits until they are confirmed, and keeps the sign-in in a private file', async () => {
    token = [oauth('authorization_pending'), tokens('dana', { refresh_token: 'refresh-1' })];
    const { code, stdout, stderr } = await desk.run('login', '--device', '--issuer', url, '--json');
    expect(code).toBe(0);
    expect(stderr).toContain(`Open ${url}/activate and enter the code WDJB-MJHT`);
    expect(JSON.parse(stdout)).toEqual({
      person: 'dana',
      issuer: url,
      url: api.url,
      expiresAt: new Date(now.getTime() + 600_000).toISOString(),
      signedInAt: '2026-11-22T09:50:00.000Z',
      renewable: true,
    });
    expect(stdout + stderr).not.toContain('refresh-1');
    expect(await modeOf(path.join(desk.home, 'session.json'))).toBe(0o600);
    expect(Object.fromEntries(forms[0] ?? [])).toMatchObject({ client_id: 'readmit-cli', audience: 'readmit-api' });
    expect((await desk.run('whoami')).stdout).toContain('dana');
    expect((await desk.run('logout')).code).toBe(0);
    expect((await desk.run('whoami')).code).toBe(5);
  });

  it('says on a terminal how many cases wait for the person, and nothing when none does or nobody can say', async () => {
    desk.terminal = true;
    const login = async (): Promise<string> => {
      token = [tokens('dana')];
      const { code, stderr } = await desk.run('login', '--issuer', url, '--as', 'dana');
      expect(code).toBe(0);
      return stderr;
    };
    expect(await login()).toBe('');
    api.on('inbox', { items: [], next: null });
    expect(await login()).toBe('');
    api.on('inbox', { items: [waiting, waiting], next: null });
    expect(await login()).toBe('2 cases wait for you: readmit inbox\n');
    api.on('inbox', { items: [waiting], next: null });
    expect(await login()).toBe('1 case waits for you: readmit inbox\n');
    // A page may be short and not the last.
    api.on('inbox', { items: [waiting], next: `${waiting.until}/case_1` });
    expect(await login()).toBe('1 or more cases wait for you: readmit inbox\n');
    desk.terminal = false;
    expect(await login()).toBe('');
  });

  it('signs in a persona at the demo issuer by its own grant', async () => {
    token = [tokens('dana')];
    desk.env['READMIT_ISSUER'] = url;
    expect((await desk.run('login', '--as', 'dana')).code).toBe(0);
    expect(Object.fromEntries(forms[0] ?? [])).toEqual({
      grant_type: 'urn:readmit:demo:persona',
      client_id: 'readmit-cli',
      persona: 'dana',
      resource: 'readmit-api',
      audience: 'readmit-api',
    });
    expect((await desk.vault.session())?.person).toBe('dana');
  });

  it.each([
    ['unsupported_grant_type', ['--as', 'dana'], "only the demo's issuer does"],
    ['invalid_grant', ['--as', 'nobody'], 'Check the persona'],
    ['access_denied', ['--device'], 'did not sign you in'],
  ])('explains the answer %s', async (error, more, says) => {
    token = [oauth(error)];
    const { code, stderr } = await desk.run('login', '--issuer', url, ...more);
    expect(code).toBe(5);
    expect(stderr).toContain(says);
    expect(await desk.vault.session()).toBeUndefined();
  });

  it('signs in at the issuer and for the audience that the services name, and says where', async () => {
    token = [tokens('dana'), tokens('dana'), tokens('dana')];
    api.on('signInWith', { issuer: url, audience: 'acme-api' });
    const { code, stderr } = await desk.run('login', '--as', 'dana');
    expect([code, forms.at(-1)?.get('audience')]).toEqual([0, 'acme-api']);
    expect(stderr).toContain(`Signing in at ${url}, the issuer of ${api.url}.`);
    await desk.run('login', '--as', 'dana', '--audience', 'other-api');
    expect(forms.at(-1)?.get('audience')).toBe('other-api');
    expect(api.of('signInWith')).toHaveLength(2);
    // A named issuer is where to sign in, for the usual audience, whatever the services name.
    await desk.run('login', '--as', 'dana', '--issuer', url);
    expect(forms.at(-1)?.get('audience')).toBe('readmit-api');
  });

  it('exits with 8 when the issuer does not answer and with 2 when nobody names one', async () => {
    expect((await desk.run('login', '--issuer', 'http://127.0.0.1:1')).code).toBe(8);
    api.refuse('signInWith', 404, { reason: 'no-such-route' });
    const { code, stderr } = await desk.run('login');
    expect([code, stderr]).toEqual([2, expect.stringContaining('the services do not name one')]);
  });

  it('renews a sign-in that has run out, once, and keeps the new one', async () => {
    token = [tokens('dana', { refresh_token: 'refresh-1', expires_in: 1 }), tokens('dana', { refresh_token: 'refresh-2' })];
    await desk.run('login', '--issuer', url, '--as', 'dana');
    api.on('listCases', []);
    expect((await desk.run('case', 'list')).code).toBe(0);
    expect((await desk.run('case', 'list')).code).toBe(0);
    expect(forms.map((form) => form.get('grant_type'))).toEqual(['urn:readmit:demo:persona', 'refresh_token']);
    expect(forms[1]?.get('refresh_token')).toBe('refresh-1');
    expect((await desk.vault.session())?.refreshToken).toBe('refresh-2');
  });
});
