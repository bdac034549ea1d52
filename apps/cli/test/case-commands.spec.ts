/** Commands about cases against a double of the API: what they send, what they print, how they exit. */
import { describe, expect, it } from '@jest/globals';
import { importJWK, jwtVerify } from 'jose';
import { codeOf } from '@readmit/domain';
import { writePrivate } from '../src/files.js';
import { crypto } from '../src/log-tools.js';
import { newRecipientKey, sha256Hex } from '../src/keys.js';
import { api, atDesk, desk, json, now } from './cli-run.js';
import { accepted, caseOfAda, openAda, plan } from './samples.js';

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
