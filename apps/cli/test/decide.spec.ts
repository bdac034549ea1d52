/** What an approver is shown and what is signed: what a service says is believed only where its digest can be computed here. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import type { ApprovalView } from '@readmit/contracts';
import type { Static } from 'typebox';
import { digestOf, newSigningKey } from '../src/keys.js';
import { api, atDesk, desk } from './cli-run.js';
import { approval, caseOfAda, plan } from './samples.js';

type View = Static<typeof ApprovalView>;
const [proof] = approval.evidence;
if (!proof) throw new Error('the sample has a proof');
const withProof = (more: Partial<View['evidence'][number]>): View => ({ ...approval, evidence: [{ ...proof, ...more }] });

atDesk();
beforeEach(async () => {
  await desk.signIn('dana');
  await writeFile(desk.vault.approverKeyFile, JSON.stringify({ ...newSigningKey(), kid: 'dana-1' }), { mode: 0o600 });
  api.on('showApproval', approval).on('showCase', caseOfAda).on('decide', { caseId: 'case_1', decisionId: 'decision_1', link: '/x' });
});
const decide = (choice: 'approve' | 'deny', ...more: readonly string[]) =>
  desk.run(choice, 'case_1', '--reason', 'checked', '--yes', ...more);
const statement = (at = 0) => (api.of('decide')[at]?.body as { statement: Record<string, string> }).statement;

describe('readmit approve', () => {
  it('R4.10 shows each proof with its words and collector, the policy, and what the end does not take back', async () => {
    const warned = { ...plan, warnings: ['ines_app has the power of ines too'] };
    api.on('showApproval', { ...approval, plan: warned, planDigest: digestOf(warned) });
    const { code, stderr } = await decide('approve');
    expect(code).toBe(0);
    for (const part of [
      'boris writes: she read the code out',
      'phone',
      'code 3fa9-01bc',
      'ines_app has the power',
      `default-1 ${approval.policyDigest}`,
    ])
      expect(stderr).toContain(part);
  });

  it.each<[string, View, string]>([
    ['the words of a proof', withProof({ note: 'nobody answered' }), 'proof evidence_1'],
    ['who collected it', withProof({ by: 'somebody-you-trust' }), 'proof evidence_1'],
    ['when it was collected', withProof({ at: '2026-11-22T09:59:00.000Z' }), 'proof evidence_1'],
    ['assurance level', withProof({ assurance: 3 }), 'proof evidence_1'],
    ['the number that was called', withProof({ contact: 'b'.repeat(64) }), 'proof evidence_1'],
    ['words that are not shown', withProof({ note: null }), 'text of the proof evidence_1'],
    ['the proofs together', { ...approval, evidenceDigest: 'f'.repeat(64) }, 'evidence'],
    ['a proof that is left out', { ...approval, evidence: [] }, 'evidence'],
    ['the policy digest', { ...approval, policyDigest: 'e'.repeat(64) }, 'policy'],
    [
      'the policy document',
      { ...approval, policy: { version: 'x', digest: approval.policyDigest ?? '', document: {} } },
      'policy document',
    ],
    ['a policy that is not shown', { ...approval, policy: null }, 'policy'],
    ['the plan', { ...approval, plan: { ...plan, removes: [] } }, 'The plan that was shown is not the plan to be signed'],
    ['a case of another', { ...approval, caseId: 'case_2' }, 'belongs to case_2'],
  ])('R4.10 refuses to sign when what is shown is not what is to be signed: %s', async (_what, view, says) => {
    api.on('showApproval', view);
    const { code, stderr } = await decide('approve');
    expect(code).toBe(3);
    expect(stderr).toContain('digest-mismatch');
    expect(stderr).toContain(says);
    expect(api.of('decide')).toEqual([]);
    api.on('showApproval', approval);
    expect((await decide('approve')).code).toBe(0);
  });

  it('R4.10 signs under a policy whose document the service does not have only for who names its digest', async () => {
    api.on('showApproval', { ...approval, policy: { version: 'default-1', digest: approval.policyDigest ?? '', document: null } });
    expect((await decide('approve')).code).toBe(3);
    expect((await decide('approve', '--policy-digest', 'a'.repeat(64))).code).toBe(3);
    expect((await decide('approve', '--policy-digest', approval.policyDigest ?? '')).code).toBe(0);
    expect(statement()['policyDigest']).toBe(approval.policyDigest);
  });

  it('R4.10 signs under the policy that the approver names and no other, also when the service shows its document', async () => {
    const other = await decide('approve', '--policy-digest', 'a'.repeat(64));
    expect(other.code).toBe(3);
    expect(other.stderr).toContain('differs from the one you named');
    expect(api.of('decide')).toEqual([]);
    expect((await decide('approve', '--policy-digest', approval.policyDigest ?? '')).code).toBe(0);
  });

  it('R4.2 says when no directory knows which human asked', async () => {
    api.on('showCase', { ...caseOfAda, requester: { kind: 'person', id: 'Chidi' } });
    api.on('showApproval', { ...approval, requester: { kind: 'person', id: 'Chidi', known: false } });
    expect((await decide('approve')).stderr).toContain('NOT IN THE DIRECTORY');
    api.on('showApproval', { ...approval, requester: { kind: 'person', id: 'Chidi', known: true } });
    expect((await decide('approve')).stderr).not.toContain('NOT IN THE DIRECTORY');
  });

  it('words of a proof do not drive the terminal', async () => {
    const words = { ...proof, note: '\u001b[2J\u001b]0;owned\u0007fine\u202e\u009b31m\rplan digest  0000' };
    const { id } = words;
    const digest = digestOf(Object.fromEntries(Object.entries(words).filter(([name]) => !['id', 'digest', 'staleAt'].includes(name))));
    api.on('showApproval', { ...approval, evidence: [{ ...words, digest }], evidenceDigest: digestOf([{ id, digest }]) });
    desk.env['NO_COLOR'] = '1';
    for (const terminal of [true, false]) {
      desk.terminal = terminal;
      const { code, stderr } = await decide('approve');
      expect(code).toBe(0);
      expect(stderr).toContain('fine');
      expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  it('asks again for a few seconds while it is looked up who is here, and then says so', async () => {
    api.refuse('showApproval', 409, { reason: 'not-ready' }, { 'retry-after': '2' });
    expect((await decide('approve')).code).toBe(7);
    expect(desk.slept).toEqual([2000, 2000, 2000, 2000, 2000]);
    expect(api.of('showApproval')).toHaveLength(6);
    api.refuse('showApproval', 409, { reason: 'approval-expired' });
    desk.slept.length = 0;
    expect((await decide('approve')).code).toBe(7);
    expect(desk.slept).toEqual([]);
  });
});

describe('a case that nothing can be decided of', () => {
  it.each(['granted', 'denied', 'expired', 'withdrawn', 'failed', 'frozen'] as const)(
    '%s: asks for no signature and says what can be done',
    async (state) => {
      desk.answer(true);
      for (const choice of ['approve', 'deny'] as const) {
        api.on('showApproval', { ...approval, state });
        const { code, stderr } = await desk.run(choice, 'case_1', '--reason', 'checked');
        expect(code).toBe(7);
        expect(stderr).toContain(`The case can no longer be decided (state: ${state})`);
        expect(stderr).toMatch(/do {6}(The case (was|is already|expired)|No plan could be made)/);
      }
      expect([desk.questions, api.of('decide')]).toEqual([[], []]);
      api.on('showApproval', approval);
      expect((await decide('approve')).code).toBe(0);
    },
  );

  it('waits for the proofs that are missing before it shows a plan to sign', async () => {
    api.on('showApproval', { ...approval, state: 'waiting-for-evidence' });
    expect((await decide('approve')).code).toBe(7);
    expect(api.of('decide')).toEqual([]);
    expect((await decide('deny')).code).toBe(0);
  });
});

describe('readmit deny', () => {
  it('R4.7 signs a no before there is a plan or a proof, over the digests of nothing', async () => {
    const nothing = { state: 'waiting-for-plan', plan: null, planDigest: null, nonce: null, decideBefore: null, evidence: [] } as const;
    api.on('showApproval', { ...approval, ...nothing, evidence: [], evidenceDigest: digestOf([]) });
    expect((await decide('approve')).code).toBe(7);
    expect((await decide('deny')).code).toBe(0);
    expect(api.of('decide')).toHaveLength(1);
    expect(statement()).toMatchObject({
      decision: 'deny',
      planDigest: digestOf(null),
      evidenceDigest: digestOf([]),
      policyDigest: approval.policyDigest,
    });
    expect(statement()['nonce']).toMatch(/^[A-Za-z0-9_-]{22,64}$/);
  });

  it('R4.10 signs what is shown, whatever the service would have signed, and says that they differ', async () => {
    api.on('showApproval', { ...approval, planDigest: 'a'.repeat(64), evidenceDigest: 'b'.repeat(64) });
    const { code, stderr } = await decide('deny');
    expect(code).toBe(0);
    expect(stderr).toContain('digest-mismatch: The plan');
    expect(stderr).toContain('digest-mismatch: The evidence');
    expect(statement()).toMatchObject({ planDigest: approval.planDigest, evidenceDigest: approval.evidenceDigest });
  });

  it('waits until it is known who may decide', async () => {
    api.on('showApproval', { ...approval, plan: null, planDigest: null, policyDigest: null, policy: null, nonce: null });
    expect((await decide('deny')).code).toBe(7);
    expect(api.of('decide')).toEqual([]);
  });
});
