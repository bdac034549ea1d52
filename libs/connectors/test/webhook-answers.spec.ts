/** Unusual responses of receivers, and the reported effect. The example receiver is tested in tests/connectors. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ask, Plan } from '@readmit/contracts';
import { Webhook } from 'standardwebhooks';
import { TargetError, connectorKinds, webhookConnector, type Connector } from '../src/index.js';
import { consumer } from './consumer.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const folder = mkdtempSync(path.join(tmpdir(), 'readmit-webhook-'));
const secretFile = path.join(folder, 'secret');
const never = new AbortController().signal;
const { key } = consumer();
const stranger = consumer().key;
const noon = Date.parse('2026-11-29T12:00:00Z');

interface Received {
  readonly call: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Reply = (response: ServerResponse) => void;
const reply =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply =>
  (response) =>
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
const ok = (body: unknown) => reply(200, body);

const membership = (value: string) => ({ facets: [{ name: 'membership', value }] });
const granted = {
  ...membership('none'),
  identity: [{ name: 'account', value: 'a-1' }],
  step: { kind: 'role.grant', says: 'Give finance to ada.', touches: ['membership'] },
};
const group: Ask = { id: 'ask-1', kind: 'group.restore', connector: 'tickets', object: 'ada', entitlement: 'finance' };
const machine: Ask = { id: 'ask-1', kind: 'secret.reissue', connector: 'tickets', object: 'payroll' };

describe('the webhook connector', () => {
  let server: Server;
  let url: string;
  let received: Received[] = [];
  let replies: Readonly<Record<string, Reply>> = {};
  let now = noon;
  let count = 0;
  let connector: Connector;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const { call } = JSON.parse(body) as { readonly call: string };
        received.push({ call, headers: request.headers, body });
        (replies[call] ?? reply(500, 'no reply in this test'))(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/readmit`;
  });
  beforeEach(() => {
    writeFileSync(secretFile, secret, { mode: 0o600 });
    received = [];
    now = noon;
    replies = { plan: ok(granted), read: ok(membership('none')), execute: ok({}), undo: ok({ undone: true, sessionsEnded: 2 }) };
    connector = webhookConnector({
      name: 'tickets',
      url,
      secretFile,
      ids: () => `msg_${++count}`,
      now: () => new Date(now),
      capabilities: { asks: ['group.restore', 'secret.reissue'], can: ['read-back'], residualSeconds: 0 },
    });
  });
  afterEach(() => connector.close());
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const options = {
    ceiling: { steps: ['role.grant' as const, 'secret.issue' as const], entitlements: ['finance'], maxDurationSeconds: 3600 },
    durationSeconds: 900,
    overlapSeconds: 300,
    recipients: [key],
  };
  const planFor = async (ask: Ask): Promise<Plan> => {
    const { steps, obligations, before } = await connector.plan(ask, options, never);
    return {
      caseId: 'case-1',
      class: 'privileged-restoration',
      asks: [ask],
      steps: steps.map((step) => ({ ...step, id: 'step-1', askId: ask.id })),
      obligations: obligations.map((undo, at) => ({ ...undo, id: `case-1/obligation-${at + 1}` })),
      removes: [],
      restores: [],
      untouched: [],
      recipients: [],
      durationSeconds: 900,
      before: { digest: '0'.repeat(64), facets: [...before] },
      classificationId: 'event_classified',
    };
  };
  const execute = ({ steps: [step], ...plan }: Plan, signal = never) => {
    if (!step) throw new Error('the plan has no step');
    return connector.execute(
      step,
      { caseId: 'case-1', recipients: [key], expiresAt: new Date(now), plan: { ...plan, steps: [step] } },
      signal,
    );
  };
  const undo = (plan: Plan) => {
    const [first] = plan.obligations;
    if (!first) throw new Error('the plan has no obligation');
    return connector.undo(first, { caseId: 'case-1', plan }, never);
  };
  const refusal = async (what: Promise<unknown>) => {
    const error = await what.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof TargetError)) throw new Error(`not refused by a TargetError: ${String(error)}`);
    expect(error.message).not.toContain(secret.slice(6));
    return { code: error.code, effect: error.effect, message: error.message };
  };

  it('R2.2 R6.2 gives each step its end, whatever the receiver returns', async () => {
    const plan = await planFor(group);
    expect(plan.obligations).toEqual([
      {
        id: 'case-1/obligation-1',
        kind: 'role.revoke',
        connector: 'tickets',
        object: 'ada',
        entitlement: 'finance',
        identity: [{ name: 'account', value: 'a-1' }],
        hold: plan.steps[0]?.hold,
        armedBy: 'start',
        unlessTakenOver: false,
        afterSeconds: 900,
        says: 'Undo: Give finance to ada.',
      },
    ]);
    expect(plan.steps[0]?.hold).toMatch(/^tickets\//);
  });

  it.each<[string, object, string]>([
    ['a longer time', { durationSeconds: 3601 }, 'allows 3600 s, not 3601 s'],
    ['another group', { ceiling: { ...options.ceiling, entitlements: ['staff'] } }, 'does not allow finance'],
    ['a step', { ceiling: { ...options.ceiling, steps: ['secret.issue'] } }, 'does not allow role.grant'],
  ])('plans nothing above the ceiling of the case: %s', async (_what, more, why) => {
    expect((await connector.plan(group, options, never)).steps.length).toBe(1);
    expect(await refusal(connector.plan(group, { ...options, ...more }, never))).toEqual({
      code: 'refused',
      effect: 'none',
      message: `the ceiling of this case ${why}`,
    });
  });

  it('signs each request with every secret in the file, which is read each time', async () => {
    const other = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
    now = Date.now();
    await planFor(group);
    writeFileSync(secretFile, `${other}\n${secret}\n`);
    await planFor(group);
    const [first, second] = received;
    const verified = (one: Received | undefined, by: string): unknown =>
      new Webhook(by).verify(one?.body ?? '', one?.headers as Record<string, string>);
    expect(verified(first, secret)).toMatchObject({ version: 1, call: 'plan', connector: 'tickets' });
    for (const by of [other, secret]) expect(verified(second, by)).toMatchObject({ call: 'plan' });
    expect(() => verified(first, other)).toThrow('No matching signature found');
    expect(second?.headers['webhook-id']).not.toBe(first?.headers['webhook-id']);
  });

  it.each<[string, string, RegExp]>([
    ['an empty file', '', /1 to 10 secrets/],
    ['something else', 'hunter2-hunter2-hunter2', /line 1 is not whsec_/],
    ['a short secret', `whsec_${Buffer.alloc(8).toString('base64')}`, /line 1 is not whsec_/],
  ])('sends nothing if the secrets cannot be used: %s', async (_what, text, message) => {
    await planFor(group);
    received = [];
    writeFileSync(secretFile, text);
    const refused = await refusal(connector.plan(group, options, never));
    expect(refused).toEqual({ code: 'refused', effect: 'none', message: expect.stringMatching(message) as unknown });
    expect(received).toEqual([]);
    rmSync(secretFile);
    expect(await refusal(connector.plan(group, options, never))).toMatchObject({ code: 'refused', effect: 'none' });
  });

  it('R5.5 has an unknown effect if the secret is lost after the step was sent', async () => {
    const plan = await planFor(group);
    replies = {
      ...replies,
      execute: (response) => {
        rmSync(secretFile);
        ok({})(response);
      },
    };
    expect(await refusal(execute(plan))).toMatchObject({ code: 'refused', effect: 'unknown' });
  });

  const problem = (code: string, effect: string) => ({ code, effect, message: 'the group is frozen\nby \u0007 its owner' });
  it.each<[string, Reply, { readonly code: string; readonly effect: string }]>([
    ['401', reply(401, ''), { code: 'refused', effect: 'none' }],
    ['403 of a gateway', reply(403, '<html>'), { code: 'refused', effect: 'none' }],
    ['404 of a gateway', reply(404, '<html>'), { code: 'refused', effect: 'none' }],
    ['404 of the receiver', reply(404, problem('not-found', 'none')), { code: 'not-found', effect: 'none' }],
    ['409, nothing changed', reply(409, problem('changed', 'none')), { code: 'changed', effect: 'none' }],
    ['409, perhaps changed', reply(409, problem('changed', 'unknown')), { code: 'changed', effect: 'unknown' }],
    ['409 with another body', reply(409, { error: 'conflict' }), { code: 'refused', effect: 'unknown' }],
    ['429', reply(429, ''), { code: 'unreachable', effect: 'none' }],
    ['500', reply(500, 'oops'), { code: 'unreachable', effect: 'unknown' }],
    ['503 of a gateway', reply(503, '<html>'), { code: 'unreachable', effect: 'unknown' }],
    ['200 and a page', reply(200, '<html>'), { code: 'refused', effect: 'unknown' }],
    ['200 and another shape', ok({ done: true }), { code: 'refused', effect: 'unknown' }],
    ['200 and two mebibytes', ok({ made: [{ name: 'x', value: 'x'.repeat(2_097_152) }] }), { code: 'refused', effect: 'unknown' }],
    ['302', reply(302, '', { location: '/elsewhere' }), { code: 'unreachable', effect: 'unknown' }],
    [
      'half an answer',
      (response) => void response.writeHead(200, { 'content-length': '100' }).write('{"ma', () => response.destroy()),
      { code: 'unreachable', effect: 'unknown' },
    ],
    ['no answer', (response) => response.destroy(), { code: 'unreachable', effect: 'unknown' }],
  ])('R5.5 knows what is certain after a step was answered with %s', async (_what, bad, expected) => {
    const plan = await planFor(group);
    expect((await execute(plan)).sealed).toEqual([]);
    replies = { ...replies, execute: bad };
    expect(await refusal(execute(plan))).toMatchObject(expected);
  });

  it('shows messages of the receiver without line breaks and control characters', async () => {
    const plan = await planFor(group);
    replies = { ...replies, execute: reply(409, problem('changed', 'none')) };
    expect((await refusal(execute(plan))).message).toBe('tickets: the group is frozen by its owner');
    replies = { ...replies, execute: reply(409, { ...problem('changed', 'none'), message: 'x'.repeat(2000) }) };
    expect((await refusal(execute(plan))).message.length).toBeLessThan(320);
  });

  it('R5.5 reports an unknown effect on a timeout during a step', async () => {
    const plan = await planFor(group);
    const stop = new AbortController();
    replies = { ...replies, execute: () => stop.abort() };
    expect(await refusal(execute(plan, stop.signal))).toMatchObject({ code: 'timeout', effect: 'unknown' });
  });

  it('waits for the time in Retry-After, but at most a minute', async () => {
    replies = { ...replies, plan: reply(429, '', { 'retry-after': '30' }) };
    await refusal(connector.plan(group, options, never));
    replies = { ...replies, plan: ok(granted) };
    now = noon + 29_999;
    expect(await refusal(connector.plan(group, options, never))).toMatchObject({ code: 'unreachable', effect: 'none' });
    expect(received.length).toBe(1);
    now = noon + 30_000;
    await connector.plan(group, options, never);
    replies = { ...replies, plan: reply(503, '', { 'retry-after': 'Mon, 30 Nov 2026 00:00:00 GMT' }) };
    await refusal(connector.plan(group, options, never));
    replies = { ...replies, plan: ok(granted) };
    now += 60_000;
    expect(await connector.plan(group, options, never)).toBeDefined();
  });

  it('R6.3 accepts no undo unless it can read the state', async () => {
    const plan = await planFor(group);
    expect(await undo(plan)).toEqual({ readBack: plan.before.facets, sessionsEnded: 2 });
    for (const read of [
      ok({ facets: [{ name: 'other', value: 'none' }] }),
      ok({ facets: [...membership('none').facets, ...membership('given').facets] }),
    ]) {
      replies = { ...replies, read };
      expect(await refusal(undo(plan))).toMatchObject({ code: 'refused', effect: 'none' });
    }
    let reads = 0;
    replies = { ...replies, read: (response) => (++reads === 1 ? ok(membership('given')) : reply(500, ''))(response) };
    expect(await refusal(undo(plan))).toMatchObject({ code: 'unreachable', effect: 'unknown' });
    replies = { ...replies, read: ok(membership('none')), undo: ok({ undone: false, sessionsEnded: 0 }) };
    expect(await refusal(undo(plan))).toMatchObject({ code: 'refused', effect: 'unknown' });
  });

  it('R6.3 accepts that something deleted is undone: by the answer of the receiver to the undo, not by a missing account alone', async () => {
    const plan = await planFor(group);
    const absent = { code: 'not-found', effect: 'none', message: 'there is no account ada' };
    replies = { ...replies, read: reply(404, absent) };
    expect(await undo(plan)).toEqual({ readBack: [{ name: 'tickets/ada/membership', value: 'not found' }], sessionsEnded: 2 });
    // Deleted between the two.
    let reads = 0;
    replies = { ...replies, read: (response) => (++reads === 1 ? ok(membership('given')) : reply(404, absent))(response) };
    expect((await undo(plan)).readBack).toEqual([{ name: 'tickets/ada/membership', value: 'not found' }]);
    // The receiver does not say that it is undone, or something else than the receiver answers.
    replies = { ...replies, read: reply(404, absent), undo: reply(404, absent) };
    expect(await refusal(undo(plan))).toMatchObject({ code: 'not-found', effect: 'none' });
    replies = { ...replies, read: reply(404, '<html>'), undo: ok({ undone: true, sessionsEnded: 2 }) };
    expect(await refusal(undo(plan))).toMatchObject({ code: 'refused', effect: 'none' });
    replies = { ...replies, read: reply(404, absent) };
    expect(await refusal(execute(plan))).toMatchObject({ code: 'not-found', effect: 'none' });
  });

  it.each<[string, object, RegExp]>([
    [
      'a step of another ask',
      { step: { ...granted.step, kind: 'account.unlock' } },
      /account\.unlock, which does not belong to group\.restore/,
    ],
    ['a facet that it does not show', { step: { ...granted.step, touches: ['salary'] } }, /touches a facet that it does not show/],
    ['one facet twice', { facets: [...granted.facets, ...granted.facets] }, /names a facet twice/],
    ['a secret to replace', { old: { object: 'x', identity: granted.identity, says: 'Destroy x.' } }, /replaces a secret/],
    ['no identity', { identity: [] }, /docs\/webhook-target\.md describes: \/identity/],
    ['an unknown field', { alsoGive: 'admin' }, /additional properties/],
  ])('R2.2 refuses a plan with %s', async (_what, more, message) => {
    expect((await connector.plan(group, options, never)).steps.length).toBe(1);
    replies = { ...replies, plan: ok({ ...granted, ...more }) };
    expect(await refusal(connector.plan(group, options, never))).toEqual({
      code: 'refused',
      effect: 'none',
      message: expect.stringMatching(message) as unknown,
    });
  });

  describe('a secret', () => {
    const header = (kid: string, more: object = {}) =>
      Buffer.from(JSON.stringify({ alg: 'ECDH-ES', enc: 'A256GCM', kid, ...more })).toString('base64url');
    const jwe = (kid: string, more?: object) => `${header(kid, more)}..aaaa.bbbb.cccc`;
    beforeEach(() => {
      replies = {
        ...replies,
        plan: ok({
          ...granted,
          step: { kind: 'secret.issue', says: 'Make one.', touches: ['membership'] },
          old: { object: 's-1', identity: [{ name: 'secret', value: 's-1' }], says: 'Destroy s-1.' },
        }),
        execute: ok({ sealed: [{ recipient: key.fingerprint, jwe: jwe(key.fingerprint) }] }),
      };
    });

    it('R2.3 R6.2 ends the new one at the set time unless it is taken over, and the old one at once', async () => {
      const { obligations } = await planFor(machine);
      expect(
        obligations.map(({ object, armedBy, unlessTakenOver, afterSeconds }) => [object, armedBy, unlessTakenOver, afterSeconds]),
      ).toEqual([
        ['payroll', 'start', true, 900],
        ['s-1', 'success', false, 0],
      ]);
    });

    it.each<[string, object[]]>([
      ['nobody', []],
      ['a stranger', [{ recipient: stranger.fingerprint, jwe: jwe(stranger.fingerprint) }]],
      [
        'a stranger too',
        [
          { recipient: key.fingerprint, jwe: jwe(key.fingerprint) },
          { recipient: stranger.fingerprint, jwe: jwe(stranger.fingerprint) },
        ],
      ],
      ['another key than it says', [{ recipient: key.fingerprint, jwe: jwe(stranger.fingerprint) }]],
      ['a weaker cipher', [{ recipient: key.fingerprint, jwe: jwe(key.fingerprint, { enc: 'A128CBC-HS256' }) }]],
      ['no cipher', [{ recipient: key.fingerprint, jwe: 'the plain secret' }]],
    ])('R2.6 is not passed on when it is sealed to %s', async (_what, sealed) => {
      const plan = await planFor(machine);
      expect((await execute(plan)).sealed).toEqual([{ recipient: key.fingerprint, jwe: jwe(key.fingerprint) }]);
      replies = { ...replies, execute: ok({ sealed }) };
      const refused = await refusal(execute(plan));
      expect(refused).toMatchObject({ code: 'refused', effect: 'unknown' });
      expect(refused.message).not.toContain('the plain secret');
    });
  });

  describe('its settings', () => {
    const kind = connectorKinds.find((one) => one.kind === 'webhook');
    const good = {
      name: 'tickets',
      url: 'https://tickets.example.com/readmit',
      secretFile,
      asks: ['group.restore'],
      can: ['read-back'],
      residualSeconds: 0,
    };
    it.each<[string, object, string]>([
      ['a URL without TLS', { url: 'http://tickets.example.com/' }, 'must give tickets a safe url: must be an https URL'],
      ['a file without its folder', { secretFile: 'secret' }, 'must give tickets a safe secretFile: must be an absolute path'],
      ['no read-back', { can: ['end-sessions'] }, 'must give tickets a safe can: must include read-back'],
    ])('are refused with %s', (_what, more, message) => {
      expect(() => kind?.mustBeSafe(good)).not.toThrow();
      expect(() => kind?.mustBeSafe({ ...good, ...more })).toThrow(message);
    });
  });
});
