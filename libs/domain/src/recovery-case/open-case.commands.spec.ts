/** What makes a request a case, and what a request can never do. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { crypto } from '../../test/cast.js';
import { refusal, type Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { recordingRefusal, openCase, type OpenInput } from './open-case.commands.js';

const context = { now: new Date('2026-11-22T09:00:00.000Z'), key: 'case_1', crypto } as Context;
/** 32 bytes derived from the name. */
const publicKey = (name: string): string => Buffer.alloc(32, name).toString('base64url');
const keyWith = (x: string) => {
  const signing = { kty: 'OKP' as const, crv: 'Ed25519' as const, x: publicKey('ada-signs') };
  const sealing = { kty: 'OKP' as const, crv: 'X25519' as const, x };
  return { signing, sealing, fingerprint: crypto.digest({ sealing, signing }) };
};
const caseKey = keyWith(publicKey('ada-opens'));
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
  provenKey: publicKey('ada-signs'),
  reasonDigest: 'd'.repeat(64),
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
    expect(open({ body: { ...body, caseKey: { ...caseKey, fingerprint: 'e'.repeat(64) } } })).toBe('R2.6 fingerprint-wrong');
  });

  it.each(['AAAA', 'A'.repeat(43), publicKey('ada-opens').slice(1)])(
    'R2.6 with a sealing key that no secret can be sealed to (%s) is refused',
    (x) => {
      const unsealable = keyWith(x);
      expect(open({ body: { ...body, caseKey: unsealable } })).toBe('R2.6 case-key-malformed');
      expect(open({ body: { ...body, caseKey: unsealable }, actor: 'ada' })).toBe('R2.6 case-key-malformed');
      expect(open()).toMatchObject([{ data: { caseKey } }]);
    },
  );

  it.each([
    ['a blank', ' '],
    ['two invisible characters', '\u200b\u2060'],
    ['a Hangul filler', '\u3164'],
  ])('R4.5 whose reason is %s is refused: it has none', (_, reason) => {
    expect(open({ body: { ...body, reason } })).toBe('R4.5 reason-blank');
    expect(open({ body: { ...body, reason: `${reason}?` } })).toMatchObject([{ type: 'readmit.case.opened' }]);
  });

  it('R8.3 that is repeated opens nothing a second time, and its key serves no other request', () => {
    const outcome = openCase(input())(empty, context);
    const facts = new Facts(outcome.refused ? [] : outcome.emit.map(({ type, data }) => fact(type as Fact['type'], data)));
    expect(open({ reasonDigest: 'e'.repeat(64) }, facts)).toEqual([]);
    expect(open({ body: { ...body, durationSeconds: 601 } }, facts)).toBe('R8.3 idempotency-key-reused');
    expect(open({ actor: 'mallory' }, facts)).toBe('R8.3 idempotency-key-reused');
    expect(open({ provenKey: 'mallory-signs' }, facts)).toBe('R2.6 case-key-unproven');
  });
});

describe('a refusal that the case keeps', () => {
  const no = refusal('forbidden', 'R5.4', 'not-the-subject', 'Not theirs.');
  const kept = (before: number, command: Parameters<typeof recordingRefusal>[1]) => {
    const facts = new Facts(Array.from({ length: before }, (_, n) => ({ ...fact('readmit.intake.refused', {}), id: `event_${n}` })));
    return recordingRefusal({ name: 'repudiate', actor: 'mallory' }, command)(facts, context);
  };

  it('R5.4 is a fact of the case with who tried, and still refused; what is not refused goes through', () => {
    expect(kept(0, () => no)).toMatchObject({
      emit: [
        { type: 'readmit.intake.refused', key: 'case_1', data: { command: 'repudiate', reason: 'not-the-subject', actor: 'mallory' } },
      ],
      reply: { refusal: no },
    });
    expect(kept(0, () => ({ emit: [], reply: {} }))).toEqual({ emit: [], reply: {} });
  });

  it('R8.3 is kept a hundred times, and only refused afterwards', () => {
    expect(kept(99, () => no)).toHaveProperty('emit');
    expect(kept(100, () => no)).toBe(no);
  });
});
