/**
 * The connector against the running demo: the whole life of a bypass, crashes between its calls, and what is refused. Before,
 * during and after, the password alone opens nothing.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { demoIdpConnector, TargetError, type Connector } from '@readmit/connectors';
import type { Ask, Plan, RecipientKey, Step, Undo } from '@readmit/contracts';
import { startDemo, type Demo } from '../src/index.js';
import canonicalize from 'canonicalize';
import { compactDecrypt, importJWK, type JWK } from 'jose';
import { URI } from 'otpauth';

const caseId = 'case_ada';
const start = Date.parse('2026-11-22T12:00:00.000Z');
let now: number;
let demo: Demo;
let connector: Connector;
/** Everything that the demo logged and answered. */
let heard: string[];
let loseAnswerOf: RegExp | undefined;
const signal = () => AbortSignal.timeout(20_000);

const listening: typeof fetch = async (url, init) => {
  const response = await fetch(url, init);
  const text = await response.clone().text();
  if (!String(url).endsWith('/token')) heard.push(text);
  if (loseAnswerOf?.test(String(url))) {
    loseAnswerOf = undefined;
    throw new TypeError('fetch failed');
  }
  return response;
};

beforeEach(async () => {
  now = start;
  heard = [];
  loseAnswerOf = undefined;
  demo = await startDemo({ clock: () => new Date(now), log: (entry) => heard.push(JSON.stringify(entry)), env: {} });
  connector = demoIdpConnector({
    name: 'demo-idp',
    url: demo.url,
    tokenUrl: demo.tokenUrl,
    ...demo.clients['readmit-execution'],
    fetch: listening,
  });
});
afterEach(() => demo.stop());

const ada = () => {
  const persona = demo.people['ada'];
  if (!persona) throw new Error('no ada');
  return { username: persona.username, password: persona.password, code: () => URI.parse(persona.totp).generate({ timestamp: now }) };
};

