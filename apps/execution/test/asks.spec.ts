/** The plan for each ask of an MFA recovery at an identity provider: the connector plans for a fake account and sends nothing. */
import { describe, expect, it } from '@jest/globals';
import { demoIdpConnector, TargetError } from '@readmit/connectors';
import { Facet, Step, type Ask, type AskKind, type RecipientKey } from '@readmit/contracts';
import { stepsOfClass } from '@readmit/domain';
import { Value } from 'typebox/value';

const account = (id: string, locked: boolean, factors = 1) => ({
  id,
  version: 1,
  factors: Array.from({ length: factors }, (_, n) => ({
    id: n === 0 ? 'totp-1' : `totp-00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    kind: 'totp',
    enrolledAt: '2026-01-01T00:00:00.000Z',
  })),
  sessions: [{ id: 'session-1', scope: 'all', openedBy: 'factor' }],
  bypass: id === 'demo-canary' ? { state: 'active', id: 'b', for: 'canary' } : { state: 'none' },
  locked,
});
const requester: RecipientKey = {
  signing: { kty: 'OKP', crv: 'Ed25519', x: 's' },
  sealing: { kty: 'OKP', crv: 'X25519', x: 'e' },
  fingerprint: 'f'.repeat(64),
};

async function planned(
  kind: AskKind,
  more: { readonly locked?: boolean; readonly factors?: number; readonly recipients?: readonly RecipientKey[] } = {},
) {
  const written: string[] = [];
  const connector = demoIdpConnector({
    name: 'demo-idp',
    url: 'http://127.0.0.1:9',
    tokenUrl: 'http://127.0.0.1:9/token',
    clientId: 'readmit-execution',
    clientSecret: 'made-up',
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      if (url.pathname === '/token') return Response.json({ access_token: 'made-up', token_type: 'bearer', expires_in: 60 });
      if (init?.method !== 'GET') written.push(url.pathname);
      return Response.json(account(url.pathname.split('/').at(-1) ?? '', more.locked ?? false, more.factors));
    },
  });
  const ask: Ask = { id: 'ask-1', kind, connector: 'demo-idp', object: 'ada' };
  const options = {
    ceiling: { steps: [...stepsOfClass('mfa-recovery')], entitlements: [], maxDurationSeconds: 3600 },
    durationSeconds: 600,
    overlapSeconds: 0,
    recipients: more.recipients ?? [requester],
  };
  const parts = await connector.plan(ask, options, AbortSignal.timeout(5_000));
  return { ...parts, written, kinds: parts.steps.map((step) => step.kind) };
}

describe('asks of an MFA recovery', () => {
  it('R5.1 bypass, replacement and reset have different plans', async () => {
    const [bypass, replace, reset] = await Promise.all([planned('factor.bypass'), planned('factor.replace'), planned('factor.reset')]);
    expect({ bypass: bypass.kinds, replace: replace.kinds, reset: reset.kinds }).toEqual({
      bypass: ['bypass.issue'],
      replace: ['factor.remove', 'sessions.end'],
      reset: ['factor.remove', 'sessions.end', 'bypass.issue'],
    });
  });

  it('R5.1 a bypass leaves the factor and expires; a replacement removes it and nothing of it expires', async () => {
    const bypass = await planned('factor.bypass');
    expect(bypass.removes).toEqual([]);
    expect(bypass.obligations.map(({ kind, armedBy, afterSeconds }) => ({ kind, armedBy, afterSeconds }))).toEqual([
      { kind: 'bypass.close', armedBy: 'start', afterSeconds: 600 },
      { kind: 'enrolment.withdraw', armedBy: 'repudiation', afterSeconds: 0 },
    ]);
    const replace = await planned('factor.replace');
    expect(replace.removes).toEqual(['totp factor totp-1 of ada', 'open sessions of ada']);
    expect(replace.obligations.map(({ kind }) => kind)).toEqual(['enrolment.withdraw']);
  });

  it('R2.2 a person with many factors gets a plan that names all; with more than a plan can hold it is refused with a reason', async () => {
    for (const factors of [1, 9, 40]) {
      const reset = await planned('factor.reset', { factors });
      const steps = reset.steps.map((step, index) => ({ ...step, id: `step-${index}`, askId: 'ask-1' }));
      for (const step of steps) expect(Value.Errors(Step, step)).toEqual([]);
      expect(reset.removes.length).toBeLessThanOrEqual(10);
      expect(reset.before[0]?.value.split(' ')).toHaveLength(factors);
      for (const facet of reset.before) expect(Value.Errors(Facet, facet)).toEqual([]);
    }
    await expect(planned('factor.reset', { factors: 60 })).rejects.toThrow('ada has 60 factors, more than a plan can name');
  });

  it('R5.1 an unlock lifts a lock and touches no factor', async () => {
    expect((await planned('account.unlock', { locked: true })).kinds).toEqual(['account.unlock']);
    expect((await planned('account.unlock')).kinds).toEqual([]);
  });

  it('R2.6 a bypass is sealed to the requester’s key; without one it is refused', async () => {
    const { steps } = await planned('factor.bypass');
    expect(steps.map(({ recipients }) => recipients)).toEqual([[requester.fingerprint]]);
    await expect(planned('factor.bypass', { recipients: [] })).rejects.toThrow('a bypass needs a recipient key to be sealed to');
  });

  it('R2.2 planning writes nothing at the target, and names what stays as it is', async () => {
    const reset = await planned('factor.reset');
    expect(reset.written).toEqual([]);
    expect(reset.untouched).toContain('the password of ada at demo-idp');
  });

  it.each(['role.restore', 'secret.reissue', 'breakglass.activate'] as const)(
    'R2.1 %s is refused at an identity provider',
    async (kind) => {
      await expect(planned(kind)).rejects.toThrow(TargetError);
      await expect(planned(kind)).rejects.toThrow(`demo-idp does not support ${kind}`);
    },
  );
});
