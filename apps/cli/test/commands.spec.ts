/** Decisions, secrets, operator and audit commands against a double of the API: what they send, what they print, how they exit. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createPublicKey, verify } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RouteName } from '@readmit/contracts';
import { CompactEncrypt, importJWK } from 'jose';
import { writePrivate } from '../src/files.js';
import { canonical, newRecipientKey, newSigningKey, sha256Hex } from '../src/keys.js';
import { preAuthenticationEncoding } from '../src/sign.js';
import { api, atDesk, desk, json, modeOf, now } from './cli-run.js';
import { accepted, approval, caseOfAda, parked, plan } from './samples.js';

atDesk();

describe('readmit approve and deny', () => {
  const key = { ...newSigningKey(), kid: 'dana-1' };
  beforeEach(async () => {
    await desk.signIn('dana');
    await writeFile(desk.vault.approverKeyFile, JSON.stringify(key), { mode: 0o600 });
    api.on('showApproval', approval).on('showCase', caseOfAda).on('decide', { caseId: 'case_1', decisionId: 'decision_1', link: '/x' });
  });

  it.each(['approve', 'deny'] as const)('R4.4 %s shows the plan, asks, and signs exactly what was shown', async (choice) => {
    desk.answer(true);
    const { code, stderr } = await desk.run(choice, 'case_1', '--reason', 'vouched');
    expect(code).toBe(0);
    for (const part of [
      'totp on the stolen phone',
      'sign-in for ada, once',
      'passkey on the laptop',
      '15m',
      'call-back (substantial) by boris',
      'anonymous (not signed in)',
      'phone stolen',
      'owner: 0 of 1',
      approval.planDigest ?? '',
    ])
      expect(stderr).toContain(part);
    expect(desk.questions).toHaveLength(1);
    const { statement, proof } = api.of('decide')[0]?.body as { statement: object; proof: { kid: string; signature: string } };
    expect(statement).toEqual({
      v: 1,
      caseId: 'case_1',
      planDigest: approval.planDigest,
      evidenceDigest: approval.evidenceDigest,
      policyDigest: approval.policyDigest,
      decision: choice,
      approver: 'dana',
      decidedAt: now.toISOString(),
      nonce: approval.nonce,
      reason: 'vouched',
    });
    expect(proof.kid).toBe('dana-1');
    const pae = preAuthenticationEncoding('application/vnd.readmit.decision.v1+json', canonical(statement));
    expect(
      verify(
        null,
        pae,
        createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.x }, format: 'jwk' }),
        Buffer.from(proof.signature, 'base64url'),
      ),
    ).toBe(true);
  });

  it('R4.4 refuses to sign when the digest is not that of the plan that is shown', async () => {
    api.on('showApproval', { ...approval, plan: { ...plan, removes: [] } });
    const { code, stderr } = await desk.run('approve', 'case_1', '--reason', 'x', '--yes');
    expect(code).toBe(3);
    expect(stderr).toContain('The plan that was shown is not the plan to be signed');
    expect(api.of('decide')).toEqual([]);
  });

  it('signs nothing unless a person says yes, on a terminal or with --yes', async () => {
    expect((await desk.run('approve', 'case_1', '--reason', 'x')).code).toBe(2);
    desk.answer(false);
    expect((await desk.run('approve', 'case_1', '--reason', 'x')).code).toBe(2);
    expect(api.of('decide')).toEqual([]);
    desk.confirm = undefined;
    expect((await desk.run('approve', 'case_1', '--reason', 'x', '--yes')).code).toBe(0);
    expect(api.of('decide')).toHaveLength(1);
  });

  it('waits for a plan, and for the plan that was named', async () => {
    expect((await desk.run('approve', 'case_1', '--reason', 'x', '--yes', '--plan-digest', 'a'.repeat(64))).code).toBe(7);
    api.on('showApproval', { ...approval, state: 'waiting-for-plan', plan: null, planDigest: null });
    const { code, stderr } = await desk.run('approve', 'case_1', '--reason', 'x', '--yes');
    expect(code).toBe(7);
    expect(stderr).toContain('waiting-for-plan');
  });

  it('refuses a key file that others can read, and one whose halves do not match', async () => {
    const file = path.join(desk.home, 'k.json');
    await writeFile(file, JSON.stringify(key), { mode: 0o644 });
    expect((await desk.run('approve', 'case_1', '--reason', 'x', '--yes', '--key', file)).stderr).toContain('can be read by others');
    const mixed = path.join(desk.home, 'm.json');
    await writeFile(mixed, JSON.stringify({ ...key, x: newSigningKey().x }), { mode: 0o600 });
    const { code, stderr } = await desk.run('approve', 'case_1', '--reason', 'x', '--yes', '--key', mixed);
    expect(code).toBe(2);
    expect(stderr).toContain('do not match');
    expect(stderr).not.toContain(key.d);
  });
});

describe('readmit secret pick-up', () => {
  const secret = 'correct horse \u0001 battery';
  const pair = newRecipientKey();
  let file: string;
  beforeEach(async () => {
    file = path.join(desk.home, 'payroll.json');
    await writeFile(file, JSON.stringify(pair), { mode: 0o600 });
    const jwe = await new CompactEncrypt(Buffer.from(secret))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
      .encrypt(await importJWK({ kty: 'OKP', crv: 'X25519', x: pair.sealing.x }, 'ECDH-ES'));
    api
      .on('pickUpSecret', { caseId: 'case_1', jwe, ciphertextDigest: sha256Hex(jwe) })
      .on('acknowledgeSecret', { caseId: 'case_1', acknowledged: true });
  });

  it('R2.6 writes the secret to a private file, prints none of it, and acknowledges only then', async () => {
    const out = path.join(desk.home, 'secret');
    const { code, stdout, stderr } = await desk.run('secret', 'pick-up', 'case_1', '--key', file, '--out', out);
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain('correct horse');
    expect(await readFile(out, 'utf8')).toBe(secret);
    expect(await modeOf(out)).toBe(0o600);
    expect(api.seen.map(({ route }) => route)).toEqual(['pickUpSecret', 'acknowledgeSecret']);
    expect(api.of('pickUpSecret')[0]?.headers['readmit-proof']).toBeDefined();
    expect((await desk.run('secret', 'pick-up', 'case_1', '--key', file, '--out', out)).code).toBe(0);
  });

  it('does not acknowledge what it could not keep or open', async () => {
    const taken = path.join(desk.home, 'taken');
    await writeFile(taken, 'something else', { mode: 0o600 });
    expect((await desk.run('secret', 'pick-up', 'case_1', '--key', file, '--out', taken)).code).toBe(2);
    expect(await readFile(taken, 'utf8')).toBe('something else');
    const other = path.join(desk.home, 'other.json');
    await writeFile(other, JSON.stringify(newRecipientKey()), { mode: 0o600 });
    expect((await desk.run('secret', 'pick-up', 'case_1', '--key', other)).code).toBe(3);
    expect(api.of('acknowledgeSecret')).toEqual([]);
  });

  it('says to delete the file only of what a person signs in with, once it is acknowledged', async () => {
    const says = 'then delete the file';
    const pickUp = async (...more: readonly string[]) => (await desk.run('secret', 'pick-up', 'case_1', ...more)).stderr;
    expect(await pickUp('--key', file, '--out', path.join(desk.home, 'password'))).not.toContain(says);
    await writePrivate(desk.vault.caseKeyFile('case_1'), JSON.stringify(pair));
    expect(await pickUp()).toContain(says);
    api.on('acknowledgeSecret', { caseId: 'case_1', acknowledged: false });
    expect(await pickUp()).not.toContain(says);
  });

  it('prints the secret only when asked', async () => {
    const { stdout, code } = await desk.run('secret', 'pick-up', 'case_1', '--key', file, '--print');
    expect(code).toBe(0);
    expect(stdout).toBe(secret);
    expect(api.of('acknowledgeSecret')).toHaveLength(1);
  });

  it('says where the key is missed', async () => {
    expect((await desk.run('secret', 'pick-up', 'case_1')).code).toBe(5);
  });
});

describe('operator commands', () => {
  it.each([
    ['contain', ['contain', 'case_1', '--reason', 'taken over'], 'contain', accepted, { reason: 'taken over' }],
    [
      'parked redrive',
      ['parked', 'redrive', '42', '--service', 'revocation-scheduler'],
      'revocationSettleParked',
      { ...parked, state: 'redriven' },
      { action: 'redrive' },
    ],
    [
      'parked discard',
      ['parked', 'discard', '42', '--service', 'execution'],
      'executionSettleParked',
      { ...parked, state: 'discarded' },
      { action: 'discard' },
    ],
  ] as [string, string[], RouteName, unknown, unknown][])('%s sends nothing without --apply', async (_, argv, route, answer, body) => {
    await desk.signIn('olga');
    api.on(route, answer);
    const dry = await desk.run(...argv);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain('Nothing was changed');
    expect(api.seen).toEqual([]);
    expect((await desk.run(...argv, '--apply')).code).toBe(0);
    expect(api.of(route)[0]?.body).toEqual(body);
  });

  it('parked redrive exits with 4 and says so when the message is refused again', async () => {
    await desk.signIn('olga');
    api.on('executionSettleParked', parked);
    const argv = ['parked', 'redrive', '42', '--service', 'execution', '--apply'];
    const again = await desk.run(...argv);
    expect(again.code).toBe(4);
    expect(again.stderr).toContain('stays parked: /asks is missing');
    api.on('executionSettleParked', { ...parked, state: 'redriven' });
    expect((await desk.run(...argv)).code).toBe(0);
  });

  it('setup connects also without --apply, makes nothing, and refuses a password on the command line', async () => {
    const argv = ['setup', '--secrets-dir', path.join(desk.home, 's'), '--database-url'];
    const dry = await desk.run(...argv, 'postgres://owner@127.0.0.1:1/readmit');
    expect(dry.code).toBe(8);
    expect(dry.stderr).toContain('The database cannot be reached');
    expect(await readdir(desk.home)).toEqual([]);
    expect((await desk.run(...argv, 'postgres://owner@127.0.0.1:1/readmit', '--apply')).code).toBe(8);
    const leaky = await desk.run(...argv, 'postgres://owner:hunter2@127.0.0.1:1/readmit');
    expect(leaky.code).toBe(2);
    expect(leaky.stdout + leaky.stderr).not.toContain('hunter2');
  });

  it('lists and shows parked messages', async () => {
    await desk.signIn('olga');
    api.on('executionListParked', [parked]).on('executionShowParked', { ...parked, bytes: 'e30=', headers: { ce_id: 'e' } });
    expect((await desk.run('parked', 'list', '--service', 'execution')).stdout).toContain('42\tparked');
    expect(api.of('executionListParked')[0]?.target).toBe('/api/execution/parked?state=parked');
    expect((await desk.run('parked', 'show', '42', '--service', 'execution')).stdout).toContain('e30=');
    expect((await desk.run('parked', 'list', '--service', 'payroll')).code).toBe(2);
  });
});

describe('readmit audit', () => {
  it('checkpoint --save keeps the note, once', async () => {
    const note = 'readmit.example/log\n7\nAAAA\n\n\u2014 readmit.example/log AAAA\n';
    api.on('checkpoint', { size: 7, note });
    expect((await desk.run('audit', 'checkpoint')).stdout).toBe(note);
    const saved = json((await desk.run('audit', 'checkpoint', '--save', '--json')).stdout);
    expect(await readFile(String(saved['file']), 'utf8')).toBe(note);
    expect((await desk.run('audit', 'checkpoint', '--save')).code).toBe(2);
    api.on('checkpoint', { size: 8, note });
    expect((await desk.run('audit', 'checkpoint')).code).toBe(3);
  });

  it('export writes the whole log to a new file', async () => {
    await desk.signIn('olga');
    const log = '{"a":1}\n{"b":2}\n';
    api.raw('exportLog', 200, log);
    const out = path.join(desk.home, 'log.ndjson');
    expect(json((await desk.run('audit', 'export', '--out', out, '--json')).stdout)).toMatchObject({
      lines: 2,
      bytes: 16,
      sha256: sha256Hex(log),
    });
    expect(await readFile(out, 'utf8')).toBe(log);
    expect((await desk.run('audit', 'export', '--out', out)).code).toBe(2);
  });

  it('export says how many entries it got when they are not as many as were asked for', async () => {
    await desk.signIn('olga');
    api.raw('exportLog', 200, '{"format":"x"}\n{"index":0,"entry":""}\n{"index":1,"entry":""}\n{"checkpoint":"x"}\n');
    const to = (size: string): string[] => ['audit', 'export', '--out', path.join(desk.home, `log-${size}`), '--size', size];
    const fewer = await desk.run(...to('10'));
    expect(fewer.code).toBe(0);
    expect(fewer.stderr).toContain('2 entries, not 10');
    const asked = await desk.run(...to('2'));
    expect(asked.stdout).toMatch(/entries\s+2\n/);
    expect(asked.stderr).not.toContain('not 2');
  });
});
