/** How `readmit` ends: exit codes, error blocks, help. */
import { describe, expect, it } from '@jest/globals';
import { nextByReason, reasonsWithNext } from '../src/what-next.js';
import { api, atDesk, desk, json, now } from './cli-run.js';

atDesk();

describe('exit codes', () => {
  it.each([
    [403, 4, { reason: 'approver-is-requester', rule: 'R4.2', detail: 'The requester cannot approve.' }],
    [422, 4, { reason: 'duration-too-long', rule: 'R4.5' }],
    [401, 5, { reason: 'token-expired' }],
    [404, 6, { reason: 'no-such-case' }],
    [409, 7, { reason: 'not-ready' }],
    [503, 8, { reason: 'audit-unavailable' }],
    [500, 1, { reason: 'bug' }],
    [400, 2, { reason: 'malformed' }],
  ])('HTTP %d exits with %d and prints rule, reason and what to do', async (status, code, problem) => {
    await desk.signIn();
    api.refuse('showCase', status, problem);
    const ran = await desk.run('case', 'show', 'case_1');
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe('');
    for (const part of Object.values(problem)) expect(ran.stderr).toContain(part);
    expect(ran.stderr).toMatch(/\n {2}do {6}\S/);
    expect(json((await desk.run('case', 'show', 'case_1', '--json')).stderr)).toMatchObject({ exitCode: code, problem });
  });

  it('exits with 5 without a sign-in, with one that has run out, and with one for another address', async () => {
    expect((await desk.run('case', 'list')).code).toBe(5);
    await desk.signIn('dana', new Date(now.getTime() - 1));
    expect((await desk.run('case', 'list')).stderr).toContain('has expired');
    await desk.signIn('dana');
    desk.env['READMIT_URL'] = 'http://127.0.0.1:1';
    expect((await desk.run('case', 'list')).code).toBe(5);
    expect(api.seen).toEqual([]);
  });

  it('exits with 8 when nobody answers, and with 1 when the answer does not follow the contract', async () => {
    expect((await desk.run('--url', 'http://127.0.0.1:1', 'audit', 'checkpoint')).code).toBe(8);
    api.raw('checkpoint', 200, '{"size":1,"note":"x","more":1}');
    const { code, stderr } = await desk.run('audit', 'checkpoint');
    expect(code).toBe(1);
    expect(stderr).toContain('(more)');
  });

  it('exits with 2 for unknown commands and for plain http to another machine', async () => {
    expect((await desk.run('frobnicate')).code).toBe(2);
    expect((await desk.run()).code).toBe(2);
    for (const argv of [['frobnicate'], ['case', 'show'], ['case'], ['case', 'open', '--subject']]) {
      const { code, stdout, stderr } = await desk.run(...argv, '--json');
      expect([code, stdout]).toEqual([2, '']);
      expect(json(stderr)).toMatchObject({ error: 'usage', exitCode: 2, message: expect.any(String) });
    }
    expect((await desk.run('--url', 'http://readmit.example', 'audit', 'checkpoint')).stderr).toContain('unencrypted');
  });
});

describe('what to do about a refusal', () => {
  const doOf = (stderr: string): string => / {2}do {6}(.*)/.exec(stderr)?.[1] ?? '';

  it('names only commands that exist', async () => {
    for (const reason of reasonsWithNext) {
      const next = nextByReason(reason, { target: '/api/intake/cases/case_1', later: 'in a moment' }) ?? '';
      for (const [, words = ''] of next.matchAll(/readmit ((?:case|secret|parked) [a-z-]+|[a-z-]+)/g)) {
        const { code, stdout } = await desk.run(...words.split(' '), '--help');
        expect([reason, words, code]).toEqual([reason, words, 0]);
        expect(stdout).toMatch(new RegExp(`Usage: readmit ${words}`));
      }
    }
  });

  it('is to come back only when the service says that it passes', async () => {
    await desk.signIn();
    for (const reason of ['already-ended', 'already-decided', 'approval-granted', 'made-up']) {
      api.refuse('endEarly', 409, { reason });
      const { code, stderr } = await desk.run('case', 'end', 'case_1', '--reason', 'x');
      expect(code).toBe(7);
      expect(doOf(stderr)).not.toMatch(/try again/i);
      expect(doOf(stderr)).toMatch(/readmit (case|obligations)/);
    }
    api.refuse('endEarly', 409, { reason: 'not-ready' }, { 'retry-after': '3' });
    expect(doOf((await desk.run('case', 'end', 'case_1', '--reason', 'x')).stderr)).toBe('Try again in 3 s.');
  });

  it('fits what was named: a parked message, a contact point, a secret', async () => {
    await desk.signIn();
    api.refuse('executionShowParked', 404, { reason: 'no-such-parked-message' });
    const parked = await desk.run('parked', 'show', '42', '--service', 'execution');
    expect(doOf(parked.stderr)).toContain('readmit parked list --service execution');
    api.refuse('addEvidence', 422, { reason: 'contact-not-on-record', rule: 'R3.4' });
    const add = ['--kind', 'call-back', '--channel', 'phone', '--assurance', 'high', '--note', 'x', '--code', '3fa9-01bc'];
    const contact = await desk.run('evidence', 'add', 'case_1', ...add, '--contact', 'a'.repeat(64));
    expect(doOf(contact.stderr)).toContain('readmit case contacts case_1');
  });
});

describe('help', () => {
  it('has an example for every command and names every exit code', async () => {
    const top = await desk.run('--help');
    expect(top.code).toBe(0);
    for (let code = 0; code <= 8; code += 1) expect(top.stdout).toContain(`\n  ${code}  `);
    for (const ended of ['10 failed', '11 denied', '12 expired', '13 withdrawn', '14 frozen']) expect(top.stdout).toContain(ended);
    const [, listed = ''] = /\nCommands:\n([^]*?)\n\n/.exec(top.stdout) ?? [];
    const commands = [...listed.matchAll(/^ {2}([a-z]\S*(?: [a-z]\S*)*)/gm)].map(([, words = '']) => words.split(' '));
    expect(commands.length).toBeGreaterThanOrEqual(33);
    for (const command of commands) {
      const { code, stdout } = await desk.run(...command, '--help');
      expect([command.join(' '), code]).toEqual([command.join(' '), 0]);
      // A word that stands twice is a slip of the pen.
      expect([command.join(' '), /\b([a-z]+) \1\b/.exec(stdout)?.[1]]).toEqual([command.join(' '), undefined]);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n {2}\\$ .*readmit ${command.join(' ')}`));
    }
  });

  it('shows in brackets what may be left out', async () => {
    const { stdout } = await desk.run('--help');
    expect(stdout).toContain('\n  directory init [folder] ');
    expect(stdout).toContain('\n  directory check <file> ');
  });
});
