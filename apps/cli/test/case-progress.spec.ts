/** How far a case is and how it ended: what `case show` says beyond the state, and what `case watch` exits with. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from '../src/index.js';
import { api, atDesk, desk } from './cli-run.js';
import { approval, caseOfAda } from './samples.js';

atDesk();
beforeEach(() => desk.signIn('boris'));

const says = 'R2.2 target-refused: the role is unknown';
const refusedPlan = { at: '2026-11-22T10:00:00.000Z', id: 'e1', type: 'readmit.plan.refused', label: 'l', by: 'execution', says };
const closed = (outcome: string) => ({ ...caseOfAda, state: 'closed', outcome, closedAt: '2026-11-22T10:00:00.000Z' });
const denial = {
  id: 'decision_1',
  statement: {
    v: 1,
    caseId: 'case_1',
    planDigest: 'a'.repeat(64),
    evidenceDigest: 'a'.repeat(64),
    policyDigest: 'a'.repeat(64),
    decision: 'deny',
    approver: 'chidi',
    decidedAt: '2026-11-22T10:00:00.000Z',
    nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    reason: 'she did not ask',
  },
  proof: { type: 'software-key', kid: 'chidi-1', signature: 'AAAA' },
};

describe('readmit case watch', () => {
  it.each(['failed', 'denied', 'expired', 'withdrawn', 'frozen'] as const)(
    'exits for %s with a code of its own, for completed with 0',
    async (outcome) => {
      api.on('caseTimeline', [refusedPlan]).on('showApproval', { ...approval, state: 'denied', decisions: [denial] });
      api.on('showCase', closed(outcome));
      const { code, stderr } = await desk.run('case', 'watch', 'case_1');
      expect(code).toBe(exitCodes[outcome]);
      if (outcome === 'failed') expect(stderr).toContain(says);
      if (outcome === 'denied') expect(stderr).toContain('chidi: she did not ask');
      api.on('showCase', closed('completed'));
      expect((await desk.run('case', 'watch', 'case_1')).code).toBe(0);
    },
  );
});

describe('readmit case show', () => {
  it('says what is missing and who must act, and nothing of it once it is there', async () => {
    const need = { need: { kind: 'call-back' as const, assurance: 2, maxAgeSeconds: 900 }, met: false };
    api.on('showCase', { ...caseOfAda, state: 'planned' });
    api.on('showApproval', { ...approval, state: 'waiting-for-evidence', needs: { ...approval.needs, evidence: [need] } });
    const { stdout } = await desk.run('case', 'show', 'case_1');
    expect(stdout).toContain('a proof: call-back (substantial or higher)');
    expect(stdout).toContain('a decision: 1 of system-owner (owner)');
    const [part] = approval.needs.quorum;
    api.on('showApproval', { ...approval, needs: { ...approval.needs, quorum: [{ ...part, by: ['dana'] }] } });
    expect((await desk.run('case', 'show', 'case_1')).stdout).not.toContain('waits for');
  });

  it('says why it failed, and who denied it with the reason', async () => {
    api.on('showCase', closed('failed')).on('caseTimeline', [refusedPlan]);
    expect((await desk.run('case', 'show', 'case_1')).stdout).toContain(says);
    api.on('showCase', closed('denied')).on('showApproval', { ...approval, state: 'denied', decisions: [denial] });
    expect((await desk.run('case', 'show', 'case_1')).stdout).toMatch(/denied by\s+chidi: she did not ask/);
    api.on('showCase', closed('completed'));
    expect((await desk.run('case', 'show', 'case_1')).stdout).not.toMatch(/denied by|failed|waits for/);
  });

  it('shows the case to whom the request is not shown, and says when approval cannot be asked', async () => {
    api.on('showCase', caseOfAda).refuse('showApproval', 403, { reason: 'not-a-reader' });
    const hidden = await desk.run('case', 'show', 'case_1');
    expect([hidden.code, hidden.stdout.includes('waits for'), hidden.stderr]).toEqual([0, false, '']);
    api.refuse('showApproval', 503, { reason: 'audit-unavailable' });
    const away = await desk.run('case', 'show', 'case_1');
    expect(away.code).toBe(0);
    expect(away.stderr).toContain('Some details are unavailable');
  });
});
