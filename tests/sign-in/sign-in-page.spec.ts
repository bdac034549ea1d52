/**
 * docs/sign-in.md: its command gets a token of a client at a real issuer (the demo's), which the services take, and what it says of
 * tokens and teams is what they do. Not here: the device flow (apps/demo/test/device-flow.int.spec.ts).
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDemo, type Demo } from '@readmit/demo';
import { operatorTeam, readsEveryCase } from '@readmit/domain';
import { BearerVerifier } from '../../libs/service/src/http/bearer.js';
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

describe('the command that gets a token of a client', () => {
  async function tokenOf(client: 'demo-idp' | 'readmit-intake'): Promise<string> {
    const [, command = ''] = /^```sh\n([^]*?)^```$/m.exec(page) ?? [];
    await writeFile(path.join(folder, 'client.secret'), `${demo.clients[client].clientSecret}\n`, { mode: 0o600 });
    return (await run(`${command}\necho "$TOKEN"`, folder, { TOKEN_URL: demo.tokenUrl, CLIENT: client })).trim();
  }

  it('gets one that is taken as of this client, and one for another audience that is not', async () => {
    const verifier = verifierOf(demo.issuer);
    expect(await verifier.verify(`Bearer ${await tokenOf('demo-idp')}`)).toMatchObject({ clientId: 'demo-idp' });
    await expect(verifier.verify(`Bearer ${await tokenOf('readmit-intake')}`)).rejects.toMatchObject({ reason: 'token-audience' });
  });
});

describe('an access token', () => {
  const verify = async (claims: Claims, options: Parameters<TestIssuer['token']>[1] = {}) =>
    verifierOf(issuer.url).verify(`Bearer ${await issuer.token(claims as Parameters<TestIssuer['token']>[0], options)}`);

  it('is taken as the page says', async () => {
    expect(await verify({ sub: 'u-1004', teams: ['auditors'], aud: ['other', 'readmit-api'] })).toEqual({
      id: 'u-1004',
      teams: ['auditors'],
      clientId: 'readmit-cli',
    });
    expect(await verify({ teams: undefined, client_id: undefined })).toEqual({ id: 'person:ada', teams: [] });
  });

  it.each<[string, Claims, Parameters<TestIssuer['token']>[1], string]>([
    ['another type', {}, { typ: 'JWT' }, 'token-type'],
    ['another issuer', { iss: 'https://sso.example.com' }, {}, 'token-issuer'],
    ['another audience', { aud: 'account' }, {}, 'token-audience'],
    ['teams that are no list', { teams: 'auditors' }, {}, 'token-claims'],
    ['no sub', { sub: undefined }, {}, 'token-claims'],
    ['an end that is past', {}, { issuedAt: 1, expiresAt: 2 }, 'token-expired'],
    ['a signature of somebody else', {}, { signWith: 'foreign' }, 'token-signature'],
  ])('with %s is refused with the reason that the page names', async (_, claims, options, reason) => {
    await expect(verify(claims, options)).rejects.toMatchObject({ reason });
    expect(page).toContain(`\`${reason}\``);
  });
});

describe('the teams on the page', () => {
  it('are those that tokens and the policy that ships are asked for', async () => {
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
