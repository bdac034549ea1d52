/** What a caller learns who names a person and proves only a key of their own making. Not here: how possession of a key is proved. */
import { describe, expect, it } from '@jest/globals';
import type { Commands } from '@readmit/runtime';
import type { Fact } from '@readmit/contracts';
import { Facts } from '@readmit/domain';
import type { Call } from '@readmit/service';
import { CasesController } from '../src/inbound/cases.controller.js';
import type { IntakePorts } from '../src/inbound/ports.js';

const fingerprint = 'f'.repeat(64);
let minute = 0;
const fact = (type: Fact['type'], data: object): Fact =>
  ({
    id: `event_${type}`,
    type,
    at: `2026-11-22T09:${String(minute++).padStart(2, '0')}:00.000Z`,
    data: { caseId: 'case_1', ...data },
  }) as Fact;
const opened = fact('readmit.case.opened', {
  asks: [{ id: 'ask-1', kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' }],
  subject: { kind: 'person', id: 'ada' },
  requester: { kind: 'anonymous' },
  reasonCode: 'lost-device',
  durationSeconds: 600,
  caseKey: { signing: { x: 'key' }, fingerprint },
});
const classified = fact('readmit.case.classified', {
  class: 'mfa-recovery',
  tier: 'two-person',
  policy: { version: 'p' },
  codeNonce: 'nonce_1',
  requirements: { verifiers: ['help-desk'], quorum: [], evidence: [], decideWithinSeconds: 3_600 },
  reasons: [{ rule: 'R4.1', says: 'The subject is privileged.' }],
});
const planned = fact('readmit.plan.proposed', { plan: { steps: [{ says: 'Remove totp factor of ada.' }] } });
const refusedPlan = fact('readmit.plan.refused', { rule: 'R2.1', reason: 'plan-above-ceiling', says: 'The directory does not know her.' });
const failed = fact('readmit.case.closed', { outcome: 'failed' });
const frozen = fact('readmit.case.frozen', { by: 'ada', cause: 'repudiated' });
const vouched = fact('readmit.evidence.added', { kind: 'manager-vouch', collectedBy: 'boris' });
const called = fact('readmit.evidence.added', { kind: 'call-back', collectedBy: 'boris', fingerprint });
const withdrawn = fact('readmit.approval.withdrawn', { by: 'case-key' });

const texts = {
  salt: 'salt',
  reason: 'my phone is gone',
  repudiation: { by: 'ada', at: frozen.at, reason: 'I have my phone' },
};

/** Everything that the caller sees of a case with these facts. */
async function shown(facts: readonly Fact[], who: object = { proof: { signing: { x: 'key' } } }) {
  const all = new Facts(facts);
  const controller = new CasesController({
    commands: { facts: () => Promise.resolve(all) } as unknown as Commands,
    now: () => new Date('2026-11-22T09:30:00.000Z'),
    ledger: { texts: () => Promise.resolve(new Map([['case_1', texts]])) },
  } as unknown as IntakePorts);
  const call = { params: { caseId: 'case_1' }, requestId: 'r', ...who };
  return {
    view: await controller.show(call as unknown as Call<'showCase'>),
    timeline: (await controller.timeline(call as unknown as Call<'caseTimeline'>)).map(({ type }) => type),
    says: (await controller.timeline(call as unknown as Call<'caseTimeline'>)).map(({ says }) => says).join(' '),
  };
}

describe('the holder of a key that was never read back', () => {
  it('R3.4 sees the same for a known person, an unknown one, and one who repudiated', async () => {
    const nothing = await shown([opened]);
    expect(nothing.view).toMatchObject({ state: 'opened', class: null, tier: null, why: [], outcome: null, version: 1 });
    for (const facts of [
      [opened, classified, planned],
      [opened, classified, refusedPlan, failed],
      [opened, classified, planned, vouched],
      [opened, classified, planned, frozen, failed],
    ]) {
      const { view, timeline, says } = await shown(facts);
      const { codeNonce, ...rest } = view;
      expect(codeNonce).toBe('nonce_1');
      expect({ view: rest, timeline, says }).toEqual(nothing);
    }
  });

  it('R3.4 is the only one who sees the nonce of the call-back code', async () => {
    const facts = [opened, classified, planned];
    expect((await shown(facts)).view.codeNonce).toBe('nonce_1');
    const gita = { actor: { id: 'gita', teams: ['platform-operators'] } };
    expect((await shown(facts, gita)).view.codeNonce).toBeUndefined();
    expect((await shown(facts, { ...gita, proof: { signing: { x: 'another' } } })).view.codeNonce).toBeUndefined();
    // Signed in, and holding the key.
    expect((await shown(facts, { ...gita, proof: { signing: { x: 'key' } } })).view.codeNonce).toBe('nonce_1');
    expect((await shown([opened])).view.codeNonce).toBeUndefined();
  });

  it('R3.4 sees the whole case once the subject has read the fingerprint back', async () => {
    const { view, timeline } = await shown([opened, classified, planned, called]);
    expect(view).toMatchObject({ class: 'mfa-recovery', tier: 'two-person', state: 'planned' });
    expect(timeline).toHaveLength(4);
    // Not by a call that read back another key.
    const other = { ...called, data: { ...called.data, fingerprint: 'e'.repeat(64) } } as Fact;
    expect((await shown([opened, classified, planned, other])).timeline).toEqual(['readmit.case.opened']);
  });

  it('R4.7 sees that it withdrew its own request', async () => {
    const { view, timeline } = await shown([opened, classified, refusedPlan, failed, withdrawn]);
    expect([view.state, view.outcome, timeline]).toEqual(['ending', 'withdrawn', ['readmit.case.opened', 'readmit.approval.withdrawn']]);
  });

  it('operators see everything (the control of this file)', async () => {
    const { view, timeline } = await shown([opened, classified, refusedPlan, failed], {
      actor: { id: 'gita', teams: ['platform-operators'] },
    });
    expect(view).toMatchObject({ state: 'closed', tier: 'two-person', why: [{ says: 'The subject is privileged.' }] });
    expect(timeline).toHaveLength(4);
  });
});

describe('a person who is signed in', () => {
  const facts = [opened, classified, planned, frozen];
  const of = (id: string, teams: readonly string[] = []) => shown(facts, { actor: { id, teams } });

  it('and has no part in the case gets the response of a case that does not exist, whatever the token claims', async () => {
    const nobody = shown([], { actor: { id: 'mallory', teams: [] } });
    await expect(nobody).rejects.toMatchObject({ status: 404, reason: 'case-unknown' });
    const answers = await Promise.all([of('mallory').catch(String), of('mallory', ['help-desk']).catch(String), nobody.catch(String)]);
    expect(new Set(answers).size).toBe(1);
    const { view } = await of('ada');
    expect(view.caseId).toBe('case_1');
  });

  it('R7.1 reads why it was requested and why it was repudiated; the holder of a case key, perhaps a stranger, does not', async () => {
    for (const { view, says } of [await of('ada'), await of('otto', ['auditors'])]) {
      expect(view).toMatchObject({ reason: 'my phone is gone', repudiation: { by: 'ada', reason: 'I have my phone' } });
      expect(says).toContain('repudiated by ada: I have my phone.');
    }
    const { view, says } = await shown([...facts, called]);
    expect(view).toMatchObject({ tier: 'two-person' });
    expect(JSON.stringify([view, says])).not.toContain('phone');
  });
});
