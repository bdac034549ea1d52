/** What waits for the person who runs the command: an approver, an agent, a requester, an operator. */
import { describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import type { Static } from 'typebox';
import { areaNames, type InboxItem } from '@readmit/contracts';
import { newRecipientKey } from '../src/keys.js';
import { writePrivate } from '../src/files.js';
import { api, atDesk, desk, json, now } from './cli-run.js';
import { approval, caseOfAda, parked, waiting } from './samples.js';

type Item = Static<typeof InboxItem>;
const missing = (kind: Item['needs']['evidence'][number]['need']['kind']): Item => ({
  ...waiting,
  what: 'evidence',
  parts: [],
  needs: { ...approval.needs, evidence: [{ need: { kind, assurance: 2, maxAgeSeconds: 900 }, met: false }] },
  why: { rule: 'R3.1', says: 'You are in help-desk, who record the proofs of this case.' },
});
const runs = (stdout: string): readonly string[] => (json(stdout)['todos'] as { run: string }[]).map(({ run }) => run);

atDesk();

describe('readmit inbox', () => {
  it('says what, since when, until when, why and the command to run next: as columns in a pipe, as JSON, and for eyes', async () => {
    await desk.signIn('chidi');
    api.on('inbox', { items: [waiting], next: null });
    const pipe = await desk.run('inbox');
    expect(pipe).toEqual({
      code: 0,
      stdout:
        'what\tcase\ttier\tsubject\tasked\tsince\tuntil\twhy\trun\n' +
        'decision\tcase_1\tagent-assisted\tada\tfactor.bypass demo-idp/ada\t2026-11-22T09:55:00.000Z\t2026-11-22T11:00:00.000Z\t' +
        'You are in security-oncall, whose decision is still missing (security).\treadmit approve case_1 --reason "..."\n',
      stderr: '',
    });
    const { stdout } = await desk.run('inbox', '--json');
    expect(json(stdout)).toEqual({ todos: [expect.objectContaining({ what: 'decision', caseId: 'case_1' })], next: null });
    desk.terminal = true;
    const seen = await desk.run('inbox');
    for (const part of ['5m ago', 'in 1h', 'readmit approve case_1']) expect(seen.stdout).toContain(part);
    api.on('inbox', { items: [], next: null });
    expect(await desk.run('inbox')).toEqual({ code: 0, stdout: 'Nothing waits for you.\n', stderr: '' });
  });

  it('names the command for the proof that is missing, which exists', async () => {
    await desk.signIn('boris');
    api.on('inbox', { items: [missing('call-back'), missing('manager-vouch')], next: null });
    const { stdout } = await desk.run('inbox', '--json');
    expect(runs(stdout)).toEqual([
      'readmit case contacts case_1',
      'readmit evidence add case_1 --kind manager-vouch --assurance substantial --channel <how> --note "..."',
    ]);
    expect(stdout).toContain('Missing: manager-vouch (substantial or higher).');
    for (const command of [
      ['case', 'contacts'],
      ['evidence', 'add'],
      ['approve'],
      ['case', 'show'],
      ['secret', 'pick-up'],
      ['obligations'],
    ])
      expect((await desk.run(...command, '--help')).code).toBe(0);
  });

  it('says where the next page begins, and asks for it', async () => {
    await desk.signIn('chidi');
    const next = '2026-11-22T11:00:00.000Z/case_1';
    api.on('inbox', { items: [waiting], next }, { items: [], next: null });
    expect((await desk.run('inbox', '--limit', '1')).stderr).toBe(`More may wait: add --after ${next}\n`);
    expect((await desk.run('inbox', '--after', next)).stderr).toBe('');
    expect(api.of('inbox').map(({ target }) => target.split('?')[1])).toEqual(['limit=1', `limit=50&after=${encodeURIComponent(next)}`]);
    expect((await desk.run('inbox', '--after', 'case_1')).code).toBe(2);
    expect((await desk.run('inbox', '--limit', '101')).code).toBe(2);
    expect(api.of('inbox')).toHaveLength(2);
  });

  it('tells who asked of the code and of the secret, without a sign-in, and nothing of a case that is over, unknown or old', async () => {
    expect((await desk.run('inbox')).code).toBe(5);
    await writePrivate(desk.vault.caseKeyFile('case_1'), JSON.stringify(newRecipientKey()));
    const opened = { ...caseOfAda, state: 'opened', codeNonce: 'nonce_1' } as const;
    api.on('showCase', opened);
    const asked = await desk.run('inbox', '--json');
    expect([asked.code, runs(asked.stdout)]).toEqual([0, ['readmit case show case_1']]);
    expect(asked.stderr).toContain('Not signed in');
    await desk.signIn();
    desk.now = new Date(now.getTime() + 86_400_000);
    expect(await desk.run('inbox', '--json')).toEqual(asked);
    desk.now = now;
    await desk.vault.dropSession();
    const sealed = { caseId: 'case_1', jwe: 'x', ciphertextDigest: 'a'.repeat(64) };
    api.on('showCase', { ...caseOfAda, state: 'granted' }).on('pickUpSecret', sealed);
    expect(runs((await desk.run('inbox', '--json')).stdout)).toEqual(['readmit secret pick-up case_1']);
    // Nothing is left for the key to do: then a sign-in is all there is to ask by.
    api.refuse('pickUpSecret', 404, { reason: 'nothing-to-pick-up' });
    expect((await desk.run('inbox')).code).toBe(5);
    for (const state of ['planned', 'awaiting-approval', 'closed'] as const) {
      api.on('showCase', { ...opened, state });
      expect([state, (await desk.run('inbox')).code]).toEqual([state, 5]);
    }
    api.on('showCase', opened);
    desk.now = new Date(Date.now() + 8 * 86_400_000);
    expect((await desk.run('inbox')).code).toBe(5);
    desk.now = now;
    await desk.signIn('chidi');
    api.on('inbox', { items: [waiting], next: null });
    expect(runs((await desk.run('inbox', '--json')).stdout)).toEqual(['readmit case show case_1', 'readmit approve case_1 --reason "..."']);
    api.refuse('showCase', 404, { reason: 'case-unknown' });
    expect(runs((await desk.run('inbox', '--json')).stdout)).toEqual(['readmit approve case_1 --reason "..."']);
  });

  it('tells operators of undos that are late and of parked messages, and asks for nobody else', async () => {
    api
      .on('inbox', { items: [], next: null })
      .on('listOverdue', [{ caseId: 'case_7', obligationId: 'case_7/undo', dueSince: '2026-11-22T09:00:00.000Z' }]);
    for (const area of areaNames) api.on(`${area}ListParked`, area === 'execution' ? [parked, parked] : []);
    const signIn = (teams: readonly string[]) =>
      desk.vault.saveSession({
        ...{ url: api.url, issuer: 'http://127.0.0.1:1', clientId: 'readmit-cli', person: 'gita' },
        accessToken: new UnsecuredJWT({ sub: 'gita', teams }).encode(),
        expiresAt: new Date(now.getTime() + 600_000).toISOString(),
      });
    await signIn(['auditors']);
    expect(runs((await desk.run('inbox', '--json')).stdout)).toEqual([]);
    expect(api.of('listOverdue')).toEqual([]);
    await signIn(['platform-operators']);
    const { stdout } = await desk.run('inbox', '--json');
    expect(runs(stdout)).toEqual(['readmit obligations case_7', 'readmit parked list --service execution']);
    expect(json(stdout)['todos']).toContainEqual(
      expect.objectContaining({ what: 'parked', asked: '2 of execution', since: parked.parkedAt }),
    );
    // A service that is away hides what it knows and no more.
    api.refuse('auditListParked', 503, { reason: 'database-unavailable' });
    const without = await desk.run('inbox', '--json');
    expect(runs(without.stdout)).toEqual(runs(stdout));
    expect([without.code, without.stderr]).toEqual([0, expect.stringContaining('Some details are unavailable')]);
    api.refuse('listOverdue', 503, { reason: 'database-unavailable' });
    expect(runs((await desk.run('inbox', '--json')).stdout)).toEqual(['readmit parked list --service execution']);
  });

  it('exits with 5 without a sign-in, with 8 when nobody answers and with 1 when the answer does not follow the contract', async () => {
    expect((await desk.run('inbox')).code).toBe(5);
    await desk.signIn();
    api.raw('inbox', 200, '{"items":[]}');
    expect((await desk.run('inbox')).code).toBe(1);
    api.refuse('inbox', 503, { reason: 'database-unavailable' });
    expect((await desk.run('inbox')).code).toBe(8);
  });
});
