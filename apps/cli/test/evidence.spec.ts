/** `readmit evidence add` and `readmit case contacts`: what an agent records, and how what is named becomes what is sent. */
import { describe, expect, it } from '@jest/globals';
import { api, atDesk, desk } from './cli-run.js';

atDesk();

describe('readmit case contacts', () => {
  it('R3.4 case contacts --show asks for one contact point in full, by its kind, number or digest, and for none that is not listed', async () => {
    await desk.signIn('boris');
    const listed = [
      { kind: 'phone', value: '+44 ** **** **04', digest: 'a'.repeat(64) },
      { kind: 'email', value: 'd***@example.test', digest: 'b'.repeat(64) },
    ];
    const inFull = { kind: 'email', value: 'dana@example.test', digest: 'b'.repeat(64) };
    api.on('deskContact', listed).on('showContact', inFull);
    for (const named of ['email', '2', inFull.digest])
      expect((await desk.run('case', 'contacts', 'case_1', '--show', named)).stdout).toContain('dana@example.test');
    expect(api.of('showContact').map(({ body }) => body)).toEqual(Array.from({ length: 3 }, () => ({ digest: inFull.digest })));
    const wrong = await desk.run('case', 'contacts', 'case_1', '--show', '3');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('no contact point 3 on record');
    expect(api.of('showContact')).toHaveLength(3);
  });
});

describe('readmit evidence add', () => {
  it('records the call-back with the code that was read out', async () => {
    await desk.signIn('boris');
    api.on('addEvidence', { caseId: 'case_1', evidenceId: 'evidence_1', link: '/x' });
    const add = [
      'evidence',
      'add',
      'case_1',
      '--kind',
      'call-back',
      '--channel',
      'phone',
      '--assurance',
      'substantial',
      '--note',
      'called',
      '--code',
    ];
    expect((await desk.run(...add, '3fa9-01bc', '--contact', 'a'.repeat(64))).code).toBe(0);
    expect(api.of('addEvidence')[0]?.body).toEqual({
      kind: 'call-back',
      channel: 'phone',
      assurance: 2,
      note: 'called',
      code: '3fa9-01bc',
      contact: 'a'.repeat(64),
    });
    expect((await desk.run(...add, '3FA9')).code).toBe(2);
    expect(api.of('addEvidence')).toHaveLength(1);
  });

  const callBack = ['evidence', 'add', 'case_1', '--kind', 'call-back', '--channel', 'phone', '--assurance', 'substantial', '--note', 'x'];

  it('sends a call-back without a code as it is, and says where the code is found when the service misses it', async () => {
    await desk.signIn('boris');
    api.refuse('addEvidence', 422, { reason: 'code-missing', rule: 'R3.4' });
    const left = await desk.run(...callBack, '--contact', 'a'.repeat(64));
    expect(left.code).toBe(4);
    for (const part of ['readmit case show case_1', '--code']) expect(left.stderr).toContain(part);
    api.on('addEvidence', { caseId: 'case_1', evidenceId: 'evidence_1', link: '/x' });
    expect((await desk.run(...callBack, '--contact', 'a'.repeat(64))).code).toBe(0);
    expect(api.seen.map(({ route }) => route)).toEqual(['addEvidence', 'addEvidence']);
    expect(api.of('addEvidence')[1]?.body).not.toHaveProperty('code');
  });

  it('takes a contact point by its kind or number, and none when two are of that kind or none is', async () => {
    await desk.signIn('boris');
    const phone = { kind: 'phone', value: '+44 ** **** **04', digest: 'a'.repeat(64) };
    const mail = { kind: 'email', value: 'd***@example.test', digest: 'b'.repeat(64) };
    api.on('addEvidence', { caseId: 'case_1', evidenceId: 'evidence_1', link: '/x' }).on('deskContact', [mail, phone]);
    const add = [...callBack, '--code', '3fa9-01bc', '--contact'];
    for (const named of ['phone', '2']) expect((await desk.run(...add, named)).code).toBe(0);
    expect(api.of('addEvidence').map(({ body }) => (body as { contact: string }).contact)).toEqual([phone.digest, phone.digest]);
    expect((await desk.run(...add, '+44 20 7946 0004')).stderr).toContain('readmit case contacts case_1');
    api.on('deskContact', [phone, { ...phone, digest: 'c'.repeat(64) }]);
    const two = await desk.run(...add, 'phone');
    expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('more than one contact point phone')]);
    expect(api.of('addEvidence')).toHaveLength(2);
  });
});
