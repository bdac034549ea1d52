import { describe, expect, it } from '@jest/globals';
import { CliError } from './errors.js';
import type { Io } from './io.js';
import { clean, cleanLines, Output, safeJson } from './output.js';

const attack = '\u001b[31mred\u001b]8;;http://evil\u0007\u009b2J\u202eabc\u200b\u007f';
const io = (tty: boolean, env: Record<string, string> = {}): Io & { out: string; err: string } => {
  const made = {
    out: '',
    err: '',
    env,
    fetch,
    confirm: undefined,
    stdout: { isTTY: tty, write: (text: string) => void (made.out += text), deliver: () => Promise.resolve() },
    stderr: { isTTY: tty, write: (text: string) => void (made.err += text) },
    now: () => new Date(0),
    uuid: () => 'id',
    sleep: () => Promise.resolve(),
  };
  return made;
};

describe('printing', () => {
  it('drops what could drive a terminal and keeps the rest', () => {
    expect(clean(attack)).toBe('[31mred]8;;http://evil2Jabc');
    expect(clean('a\r\nb\tc')).toBe('a b c');
    expect(clean('Zoë — 名前 👍')).toBe('Zoë — 名前 👍');
    expect(cleanLines('a\nb\u001b[1m')).toBe('a\nb[1m');
  });

  it('escapes in JSON what JSON leaves raw, without changing the value', () => {
    const text = safeJson({ attack, emoji: '👍', tag: '\u{e0001}' });
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(text)).toEqual({ attack, emoji: '👍', tag: '\u{e0001}' });
  });

  it('colours on a terminal only, and not with NO_COLOR', () => {
    const coloured = (tty: boolean, env: Record<string, string> = {}): boolean => {
      const to = io(tty, env);
      const out = new Output(to, false);
      out.fields([['name', 'value']]);
      out.failure(new CliError('refused', 'no'));
      return to.out.includes('\u001b[') || to.err.includes('\u001b[');
    };
    expect([coloured(true), coloured(true, { NO_COLOR: '1' }), coloured(false)]).toEqual([true, false, false]);
  });

  it('shows a problem as one block: what, rule, reason, detail, fields, where, what to do', () => {
    const to = io(false);
    const problem = {
      type: 'urn:readmit:problem:x',
      title: 'No',
      status: 403,
      rule: 'R4.2',
      reason: 'approver-is-requester',
      detail: 'The requester cannot approve.',
      errors: [{ where: '/reason', what: 'too long' }],
    };
    new Output(to, false).failure(new CliError('refused', 'No', { where: 'POST /x', next: 'Ask Chidi.', problem }));
    expect(to.err).toBe(
      'error: No\n  rule    R4.2\n  reason  approver-is-requester\n  detail  The requester cannot approve.\n  where   POST /x\n  field   /reason: too long\n  do      Ask Chidi.\n',
    );
  });
});
