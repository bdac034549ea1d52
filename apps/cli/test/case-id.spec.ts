/** Ids of cases as people type them. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { api, atDesk, desk, now } from './cli-run.js';
import { caseOfAda } from './samples.js';

atDesk();
const [one, other] = ['case_d157d49fd23c23d4385325a7f62cd900', 'case_d157aaaad23c23d4385325a7f62cd900'];
beforeEach(async () => {
  await desk.signIn();
  api
    .on(
      'listCases',
      [one, other].map((caseId) => ({ ...caseOfAda, caseId })),
    )
    .on('showCase', caseOfAda);
});
const show = async (typed: string) => {
  const { code, stderr } = await desk.run('case', 'show', typed);
  return { code, stderr, target: api.of('showCase')[0]?.target };
};

describe('a case that is named by the beginning of its id', () => {
  it.each(['case_d157d', 'd157d', one.slice(5)])('is the one that begins so: %s', async (typed) => {
    expect(await show(typed)).toMatchObject({ code: 0, target: `/api/intake/cases/${one}` });
  });

  it('is none when two begin so', async () => {
    const { code, stderr, target } = await show('d157');
    expect([code, target]).toEqual([2, undefined]);
    expect(stderr).toContain(`2 case ids start with case_d157: ${other}, ${one}`);
  });

  it('is none when none does', async () => {
    const { code, stderr, target } = await show('beef');
    expect([code, target]).toEqual([6, undefined]);
    expect(stderr).toContain('No case id starts with case_beef among those on this machine and your newest 200');
  });

  it('may be one whose key is on this machine, without a sign-in', async () => {
    await desk.vault.dropSession();
    expect((await show('d157d')).code).toBe(6);
    api.on('openCase', { caseId: one, link: 'https://readmit.example.com/x' });
    await desk.run(
      ...['case', 'open', '--anonymous', '--subject', 'ada', '--ask', 'factor.bypass=demo-idp/ada'],
      ...['--reason-code', 'lost-device', '--reason', 'x', '--for', '15m'],
    );
    expect((await desk.run('case', 'show', 'd157d')).code).toBe(0);
    expect(api.of('showCase').at(-1)?.target).toBe(`/api/intake/cases/${one}`);
    // Nor does one stand in the way that has run out.
    await desk.signIn();
    desk.now = new Date(now.getTime() + 86_400_000);
    expect((await desk.run('case', 'show', 'd157d')).code).toBe(0);
    expect((await desk.run('case', 'show', 'beef')).code).toBe(5);
  });
});

describe('an id that is whole, or is none', () => {
  it('is sent as it is, and no list is asked for', async () => {
    expect((await show('case_1')).target).toBe('/api/intake/cases/case_1');
    await show(other);
    expect(api.of('showCase').at(-1)?.target).toBe(`/api/intake/cases/${other}`);
    expect(api.of('listCases')).toEqual([]);
  });
});
