/** What a proof counts for and how long, and which proofs the schema refuses. */
import { AddEvidence, catalogue, evidenceKinds, type EvidenceNeed, type FactOf } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { crypto } from '../../test/simulated-services.js';
import { codeOf, evidenceDigest, fresh, metUntil, needsMet, proofDigest, refsOf, proofContentOf, type ProofContent } from './evidence.js';

type Evidence = FactOf<'readmit.evidence.added'>;
const collectedAt = '2026-11-22T09:00:00.000Z';
const staleAt = '2026-11-22T09:05:00.000Z';
const after = (ms: number): Date => new Date(Date.parse(collectedAt) + ms);
const proof = (evidenceId: string, more: Partial<Evidence['data']> = {}): Evidence => ({
  id: `event_${evidenceId}`,
  type: 'readmit.evidence.added',
  at: collectedAt,
  data: {
    caseId: 'case_1',
    evidenceId,
    kind: 'call-back',
    channel: 'phone',
    assurance: 2,
    collectedBy: 'boris',
    collectedAt,
    staleAt,
    digest: crypto.digest(evidenceId),
    ...more,
  },
});
const need = (more: Partial<EvidenceNeed> = {}): EvidenceNeed => ({ kind: 'call-back', assurance: 2, maxAgeSeconds: 300, ...more });
const met = (needs: readonly EvidenceNeed[], proofs: readonly Evidence[], now = after(1000)) =>
  needsMet(needs, proofs, now).map((one) => one.met);

const ajv = new Ajv2020({ strict: false });
const writable = ajv.compile(catalogue['readmit.evidence.added'].schema);
const askable = ajv.compile(AddEvidence);

