/** The work of classification: a stale directory, a late result or a repetition changes nothing. */
import { describe, expect, it } from '@jest/globals';
import { entryOf, keyOf, type Directory, type Draft, type EventData, type Fact, type Policy } from '@readmit/contracts';
import { crypto } from '../../test/cast.js';
import type { Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import type { Work, WorkRules } from '../kernel/work.js';
import { toAttest } from './attest.work.js';
import { classificationProcess } from './classification.process.js';
import type { DrawnCode } from './classify.work.js';
import type { DirectoryReading } from './directory-age.js';

type Person = Directory['people'][number];
/** An employee of one team with one account and no contact points. */
const person = (id: string, team: string): Person => ({
  ...{ id, human: id, name: id, teams: [team], authority: 5, employment: 'employee', privileged: false },
  ...{ keys: [], contacts: [], accounts: [{ connector: 'demo-idp', object: id }] },
});
const at = '2026-11-22T09:00:00.000Z';
const later = (seconds: number): Date => new Date(Date.parse(at) + seconds * 1000);
const directory: Directory = {
  version: 1,
  issuedAt: at,
  people: [person('ada', 'staff'), person('boris', 'help-desk')],
  machines: [],
  privileged: [],
};
const snapshot: DirectoryReading = { directory, digest: 'd'.repeat(64), issuedAt: at };
const part = { name: 'security', teams: ['security-oncall'], count: 1, authority: 4 };
const ofClass = {
  tier: 'agent-assisted',
  evidence: [],
  verifiers: ['help-desk'],
  quorum: [part],
  ticket: false,
  maxDurationSeconds: 3600,
  decideWithinSeconds: 60,
  executeWithinSeconds: 60,
  overlapSeconds: 0,
};
const document = {
  version: 'test-1',
  classes: { 'mfa-recovery': ofClass, 'privileged-restoration': ofClass, 'nhi-secret-restoration': ofClass },
  privilegedSubject: { tier: 'two-person', quorum: [part] },
  directoryMaxAgeSeconds: 3600,
} as unknown as Policy;
const policy = { document, digest: 'p'.repeat(64) };
const read = { ...snapshot, code: { sameKey: [] } };
const fact = (id: string, type: Fact['type'], data: object, when = at): Fact => ({ id, type, at: when, data }) as unknown as Fact;
const caseKey = (fingerprint: string) => ({ signing: {}, sealing: {}, fingerprint });
const opened = (caseId: string, more: object = {}): Fact =>
  fact(`opened-${caseId}`, 'readmit.case.opened', {
    caseId,
    subject: { kind: 'person', id: 'ada' },
    requester: { kind: 'anonymous' },
    asks: [{ id: 'ask-1', kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' }],
    durationSeconds: 600,
    ...more,
  });
const context = (now: Date): Context => ({ now, key: 'case_1', crypto, work: new Set<string>() }) as unknown as Context;
const work = { key: 'case_1', tries: 1, input: {} } as unknown as Work;
const { react, keysOf, work: rules } = classificationProcess(policy, 'salt');
const keysIn = (of: Fact): readonly string[] | undefined => keysOf?.(of, keyOf(of));
const handler = rules.classify;
const said = <T extends Draft['type']>(drafts: readonly Draft[], type: T): EventData<T> | undefined =>
  drafts.find((draft) => draft.type === type)?.data as EventData<T> | undefined;

describe('the work that classifies', () => {
  it('R1.6 uses a directory of the age that the policy allows, and none that is a second older: the case waits', () => {
    const facts = new Facts([opened('case_1')]);
    const fresh = handler.finish(work, read, facts, context(later(3600)));
    expect(fresh.emit.map(({ type }) => type)).toEqual(['readmit.case.classified', 'readmit.people.attested']);
    expect(said(fresh.emit, 'readmit.people.attested')?.directory).toEqual({ digest: snapshot.digest, issuedAt: at, ageSeconds: 3600 });
    const stale = handler.finish(work, read, facts, context(later(3601)));
    expect(stale).toEqual({ emit: [], retryAt: later(3602) });
  });

  it('R1.6 uses no directory that is dated in the future: it would stay young for as long as somebody likes', () => {
    const facts = new Facts([opened('case_1')]);
    expect(handler.finish(work, read, facts, context(later(-301)))).toEqual({ emit: [], retryAt: later(-300) });
    // The control: within the clock skew.
    expect(handler.finish(work, read, facts, context(later(-300))).emit).toHaveLength(2);
    expect(handler.finish(work, { ...read, issuedAt: '2026-13-41T09:00:00.000Z' }, facts, context(later(0))).emit).toEqual([]);
  });

  it('R1.6 a directory that cannot be had keeps the case waiting, longer with each try, and classifies nothing', () => {
    const facts = new Facts([opened('case_1')]);
    const away = { error: new Error('the directory answered 500') };
    expect(handler.finish(work, away, facts, context(later(0)))).toEqual({ emit: [], retryAt: later(1) });
    expect(handler.finish({ ...work, tries: 9 }, away, facts, context(later(0)))).toEqual({ emit: [], retryAt: later(30) });
  });

  it('R1.6 a result that comes late does not classify again', () => {
    const before = [opened('case_1')];
    const first = handler.finish(work, read, new Facts(before), context(later(0))).emit;
    expect(first).toHaveLength(2);
    const after = new Facts([...before, ...first.map((draft, index) => fact(`said-${index}`, draft.type, draft.data))]);
    expect(handler.finish(work, read, after, context(later(0)))).toEqual({ emit: [] });
    expect(handler.finish(work, { error: new Error('late') }, after, context(later(0)))).toEqual({ emit: [] });
    expect(handler.begin(work, after, context(later(0)))).toEqual({ go: false, emit: [] });
    expect(handler.begin(work, new Facts(before), context(later(0)))).toEqual({ go: true, emit: [] });
  });

  it('R3.4 says the nonce that was drawn once the request was on record, and which other cases have the same key', () => {
    const mine = new Facts([opened('case_1', { caseKey: caseKey('a'.repeat(64)) })]);
    const classifiedWith = (code: DrawnCode) =>
      said(handler.finish(work, { ...snapshot, code }, mine, context(later(0))).emit, 'readmit.case.classified');
    const classified = classifiedWith({ codeNonce: 'nonce_1', sameKey: ['case_2', 'case_3'] });
    expect(classified?.codeNonce).toBe('nonce_1');
    expect(classified?.reasons).toContainEqual({ rule: 'R3.4', says: expect.stringContaining('in case_2, case_3:') });
    // The controls: no other case has the key; somebody who signed in has no key to read out.
    expect(classifiedWith({ codeNonce: 'nonce_1', sameKey: [] })?.reasons.map(({ rule }) => rule)).not.toContain('R3.4');
    expect(classifiedWith({ sameKey: [] })).not.toHaveProperty('codeNonce');
  });
});

describe('facts at classification', () => {
  it('R3.4 looks are kept with the hour of the agent too, everything else with its case alone: anybody can open cases on somebody', () => {
    const look = fact('look', 'readmit.contact.shown', { caseId: 'case_1', by: 'boris' }, '2026-11-22T09:59:59.999Z');
    expect(keysIn(look)).toEqual(['case_1', 'agent:boris:2026-11-22T09']);
    expect(keysIn(opened('case_1'))).toEqual(['case_1']);
    expect(keysIn(fact('wanted', 'readmit.attestation.wanted', { caseId: 'case_1', person: 'boris' }))).toEqual(['case_1']);
    expect(keysIn(fact('policy', 'readmit.policy.activated', { version: 'v1' }))).toEqual(['policy']);
  });

  it('R1.1 a case is classified once, and an agent is no case', () => {
    const facts = new Facts([opened('case_1')]);
    expect(react(facts, context(later(0))).work).toEqual([expect.objectContaining({ id: 'case_1/classify', kind: 'classify' })]);
    const looks = new Facts([fact('look', 'readmit.contact.shown', { caseId: 'case_1', by: 'boris' })]);
    expect(react(looks, { ...context(later(0)), key: 'agent:boris:2026-11-22T09' }).work).toEqual([]);
    expect(react(facts, { ...context(later(0)), work: new Set(['case_1/classify']) }).work).toEqual([]);
  });

  it('R4.2 attests who is asked for, once for each question, and nobody whom the case has', () => {
    const asked = (id: string, who: string) => fact(id, 'readmit.attestation.wanted', { caseId: 'case_1', person: who });
    const attested = fact('attested', 'readmit.people.attested', { caseId: 'case_1', people: [person('ada', 'staff')] });
    const classified = fact('classified', 'readmit.case.classified', { caseId: 'case_1' });
    const done = { ...context(later(0)), work: new Set(['case_1/classify']) };
    const wanted = (...facts: Fact[]) =>
      react(new Facts([opened('case_1'), ...facts]), done).work?.map(({ id, input }) => [id, input['person']]);
    expect(wanted(classified, attested, asked('w1', 'boris'), asked('w2', 'ada'))).toEqual([['case_1/attest/w1', 'boris']]);
    // Not before the case itself is attested, and for a bounded number of names.
    expect(wanted(asked('w1', 'boris'))).toEqual([]);
    const many = Array.from({ length: 300 }, (_, n) => asked(`w${n}`, `person-${n}`));
    expect(wanted(classified, attested, ...many)).toHaveLength(99);
  });

  it('R4.2 attests no more people than a grant can name in addition to the attestation of the case', () => {
    const { properties } = entryOf('readmit.approval.granted').schema as { readonly properties?: Record<string, { maxItems?: number }> };
    const inGrant = properties?.['attestations']?.maxItems ?? 0;
    const asked = (many: number) =>
      Array.from({ length: many }, (_, n) =>
        fact(`w${String(n).padStart(3, '0')}`, 'readmit.attestation.wanted', { caseId: 'case_1', person: `person-${n}` }),
      );
    expect(toAttest(new Facts(asked(inGrant - 2)))).toHaveLength(inGrant - 2);
    expect(toAttest(new Facts(asked(inGrant)))).toHaveLength(inGrant - 1);
    expect(toAttest(new Facts(asked(300)))).toEqual(asked(inGrant - 1));
  });
});

describe('the work that attests one who acts', () => {
  const lazy = rules.attest;
  const of = (who: string): Work => ({ key: 'case_1', tries: 1, input: { person: who } }) as unknown as Work;
  const before = [
    opened('case_1'),
    ...handler
      .finish(work, read, new Facts([opened('case_1')]), context(later(0)))
      .emit.map((draft, index) =>
        fact(`said-${index}`, draft.type, draft.type === 'readmit.people.attested' ? { ...draft.data, people: [] } : draft.data),
      ),
  ];
  const newer: DirectoryReading = { ...snapshot, digest: 'e'.repeat(64), issuedAt: later(60).toISOString() };
  const finish = (
    handled: WorkRules<DirectoryReading>,
    who: string,
    outcome: DirectoryReading | { error: Error },
    facts = new Facts(before),
    now = later(90),
  ) => handled.finish(of(who), outcome, facts, context(now));

  it('R4.2 says who that is, by a directory with its own digest and age', () => {
    const { emit } = finish(lazy, 'boris', newer);
    expect(emit.map(({ type }) => type)).toEqual(['readmit.people.attested']);
    expect(said(emit, 'readmit.people.attested')).toMatchObject({
      directory: { digest: newer.digest, issuedAt: newer.issuedAt, ageSeconds: 30 },
      people: [{ id: 'boris', teams: ['help-desk'] }],
      contacts: [],
    });
  });
  it('R4.2 says that the directory does not know the person', () => {
    expect(said(finish(lazy, 'stranger', newer).emit, 'readmit.people.attested')?.people).toEqual([]);
  });
  it('R1.6 waits for a directory that is not too old, and answers once', () => {
    expect(finish(lazy, 'boris', snapshot, new Facts(before), later(3601))).toEqual({ emit: [], retryAt: later(3602) });
    expect(finish(lazy, 'boris', { error: new Error('away') })).toEqual({ emit: [], retryAt: later(91) });
    const ahead = new Facts(
      before.map((one) => (one.type === 'readmit.people.attested' ? fact(one.id, one.type, { ...one.data, directory: newer }) : one)),
    );
    // Older than the one of the first attestation: it would not count, so it is not emitted.
    expect(finish(lazy, 'boris', snapshot, ahead)).toEqual({ emit: [], retryAt: later(91) });
    expect(finish(lazy, 'boris', newer, ahead).emit).toHaveLength(1);
    const answered = new Facts([...before, ...finish(lazy, 'boris', newer).emit.map((draft) => fact('answer', draft.type, draft.data))]);
    expect(finish(lazy, 'boris', newer, answered)).toEqual({ emit: [] });
    expect(lazy.begin(of('boris'), answered, context(later(90)))).toEqual({ go: false, emit: [] });
    expect(lazy.begin(of('boris'), new Facts(before), context(later(90)))).toEqual({ go: true, emit: [] });
  });
});
