/** `readmit login` at the demo's issuer with the authorization code flow and PKCE, and a browser that fills in the pages. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDemo, type Demo } from '@readmit/demo';
import { BearerVerifier } from '@readmit/signing';
import { decodeJwt } from 'jose';
import { URI } from 'otpauth';
import { api, atDesk, desk } from '../../apps/cli/test/cli-run.js';
import { Browser } from '../../apps/demo/test/pages.js';

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo({ env: {} });
});
afterAll(() => demo.stop());
atDesk();

const pages: string[] = [];
/** Signs in as the persona with password and second factor, and grants the access. */
const signsInAs = (persona: string) => (address: string) =>
  void (async () => {
    const { username = '', password = '', totp = '' } = demo.people[persona] ?? {};
    const browser = new Browser();
    const form = await browser.open(address);
    pages.push(form.html);
    const consent = await browser.submit(form, { username, password, code: URI.parse(totp).generate() });
    pages.push(consent.html, (await browser.submit(consent)).html);
  })();

describe('readmit login at the demo', () => {
  it('R4.10 creates a session whose token says when and how the person signed in, with pages that say that this is a demo', async () => {
    desk.now = new Date();
    desk.openBrowser = signsInAs('dana');
    const { code, stderr } = await desk.run('login', '--issuer', demo.issuer);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${demo.issuer}/auth?`)]);
    const session = await desk.vault.session();
    const bearer = await new BearerVerifier({ issuer: demo.issuer, audience: 'readmit-api', now: () => new Date() }).verify(
      `Bearer ${session?.accessToken ?? ''}`,
    );
    expect(bearer).toMatchObject({ id: 'dana', clientId: 'readmit-cli', acr: 'aal2', authTime: expect.any(Number) });
    expect(decodeJwt(session?.accessToken ?? '')['amr']).toEqual(['pwd', 'otp', 'mfa']);
    expect(pages.slice(0, 2).join()).toContain('Readmit demo identity provider');
    expect(pages.at(-1)).toContain('You are signed in.');
  });

  it('gets a token for a persona in which doctor finds nothing wrong', async () => {
    desk.now = new Date();
    await desk.run('login', '--issuer', demo.issuer, '--as', 'chidi');
    const session = await desk.vault.session();
    expect(session).toMatchObject({ flow: 'persona', person: 'chidi' });
    api.on('signInWith', { issuer: demo.issuer, audience: 'readmit-api', stepUp: { acrValues: ['aal2'], maxAgeSeconds: 300 } });
    desk.stdin = session?.accessToken ?? '';
    expect((await desk.run('doctor', '--token', '-')).code).toBe(0);
  });
});