describe('a proof', () => {
  it('R3.1 goes stale at its instant: half open', () => {
    const one = proof('e1');
    expect([-1, 0, 1].map((ms) => fresh([one], new Date(Date.parse(staleAt) + ms)).length)).toEqual([1, 0, 0]);
    expect([299_999, 300_000, 300_001].map((ms) => met([need()], [one], after(ms))[0])).toEqual([true, false, false]);
  });

  it('R3.1 is too old for a need that wants it fresher than the proof itself', () => {
    expect([59_999, 60_000].map((ms) => met([need({ maxAgeSeconds: 60 })], [proof('e1')], after(ms))[0])).toEqual([true, false]);
  });

  it('R3.1 counts for its own kind and with enough assurance only', () => {
    expect(met([need()], [proof('e1')])).toEqual([true]);
    expect(met([need()], [proof('e1', { kind: 'ticket' })])).toEqual([false]);
    expect(met([need({ assurance: 3 })], [proof('e1')])).toEqual([false]);
  });

  it('R3.1 serves one need: two needs of a kind want two proofs', () => {
    expect(met([need(), need()], [proof('e1')])).toEqual([true, false]);
    expect(met([need(), need()], [proof('e1'), proof('e2')])).toEqual([true, true]);
  });

  it('R3.1 meets every need until the first of them is lost, and no longer than asked about', () => {
    const until = (needs: readonly EvidenceNeed[], proofs: readonly Evidence[], end: number, now = 1000) => {
      const at = metUntil(needs, proofs, after(now), after(end));
      return at === undefined ? undefined : at.getTime() - after(0).getTime();
    };
    const older = proof('e0', { collectedAt: after(-250_000).toISOString() });
    expect(until([need()], [proof('e1')], 900_000)).toBe(300_000);
    expect(until([need({ maxAgeSeconds: 60 })], [proof('e1')], 900_000)).toBe(60_000);
    // The older proof becomes stale first, and the newer one still meets the need.
    expect(until([need()], [older, proof('e1')], 900_000)).toBe(300_000);
    expect(until([need(), need()], [older, proof('e1')], 900_000)).toBe(50_000);
    // A proof that was stale before changes nothing.
    expect(until([need()], [older, proof('e1')], 900_000, 100_000)).toBe(300_000);
    expect(until([need()], [proof('e1')], 200_000)).toBe(200_000);
    expect(until([], [proof('e1')], 900_000)).toBe(900_000);
    expect(until([need()], [], 900_000)).toBeUndefined();
  });

  it('R4.4 is referred to in the order of ids, however proofs arrived', () => {
    const ids = ['b', 'c', 'a'];
    expect(refsOf(ids.map((id) => proof(id))).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('R3.1 names kind, channel, assurance, collector, time and digest: without one of them it is no evidence', () => {
    const { data } = proof('e1');
    expect(writable(data)).toBe(true);
    for (const field of ['kind', 'channel', 'assurance', 'collectedBy', 'collectedAt', 'staleAt', 'digest'] as const) {
      const rest = Object.fromEntries(Object.entries(data).filter(([name]) => name !== field));
      expect([field, writable(rest)]).toEqual([field, false]);
      expect(JSON.stringify(writable.errors)).toContain(field);
    }
  });
});

describe('what is no proof', () => {
  const asked = { kind: 'call-back', channel: 'phone', assurance: 2, note: 'called' };

  it.each(['knowledge-question', 'mothers-maiden-name', 'date-of-birth', 'employee-number'])(
    'R3.5 a %s cannot be written down as evidence, and cannot be sent',
    (kind) => {
      expect([writable(proof('e1').data), writable({ ...proof('e1').data, kind })]).toEqual([true, false]);
      expect([askable(asked), askable({ ...asked, kind })]).toEqual([true, false]);
      expect(askable.errors?.[0]).toMatchObject({ instancePath: '/kind', keyword: 'enum' });
      expect(evidenceKinds).not.toContain(kind);
    },
  );

  it.each(['email', 'sms', 'shared-mailbox'])('R3.5 no proof comes by %s', (channel) => {
    expect([writable(proof('e1').data), writable({ ...proof('e1').data, channel })]).toEqual([true, false]);
    expect([askable(asked), askable({ ...asked, channel })]).toEqual([true, false]);
    expect(askable.errors?.[0]).toMatchObject({ instancePath: '/channel', keyword: 'enum' });
  });
});

describe('what a decision binds', () => {
  it('R4.4 is the set of proofs: the same digest in any order, another one when a proof is added or changed', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 6 }), fc.nat(), (ids, turn) => {
        const refs = refsOf(ids.map((id) => proof(id)));
        const turned = [...refs.slice(turn % refs.length), ...refs.slice(0, turn % refs.length)];
        expect(evidenceDigest(turned, crypto)).toBe(evidenceDigest(refs, crypto));
        expect(evidenceDigest(refsOf([...ids, 'more-more'].map((id) => proof(id))), crypto)).not.toBe(evidenceDigest(refs, crypto));
        const changed = refs.map((ref, index) => (index === 0 ? { ...ref, digest: crypto.digest('changed') } : ref));
        expect(evidenceDigest(changed, crypto)).not.toBe(evidenceDigest(refs, crypto));
      }),
    );
  });

  it('R4.10 each proof binds every word that an approver is shown, who collected it and when', () => {
    const words: ProofContent = {
      kind: 'call-back',
      channel: 'phone',
      assurance: 2,
      note: 'she read the code',
      contact: crypto.digest('number'),
      code: '3fa9-01bc',
      by: 'boris',
      at: collectedAt,
      salt: 'salt',
    };
    const { data } = proof('e1', { contact: words.contact, code: words.code } as Partial<Evidence['data']>);
    expect(proofContentOf(data, words)).toEqual(words);
    expect(proofDigest(proofContentOf(data, words), crypto)).toBe(proofDigest(words, crypto));
    const others: Partial<ProofContent>[] = [
      { kind: 'ticket' },
      { channel: 'in-person' },
      { assurance: 3 },
      { note: 'she did not' },
      { contact: crypto.digest('another number') },
      { contact: undefined },
      { code: '3fa9-01bd' },
      { code: undefined },
      { by: 'somebody-you-trust' },
      { at: staleAt },
      { salt: 'other' },
    ];
    const digests = [words, ...others.map((other) => ({ ...words, ...other }))].map((one) => proofDigest(one, crypto));
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('the code that is read out', () => {
  it('R3.4 is of the nonce and the whole fingerprint: neither alone gives it', () => {
    const code = codeOf('nonce-1', 'a'.repeat(64), crypto);
    expect(code).toMatch(/^[0-9a-f]{4}-[0-9a-f]{4}$/);
    expect(codeOf('nonce-1', 'a'.repeat(64), crypto)).toBe(code);
    expect(codeOf('nonce-2', 'a'.repeat(64), crypto)).not.toBe(code);
    expect(codeOf('nonce-1', `${'a'.repeat(63)}b`, crypto)).not.toBe(code);
  });
});
