/** What the running system refuses: forged events, and requests without a valid sign-in, by the wrong person, or with another case's key. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { services } from '@readmit/contracts';
import { makeSigningKey } from '@readmit/signing';
import { Attacker } from '@readmit/standalone';
import { until } from '@readmit/testing';
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from 'jose';
import { newCaseKey, type Outcome } from './case-steps.js';
import { lootOf, readmit } from './installation.js';
import { ada, done, erin, fact, http, system, typesOf, useRunningSystem } from './running-system.js';

useRunningSystem(['boris', 'gita']);

describe('a forged event', () => {
  let asIntake: Attacker;
  beforeAll(async () => {
    asIntake = await Attacker.with(await lootOf(system.stateDir), 'intake');
  });
  afterAll(() => asIntake.close());
  const frozen = {
    type: 'readmit.case.frozen',
    key: 'case_forged',
    data: { caseId: 'case_forged', by: 'mallory', cause: 'repudiated' },
  } as const;

  it('R8.3 is refused by the database (42501) if it is inserted into the topic of another service', async () => {
    const withdrawn = { type: 'readmit.approval.withdrawn', key: 'case_forged', data: { caseId: 'case_forged', by: 'mallory' } } as const;
    for (const other of services.filter((service) => service !== 'intake'))
      expect([other, await asIntake.write(await asIntake.event(withdrawn, other, other))]).toEqual([other, '42501']);
  });

  it('R8.3 signed with a wrong key is parked, listed, shown, and discarded only by an operator with --apply', async () => {
    const forged = await asIntake.event(frozen, 'intake', makeSigningKey().private);
    expect(await asIntake.write(forged)).toBeUndefined();
    const parked = async (persona: string, ...argv: string[]) => {
      const { code, stdout, stderr } = await readmit(system, persona, ['parked', ...argv, '--service', 'approval', '--json']);
      return { code, json: (stdout === '' ? JSON.parse(stderr) : JSON.parse(stdout)) as unknown };
    };
    const eventId = forged.headers['ce_id'];
    const find = async (): Promise<{ id: string; reason: string; eventId: string } | undefined> =>
      ((await parked('gita', 'list')).json as { id: string; reason: string; eventId: string }[]).find((one) => one.eventId === eventId);
    const row = await until(find, { what: 'the forged event is parked' });
    expect(row).toMatchObject({ reason: 'unknown-key', key: 'case_forged', type: 'readmit.case.frozen' });
    const { bytes } = (await parked('gita', 'show', row.id)).json as { bytes: string };
    expect(Buffer.from(bytes, 'base64').toString('utf8')).toContain('mallory');
    for (const area of ['approval', 'audit'])
      expect(await http.outcome('GET', `/api/${area}/parked`, 'boris')).toMatchObject({
        signal: 403,
        rule: 'R4.6',
        reason: 'not-an-operator',
      });
    expect((await parked('boris', 'discard', row.id, '--apply')).code).toBe(4);
    expect((await parked('gita', 'discard', row.id)).json).toMatchObject({ applied: false });
    expect(await find()).toMatchObject({ id: row.id });
    expect((await parked('gita', 'discard', row.id, '--apply')).json).toMatchObject({ id: row.id, state: 'discarded' });
    expect(await find()).toBeUndefined();
    expect((await http.outcome('GET', '/api/intake/cases/case_forged', 'gita')).reason).toBe('case-unknown');
  });
});

describe('a request over plain HTTP', () => {
  it('without a token, with an expired one or one for another audience, gets 401', async () => {
    const target = '/api/intake/cases';
    const none = await http.call('GET', target, {});
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="readmit"']);
    const token = http.bearer('ada')['authorization']?.slice('Bearer '.length) ?? '';
    const { jwks } = JSON.parse(await readFile(path.join(system.stateDir, 'demo/issuer-keys.json'), 'utf8')) as {
      jwks: { keys: { kid: string }[] };
    };
    const key = await importJWK(jwks.keys[0] ?? {}, 'ES256');
    const like = async (claims: object): Promise<Record<string, string>> => ({
      authorization: `Bearer ${await new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'ES256' }).sign(key)}`,
    });
    expect((await http.outcome('GET', target, await like({}))).signal).toBe(0);
    const hourAgo = Math.floor(Date.now() / 1000) - 3600;
    expect(await http.outcome('GET', target, await like({ exp: hourAgo }))).toMatchObject({ signal: 401, reason: 'token-expired' });
    expect(await http.outcome('GET', target, await like({ aud: 'demo-admin' }))).toMatchObject({ signal: 401 });
  });

  it('R4.2 by the wrong person is forbidden, and the response names the rule', async () => {
    const { caseId } = await http.open(erin);
    await fact(caseId, 'readmit.plan.proposed');
    const contacts = `/api/classification/cases/${caseId}/contacts`;
    expect(await http.outcome('GET', contacts, 'mallory')).toMatchObject({ signal: 403, rule: 'R4.2', reason: 'verifier-unknown' });
    const contact = await http.phone('boris', caseId);
    const call = { kind: 'call-back', channel: 'phone', contact };
    // Mallory is not attested in the case yet, so the attestation is requested first.
    expect(await http.prove('mallory', caseId, call)).toMatchObject({ signal: 409, reason: 'not-ready' });
    const judged = async (): Promise<Outcome | undefined> => {
      const outcome = await http.prove('mallory', caseId, call);
      return outcome.reason === 'not-ready' ? undefined : outcome;
    };
    expect(await until(judged, { what: 'mallory is attested' })).toMatchObject({
      signal: 403,
      rule: 'R3.10',
      reason: 'verifier-is-vendor',
    });
    expect(await http.prove('dana', caseId, call)).toMatchObject({ signal: 403, rule: 'R4.2', reason: 'not-a-verifier' });
    expect(await http.prove('boris', caseId, call)).toMatchObject(done);
    await http.act('withdraw', 'erin', caseId);
  });

  it('R8.3 that is repeated with its Idempotency-Key opens one case; another request, or another person, does not get it', async () => {
    const target = '/api/intake/cases';
    const key = randomUUID();
    const { subject, ask, reasonCode, seconds: durationSeconds } = erin;
    const asked = { asks: [ask], subject, reasonCode, reason: 'by hand', durationSeconds };
    const send = (persona: string, body: object, idempotencyKey: string = key) =>
      http.outcome('POST', target, { ...http.bearer(persona), 'idempotency-key': idempotencyKey }, body);
    const twice = await Promise.all([send('erin', asked), send('erin', asked)]);
    const [caseId] = twice.map(({ body }) => String(body['caseId']));
    expect(twice.map(({ signal, body }) => [signal, body['caseId']])).toEqual([
      [0, caseId],
      [0, caseId],
    ]);
    // In quotes, as in RFC 9651.
    expect((await send('erin', { ...asked, reason: 'in other words' }, `"${key}"`)).body).toMatchObject({ caseId });
    expect(await send('erin', { ...asked, durationSeconds: 900 })).toMatchObject({ signal: 422, reason: 'idempotency-key-reused' });
    expect(await send('erin', asked, 'short')).toMatchObject({ signal: 400, reason: 'idempotency-key' });
    const other = await send('mallory', asked);
    expect([other.signal, other.body['caseId'] === caseId]).toEqual([0, false]);
    expect((await typesOf(String(caseId))).filter((type) => type === 'readmit.case.opened')).toHaveLength(1);
    expect((await http.outcome('GET', `${target}/${caseId}`, 'gita')).body).toMatchObject({ reason: 'by hand' });
    for (const [persona, id] of [
      ['erin', caseId],
      ['mallory', String(other.body['caseId'])],
    ] as const) {
      await fact(String(id), 'readmit.case.classified');
      await http.act('withdraw', persona, String(id));
    }
  });

  it('R2.6 with the key of another case gets 404, as if the case did not exist', async () => {
    const [mine, theirs] = [await http.open(ada), await http.open(ada)];
    const key = http.keys.get(mine.caseId) ?? newCaseKey();
    for (const target of ['/api/intake/cases/:id', '/api/intake/cases/:id/timeline', '/api/revocation/cases/:id'].map((one) =>
      one.replace(':id', theirs.caseId),
    ))
      expect(await http.outcome('GET', target, key)).toMatchObject({ signal: 404, reason: 'case-unknown' });
    expect((await http.outcome('GET', `/api/intake/cases/${mine.caseId}`, key)).body).toMatchObject({ caseId: mine.caseId });
    for (const { caseId } of [mine, theirs]) {
      await fact(caseId, 'readmit.plan.proposed');
      await http.act('withdraw', undefined, caseId);
    }
  });
});
