/** What makes a request a case, and what a request can never do. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { Facts, type Context } from '@readmit/domain';
import { openCase, repudiate, type OpenInput } from '../src/usecases/intake.commands.js';

const context = { now: new Date('2026-11-22T09:00:00.000Z'), key: 'case_1' } as Context;
const fingerprint = 'f'.repeat(64);
const caseKey = {
  signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: 'ada-signs' },
  sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: 'ada-opens' },
  fingerprint,
};
const body: OpenInput['body'] = {
  asks: [{ kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' }],
  subject: { kind: 'person', id: 'ada' },
  reasonCode: 'lost-device',
  reason: 'my phone is gone',
  durationSeconds: 600,
  caseKey,
};
const input = (more: Partial<OpenInput> = {}): OpenInput => ({
  body,
  actor: undefined,
  provenKey: 'ada-signs',
  reasonDigest: 'd'.repeat(64),
  fingerprintOf: () => fingerprint,
  ...more,
});
const empty = new Facts([]);
const open = (more: Partial<OpenInput> = {}, facts = empty) => {
  const outcome = openCase(input(more))(facts, context);
  return outcome.refused ? `${outcome.rule} ${outcome.reason}` : outcome.emit;
};
const fact = (type: Fact['type'], data: object): Fact =>
  ({ id: `event_${type}`, type, at: context.now.toISOString(), data }) as unknown as Fact;
const keyless: OpenInput['body'] = {
  asks: body.asks,
  subject: body.subject,
  reasonCode: body.reasonCode,
  reason: body.reason,
  durationSeconds: 600,
};

describe('a request', () => {
  it('R2.6 without a sign-in is taken with a one-time key that was proved (the control of this file), and claims nothing', () => {
    expect(open()).toMatchObject([
      { type: 'readmit.case.opened', data: { requester: { kind: 'anonymous' }, caseKey, durationSeconds: 600 } },
    ]);
    expect(JSON.stringify(open())).not.toContain(body.reason);
  });

  it('R2.6 without a sign-in and without a key is refused: nothing could be sealed to anybody', () => {
    expect(open({ body: keyless, provenKey: undefined })).toBe('R2.6 case-key-missing');
    expect(open({ body: keyless, provenKey: undefined, actor: 'ada' })).toMatchObject([
      { data: { requester: { kind: 'person', id: 'ada' } } },
    ]);
  });

  it('R2.6 with a key that was not proved, or under another fingerprint, is refused', () => {
    expect(open({ provenKey: 'mallory-signs' })).toBe('R2.6 case-key-unproven');
    expect(open({ provenKey: undefined })).toBe('R2.6 case-key-unproven');
    expect(open({ fingerprintOf: () => 'e'.repeat(64) })).toBe('R2.6 fingerprint-wrong');
  });

  it('R8.3 that is repeated opens nothing a second time, and its key serves no other request', () => {
    const outcome = openCase(input())(empty, context);
    const facts = new Facts(outcome.refused ? [] : outcome.emit.map(({ type, data }) => fact(type as Fact['type'], data)));
    const digest = (value: unknown): string => (JSON.stringify(value).includes('asks') ? JSON.stringify(value) : fingerprint);
    expect(open({ fingerprintOf: digest, reasonDigest: 'e'.repeat(64) }, facts)).toEqual([]);
    expect(open({ fingerprintOf: digest, body: { ...body, durationSeconds: 601 } }, facts)).toBe('R8.3 idempotency-key-reused');
    expect(open({ fingerprintOf: digest, actor: 'mallory' }, facts)).toBe('R8.3 idempotency-key-reused');
    expect(open({ fingerprintOf: digest, provenKey: 'mallory-signs' }, facts)).toBe('R2.6 case-key-unproven');
  });
});

describe('a repudiation', () => {
  const opened = fact('readmit.case.opened', { caseId: 'case_1', subject: { kind: 'person', id: 'ada' } });
  const by = (actor: string, ...facts: Fact[]) => {
    const outcome = repudiate(actor)(new Facts(facts), context);
    return outcome.refused ? `${outcome.rule} ${outcome.reason}` : outcome.emit.map(({ type }) => type);
  };
  it('R5.4 by the subject freezes the case, once; nobody else can, and a closed case has nothing left to freeze', () => {
    expect(by('ada', opened)).toEqual(['readmit.case.frozen']);
    expect(by('ada', opened, fact('readmit.case.frozen', { caseId: 'case_1' }))).toEqual([]);
    expect(by('mallory', opened)).toBe('R5.4 not-the-subject');
    expect(by('ada', opened, fact('readmit.case.closed', { caseId: 'case_1' }))).toBe('R5.4 case-closed');
    expect(by('ada')).toBe('R8.1 case-unknown');
  });
});
