/**
 * What goes out again when somebody says "this was not me", also after the recovery is complete, and that a target which says yes and
 * does not do it is not believed.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { demoIdpConnector, type Connector } from '@readmit/connectors';
import type { Ask, Plan, RecipientKey, Undo, UndoKind } from '@readmit/contracts';
import { startDemo, type Demo } from '../src/index.js';
import canonicalize from 'canonicalize';
import { compactDecrypt, importJWK, type JWK } from 'jose';
import { URI } from 'otpauth';

const caseId = 'case_ada';
let now: number;
let demo: Demo;
/** Answers instead of the demo, or lets it answer. */
let liar: (url: string, init: RequestInit | undefined, truth: () => Promise<Response>) => Promise<Response>;
let connector: Connector;
const signal = () => AbortSignal.timeout(20_000);
const honest: typeof liar = (_url, _init, truth) => truth();

beforeEach(async () => {
  now = Date.parse('2026-11-22T12:00:00.000Z');
  liar = honest;
  demo = await startDemo({ clock: () => new Date(now), env: {} });
  connector = demoIdpConnector({
    name: 'demo-idp',
    url: demo.url,
    tokenUrl: demo.tokenUrl,
    ...demo.clients['readmit-execution'],
    fetch: (url, init) => liar(String(url), init, () => fetch(url, init)),
  });
});
afterEach(() => demo.stop());

