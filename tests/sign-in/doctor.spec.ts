/** `readmit doctor --token` with a real issuer: which check fails, what to set, the exit code, and that the token is never printed. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BearerVerifier } from '@readmit/signing';
import { blockOf } from '@readmit/testing';
import { startIssuer, type TestIssuer } from '../../libs/service/test/issuer.js';
import { api, atDesk, desk } from '../../apps/cli/test/cli-run.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.close());
atDesk();

const seconds = () => Math.floor(Date.now() / 1000);
const usual = {
  types: ['at+jwt'],
  algorithms: ['EdDSA', 'ES256'],
  subjectClaim: 'sub',
  teamsClaim: 'teams',
  clientIdClaim: 'client_id',
};
type Token = Parameters<TestIssuer['token']>;
const whole = () => ({ teams: ['auditors'], auth_time: seconds() - 10, acr: 'gold' });

interface Report {
  readonly accepted: boolean;
  readonly checks: readonly { readonly check: string; readonly result: string; readonly message?: string; readonly next?: string }[];
}
async function doctor(token: string, tokens: typeof usual = usual, more: readonly string[] = []) {
  desk.now = new Date();
  api.on('signInWith', { issuer: issuer.url, audience: 'readmit-api', stepUp: { acrValues: ['gold'], maxAgeSeconds: 300 }, tokens });
  const file = path.join(desk.home, 'token.txt');
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  const ran = await desk.run('doctor', '--token', file, '--json', ...more);
  for (const part of token.split('.')) if (part.length > 8) expect(ran.stdout + ran.stderr).not.toContain(part);
  const report = JSON.parse(ran.stdout) as Report;
  const notOk = report.checks.filter(({ result }) => result !== 'ok');
  return {
    code: ran.code,
    accepted: report.accepted,
    notOk,
    results: Object.fromEntries(notOk.map(({ check, result }) => [check, result])),
  };
}
const of = async (...token: Token) => doctor(await issuer.token(...token));

describe('readmit doctor --token', () => {
  it('R4.10 passes every check for a token that is accepted and may decide', async () => {
    expect(await of(whole())).toEqual({ code: 0, accepted: true, notOk: [], results: {} });
  });

  const past = seconds() - 7200;
  it.each<[string, Token, Readonly<Record<string, string>>, RegExp]>([
    ['another type', [whole(), { typ: 'JWT' }], { typ: 'wrong' }, /access\.token\.header\.type\.rfc9068.*READMIT_TOKEN_TYPES=at\+jwt,JWT/],
    ['another issuer', [{ ...whole(), iss: 'https://sso.example.com' }], { iss: 'wrong' }, /the token says https:\/\/sso\.example\.com/],
    ['another audience', [{ ...whole(), aud: 'account' }], { aud: 'wrong' }, /Included Custom Audience readmit-api/],
    ['an expiry in the past', [whole(), { issuedAt: past, expiresAt: past + 300 }], { exp: 'wrong' }, /Get a new token/],
    ['a time of issue in the future', [whole(), { issuedAt: seconds() + 600, expiresAt: seconds() + 900 }], { iat: 'wrong' }, /clocks/],
    ['no subject', [{ ...whole(), sub: undefined } as unknown as Token[0] & object], { subject: 'wrong' }, /READMIT_TOKEN_SUBJECT_CLAIM/],
    ['a subject that is not an id', [{ ...whole(), sub: 'Ada Lovelace' }], { subject: 'wrong' }, /the id of the person in the directory/],
    ['teams that are not a list', [{ ...whole(), teams: 'auditors' }], { teams: 'wrong' }, /Group Membership/],
    ['no auth_time', [{ ...whole(), auth_time: undefined }], { auth_time: 'wrong' }, /client scope basic/],
    ['no acr', [{ ...whole(), acr: undefined }], { acr: 'wrong' }, /READMIT_STEP_UP_ACR asks for gold/],
  ])('says what to set for a token with %s', async (_, token, results, next) => {
    const found = await of(...token);
    expect([found.code, found.accepted, found.results]).toEqual([3, false, results]);
    expect(found.notOk.map((one) => one.next).join()).toMatch(next);
  });

  it('finds all faults at once, and reports for a wrong signature that the claims were not checked', async () => {
    const found = await of(
      { ...whole(), aud: 'account', iss: 'https://sso.example.com', teams: 'x', auth_time: undefined },
      { typ: 'JWT' },
    );
    expect(found.results).toEqual({ typ: 'wrong', iss: 'wrong', aud: 'wrong', teams: 'wrong', auth_time: 'wrong' });
    const forged = await of(whole(), { signWith: 'foreign' });
    expect([forged.code, forged.results]).toMatchObject([3, { 'signature and key': 'wrong', aud: 'not checked', subject: 'not checked' }]);
  });

  it('R4.10 notes that a decision needs another sign-in, which is not a fault of the token', async () => {
    expect(await of({ ...whole(), auth_time: seconds() - 900, acr: 'silver' })).toMatchObject({
      code: 0,
      accepted: true,
      results: { auth_time: 'note', acr: 'note' },
    });
  });

  it('requires the id of a client, but neither auth_time nor acr', async () => {
    const token = await issuer.token({ sub: 'acme', client_id: 'acme', teams: undefined });
    expect(await doctor(token, usual, ['--client'])).toMatchObject({ code: 0, results: { teams: 'note' } });
    const without = await issuer.token({ sub: 'acme', client_id: undefined, teams: undefined });
    expect(await doctor(without, usual, ['--client'])).toMatchObject({ code: 3, results: { teams: 'note', client: 'wrong' } });
  });

  it('uses the claims, types and algorithms in the configuration of the services', async () => {
    const other = { ...usual, types: ['at+jwt', 'JWT'], subjectClaim: 'upn', teamsClaim: 'groups', clientIdClaim: 'azp' };
    const token = await issuer.token({ ...whole(), teams: 7, upn: 'ada', groups: ['auditors'], azp: 'cli' }, { typ: 'JWT' });
    expect(await doctor(token, other)).toMatchObject({ code: 0, accepted: true });
    expect((await doctor(token)).results).toEqual({ typ: 'wrong', teams: 'wrong' });
    expect((await doctor(token, { ...other, algorithms: ['ES256'] })).results).toEqual({ algorithm: 'wrong' });
    const { types, subjectClaim, teamsClaim, clientIdClaim } = other;
    const verifier = new BearerVerifier({
      issuer: issuer.url,
      audience: 'readmit-api',
      now: () => new Date(),
      types,
      subjectClaim,
      teamsClaim,
      clientIdClaim,
    });
    expect(await verifier.verify(`Bearer ${token}`)).toMatchObject({ id: 'ada', teams: ['auditors'], clientId: 'cli' });
    // An ID token is a JWT of the same issuer, but not for an API.
    const idToken = await issuer.token({ upn: 'ada', nonce: 'n-1' }, { typ: 'JWT' });
    await expect(verifier.verify(`Bearer ${idToken}`)).rejects.toMatchObject({ reason: 'token-type' });
  });

  it('reads standard input, and refuses a token as an argument, which others on the machine can see', async () => {
    const token = await issuer.token(whole());
    desk.now = new Date();
    api.on('signInWith', { issuer: issuer.url, audience: 'readmit-api' });
    desk.stdin = `Authorization: Bearer ${token}\n`;
    expect((await desk.run('doctor', '--token', '-')).stdout).toContain('The services accept this token.');
    const { code, stderr } = await desk.run('doctor', '--token', token);
    expect([code, stderr]).toEqual([2, expect.stringContaining('visible to everybody')]);
    expect(stderr).not.toContain(token);
    desk.stdin = '\n';
    expect((await desk.run('doctor', '--token', '-')).code).toBe(2);
  });

  it('runs as shown in docs/sign-in.md', async () => {
    const [, argv = ''] = /\| readmit (.+)$/.exec(blockOf('docs/sign-in.md', 'Check a token').trim()) ?? [];
    desk.now = new Date();
    api.on('signInWith', { issuer: issuer.url, audience: 'readmit-api', tokens: usual });
    desk.stdin = await issuer.token({ sub: 'acme', client_id: 'acme' });
    expect((await desk.run(...argv.split(' '))).code).toBe(0);
    desk.stdin = await issuer.token({ sub: 'acme', client_id: 'acme', aud: 'account' });
    expect((await desk.run(...argv.split(' '))).code).toBe(3);
  });

  it('exits with 8 if the issuer of the services is unreachable', async () => {
    api.on('signInWith', { issuer: 'http://127.0.0.1:1', audience: 'readmit-api' });
    desk.stdin = await issuer.token();
    expect(await desk.run('doctor', '--token', '-')).toMatchObject({ code: 8, stderr: expect.stringContaining('READMIT_ISSUER') });
  });
});
