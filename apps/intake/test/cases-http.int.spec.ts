/**
 * Cases over HTTP on a real database: who may read them, how many may be open, how they are repudiated with only a code, and what a
 * signal of compromise does to them. Not here: who is in which team (classification attests that).
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { decodeJwt } from 'jose';
import { randomUUID } from 'node:crypto';
import { openPostOffice, type PostOffice } from './post-office.js';
import { startIntake, type RunningIntake } from './running-intake.js';

let intake: RunningIntake;
let office: PostOffice;
beforeAll(async () => {
  office = await openPostOffice();
  const limits = { READMIT_OPEN_PER_SUBJECT: '4', READMIT_OPEN_PER_REQUESTER: '3', READMIT_OPEN_PER_OBJECT: '2' };
  intake = await startIntake({ ...office.env, ...limits }, 'embedded');
});
afterAll(async () => {
  await intake.close();
  await office.close();
});

type Who = { readonly sub: string; readonly teams?: readonly string[] } | undefined;
async function send(method: 'GET' | 'POST', path: string, who: Who, body?: object, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${intake.url}/api/intake${path}`, {
    method,
    headers: {
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(who ? { authorization: `Bearer ${await intake.token(who)}` } : {}),
      ...headers,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const request = (subject: string, object = subject, reason = 'my phone is gone') => ({
  subject: { kind: 'person', id: subject },
  asks: [{ kind: 'factor.bypass', connector: 'demo-idp', object }],
  reasonCode: 'lost-device',
  reason,
  durationSeconds: 600,
});
const open = (by: string, subject: string, object: string = randomUUID(), key: string = randomUUID()) =>
  send('POST', '/cases', { sub: by }, request(subject, object), { 'idempotency-key': key });
const opened = async (by: string, subject: string): Promise<string> => String((await open(by, subject)).body['caseId']);
const reasons = async (...asked: readonly ReturnType<typeof send>[]) =>
  (await Promise.all(asked)).map(({ status, body }) => body['reason'] ?? status);
const show = (caseId: string, who: Who) => send('GET', `/cases/${caseId}`, who);
const frozen = async (caseId: string) =>
  (await intake.emitted('readmit.case.frozen')).filter(({ key }) => key === caseId).map(({ data }) => data);
const codeFor = async (caseId: string): Promise<string> => {
  await until(() => office.letters.some(({ text }) => text.includes(caseId)), { what: 'the notice is delivered' });
  return /--code ([0-9A-Z-]+)/.exec(office.letters.find(({ text }) => text.includes(caseId))?.text ?? '')?.[1] ?? '';
};
const gita = { sub: 'gita', teams: ['platform-operators'] };

describe('the sign-in route', () => {
  it('is public: it names the issuer, the audience and the claims of accepted tokens, and what a decision needs', async () => {
    const { status, body } = await send('GET', '/sign-in', undefined);
    const { iss, aud } = decodeJwt(await intake.token({ sub: 'ada' }));
    expect([status, body]).toEqual([
      200,
      {
        issuer: iss,
        audience: aud,
        tokens: {
          types: ['at+jwt'],
          algorithms: ['EdDSA', 'Ed25519', 'ES256', 'RS256'],
          subjectClaim: 'sub',
          teamsClaim: 'teams',
          clientIdClaim: 'client_id',
        },
        stepUp: { acrValues: [], maxAgeSeconds: 300 },
      },
    ]);
  });
});

describe('reading', () => {
  it('is for the requester, the subject, operators and auditors; for others the case does not exist and is in no list', async () => {
    const caseId = await opened('erin', 'ada');
    const parties: Who[] = [{ sub: 'erin' }, { sub: 'ada' }, gita, { sub: 'otto', teams: ['auditors'] }];
    for (const who of parties) {
      expect((await show(caseId, who)).body).toMatchObject({ caseId, reason: 'my phone is gone' });
      expect((await send('GET', `/cases/${caseId}/timeline`, who)).status).toBe(200);
      expect(JSON.stringify((await send('GET', '/cases', who)).body)).toContain(caseId);
    }
    const mallory = { sub: 'mallory', teams: ['help-desk', 'security-oncall'] };
    const withoutIds = async (caseId: string) => {
      const { body } = await show(caseId, mallory);
      return JSON.stringify({ ...body, instance: 'request' }).replaceAll(caseId, 'case');
    };
    const answer = await withoutIds(caseId);
    expect(answer).toBe(await withoutIds('case_nowhere'));
    expect(answer).toContain('case-unknown');
    expect((await send('GET', `/cases/${caseId}/timeline`, mallory)).body['reason']).toBe('case-unknown');
    expect((await send('GET', '/cases', mallory)).body).toEqual([]);
    expect((await send('GET', '/cases?subject=ada', mallory)).body).toEqual([]);
  });

  it('pages through the cases of one person', async () => {
    const mine = [await opened('lister', 'l-1'), await opened('lister', 'l-2'), await opened('lister', 'l-3')];
    const page = async (before?: string) =>
      (
        (await send('GET', `/cases?limit=2${before ? `&before=${before}` : ''}`, { sub: 'lister' })).body as unknown as { caseId: string }[]
      ).map(({ caseId }) => caseId);
    const first = await page();
    expect([...first, ...(await page(first[1]))]).toEqual(mine.toReversed());
  });
});

describe('cases that are open at once', () => {
  it('R6.2 are limited per requester, subject and account, with what to do; others are not affected', async () => {
    expect(await reasons(open('r-1', 's-1'), open('r-1', 's-2'), open('r-1', 's-3'))).toEqual([202, 202, 202]);
    expect(await reasons(open('r-1', 's-4'))).toEqual(['too-many-open-cases']);
    expect(await reasons(open('r-2', 's-4'))).toEqual([202]);

    for (const by of ['a', 'b', 'c', 'd']) expect(await reasons(open(by, 'crowded'))).toEqual([202]);
    expect(await reasons(open('e', 'crowded'), open('e', 'quiet'))).toEqual(['too-many-open-cases', 202]);

    for (const by of ['f', 'g']) expect(await reasons(open(by, `of-${by}`, 'account'))).toEqual([202]);
    const { status, body } = await open('h', 'of-h', 'account');
    expect([status, body['rule'], body['reason'], body['detail']]).toEqual([
      409,
      'R6.2',
      'too-many-open-cases',
      expect.stringMatching(/Withdraw or end/),
    ]);
    expect((await intake.emitted('readmit.intake.refused')).map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ reason: 'too-many-open-cases', actor: 'h', command: 'open-case', key: 'http:openCase' }),
    );
  });

  it('R6.2 are limited for a burst of requests to one process', async () => {
    const answers = await reasons(...Array.from({ length: 12 }, (_, n) => open('burst', `burst-${n}`)));
    expect(answers.filter((one) => one === 202)).toHaveLength(3);
    expect(answers.filter((one) => one === 'too-many-open-cases')).toHaveLength(9);
    expect((await send('GET', '/cases', { sub: 'burst' })).body).toHaveLength(3);
  });

  it('R8.3 do not count a retry: it gets its case even when the limit is reached', async () => {
    const key = randomUUID();
    const first = await open('again', 'again-1', 'again-1', key);
    expect(await reasons(open('again', 'again-2'), open('again', 'again-3'))).toEqual([202, 202]);
    expect(await open('again', 'again-1', 'again-1', key)).toEqual(first);
    expect(await reasons(open('again', 'again-4'))).toEqual(['too-many-open-cases']);
  });
});

describe('a repudiation', () => {
  const repudiate = (caseId: string, who: Who, body: object) => send('POST', `/cases/${caseId}/repudiate`, who, body);
  /** Refused repudiations as the timeline of the case shows them. */
  const tried = async (caseId: string) => {
    const entries = (await send('GET', `/cases/${caseId}/timeline`, gita)).body as unknown as Record<string, unknown>[];
    return entries.filter(({ type }) => type === 'readmit.intake.refused').map(({ actor, says }) => [actor, String(says).split(')')[0]]);
  };

  it('R5.4 needs no sign-in with the code of a notice; its reason is stored for those who may read it, and is in no event', async () => {
    const caseId = await opened('p-1', 'pat');
    const code = await codeFor(caseId);
    expect(await repudiate(caseId, undefined, { reason: 'I asked for nothing', code: code.toLowerCase() })).toMatchObject({ status: 202 });
    expect(await frozen(caseId)).toEqual([
      { caseId, by: 'repudiation-code', cause: 'repudiated', reasonDigest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect((await show(caseId, { sub: 'pat' })).body).toMatchObject({
      repudiation: { by: 'repudiation-code', reason: 'I asked for nothing' },
    });
    const timeline = await send('GET', `/cases/${caseId}/timeline`, gita);
    expect(JSON.stringify(timeline.body)).toContain('Case frozen: repudiated with the code of a notice: I asked for nothing.');
    // A second one changes nothing, and the first reason stays.
    expect(await repudiate(caseId, { sub: 'pat' }, { reason: 'again' })).toMatchObject({ status: 202 });
    expect(await frozen(caseId)).toHaveLength(1);
    expect((await show(caseId, gita)).body).toMatchObject({ repudiation: { reason: 'I asked for nothing' } });
    const all = await intake.emitted('readmit.case.opened', 'readmit.case.frozen', 'readmit.notice.sent', 'readmit.intake.refused');
    for (const secret of [code, code.replaceAll('-', ''), 'I asked for nothing']) expect(JSON.stringify(all)).not.toContain(secret);
  });

  it('R5.4 with the code of another case, a wrong one, or none is refused, recorded and counted', async () => {
    const [caseId, other] = [await opened('p-2', 'quinn'), await opened('p-2', 'quinn')];
    const foreign = await codeFor(other);
    const wrong = async () => {
      const metrics = await (await fetch(`${intake.url}/metrics`)).text();
      return Number(/readmit_refusals_total\{[^}]*reason="repudiation-code-wrong"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0);
    };
    const before = await wrong();
    for (const code of [foreign, '0000-0000', 'x'])
      expect((await repudiate(caseId, undefined, { reason: 'not me', code })).body).toMatchObject({
        status: 403,
        reason: 'repudiation-code-wrong',
      });
    expect(await wrong()).toBe(before + 3);
    expect((await repudiate(caseId, undefined, { reason: 'not me' })).body).toMatchObject({ status: 401, reason: 'credentials-missing' });
    expect((await repudiate('case_nowhere', undefined, { reason: 'not me', code: foreign })).body).toMatchObject({
      reason: 'case-unknown',
    });
    expect(await frozen(caseId)).toEqual([]);
    expect((await repudiate(other, undefined, { reason: 'not me', code: foreign })).status).toBe(202);
  });

  it('R5.4 may be reported by an operator, not by the requester or a stranger, whose attempts the timeline shows; R4.5 a blank reason is refused', async () => {
    const caseId = await opened('p-3', 'rosa');
    expect((await repudiate(caseId, { sub: 'p-3' }, { reason: 'not me' })).body['reason']).toBe('repudiator-is-requester');
    expect((await repudiate(caseId, { sub: 'mallory' }, { reason: 'not me' })).body['reason']).toBe('not-the-subject');
    expect((await repudiate(caseId, { sub: 'rosa' }, { reason: '\u200b \u2060' })).body['reason']).toBe('reason-blank');
    expect(await frozen(caseId)).toEqual([]);
    expect(await tried(caseId)).toEqual([
      ['p-3', 'Command repudiate by p-3 refused (R5.4 repudiator-is-requester'],
      ['mallory', 'Command repudiate by mallory refused (R5.4 not-the-subject'],
      ['rosa', 'Command repudiate by rosa refused (R4.5 reason-blank'],
    ]);
    expect((await repudiate(caseId, gita, { reason: 'she called' })).status).toBe(202);
    expect(await tried(caseId)).toHaveLength(3);
    expect(await frozen(caseId)).toMatchObject([{ by: 'gita', cause: 'reported' }]);
    expect(await reasons(send('POST', '/cases', { sub: 'p-3' }, request('rosa', 'rosa', ' ')))).toEqual(['reason-blank']);
  });
});

describe('a signal of compromise', () => {
  const signal = async (type: string, subject: string, id: string = randomUUID()) => {
    const event = { specversion: '1.0', id, type: `readmit.idp.${type}`, subject, time: new Date().toISOString() };
    const response = await fetch(`${intake.url}/api/intake/signals`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await intake.token({ client_id: 'acme' })}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ ...event, source: 'https://sso.example.com/realms/acme' }),
    });
    return ((await response.json()) as { signalId: string }).signalId;
  };

  it.each(['credential-compromised', 'session-revoked'])('R6.4 (%s) freezes every open case of its subject, and no other', async (type) => {
    const subject = `s-${type}`;
    const live = [await opened(`o-${type}`, subject), await opened(`o-${type}`, subject)];
    const other = await opened(`o-${type}`, `${subject}-2`);
    const signalId = await signal(type, subject);
    await until(async () => (await Promise.all(live.map(frozen))).every((facts) => facts.length === 1), { what: 'both are frozen' });
    for (const caseId of live) expect(await frozen(caseId)).toEqual([{ caseId, by: signalId, cause: 'signal' }]);
    expect(await frozen(other)).toEqual([]);
    // The case ends, and its subject is notified.
    await until(async () => (await show(live[0] ?? '', gita)).body['state'] === 'closed', { what: 'it is closed' });
    expect((await show(live[0] ?? '', gita)).body['outcome']).toBe('frozen');
  });

  it('R1.8 R6.4 that only reports a lockout changes nothing; nor does one from before the case', async () => {
    await signal('credential-compromised', 'tess');
    const caseId = await opened('o-tess', 'tess');
    await signal('account-locked', 'tess');
    // Any effect of these would be visible once a later signal has frozen another case.
    const marker = await opened('o-tess', 'tess-2');
    await signal('session-revoked', 'tess-2');
    await until(async () => (await frozen(marker)).length === 1, { what: 'the marker is frozen' });
    expect(await frozen(caseId)).toEqual([]);
    await signal('credential-compromised', 'tess');
    await until(async () => (await frozen(caseId)).length === 1, { what: 'a later signal freezes it' });
  });

  it('R6.4 that is repeated, or for a case that is already frozen, acts once', async () => {
    const caseId = await opened('o-uma', 'uma');
    const id = randomUUID();
    await signal('credential-compromised', 'uma', id);
    await until(async () => (await frozen(caseId)).length > 0, { what: 'it is frozen' });
    await signal('credential-compromised', 'uma', id);
    await signal('session-revoked', 'uma');
    const marker = await opened('o-uma', 'uma-2');
    await signal('session-revoked', 'uma-2');
    await until(async () => (await frozen(marker)).length === 1, { what: 'the marker is frozen' });
    expect(await frozen(caseId)).toHaveLength(1);
  });
});

describe('a notice', () => {
  it('R5.4 without an address on record is given up, and the case closes without it', async () => {
    const caseId = await opened('o-nobody', 'nobody');
    await until(async () => (await intake.emitted('readmit.notice.given-up')).some(({ key }) => key === caseId), {
      what: 'it is given up',
    });
    const [given] = (await intake.emitted('readmit.notice.given-up')).filter(({ key }) => key === caseId);
    expect(given?.data).toMatchObject({ about: 'opened', to: 'nobody', reason: 'no address is on record' });
    await send('POST', `/cases/${caseId}/repudiate`, gita, { reason: 'she called' });
    await until(async () => (await show(caseId, gita)).body['state'] === 'closed', { what: 'the case closes' });
  });
});