const ada = () => {
  const persona = demo.people['ada'];
  if (!persona) throw new Error('no ada');
  return { ...persona, code: () => URI.parse(persona.totp).generate({ timestamp: now }) };
};
async function post(path: string, body: object, session?: string): Promise<Record<string, string>> {
  const response = await fetch(`${demo.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(session ? { authorization: `Bearer ${session}` } : {}) },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, string>;
}
const signIn = (extra: object) => post('/demo/sign-in', { username: ada().username, password: ada().password, ...extra });
/** The session's factor is begun and confirmed; codes of it open from the next step on. */
async function enrol(session: string): Promise<() => string> {
  const totp = URI.parse(String((await post('/demo/factors', {}, session))['uri']));
  const code = () => totp.generate({ timestamp: now });
  await post('/demo/factors', { code: code() }, session);
  now += 60_000;
  return code;
}
const isOpen = async (session: string) =>
  (await fetch(`${demo.url}/demo/me`, { headers: { authorization: `Bearer ${session}` } })).status === 200;
async function lock(): Promise<void> {
  for (let n = 0; n < 5; n++) await signIn({ password: 'wrong', code: '000000' });
}

const pair = (type: 'ed25519' | 'x25519') =>
  (type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519')).privateKey.export({ format: 'jwk' });
const sealing = pair('x25519') as JWK;
const halves = {
  signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: String(pair('ed25519').x) },
  sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: String(sealing.x) },
};
const key: RecipientKey = {
  ...halves,
  fingerprint: createHash('sha256')
    .update(canonicalize(halves) ?? '')
    .digest('hex'),
};

/** A plan of the asks, as `buildPlan` joins them. */
async function planOf(...kinds: readonly Ask['kind'][]) {
  const asks: Ask[] = kinds.map((kind, n) => ({ id: `ask-${n}`, kind, connector: 'demo-idp', object: 'ada' }));
  const options = {
    ceiling: {
      steps: ['factor.remove', 'sessions.end', 'bypass.issue', 'account.unlock'] as const,
      entitlements: [],
      maxDurationSeconds: 900,
    },
    durationSeconds: 900,
    overlapSeconds: 0,
    recipients: [key],
  };
  const parts = await Promise.all(
    asks.map(async (ask) => ({
      ask,
      ...(await connector.plan(ask, { ...options, ceiling: { ...options.ceiling, steps: [...options.ceiling.steps] } }, signal())),
    })),
  );
  const plan: Plan = {
    caseId,
    class: 'mfa-recovery',
    asks,
    steps: parts.flatMap(({ ask, steps }) => steps.map((step) => ({ ...step, id: `${ask.id}-${step.kind}`, askId: ask.id }))),
    removes: [],
    restores: [],
    untouched: [],
    warnings: parts.flatMap(({ warnings }) => warnings ?? []),
    obligations: parts.flatMap(({ ask, obligations }) => obligations.map((undo) => ({ ...undo, id: `${ask.id}-${undo.kind}` }))),
    recipients: [{ id: 'requester', fingerprint: key.fingerprint }],
    durationSeconds: 900,
    before: { digest: '0'.repeat(64), facets: parts.flatMap(({ before }) => before) },
    classificationId: 'c',
  };
  const undoOf = (kind: UndoKind): Undo => {
    const found = plan.obligations.find((undo) => undo.kind === kind);
    if (!found) throw new Error(`no ${kind}`);
    return found;
  };
  const undo = (kind: UndoKind) => connector.undo(undoOf(kind), { caseId, plan }, signal());
  return { plan, undo, read: () => Promise.all(asks.map((ask) => connector.read(ask, signal()))) };
}
/** Carries the plan out; the code of the bypass, if it has one. */
async function carryOut(plan: Plan): Promise<string> {
  let code = '';
  for (const step of plan.steps) {
    const { sealed } = await connector.execute(step, { caseId, recipients: [key], expiresAt: new Date(now + 900_000), plan }, signal());
    if (!sealed[0]) continue;
    const { plaintext } = await compactDecrypt(sealed[0].jwe, await importJWK(sealing, 'ECDH-ES'));
    code = (JSON.parse(new TextDecoder().decode(plaintext)) as { code: string }).code;
  }
  return code;
}
const valueOf = (facets: readonly { name: string; value: string }[], what: string) =>
  facets.find(({ name }) => name === `demo-idp/ada/${what}`)?.value;
const personUrl = /\/demo\/admin\/people\/ada$/;

/** A recovery that went to its end: the new factor is enrolled, the bypass closed. */
async function recovered() {
  const made = await planOf('factor.reset');
  const bypass = await carryOut(made.plan);
  const code = await enrol(String((await signIn({ bypass }))['session']));
  await made.undo('bypass.close');
  return { ...made, code };
}

describe('a recovery that is repudiated after it was complete', () => {
  it('R5.4 loses the factor that was enrolled and every session, and what was enrolled with those', async () => {
    const { undo, code } = await recovered();
    const session = String((await signIn({ code: code() }))['session']);
    const second = await enrol(session);
    expect(await isOpen(session)).toBe(true);
    const taken = await undo('enrolment.withdraw');
    expect([valueOf(taken.readBack, 'factors'), valueOf(taken.readBack, 'bypass'), taken.sessionsEnded]).toEqual(['none', 'none', 1]);
    expect(await isOpen(session)).toBe(false);
    now += 60_000;
    for (const one of [code, second]) expect((await signIn({ code: one() }))['reason']).toBe('no-factor-enrolled');
  });

  it('R5.4 keeps what was there before the plan, and taken back again it finds nothing and says so', async () => {
    const { plan, undo } = await planOf('factor.bypass');
    const code = await enrol(String((await signIn({ bypass: await carryOut(plan) }))['session']));
    const first = await undo('enrolment.withdraw');
    expect(valueOf(first.readBack, 'factors')).toBe('totp-ada-1');
    expect((await signIn({ code: code() }))['reason']).toBe('wrong-code');
    const again = await undo('enrolment.withdraw');
    expect([again.sessionsEnded, valueOf(again.readBack, 'factors')]).toEqual([0, 'totp-ada-1']);
    expect((await signIn({ code: ada().code() }))['scope']).toBe('full');
    // Asked a third time, what was opened since ends too.
    expect((await undo('enrolment.withdraw')).sessionsEnded).toBe(1);
  });

  it('R5.4 before it was used: the bypass is void, and none can be issued for the case any more', async () => {
    const { plan, undo } = await planOf('factor.bypass');
    const bypass = await carryOut(plan);
    await undo('enrolment.withdraw');
    expect((await signIn({ bypass }))['reason']).toBe('bypass-closed');
    await expect(carryOut(plan)).rejects.toThrow('closed-for-case');
  });

  it('R5.4 R5.1 also of a replaced factor, and of a lock that was lifted: it is locked again', async () => {
    const replaced = await planOf('factor.replace');
    await carryOut(replaced.plan);
    expect(valueOf((await replaced.undo('enrolment.withdraw')).readBack, 'factors')).toBe('none');
    await lock();
    const unlocked = await planOf('account.unlock');
    await carryOut(unlocked.plan);
    expect((await signIn({ code: ada().code() }))['reason']).toBe('no-factor-enrolled');
    const taken = await unlocked.undo('enrolment.withdraw');
    expect(valueOf(taken.readBack, 'locked')).toBe('yes');
    expect((await signIn({ code: ada().code() }))['reason']).toBe('account-locked');
  });

  it('R2.2 says in the plan what will be taken back and what cannot', async () => {
    const { plan } = await planOf('factor.bypass');
    const says = plan.obligations.find(({ kind }) => kind === 'enrolment.withdraw')?.says ?? '';
    expect(says).toMatch(/remove every factor .* enrolled since/);
    expect(says).toMatch(/API tokens already issued live to their own end/);
  });
});

describe('a target that says yes and does not do it', () => {
  /** Answers a change with the state that was asked for, and does nothing. */
  const pretend =
    (path: RegExp, changed: object): typeof liar =>
    async (url, init, truth) => {
      if (init?.method !== 'POST' || !path.test(url)) return truth();
      const state = (await (await fetch(url.replace(path, ''), { headers: init.headers as Record<string, string> })).json()) as object;
      return Response.json({ person: { ...state, ...changed }, result: { sessionsEnded: 1 }, repeated: false });
    };

  it('R6.3 is not believed about a bypass that is still open', async () => {
    const { plan, undo } = await planOf('factor.bypass');
    const bypass = await carryOut(plan);
    liar = pretend(/\/bypass\/close$/, { bypass: { state: 'closed', for: caseId } });
    await expect(undo('bypass.close')).rejects.toMatchObject({
      effect: 'unknown',
      code: 'changed',
      message: expect.stringContaining('still active'),
    });
    liar = honest;
    await expect(undo('bypass.close')).resolves.toMatchObject({ sessionsEnded: 0 });
    expect((await signIn({ bypass }))['reason']).toBe('bypass-closed');
  });

  it('R6.3 is not believed about a session that the bypass opened', async () => {
    const { plan, undo } = await planOf('factor.bypass');
    await signIn({ bypass: await carryOut(plan) });
    const session = { id: 'session-1', scope: 'enrol-only', openedBy: 'bypass' };
    liar = async (url, init, truth) => {
      const response = await truth();
      if (init?.method === 'POST' || !personUrl.test(url)) return response;
      return Response.json({ ...((await response.json()) as object), sessions: [session] });
    };
    await expect(undo('bypass.close')).rejects.toMatchObject({
      effect: 'unknown',
      message: expect.stringContaining('1 session(s) opened by a bypass'),
    });
    liar = honest;
    await expect(undo('bypass.close')).resolves.toMatchObject({ sessionsEnded: 1 });
  });

  it.each<[string, RegExp, string]>([
    ['a factor that is still enrolled', /\/factors\/remove$/, 'still has factor totp-'],
    ['a session that is still open', /\/sessions\/end$/, '1 open session(s)'],
  ])('R6.3 is not believed about %s', async (_, path, says) => {
    const { undo, code } = await recovered();
    await signIn({ code: code() });
    liar = pretend(path, {});
    await expect(undo('enrolment.withdraw')).rejects.toMatchObject({ effect: 'unknown', message: expect.stringContaining(says) });
    liar = honest;
    await expect(undo('enrolment.withdraw')).resolves.toMatchObject({ sessionsEnded: path.test('/sessions/end') ? 1 : 0 });
  });

  it('R6.3 is not believed about a lock, nor about a bypass that a repudiation voids', async () => {
    await lock();
    const unlocked = await planOf('account.unlock');
    await carryOut(unlocked.plan);
    liar = pretend(/\/lock$/, { locked: true });
    await expect(unlocked.undo('enrolment.withdraw')).rejects.toMatchObject({ message: expect.stringContaining('no lock') });
    liar = honest;
    const { plan, undo } = await planOf('factor.bypass');
    await carryOut(plan);
    liar = pretend(/\/bypass\/close$/, { bypass: { state: 'closed', for: caseId } });
    await expect(undo('enrolment.withdraw')).rejects.toMatchObject({ message: expect.stringContaining('still active') });
    liar = honest;
    await expect(undo('enrolment.withdraw')).resolves.toMatchObject({ sessionsEnded: 0 });
  });

  it('R6.3 continues when somebody enrols another factor while it is taken back', async () => {
    const { undo, code } = await recovered();
    const session = String((await signIn({ code: code() }))['session']);
    let once = true;
    liar = async (url, init, truth) => {
      if (once && init?.method === 'POST' && url.endsWith('/sessions/end')) {
        once = false;
        await enrol(session);
      }
      return truth();
    };
    const taken = await undo('enrolment.withdraw');
    expect(once).toBe(false);
    expect(valueOf(taken.readBack, 'factors')).toBe('none');
  });
});

describe('a lock', () => {
  it('R1.8 R2.5 by somebody who types wrong passwords voids no recovery, also one that asked to lift a lock', async () => {
    const bypass = await planOf('factor.bypass');
    const before = bypass.plan.before.facets;
    const unneeded = await planOf('account.unlock');
    await lock();
    expect((await bypass.read()).flat()).toEqual(before);
    expect((await unneeded.read()).flat()).toEqual(unneeded.plan.before.facets);
    const unlock = await planOf('account.unlock');
    expect(unlock.plan.steps.map(({ kind }) => kind)).toEqual(['account.unlock']);
    await carryOut(unlock.plan);
    expect((await unlock.read()).flat()).toEqual(unlock.plan.before.facets);
  });

  it('R2.2 is told in the plan of a bypass, which alone will not open the account', async () => {
    expect((await planOf('factor.bypass')).plan.warnings).toEqual([]);
    await lock();
    expect((await planOf('factor.bypass')).plan.warnings).toEqual([
      'The account ada is locked: a bypass alone will not open it; ask for account.unlock too.',
    ]);
    expect((await planOf('account.unlock')).plan.warnings).toEqual([]);
  });
});

describe('what a plan says of identities', () => {
  it('R2.5 names account and factors by the ids of the target, and which facets each step changes', async () => {
    const { plan } = await planOf('factor.reset');
    const account = { name: 'account', value: 'ada' };
    expect(plan.steps.map(({ kind, identity, touches, hold }) => [kind, identity, touches, hold])).toEqual([
      ['factor.remove', [account, { name: 'factor', value: 'totp-ada-1' }], ['demo-idp/ada/factors'], undefined],
      ['sessions.end', [account], [], undefined],
      ['bypass.issue', [account], ['demo-idp/ada/bypass'], undefined],
    ]);
    const [issue] = plan.steps.filter(({ kind }) => kind === 'bypass.issue');
    if (!issue) throw new Error('no bypass');
    const options = { caseId, recipients: [key], expiresAt: new Date(now + 900_000), plan };
    expect((await connector.execute(issue, options, signal())).made).toEqual([
      { name: 'bypass', value: expect.stringMatching(/^bypass-/) },
    ]);
  });

  it('R2.5 R6.3 acts on no account that has the name of another now', async () => {
    const { plan, undo, read } = await planOf('factor.bypass');
    await carryOut(plan);
    liar = async (url, init, truth) => {
      const response = await truth();
      if (init?.method === 'POST' || !personUrl.test(url)) return response;
      return Response.json({ ...((await response.json()) as object), id: 'ada-the-second' });
    };
    for (const acting of [carryOut(plan), undo('bypass.close'), undo('enrolment.withdraw')])
      await expect(acting).rejects.toMatchObject({ code: 'changed', message: expect.stringContaining('another account') });
    // Nothing was done to the account that has the name now.
    liar = honest;
    expect(valueOf((await read()).flat(), 'bypass')).toBe('active');
    await expect(undo('bypass.close')).resolves.toMatchObject({ sessionsEnded: 0 });
  });
});
