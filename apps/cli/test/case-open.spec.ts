/** `case open` against a double of the API: what it sends, what it prints, how it exits. */
import { describe, expect, it } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { importJWK, jwtVerify } from 'jose';
import { codeOf } from '@readmit/domain';
import { crypto } from '../src/log-tools.js';
import { canonical, sha256Hex, type RecipientKeyPair } from '../src/keys.js';
import { api, atDesk, Desk, desk, json, modeOf, now } from './cli-run.js';
import { accepted, askAda, caseOfAda, openAda } from './samples.js';

atDesk();

const role = ['case', 'open', '--subject', 'erin', '--ask', 'role.restore=target-postgres/erin/app_admin'];

describe('readmit case open', () => {
  it('makes a one-time key for somebody without a sign-in and prints the code that is read to the desk on a call-back', async () => {
    api.on('openCase', accepted).on('showCase', caseOfAda, { ...caseOfAda, codeNonce: 'nonce_1' });
    const { code, stdout } = await desk.run(...openAda, '--json');
    const printed = json(stdout);
    const sent = api.of('openCase')[0];
    const { caseKey, ...body } = sent?.body as { caseKey: RecipientKeyPair };
    expect(code).toBe(0);
    expect(body).toEqual({
      subject: { kind: 'person', id: 'ada' },
      asks: [{ kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' }],
      reasonCode: 'lost-device',
      reason: 'phone stolen',
      durationSeconds: 900,
    });
    expect(caseKey.fingerprint).toBe(sha256Hex(canonical({ sealing: caseKey.sealing, signing: caseKey.signing })));
    expect(JSON.stringify(caseKey)).not.toContain('"d"');
    expect(printed['code']).toBe(codeOf('nonce_1', caseKey.fingerprint, crypto));
    expect(printed['code']).toMatch(/^[0-9a-f]{4}-[0-9a-f]{4}$/);
    expect(api.of('showCase').map(({ headers }) => headers['readmit-proof'] !== undefined)).toEqual([true, true]);
    expect(await modeOf(String(printed['keyFile']))).toBe(0o600);
    expect((await desk.vault.caseKey('case_1'))?.fingerprint).toBe(caseKey.fingerprint);
    expect(sent?.headers.authorization).toBeUndefined();
    await expect(
      jwtVerify(String(sent?.headers['readmit-proof']), await importJWK(caseKey.signing, 'EdDSA'), { currentDate: now }),
    ).resolves.toMatchObject({ payload: { htm: 'POST', htu: '/api/intake/cases' } });
  });

  it('sends sign-in and key together when a person who is signed in wants to pick something up', async () => {
    await desk.signIn('ada');
    api.on('openCase', accepted);
    expect((await desk.run(...askAda, '--with-key')).code).toBe(0);
    expect(api.of('openCase')[0]?.headers).toMatchObject({ authorization: 'Bearer token-of-ada', 'readmit-proof': expect.any(String) });
    expect(api.of('openCase')[0]?.body).toHaveProperty('caseKey');
  });

  it('uses the sign-in where there is one, and makes a key only for who asks for a bypass of their own', async () => {
    await desk.signIn('erin');
    api.on('openCase', accepted);
    expect((await desk.run(...role, '--reason-code', 'role-lost', '--reason', 'x', '--for', '8h')).code).toBe(0);
    expect(api.of('openCase')[0]?.headers.authorization).toBe('Bearer token-of-erin');
    expect(api.of('openCase')[0]?.body).not.toHaveProperty('caseKey');
    expect(await desk.vault.caseKey('case_1')).toBeUndefined();
    const forAda = await desk.run(...askAda);
    expect(forAda.code).toBe(2);
    expect(forAda.stderr).toContain('the key would be yours, not that of ada');
    expect(api.of('openCase')).toHaveLength(1);
    await desk.signIn('ada');
    expect((await desk.run(...askAda)).code).toBe(0);
    expect(api.of('openCase')[1]?.body).toHaveProperty('caseKey');
  });

  it('makes a key for every kind of ask whose plan seals something to it, and for no other', async () => {
    await desk.signIn('ada');
    api.on('openCase', accepted);
    for (const kind of ['factor.reset', 'factor.replace']) {
      const open = ['case', 'open', '--subject', 'ada', '--ask', `${kind}=demo-idp/ada`, '--reason-code', 'lost-device'];
      expect((await desk.run(...open, '--reason', 'lost', '--for', '15m')).code).toBe(0);
    }
    const [reset, replace] = api.of('openCase');
    expect(reset?.body).toHaveProperty('caseKey');
    expect(replace?.body).not.toHaveProperty('caseKey');
  });

  it('opens no case without a name for somebody who is not signed in here, unless that is asked for', async () => {
    api.on('openCase', accepted);
    expect((await desk.run(...askAda)).code).toBe(5);
    await desk.signIn('ada');
    desk.env['READMIT_URL'] = 'http://127.0.0.1:1';
    const elsewhere = await desk.run(...askAda);
    expect(elsewhere.code).toBe(5);
    expect(elsewhere.stderr).toContain(`You are signed in for ${api.url}, not here`);
    expect(api.seen).toEqual([]);
    desk.env['READMIT_URL'] = api.url;
    expect((await desk.run(...openAda)).code).toBe(0);
    expect(api.of('openCase')[0]?.headers.authorization).toBeUndefined();
  });

  it('exits with 10 and the reason when what was asked for is refused at once', async () => {
    await desk.signIn('erin');
    const sentence = 'Plan refused (R2.2 target-refused): the ceiling of this case does not allow role.grant.';
    const argv = [...role, '--reason-code', 'role-lost', '--reason', 'x', '--for', '8h'];
    const opened = { ...caseOfAda, state: 'opened', requester: { kind: 'person', id: 'erin' } };
    api.on('openCase', accepted);
    api.on('showCase', opened, { ...opened, state: 'closed', outcome: 'failed', ended: [sentence] });
    const failed = await desk.run(...argv);
    expect(failed.code).toBe(10);
    expect(failed.stderr).toContain(`The case has failed: ${sentence}`);
    expect(failed.stdout).toContain('case_1');
    expect(failed.stderr).not.toContain('Follow it');
    api.on('showCase', opened, { ...opened, state: 'planned' });
    expect((await desk.run(...argv, '--ticket', 'T-2')).code).toBe(0);
  });

  it('takes the same case up when the answer was lost and the command is run again, and forgets the key of a refused request', async () => {
    const idempotencyKeys = () => api.of('openCase').map(({ headers }) => headers['idempotency-key']);
    api.raw('openCase', 500, 'oops');
    const lost = await desk.run(...openAda);
    expect(lost.code).toBe(1);
    expect(lost.stderr).toContain('Run the same command again within an hour');
    expect(await readdir(path.join(desk.home, 'cases'))).toEqual([expect.stringMatching(/^pending-/)]);
    // Another request is not the lost one.
    await desk.run(...openAda, '--ticket', 'T-1');
    api.on('openCase', accepted);
    expect((await desk.run(...openAda)).code).toBe(0);
    const [first, changed, again] = api.of('openCase').map(({ body }) => (body as { caseKey: unknown }).caseKey);
    expect(again).toEqual(first);
    expect(changed).not.toEqual(first);
    const [key, otherKey, keyAgain] = idempotencyKeys();
    expect([keyAgain, otherKey === key]).toEqual([key, false]);
    expect((await desk.vault.caseKey('case_1'))?.signing.x).toBe((first as { signing: { x: string } }).signing.x);
    // What was answered is over: the same words are a new request.
    expect((await desk.run(...openAda)).code).toBe(0);
    expect(idempotencyKeys()[3]).not.toBe(key);
    const other = await Desk.of(api.url);
    api.refuse('openCase', 403, { reason: 'not-askable', rule: 'R1.3' });
    expect((await other.run(...openAda)).code).toBe(4);
    expect(await readdir(path.join(other.home, 'cases'))).toEqual([]);
    await other.leave();
  });

  it.each([
    [['--for', '15'], '"15" is not a duration'],
    [['--ask', 'password.tell=demo-idp/ada'], '"password.tell" is not a kind of ask'],
    [['--ask', 'role.restore=target-postgres/erin'], 'does not name the role'],
    [['--reason', 'x'.repeat(501)], 'The service would refuse what would be sent: /reason'],
  ])('sends nothing when an option is wrong: %j', async (more, says) => {
    const { code, stderr } = await desk.run(...openAda, ...more);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(api.seen).toEqual([]);
  });
});
