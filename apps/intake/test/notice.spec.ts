/** What notices contain, and that none of them gives access. */
import { describe, expect, it } from '@jest/globals';
import type { Work } from '@readmit/runtime';
import type { Fact } from '@readmit/contracts';
import { Facts, type Context } from '@readmit/domain';
import { intakeDefinition } from '../src/intake.definition.js';
import type { NoticePort } from '../src/outbound/notice.js';
import { isRepudiationCode, repudiationCode } from '../src/outbound/repudiation-code.js';

const now = new Date('2026-11-22T09:00:00.000Z');
const context = { now, key: 'case_1' } as Context;
const none = new Facts([]);
const fact = (type: Fact['type'], data: object = {}): Fact =>
  ({ id: `event_${type}`, type, at: now.toISOString(), data: { caseId: 'case_1', ...data } }) as unknown as Fact;
const abouts = ['opened', 'executed', 'ended', 'refused', 'contained'] as const;
const work = (about: (typeof abouts)[number], tries = 1): Work =>
  ({ id: `case_1/notice-${about}`, key: 'case_1', tries, input: { about, to: 'ada' } }) as unknown as Work;
const code = repudiationCode('salt', 'case_1');
const port: NoticePort = { channel: 'mail', send: async () => ({ addresses: 2 }) };
function handlerOf(notices: NoticePort, codeOf: () => Promise<string | undefined> = async () => code) {
  const { notice } = intakeDefinition({ notices, codeOf, freeze: async () => 'done' }).work;
  if (!notice) throw new Error('intake sends no notices');
  return notice;
}

async function sent(about: (typeof abouts)[number], facts: Facts = none) {
  const seen: Parameters<NoticePort['send']>[0][] = [];
  const handler = handlerOf({
    channel: 'mail',
    send: async (notice) => {
      seen.push(notice);
      return { addresses: 1 };
    },
  });
  await handler.call(work(about), facts, AbortSignal.timeout(1_000), async () => true);
  return seen;
}
const textOf = async (about: (typeof abouts)[number], ...facts: Fact[]) => (await sent(about, new Facts(facts)))[0]?.text ?? '';

describe('a notice', () => {
  it.each(abouts)(
    'R2.6 about a case that is %s has no link and no secret: only text, the case, and the code that can only end it',
    async (about) => {
      const [notice] = await sent(about);
      expect(notice).toMatchObject({ to: 'ada', about, id: `case_1/notice-${about}` });
      expect(Object.keys(notice ?? {}).sort()).toEqual(['about', 'id', 'mayWait', 'text', 'to']);
      const words = notice?.text.replaceAll('case_1', '').replace(code, '') ?? '';
      expect(words.length).toBeGreaterThan(20);
      expect(words).not.toMatch(/https?:|www\.|\d|[A-Za-z0-9_-]{16,}|click|password/i);
    },
  );

  it.each(abouts)('R5.4 about a case that is %s has the command that repudiates it, with the code of the case', async (about) => {
    expect(await textOf(about)).toContain(`readmit case repudiate case_1 --code ${code}`);
  });

  it('R5.4 differs by what happened: a grant is never announced as a refusal', async () => {
    const texts = (await Promise.all(abouts.map((about) => sent(about)))).map(([notice]) => notice?.text);
    expect(new Set(texts).size).toBe(abouts.length);
    expect(await textOf('refused')).toContain('was not granted');
    expect(await textOf('refused', fact('readmit.approval.granted', { obligations: [] }))).not.toContain('was not granted');
  });

  it('R5.4 about a complete recovery names what stays, about a stopped one that it is taken back', async () => {
    const done = [
      fact('readmit.approval.granted', { obligations: [] }),
      fact('readmit.execution.succeeded'),
      fact('readmit.enrolment.confirmed', { factor: 'totp-2' }),
    ];
    expect(await textOf('ended', ...done)).toContain('new factor that was enrolled stays');
    expect(await textOf('ended', ...done)).not.toContain('was stopped');
    const frozen = await textOf('ended', ...done, fact('readmit.case.frozen', { by: 'ada', cause: 'repudiated' }));
    expect(frozen).toContain('was stopped, and what it gave has been taken back');
    expect(frozen).not.toContain('stays');
  });

  it('R5.4 about a case whose texts were erased names the help desk instead of a code', async () => {
    const seen: string[] = [];
    const handler = handlerOf({ channel: 'mail', send: async ({ text }) => (seen.push(text), { addresses: 1 }) }, async () => undefined);
    await handler.call(work('opened'), none, AbortSignal.timeout(1_000), async () => true);
    expect(seen[0]).toMatch(/call the help desk at once/);
  });

  it('R5.4 is recorded as sent with its channel, recipient and number of addresses', () => {
    const { finish } = handlerOf(port);
    expect(finish(work('opened'), { channel: 'mail', addresses: 2 }, none, context)).toEqual({
      emit: [
        {
          type: 'readmit.notice.sent',
          key: 'case_1',
          data: { caseId: 'case_1', noticeId: 'case_1/notice-opened', about: 'opened', channel: 'mail', to: 'ada', addresses: 2 },
        },
      ],
    });
  });

  it('R5.4 is given up at once, and recorded, when no address is known', () => {
    const { finish } = handlerOf(port);
    const given = finish(work('opened'), { channel: 'mail', addresses: 0 }, none, context);
    expect(given.retryAt).toBeUndefined();
    expect(given.emit).toMatchObject([{ type: 'readmit.notice.given-up', data: { to: 'ada', reason: 'no address is on record' } }]);
  });

  it('R5.4 is retried with backoff, then given up and recorded: no case waits for a mail server forever', () => {
    const { finish } = handlerOf(port);
    const failed = { error: new Error('no mail server') };
    const waits = [1, 2, 7].map((tries) => finish(work('opened', tries), failed, none, context));
    expect(waits.map(({ emit, retryAt }) => [emit.length, (retryAt?.getTime() ?? 0) - now.getTime()])).toEqual([
      [0, 2_000],
      [0, 4_000],
      [0, 128_000],
    ]);
    const last = finish(work('opened', 8), failed, none, context);
    expect(last.retryAt).toBeUndefined();
    expect(last.emit).toMatchObject([
      { type: 'readmit.notice.given-up', data: { about: 'opened', reason: 'not delivered after 8 tries' } },
    ]);
  });
});

describe('the code of a notice', () => {
  it('R5.4 is of one case and one salt, and has 140 bits', () => {
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
    const codes = [code, repudiationCode('salt', 'case_2'), repudiationCode('other', 'case_1')];
    expect(new Set(codes).size).toBe(3);
    expect(codes.map((one) => isRepudiationCode(one, 'salt', 'case_1'))).toEqual([true, false, false]);
  });

  it('R5.4 is accepted as people copy it: in lower case, without dashes, with O and I for 0 and 1', () => {
    expect(isRepudiationCode(code.toLowerCase(), 'salt', 'case_1')).toBe(true);
    expect(isRepudiationCode(` ${code.replaceAll('-', ' ')} `, 'salt', 'case_1')).toBe(true);
    expect(isRepudiationCode(code.replaceAll('0', 'o').replaceAll('1', 'l'), 'salt', 'case_1')).toBe(true);
    const wrong = code.startsWith('A') ? `B${code.slice(1)}` : `A${code.slice(1)}`;
    for (const given of [wrong, code.slice(0, -1), `${code}0`, '']) expect(isRepudiationCode(given, 'salt', 'case_1')).toBe(false);
  });
});
