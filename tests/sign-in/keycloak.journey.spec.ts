/**
 * People and programs of a real Keycloak, with the clients of docs/sign-in.md: sign-in at its pages with a second factor, a step-up by
 * passkey, and a case that is approved by the CLI with it. The browser is Debian's Chromium, the passkey a virtual authenticator.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@readmit/servers';
import { BearerVerifier } from '@readmit/signing';
import { startSystem, type System } from '@readmit/standalone';
import { blockOf, testKeycloak, until, type TestRealm } from '@readmit/testing';
import { decodeJwt } from 'jose';
import { chromium, type Browser } from 'playwright-core';
import { browsers, ensureDebian } from '../../tools/debian.mjs';
import { workspace, newStateDir } from '../journey/installation.js';
import { Person, type Account } from './keycloak-person.js';

let realm: TestRealm;
let system: System;
let browser: Browser;
let state: Awaited<ReturnType<typeof newStateDir>>;
/** People of the realm file under the names that the demo's directory has. */
const names: Readonly<Record<string, string>> = { bob: 'boris', carol: 'chidi' };
const boris: Account = { username: 'boris', password: 'bob-pw', device: 'bob-otp-secret-0000001' };
const chidi: Account = { username: 'chidi', password: 'carol-pw', device: 'carol-otp-secret-0001' };
const clientsOnThePage = [blockOf('docs/sign-in.md', 'Keycloak', 1), blockOf('docs/sign-in.md', 'Keycloak', 2)];

beforeAll(async () => {
  const missing = ensureDebian(browsers);
  if (missing !== undefined) throw new Error(missing);
  state = await newStateDir();
  const keycloak = await testKeycloak();
  realm = await keycloak.realm((file) => {
    file['browserFlow'] = 'passkey browser';
    file.clients = file.clients.filter(({ clientId }) => clientId !== 'readmit-cli');
    for (const user of file.users) user.username = names[user.username] ?? user.username;
  });
  for (const client of clientsOnThePage) await realm.admin('POST', '/clients', JSON.parse(client));
  system = await startSystem({
    stateDir: path.join(state.dir, 'state'),
    policyFile: path.join(workspace, 'deploy/policies/default.yaml'),
    appsDir: path.join(workspace, 'dist/apps'),
    processes: false,
    fresh: true,
    port: await freePort(),
    databaseUrl: undefined,
    signIn: {
      READMIT_ISSUER: realm.issuer,
      READMIT_STEP_UP_ACR: 'gold',
      READMIT_TOKEN_SUBJECT_CLAIM: 'preferred_username',
      READMIT_PROVIDERS: 'acme',
      READMIT_PROVIDER_SOURCES: `acme=${realm.issuer}`,
    },
    log: () => undefined,
  });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await system?.stop();
  await realm?.remove();
  await state?.remove();
});

const person = (name: string) => Person.of(browser, path.join(state.dir, 'homes', name), system.origin);
const verify = (token: string) =>
  new BearerVerifier({
    issuer: realm.issuer,
    audience: 'readmit-api',
    subjectClaim: 'preferred_username',
    now: () => new Date(),
  }).verify(`Bearer ${token}`);
const seen = (by: Person, caseId: string, type: string) =>
  until(async () => (await by.readmit(['case', 'timeline', caseId, '--json'])).stdout.includes(`"${type}"`) || undefined, {
    what: `${caseId} has ${type}`,
  });

describe('people and programs of Keycloak', () => {
  it('R4.10 sign in at its page with a second factor, step up by passkey, and approve a case by the CLI', async () => {
    const [desk, approver, nobody] = [await person('boris'), await person('chidi'), await person('nobody')];
    expect(await desk.readmit(['login'], (address) => desk.signInAtPage(address, boris))).toMatchObject({ code: 0 });
    expect(await verify(await desk.token())).toMatchObject({ id: 'boris', teams: ['help-desk'], acr: 'silver' });
    expect(decodeJwt(await desk.token())['scope']).not.toContain('offline_access');

    const asked = ['--subject', 'ada', '--ask', 'factor.bypass=demo-idp/ada', '--reason-code', 'lost-device'];
    const opening = ['case', 'open', '--anonymous', ...asked, '--reason', 'by hand', '--for', '600s'];
    const { caseId, code } = await nobody.done<{ caseId: string; code: string }>(...opening);
    await seen(desk, caseId, 'readmit.plan.proposed');
    const proof = ['evidence', 'add', caseId, '--assurance', 'substantial', '--note', 'by hand'];
    await desk.done(...proof, '--kind', 'call-back', '--channel', 'phone', '--contact', 'phone', '--code', code);
    await desk.done(...proof, '--kind', 'manager-vouch', '--channel', 'directory');

    await approver.enrolPasskey(realm.issuer, chidi);
    // The browser has a session, so no page asks for anything.
    expect(await approver.readmit(['login'])).toMatchObject({ code: 0 });
    expect(decodeJwt(await approver.token())).toMatchObject({ preferred_username: 'chidi', acr: 'silver' });
    expect(await approver.doctor(await approver.token())).toEqual({ code: 0, notOk: ['client note', 'acr note'] });
    const key = path.join(system.stateDir, 'demo/keys/chidi.jwk');
    const approved = await approver.readmit(['approve', caseId, '--reason', 'by hand', '--key', key, '--yes'], async (address) => {
      await approver.page.goto(address);
      await approver.page.click('#authenticateWebAuthnButton');
    });
    expect(approved).toMatchObject({ code: 0, stderr: expect.stringContaining('gold is needed to decide') });
    expect(Object.fromEntries(approver.addresses.at(-1)?.searchParams ?? [])).toMatchObject({ acr_values: 'gold', max_age: '300' });
    expect(await verify(await approver.token())).toMatchObject({ id: 'chidi', acr: 'gold', authTime: expect.any(Number) });
    expect(await approver.doctor(await approver.token())).toEqual({ code: 0, notOk: ['client note'] });
    await seen(desk, caseId, 'readmit.approval.granted');
  }, 240_000);

  it('R8.3 a client that publishes signals is accepted as itself, and of another the doctor says what it lacks', async () => {
    const operator = await person('operator');
    const [acme] = (await realm.admin('GET', '/clients?clientId=acme')) as { id: string }[];
    const { value: secret } = (await realm.admin('GET', `/clients/${acme?.id ?? ''}/client-secret`)) as { value: string };
    const tokenOf = async (client: string, client_secret: string) => {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: client, client_secret });
      const answer = await fetch(`${realm.issuer}/protocol/openid-connect/token`, { method: 'POST', body });
      return ((await answer.json()) as { access_token: string }).access_token;
    };
    const token = await tokenOf('acme', secret);
    expect(await verify(token)).toMatchObject({ clientId: 'acme' });
    expect(await operator.doctor(token, '--client')).toEqual({ code: 0, notOk: ['teams note'] });
    await realm.admin('POST', '/clients', { clientId: 'plain', serviceAccountsEnabled: true, secret: 'plain-secret' });
    expect(await operator.doctor(await tokenOf('plain', 'plain-secret'), '--client')).toEqual({
      code: 3,
      notOk: expect.arrayContaining(['typ wrong', 'aud wrong']),
    });
  });
});
