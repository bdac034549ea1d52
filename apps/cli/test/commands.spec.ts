/** Every command against a double of the API: what it sends, what it prints, how it exits. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createPublicKey, verify } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RouteName } from '@readmit/contracts';
import { CompactEncrypt, importJWK, jwtVerify } from 'jose';
import { codeOf } from '@readmit/domain';
import { writePrivate } from '../src/files.js';
import { crypto } from '../src/log-tools.js';
import { canonical, newRecipientKey, newSigningKey, sha256Hex } from '../src/keys.js';
import { preAuthenticationEncoding } from '../src/sign.js';
import { api, atDesk, desk, json, modeOf, now } from './cli-run.js';
import { accepted, approval, caseOfAda, openAda, parked, plan } from './samples.js';

atDesk();

describe('readmit case', () => {
  it('proves possession of the key of the case with each request, over method, path with query and body', async () => {
    api.on('openCase', accepted).on('endEarly', accepted);
    await desk.run(...openAda);
    expect((await desk.run('case', 'end', 'case_1', '--reason', 'done')).code).toBe(0);
    const sent = api.of('endEarly')[0];
    const key = await desk.vault.caseKey('case_1');
    const { payload, protectedHeader } = await jwtVerify(
      String(sent?.headers['readmit-proof']),
      await importJWK({ ...key?.signing, d: undefined } as never, 'EdDSA'),
      { typ: 'readmit-proof+jwt', currentDate: now },
    );
    expect(payload).toEqual({
      htm: 'POST',
      htu: '/api/revocation/cases/case_1/end',
      iat: now.getTime() / 1000,
      jti: expect.stringMatching(/^id-/),
      bodyDigest: Buffer.from(sha256Hex(sent?.raw ?? ''), 'hex').toString('base64url'),
    });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'readmit-proof+jwt', jwk: { kty: 'OKP', crv: 'Ed25519', x: key?.signing.x } });
  });

  it('shows lists as a table on a terminal, as plain columns in a pipe and as JSON for programs', async () => {
    await desk.signIn();
    api.on('listCases', [caseOfAda]);
    const pipe = await desk.run('case', 'list', '--state', 'awaiting-approval', '--limit', '5');
    expect(pipe.stdout).toBe(
      'case\tstate\tclass\ttier\tsubject\topened\tends\topen\n' +
        'case_1\tawaiting-approval\tmfa-recovery\tagent-assisted\tada\t2026-11-22T09:50:00.000Z\t-\t1\n',
    );
    expect(pipe.stderr).toBe('');
    expect(api.of('listCases')[0]?.target).toBe('/api/intake/cases?state=awaiting-approval&limit=5');
    expect(JSON.parse((await desk.run('case', 'list', '--json')).stdout)).toEqual([caseOfAda]);
    desk.terminal = true;
    expect((await desk.run('case', 'list')).stdout).toContain('│ case_1');
  });

  it('R6.3 says of a case that owes something for too long that it is overdue, in the list and alone', async () => {
    await desk.signIn();
    const [late, inTime] = [true, false].map((overdue) => ({ ...caseOfAda, state: 'ending' as const, overdue }));
    api.on('listCases', [late, inTime]).on('showCase', late, inTime).on('caseTimeline', []);
    expect((await desk.run('case', 'list')).stdout.split('\n').map((line) => line.split('\t')[1])).toEqual([
      'state',
      'ending, overdue',
      'ending',
      undefined,
    ]);
    expect((await desk.run('case', 'show', 'case_1')).stdout).toMatch(/^state +ending, overdue$/m);
    expect((await desk.run('case', 'show', 'case_1')).stdout).toMatch(/^state +ending$/m);
  });

  it('mentions that a list may continue when it is as long as its limit, explicit or default', async () => {
    await desk.signIn();
    api.on('listCases', [caseOfAda]);
    const more = 'add --before case_1';
    expect((await desk.run('case', 'list', '--limit', '1', '--json')).stderr).toContain(more);
    expect((await desk.run('case', 'list')).stderr).toBe('');
    api.on(
      'listCases',
      Array.from({ length: 50 }, () => caseOfAda),
    );
    expect((await desk.run('case', 'list')).stderr).toContain(more);
    expect(api.of('listCases').map(({ target }) => target.split('?')[1])).toEqual(['limit=1', 'limit=50', 'limit=50']);
  });

  it('strips control characters that a server sends before it prints them', async () => {
    await desk.signIn();
    api
      .on('showCase', { ...caseOfAda, reason: '\u001b[2J\u001b]0;owned\u0007safe\u202e\u009b31m' })
      .on('caseTimeline', [{ at: '2026-11-22T10:00:00.000Z', id: 'e1', type: 'x', label: 'l', by: 'b', says: 'a\rb\u001b[1m' }]);
    for (const terminal of [true, false]) {
      desk.terminal = terminal;
      desk.env['NO_COLOR'] = '1';
      for (const command of ['show', 'timeline']) {
        const { code, stdout } = await desk.run('case', command, 'case_1');
        expect(code).toBe(0);
        expect(stdout).toMatch(/safe|a b/);
        expect(stdout.replaceAll('\n', '').replaceAll('\t', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    }
    const { stdout } = await desk.run('case', 'show', 'case_1', '--json');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(json(stdout)['reason']).toBe('\u001b[2J\u001b]0;owned\u0007safe\u202e\u009b31m');
  });

  it('watches until the case is closed, prints each entry once and outlives a service that is not ready', async () => {
    await desk.signIn();
    const entry = (id: string) => ({ at: '2026-11-22T10:00:00.000Z', id, type: 'x', label: `label ${id}`, by: 'intake', says: '' });
    api.on('showCase', caseOfAda, caseOfAda, { ...caseOfAda, state: 'closed', outcome: 'completed' });
    api.on('caseTimeline', [entry('e1')], [entry('e1'), entry('e2')], [entry('e1'), entry('e2'), entry('e3')]);
    const { code, stdout } = await desk.run('case', 'watch', 'case_1', '--every', '3s', '--json');
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => json(line)['id']),
    ).toEqual(['e1', 'e2', 'e3']);
    expect(desk.slept).toEqual([3000, 3000]);
    desk.slept.length = 0;
    api.refuse('showCase', 409, { reason: 'not-ready' }, { 'retry-after': '7' });
    expect((await desk.run('case', 'watch', 'case_1')).code).toBe(7);
    expect(desk.slept).toEqual(Array.from({ length: 10 }, () => 7000));
  });

  it('R3.4 shows the code to read out to the holder of the case key, in show and in watch, and to no one else', async () => {
    const key = newRecipientKey();
    const withNonce = { ...caseOfAda, codeNonce: 'nonce_1' };
    api.on('showCase', withNonce, withNonce, { ...withNonce, state: 'closed', outcome: 'completed' }).on('caseTimeline', []);
    const read = codeOf('nonce_1', key.fingerprint, crypto);
    await desk.signIn('boris');
    expect(json((await desk.run('case', 'show', 'case_1', '--json')).stdout)).not.toHaveProperty('code');
    await writePrivate(desk.vault.caseKeyFile('case_1'), JSON.stringify(key));
    api.on('showCase', withNonce, withNonce, { ...withNonce, state: 'closed', outcome: 'completed' });
    expect(json((await desk.run('case', 'show', 'case_1', '--json')).stdout)['code']).toBe(read);
    const watched = await desk.run('case', 'watch', 'case_1');
    expect(watched.stderr.split(read)).toHaveLength(2);
  });

  it('R5.4 repudiates with the code of a notice and without a sign-in, and without a code only signed in', async () => {
    api.on('repudiate', accepted);
    expect((await desk.run('case', 'repudiate', 'case_1', '--reason', 'not me')).code).toBe(5);
    expect(api.of('repudiate')).toHaveLength(0);
    expect((await desk.run('case', 'repudiate', 'case_1', '--reason', 'not me', '--code', '7Q2M-XXXX')).code).toBe(0);
    expect(api.of('repudiate')[0]?.body).toEqual({ reason: 'not me', code: '7Q2M-XXXX' });
    expect(api.of('repudiate')[0]?.headers.authorization).toBeUndefined();
    await desk.signIn('ada');
    expect((await desk.run('case', 'repudiate', 'case_1', '--reason', 'not me')).code).toBe(0);
    expect(api.of('repudiate')[1]?.headers.authorization).toBe('Bearer token-of-ada');
    api.on('showCase', { ...caseOfAda, repudiation: { by: 'ada', at: '2026-11-22T10:00:00.000Z', reason: 'not me at all' } });
    expect((await desk.run('case', 'show', 'case_1')).stdout).toContain('by ada: not me at all');
  });

  it.each([
    ['withdraw', 'withdraw', [], undefined],
    ['repudiate', 'repudiate', ['--reason', 'not me'], { reason: 'not me' }],
  ] as const)('case %s sends exactly its request', async (command, route, more, body) => {
    await desk.signIn('ada');
    api.on(route, accepted);
    expect((await desk.run('case', command, 'case_1', ...more)).code).toBe(0);
    expect(api.of(route)[0]?.body).toEqual(body);
  });

  it('shows contacts and obligations', async () => {
    await desk.signIn('boris');
    const contact = { kind: 'phone', value: '+49 1', digest: 'a'.repeat(64) };
    api
      .on('deskContact', [contact])
      .on('showObligations', [{ obligationId: 'o1', undo: plan.obligations[0], dueAt: null, state: 'armed', how: null }]);
    expect((await desk.run('case', 'contacts', 'case_1')).stdout).toBe(`#\tkind\tvalue\tdigest\n1\tphone\t+49 1\t${contact.digest}\n`);
    expect((await desk.run('obligations', 'case_1')).stdout).toContain('\no1\tclose the bypass\tdemo-idp/ada\tarmed\t-\t-\n');
  });

  it('R6.4 case end shows first what would end and what would stay, and sends nothing without a reason', async () => {
    await desk.signIn('boris');
    const [undo] = plan.obligations;
    const shown = { undo, dueAt: null, state: 'armed', how: null };
    api.on('endEarly', accepted).on('showObligations', [
      { ...shown, obligationId: 'o1', ifEnded: 'stays' },
      { ...shown, obligationId: 'o2', ifEnded: 'falls' },
      { ...shown, obligationId: 'o3', ifEnded: 'falls', state: 'discharged' },
    ]);
    const preview = await desk.run('case', 'end', 'case_1', '--preview');
    expect(preview.stdout).toContain('\nends now\tdemo-idp/ada\tclose the bypass\t-\nstays\tdemo-idp/ada\tclose the bypass\t-\n');
    expect((await desk.run('case', 'end', 'case_1')).code).toBe(2);
    expect(api.of('endEarly')).toEqual([]);
    expect((await desk.run('case', 'end', 'case_1', '--reason', 'done')).code).toBe(0);
    expect(api.of('endEarly')).toHaveLength(1);
  });

  it('R7.1 shows who ended or contained a case, and why; contain says what follows', async () => {
    await desk.signIn('gita');
    api
      .on('showOrders', [{ at: '2026-11-22T10:00:00.000Z', by: 'gita', order: 'contain', reason: 'taken over' }])
      .on('contain', { ...accepted, will: ['Take the role back.'] });
    expect((await desk.run('orders', 'case_1')).stdout).toContain('\n2026-11-22T10:00:00.000Z\tcontain\tgita\ttaken over\n');
    expect((await desk.run('contain', 'case_1', '--reason', 'taken over', '--apply')).stderr).toContain('- Take the role back.');
  });

  it('R6.6 contains every open case of a subject, after showing which, and names one that the scheduler did not know yet', async () => {
    await desk.signIn('gita');
    const cases = [{ ...accepted, caseId: 'case_1', will: ['Take the role back.'] }];
    api.on('listCases', [caseOfAda, { ...caseOfAda, caseId: 'case_2' }]).on('containSubject', { subject: 'ada', cases });
    const dry = await desk.run('contain', '--subject', 'ada', '--reason', 'stolen');
    expect(dry.stdout).toContain('stop case case_1 ');
    expect(dry.stdout).toContain('stop case case_2 ');
    expect(dry.stdout).toContain('(POST /api/revocation/subjects/ada/contain)');
    expect(api.of('containSubject')).toEqual([]);
    expect(api.of('listCases')[0]?.target).toContain('subject=ada&state=open');
    const done = await desk.run('contain', '--subject', 'ada', '--reason', 'stolen', '--apply');
    expect(done.stdout).toContain('\ncase_1\tTake the role back.\n');
    expect(api.of('containSubject')).toMatchObject([{ body: { reason: 'stolen' } }]);
    expect(done.stderr).toContain('opened just now: readmit contain case_2 ');
    expect(done.stderr).not.toContain('readmit contain case_1');
    // A misspelt id must not look like a containment, also before it is applied.
    api.on('listCases', []);
    const nobody = await desk.run('contain', '--subject', 'adda', '--reason', 'stolen');
    expect([nobody.code, nobody.stdout]).toEqual([6, '']);
    expect(nobody.stderr).toContain('There is no open case of adda');
    for (const wrong of [[], ['case_1', '--subject', 'ada']])
      expect((await desk.run('contain', ...wrong, '--reason', 'stolen', '--apply')).code).toBe(2);
  });
});

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
