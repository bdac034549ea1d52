/**
 * docs/sign-in.md: its command gets a token for a client at a real issuer (the demo's) that the services accept, and what it says about tokens
 * and teams is true. The device flow is tested in apps/demo/test/device-flow.int.spec.ts.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDemo, type Demo } from '@readmit/demo';
import { operatorTeam, readsEveryCase } from '@readmit/domain';
import { BearerVerifier } from '@readmit/signing';
import { blockOf } from '@readmit/testing';
import { SignJWT } from 'jose';
import { startIssuer, type TestIssuer } from '../../libs/service/test/issuer.js';
import { parsePolicy } from '../../apps/classification/src/outbound/policy-file.js';
import { run } from '../signals/page.js';

const page = await readFile('docs/sign-in.md', 'utf8');
let folder: string;
let demo: Demo;
let issuer: TestIssuer;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sign-in-page-'));
  demo = await startDemo();
  issuer = await startIssuer();
});
afterAll(async () => {
  await issuer.close();
  await demo.stop();
  await rm(folder, { recursive: true });
});

/** `undefined` leaves the claim out. */
type Claims = Readonly<Record<string, unknown>>;
const verifierOf = (url: string, now = new Date()) => new BearerVerifier({ issuer: url, audience: 'readmit-api', now: () => now });

describe('the command that gets a token for a client', () => {
  async function tokenOf(client: 'demo-idp' | 'readmit-intake'): Promise<string> {
    const command = blockOf('docs/sign-in.md', 'Clients at the issuer');
    await writeFile(path.join(folder, 'client.secret'), `${demo.clients[client].clientSecret}\n`, { mode: 0o600 });
    return (await run(`${command}\necho "$TOKEN"`, folder, { TOKEN_URL: demo.tokenUrl, CLIENT: client })).trim();
  }

  it('gets one that is accepted for this client, and one for another audience that is refused', async () => {
    const verifier = verifierOf(demo.issuer);
    expect(await verifier.verify(`Bearer ${await tokenOf('demo-idp')}`)).toMatchObject({ clientId: 'demo-idp' });
    await expect(verifier.verify(`Bearer ${await tokenOf('readmit-intake')}`)).rejects.toMatchObject({ reason: 'token-audience' });
  });
});

const bySharedSecret = () => new SignJWT({}).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(new Uint8Array(32));

describe('an access token', () => {
  const verify = async (claims: Claims, options: Parameters<TestIssuer['token']>[1] = {}) =>
    verifierOf(issuer.url).verify(`Bearer ${await issuer.token(claims as Parameters<TestIssuer['token']>[0], options)}`);

  it('is read as the page says', async () => {
    expect(await verify({ sub: 'u-1004', teams: ['auditors'], aud: ['other', 'readmit-api'] })).toEqual({
      id: 'u-1004',
      teams: ['auditors'],
      clientId: 'readmit-cli',
    });
    expect(await verify({ teams: undefined, client_id: undefined })).toEqual({ id: 'person:ada', teams: [] });
  });

  it('of an issuer whose name ends with a slash is accepted only if READMIT_ISSUER ends with it', async () => {
    const slashed = await startIssuer('/');
    try {
      const bearer = `Bearer ${await slashed.token()}`;
      expect(await verifierOf(slashed.url).verify(bearer)).toMatchObject({ id: 'person:ada' });
      await expect(verifierOf(slashed.url.replace(/\/$/, '')).verify(bearer)).rejects.toMatchObject({ reason: 'issuer-unavailable' });
      await expect(verifierOf(`${issuer.url}/`).verify(`Bearer ${await issuer.token()}`)).rejects.toMatchObject({
        reason: 'issuer-unavailable',
      });
    } finally {
      await slashed.close();
    }
  });

  const later = Math.floor(Date.now() / 1000) + 600;
  const refused: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ['another type', () => verify({}, { typ: 'JWT' }), 'token-type'],
    ['another issuer', () => verify({ iss: 'https://sso.example.com' }), 'token-issuer'],
    ['another audience', () => verify({ aud: 'account' }), 'token-audience'],
    ['teams that are not a list', () => verify({ teams: 'auditors' }), 'token-claims'],
    ['no sub', () => verify({ sub: undefined }), 'token-claims'],
    ['an expiry in the past', () => verify({}, { issuedAt: 1, expiresAt: 2 }), 'token-expired'],
    ['a validity that starts in the future', () => verify({ nbf: later }), 'token-not-yet-valid'],
    ['a time of issue in the future', () => verify({}, { issuedAt: later, expiresAt: later + 300 }), 'token-issued-in-future'],
    ['a signature by another key', () => verify({}, { signWith: 'foreign' }), 'token-signature'],
    ['a key that the issuer does not have', () => verify({}, { kid: 'issuer-2' }), 'token-key-unknown'],
    ['a signature by a shared secret', async () => verifierOf(issuer.url).verify(`Bearer ${await bySharedSecret()}`), 'token-algorithm'],
    ['one part', () => verifierOf(issuer.url).verify('Bearer abc'), 'token-malformed'],
    ['another scheme', () => verifierOf(issuer.url).verify('Basic abc'), 'token-malformed'],
  ];
  it.each(refused)('with %s is refused with the reason on the page', async (_, verified, reason) => {
    await expect(verified()).rejects.toMatchObject({ reason });
    expect(page).toContain(`\`${reason}\``);
  });

  it('is refused only with these reasons, and the page names no others except for requests without a token', async () => {
    const found = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, reason = '']) => reason));
    const these = new Set(refused.map(([, , reason]) => reason));
    expect(found(await readFile('libs/signing/src/access-token.ts', 'utf8'), /'(token-[a-z-]+)'/g)).toEqual(these);
    const withoutToken = found(await readFile('libs/service/src/http/edge.ts', 'utf8'), /ProblemError\(\s*401,\s*'((?!proof-)[a-z-]+)'/g);
    expect(found(page, /`((?:token|credentials)-[a-z-]+)`/g)).toEqual(new Set([...withoutToken, ...these]));
  });
});

describe('the teams on the page', () => {
  it('are those that the code and the default policy use', async () => {
    const [operators = '', auditors = '', ...more] = [...page.matchAll(/^\| `([a-z-]+)` +\| (?:read every case)/gm)].map(
      ([, team]) => team ?? '',
    );
    expect([operators, more]).toEqual([operatorTeam, []]);
    expect(readsEveryCase({ id: 'x', teams: [auditors] })).toBe(true);
    expect(readsEveryCase({ id: 'x', teams: ['help-desk'] })).toBe(false);
    const { classes, privilegedSubject } = parsePolicy(await readFile('deploy/policies/default.yaml', 'utf8'), 'default.yaml').document;
    const asked = [...Object.values(classes), { ...privilegedSubject, verifiers: [] }].flatMap(({ verifiers, quorum }) => [
      ...verifiers,
      ...quorum.flatMap(({ teams }) => teams),
    ]);
    for (const team of asked) expect(page).toContain(`\`${team}\``);
  });
});