async function call(
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  session?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${demo.url}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(session ? { authorization: `Bearer ${session}` } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const signIn = async (extra: Record<string, string>) =>
  call('POST', '/demo/sign-in', { username: ada().username, password: ada().password, ...extra });
const reasonOf = async (extra: Record<string, string>) => (await signIn(extra)).body['reason'];

function newKey(): { key: RecipientKey; sealing: JWK } {
  const pair = (type: 'ed25519' | 'x25519') =>
    (type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519')).privateKey.export({ format: 'jwk' });
  const sealing = pair('x25519') as JWK;
  const keys = {
    signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: String(pair('ed25519').x) },
    sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: String(sealing.x) },
  };
  return {
    key: {
      ...keys,
      fingerprint: createHash('sha256')
        .update(canonicalize(keys) ?? '')
        .digest('hex'),
    },
    sealing,
  };
}

const { key, sealing } = newKey();
const ask: Ask = { id: 'ask-1', kind: 'factor.reset', connector: 'demo-idp', object: 'ada' };
const ceiling = {
  steps: ['factor.remove', 'sessions.end', 'bypass.issue', 'account.unlock'] as const,
  entitlements: [],
  maxDurationSeconds: 3600,
};
const planOptions = { ceiling: { ...ceiling, steps: [...ceiling.steps] }, durationSeconds: 900, overlapSeconds: 0, recipients: [key] };

async function planned(kind: Ask['kind'] = 'factor.reset'): Promise<{
  plan: Plan;
  undo: Undo;
  withdraw: Undo;
  step: (kind: Step['kind']) => Step;
  read: () => ReturnType<Connector['read']>;
}> {
  const asked = { ...ask, kind };
  const parts = await connector.plan(asked, planOptions, signal());
  const plan: Plan = {
    caseId,
    class: 'mfa-recovery',
    asks: [asked],
    steps: parts.steps.map((step, i) => ({ ...step, id: `step-${i}`, askId: ask.id })),
    removes: [...parts.removes],
    restores: [...parts.restores],
    untouched: [...parts.untouched],
    obligations: parts.obligations.map((undo, i) => ({ ...undo, id: `undo-${i}` })),
    recipients: [{ id: 'ada', fingerprint: key.fingerprint }],
    durationSeconds: 900,
    before: { digest: '0'.repeat(64), facets: [...parts.before] },
    classificationId: 'c',
  };
  const undo = plan.obligations[0];
  const withdraw = plan.obligations.find((each) => each.kind === 'enrolment.withdraw');
  if (!undo || !withdraw) throw new Error('no obligation');
  const step = (kind: Step['kind']) => {
    const found = plan.steps.find((each) => each.kind === kind);
    if (!found) throw new Error(`no step ${kind}`);
    return found;
  };
  return { plan, undo, withdraw, step, read: () => connector.read(asked, signal()) };
}
const execute = (plan: Plan, step: Step) =>
  connector.execute(step, { caseId, recipients: [key], expiresAt: new Date(now + 900_000), plan }, signal());
const open = async (jwe: string | undefined) => {
  const { plaintext } = await compactDecrypt(String(jwe), await importJWK(sealing, 'ECDH-ES'));
  return JSON.parse(new TextDecoder().decode(plaintext)) as { code: string; kind: string; expiresAt: string };
};
const valueOf = (facets: readonly { name: string; value: string }[], what: string) =>
  facets.find(({ name }) => name === `demo-idp/ada/${what}`)?.value;

async function bypassIssued() {
  const parts = await planned();
  await execute(parts.plan, parts.step('factor.remove'));
  await execute(parts.plan, parts.step('sessions.end'));
  const { sealed, after } = await execute(parts.plan, parts.step('bypass.issue'));
  return { ...parts, after, sealed, secret: await open(sealed[0]?.jwe) };
}

describe('demo-idp connector', () => {
  it('R6.5 ends what an earlier bypass opened when the next case issues one, and leaves the next one alone', async () => {
    const { plan, undo, step, secret } = await bypassIssued();
    const enrolOnly = String((await signIn({ bypass: secret.code })).body['session']);
    const options = { caseId: 'case_next', recipients: [key], expiresAt: new Date(now + 900_000), plan };
    const next = await connector.execute(step('bypass.issue'), options, signal());
    expect((await call('POST', '/demo/factors', {}, enrolOnly)).body['reason']).toBe('not-signed-in');
    await expect(execute(plan, step('bypass.issue'))).rejects.toMatchObject({ effect: 'none', code: 'changed' }); // one at a time
    expect(valueOf((await connector.undo(undo, { caseId, plan }, signal())).readBack, 'bypass')).toBe('active');
    expect((await signIn({ bypass: (await open(next.sealed[0]?.jwe)).code })).status).toBe(201);
  });

  it('R2.2 says before anything happens what is removed, restored and left alone, and changes nothing by it', async () => {
    const { plan, read } = await planned();
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['factor.remove', 'sessions.end', 'bypass.issue']);
    expect(plan.removes).toEqual(['totp factor totp-ada-1 of ada', 'open sessions of ada']);
    expect(plan.untouched[0]).toBe('the password of ada at demo-idp');
    expect(plan.obligations).toMatchObject([
      { kind: 'bypass.close', armedBy: 'start', unlessTakenOver: false, afterSeconds: 900 },
      { kind: 'enrolment.withdraw', armedBy: 'repudiation', unlessTakenOver: false, afterSeconds: 0 },
    ]);
    expect(await read()).toEqual(plan.before.facets);
    expect(valueOf(plan.before.facets, 'factors')).toBe('totp-ada-1');
    expect((await signIn({ code: ada().code() })).status).toBe(201);
    expect(await read()).toEqual(plan.before.facets); // a sign-in is not part of what the plan depends on
  });

  it('R5.2 R6.4 leads Ada from a lost phone to a new factor, and the password alone never opens anything', async () => {
    expect(await reasonOf({})).toBe('second-factor-required');
    const session = String((await signIn({ code: ada().code() })).body['session']);
    expect((await call('GET', '/demo/me', undefined, session)).body).toMatchObject({ id: 'ada', scope: 'full' });

    const { plan, secret, undo, after } = await bypassIssued();
    expect(valueOf(after, 'factors')).toBe('none');
    expect(valueOf(after, 'bypass')).toBe('active');
    expect((await call('GET', '/demo/me', undefined, session)).body['reason']).toBe('not-signed-in');
    expect(await reasonOf({})).toBe('no-factor-enrolled');
    expect(secret.code).toMatch(/^([A-HJ-KM-NP-TV-Z2-9]{4}-){3}[A-HJ-KM-NP-TV-Z2-9]{4}$/);
    expect(await connector.observe(plan, { caseId }, signal())).toEqual([{ object: 'ada' }]);

    now += 60_000;
    const opened = await signIn({ bypass: secret.code });
    expect(opened.body).toMatchObject({ scope: 'enrol-only' });
    const enrolOnly = String(opened.body['session']);
    expect(await reasonOf({ bypass: secret.code })).toBe('bypass-used');
    expect((await call('GET', '/demo/me', undefined, enrolOnly)).body).toMatchObject({ status: 403, reason: 'enrol-only-session' });
    expect(await connector.observe(plan, { caseId }, signal())).toEqual([{ object: 'ada', used: { at: new Date(now).toISOString() } }]);

    const begun = await call('POST', '/demo/factors', {}, enrolOnly);
    const totp = URI.parse(String(begun.body['uri']));
    const wrong = String((Number(totp.generate({ timestamp: now })) + 1) % 1_000_000).padStart(6, '0');
    expect((await call('POST', '/demo/factors', { code: wrong }, enrolOnly)).body['reason']).toBe('wrong-code');
    const confirmed = await call('POST', '/demo/factors', { code: totp.generate({ timestamp: now }) }, enrolOnly);
    expect(confirmed).toMatchObject({ status: 201, body: { session: 'ended' } });
    expect((await call('POST', '/demo/factors', {}, enrolOnly)).body['reason']).toBe('not-signed-in'); // one factor, never a second
    expect((await connector.observe(plan, { caseId }, signal()))[0]?.enrolled).toEqual({ factor: confirmed.body['factor'] });

    const closed = await connector.undo(undo, { caseId, plan }, signal());
    expect(valueOf(closed.readBack, 'bypass')).toBe('none');
    now += 60_000;
    expect(await reasonOf({})).toBe('second-factor-required');
    expect((await signIn({ code: totp.generate({ timestamp: now }) })).body).toMatchObject({ scope: 'full' });
    expect(await reasonOf({ code: ada().code() })).toBe('wrong-code'); // the lost phone

    for (const text of heard)
      for (const hidden of [secret.code, secret.code.replaceAll('-', ''), ada().password, totp.secret.base32])
        expect(text).not.toContain(hidden);
  });

  it('R6.3 closes a bypass that was used: the session that it opened ends and cannot enrol any more', async () => {
    const { plan, undo, secret } = await bypassIssued();
    const enrolOnly = String((await signIn({ bypass: secret.code })).body['session']);
    expect((await call('POST', '/demo/factors', {}, enrolOnly)).status).toBe(200);
    expect(await connector.undo(undo, { caseId, plan }, signal())).toMatchObject({ sessionsEnded: 1 });
    expect((await call('POST', '/demo/factors', {}, enrolOnly)).body['reason']).toBe('not-signed-in');
    expect(await connector.undo(undo, { caseId, plan }, signal())).toMatchObject({ sessionsEnded: 1 }); // again: the same answer
    expect(await reasonOf({})).toBe('no-factor-enrolled');
    expect(await reasonOf({ bypass: secret.code })).toBe('bypass-closed');
  });

  it('R6.2 a bypass ends by itself at its instant, also when nobody closes it', async () => {
    const { secret } = await bypassIssued();
    now += 900_000;
    expect(await reasonOf({ bypass: secret.code })).toBe('bypass-expired');
    now -= 1;
    expect((await signIn({ bypass: secret.code })).status).toBe(201);
  });

  it('R5.5 called again after a crash it voids the earlier code and makes a new one', async () => {
    const { plan, step, secret } = await bypassIssued();
    const again = await execute(plan, step('bypass.issue'));
    const fresh = await open(again.sealed[0]?.jwe);
    expect(fresh.code).not.toBe(secret.code);
    expect(await reasonOf({ bypass: secret.code })).toBe('bypass-unknown');
    expect((await signIn({ bypass: fresh.code })).status).toBe(201);
    await expect(execute(plan, step('bypass.issue'))).rejects.toMatchObject({ effect: 'unknown', code: 'changed' });
    expect(valueOf((await execute(plan, step('factor.remove'))).after, 'factors')).toBe('none'); // removal repeats harmlessly
  });

  it('R5.5 reports an unknown effect when the answer to a write is lost, and none when nothing was sent', async () => {
    const { plan, step } = await planned();
    loseAnswerOf = /\/bypass$/;
    await expect(execute(plan, step('bypass.issue'))).rejects.toMatchObject({ effect: 'unknown', code: 'unreachable' });
    const fresh = await open((await execute(plan, step('bypass.issue'))).sealed[0]?.jwe);
    expect((await signIn({ bypass: fresh.code })).status).toBe(201);
    await expect(
      connector.execute(step('sessions.end'), { caseId, recipients: [], expiresAt: new Date(now), plan }, AbortSignal.abort()),
    ).rejects.toMatchObject({ effect: 'none', code: 'timeout' });
    const down = demoIdpConnector({
      name: 'demo-idp',
      url: 'http://127.0.0.1:9',
      tokenUrl: demo.tokenUrl,
      ...demo.clients['readmit-execution'],
    });
    await expect(
      down.execute(step('sessions.end'), { caseId, recipients: [], expiresAt: new Date(now), plan }, signal()),
    ).rejects.toMatchObject({ effect: 'none', code: 'unreachable' });
  });

  it('R6.2 a bypass that comes after its end is refused by the target, no matter what was slow', async () => {
    const { plan, undo, step } = await planned();
    expect(await connector.undo(undo, { caseId, plan }, signal())).toMatchObject({ sessionsEnded: 0 });
    await expect(execute(plan, step('bypass.issue'))).rejects.toThrow('closed-for-case');
    expect(await reasonOf({})).toBe('second-factor-required');
  });

  it('removes only the factors that the approved plan saw', async () => {
    const { plan, step } = await planned();
    const session = String((await signIn({ code: ada().code() })).body['session']);
    const totp = URI.parse(String((await call('POST', '/demo/factors', {}, session)).body['uri']));
    const { body } = await call('POST', '/demo/factors', { code: totp.generate({ timestamp: now }) }, session);
    expect(valueOf((await execute(plan, step('factor.remove'))).after, 'factors')).toBe(body['factor']);
  });

  it('refuses with an exact reason what it cannot or may not do', async () => {
    const refused = (change: Partial<Ask>, options: Partial<typeof planOptions> = {}) =>
      connector.plan({ ...ask, ...change }, { ...planOptions, ...options }, signal());
    await expect(refused({ kind: 'role.restore' })).rejects.toMatchObject({ code: 'unsupported', effect: 'none' });
    await expect(refused({ object: 'nobody' })).rejects.toMatchObject({ code: 'not-found', effect: 'none' });
    await expect(refused({}, { recipients: [] })).rejects.toMatchObject({ code: 'refused' });
    await expect(refused({}, { durationSeconds: 3601 })).rejects.toMatchObject({ code: 'refused' });
    await expect(refused({}, { ceiling: { ...planOptions.ceiling, steps: ['sessions.end', 'factor.remove'] } })).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(refused({})).resolves.toMatchObject({ steps: expect.anything() });
    const impostor = demoIdpConnector({
      name: 'demo-idp',
      url: demo.url,
      tokenUrl: demo.tokenUrl,
      clientId: 'readmit-execution',
      clientSecret: 'wrong',
    });
    await expect(impostor.read(ask, signal())).rejects.toBeInstanceOf(TargetError);
    const other = newKey().key;
    const { plan, step } = await planned();
    await expect(
      connector.execute(step('bypass.issue'), { caseId, recipients: [other], expiresAt: new Date(now + 900_000), plan }, signal()),
    ).rejects.toMatchObject({ code: 'refused', effect: 'none' });
  });

  it('R6.3 accepts an absence only when the canary is seen', async () => {
    const { plan, undo } = await planned();
    const blind: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (!String(url).endsWith('/demo-canary')) return response;
      return Response.json({ ...((await response.json()) as object), factors: [], sessions: [], bypass: { state: 'none' } });
    };
    const half = demoIdpConnector({
      name: 'demo-idp',
      url: demo.url,
      tokenUrl: demo.tokenUrl,
      ...demo.clients['readmit-execution'],
      fetch: blind,
    });
    await expect(half.undo(undo, { caseId, plan }, signal())).rejects.toMatchObject({ effect: 'unknown', code: 'refused' });
    await expect(connector.undo(undo, { caseId, plan }, signal())).resolves.toMatchObject({ sessionsEnded: 0 });
  });
});
