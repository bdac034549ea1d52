/** The running system by hand: every class of case from its opening to its early end, what is refused on the way, and what an attacker sees. */
import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeSigningKey } from '@readmit/signing';
import { services } from '@readmit/contracts';
import { Attacker } from '@readmit/standalone';
import { openStore } from '@readmit/store';
import { until } from '@readmit/testing';
import canonicalize from 'canonicalize';
import { compactDecrypt, decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from 'jose';
import { parse as parseYaml } from 'yaml';
import { CliHands, HttpHands, newCaseKey, type Entry, type Hands, type Opened, type Opening, type Outcome } from './hands.js';
import { house, lootOf, newStateDir, processesOf, readmit, startInstallation, type Installation } from './installation.js';

const people = ['ada', 'ada-admin', 'boris', 'chidi', 'dana', 'erin', 'gita', 'mallory', 'pat'] as const;
let state: Awaited<ReturnType<typeof newStateDir>>;
let system: Installation;
let http: HttpHands;
let cli: CliHands;

beforeAll(async () => {
  state = await newStateDir();
  system = await startInstallation(state.dir, ['--fresh']);
  http = new HttpHands(system);
  cli = new CliHands(system);
  await Promise.all([...people.map((persona) => http.signIn(persona)), ...people.map((persona) => cli.signIn(persona))]);
}, 120_000);
afterAll(async () => {
  const code = await system.stop();
  const left = await processesOf(state.dir);
  await state.remove();
  expect({ code, left }).toEqual({ code: 130, left: [] });
}, 60_000);

/** Waits until the case has such a fact. Looked at over HTTP whatever the hands are: a process each time would be most of the run. */
const fact = (caseId: string, type: string, matching: (entry: Entry) => boolean = () => true): Promise<Entry> =>
  until(async () => (await http.timeline('gita', caseId)).find((entry) => entry.type === type && matching(entry)), {
    what: `${caseId} has ${type}`,
    timeoutMs: 20_000,
  });
const typesOf = async (caseId: string): Promise<readonly string[]> => (await http.timeline('gita', caseId)).map(({ type }) => type);

const ada: Opening = {
  subject: { kind: 'person', id: 'ada' },
  ask: { kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' },
  reasonCode: 'lost-device',
  seconds: 600,
};
const erin: Opening = {
  by: 'erin',
  subject: { kind: 'person', id: 'erin' },
  ask: { kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' },
  reasonCode: 'role-lost',
  seconds: 600,
};
const payroll: Opening = {
  by: 'pat',
  subject: { kind: 'machine', id: 'svc-payroll' },
  ask: { kind: 'secret.rotate', connector: 'target-postgres', object: 'payroll' },
  reasonCode: 'secret-dead',
  seconds: 600,
};
const done = { signal: 0 };

/** Opens the case and has its proofs recorded, up to the request for decisions. */
async function opened(hands: Hands, opening: Opening): Promise<Opened> {
  const made = await hands.open(opening);
  await fact(made.caseId, 'readmit.plan.proposed');
  const proofs =
    opening === payroll
      ? [{ kind: 'owner-confirmation', channel: 'directory' }]
      : [
          { kind: 'call-back', channel: 'phone', contact: await hands.phone('boris', made.caseId), code: made.code },
          ...(opening === ada ? [{ kind: 'manager-vouch', channel: 'directory' }] : []),
        ];
  const outcomes = await Promise.all(proofs.map((evidence) => hands.prove('boris', made.caseId, evidence)));
  for (const outcome of outcomes) expect(outcome).toMatchObject(done);
  await fact(made.caseId, 'readmit.approval.requested');
  return made;
}
/** Everybody whom the quorum needs signs, at the same time. */
async function approved(hands: Hands, opening: Opening, caseId: string): Promise<void> {
  const approvers = opening === ada ? ['chidi'] : ['chidi', 'dana'];
  for (const outcome of await Promise.all(approvers.map((approver) => hands.decide(approver, caseId, 'approve'))))
    expect(outcome).toMatchObject(done);
}
/** The same, approved and granted. */
async function granted(hands: Hands, opening: Opening): Promise<Opened> {
  const made = await opened(hands, opening);
  await approved(hands, opening, made.caseId);
  await fact(made.caseId, 'readmit.execution.succeeded');
  return made;
}

describe.each([
  ['the CLI', () => cli],
  ['plain HTTP', () => http],
] as const)('with %s', (_, handsOf) => {
  it.each([
    ['mfa-recovery', ada, 'ada-admin', 'approver-is-subject'],
    ['privileged-restoration', erin, 'erin', 'approver-is-requester'],
    ['nhi-secret-restoration', payroll, 'pat', 'approver-is-requester'],
  ] as const)('R4.2 R6.4 %s is proved, approved by others and ended early', async (kind, opening, self, reason) => {
    const hands = handsOf();
    const { caseId } = await opened(hands, opening);
    expect((await http.outcome('GET', `/api/intake/cases/${caseId}`, 'gita')).body).toMatchObject({
      class: kind,
      state: 'awaiting-approval',
    });
    const refused = { signal: hands.signals.forbidden, rule: 'R4.2' };
    const attempts = await Promise.all([hands.decide(self, caseId, 'approve'), hands.decide('boris', caseId, 'approve')]);
    expect(attempts).toMatchObject([
      { ...refused, reason },
      { ...refused, reason: 'approver-is-verifier' },
    ]);
    expect(await typesOf(caseId)).not.toContain('readmit.decision.recorded');
    await approved(hands, opening, caseId);
    await fact(caseId, 'readmit.execution.succeeded');
    expect(await hands.act('end', opening.by, caseId)).toMatchObject(done);
    await fact(caseId, 'readmit.revocation.due', ({ says }) => says.startsWith(`Revocation due: ended by ${opening.by ?? 'case-key'}: `));
    await fact(caseId, 'readmit.revocation.confirmed');
    // The new secret stays: its consumers have until the end of the case to take it over.
    if (opening !== payroll) await fact(caseId, 'readmit.case.closed');
  });

  it('R4.7 a request is taken back by who asked, and by nobody else', async () => {
    const hands = handsOf();
    const { caseId } = await hands.open(erin);
    await fact(caseId, 'readmit.plan.proposed');
    expect(await hands.act('withdraw', 'mallory', caseId)).toMatchObject({
      signal: hands.signals.forbidden,
      rule: 'R4.7',
      reason: 'not-the-requester',
    });
    expect(await hands.act('withdraw', 'erin', caseId)).toMatchObject(done);
    expect(await fact(caseId, 'readmit.case.closed')).toMatchObject({ says: 'Case closed as withdrawn.' });
  });

  it('R6.6 an operator contains a case that was granted, and nobody else does', async () => {
    const hands = handsOf();
    const { caseId } = await granted(http, erin);
    expect(await hands.act('contain', 'chidi', caseId)).toMatchObject({
      signal: hands.signals.forbidden,
      rule: 'R4.6',
      reason: 'not-an-operator',
    });
    expect(await typesOf(caseId)).not.toContain('readmit.containment.ordered');
    expect(await hands.act('contain', 'gita', caseId)).toMatchObject(done);
    await fact(caseId, 'readmit.revocation.due', ({ says }) => says.startsWith('Revocation due: contained by gita: '));
    await fact(caseId, 'readmit.revocation.confirmed');
  });

  it('says not found, not ready and not signed in apart', async () => {
    const hands = handsOf();
    expect(await hands.act('repudiate', 'ada', 'case_nowhere')).toMatchObject({ signal: hands.signals.notFound, reason: 'case-unknown' });
    expect(await hands.prove('boris', 'case_nowhere', { kind: 'manager-vouch', channel: 'directory' })).toMatchObject({
      signal: hands.signals.conflict,
      rule: 'R8.1',
      reason: 'not-ready',
    });
    expect((await hands.act('repudiate', undefined, 'case_nowhere')).signal).toBe(hands.signals.notSignedIn);
  });
});

it('R5.4 R6.4 repudiation by the subject, and by no stranger, freezes the case and takes back what it granted', async () => {
  const { caseId } = await granted(http, ada);
  await fact(caseId, 'readmit.notice.sent', ({ says }) => says.startsWith('Notice "executed" sent'));
  const letters = await lettersOf(caseId);
  expect(letters.map(({ to, about }) => [to, about])).toEqual(
    expect.arrayContaining([
      ['ada', 'opened'],
      ['ada', 'executed'],
    ]),
  );
  expect(await cli.act('repudiate', 'mallory', caseId)).toMatchObject({ signal: 4, rule: 'R5.4', reason: 'not-the-subject' });
  expect(await typesOf(caseId)).not.toContain('readmit.case.frozen');
  expect(await cli.act('repudiate', 'ada', caseId)).toMatchObject(done);
  await fact(caseId, 'readmit.case.frozen');
  await fact(caseId, 'readmit.revocation.due', ({ says }) => says.startsWith('Revocation due: the case is frozen'));
  await fact(caseId, 'readmit.revocation.confirmed');
  expect(await fact(caseId, 'readmit.case.closed')).toMatchObject({ says: 'Case closed as frozen.' });
});

interface Letter {
  readonly id: string;
  readonly to: string;
  readonly about: string;
  readonly text: string;
}
async function lettersOf(caseId: string): Promise<readonly Letter[]> {
  const response = await fetch(`${system.issuer}/demo/mailbox`, { headers: { accept: 'application/json' } });
  return ((await response.json()) as { letters: Letter[] }).letters.filter(({ text }) => text.includes(caseId));
}

describe('what is issued', () => {
  it('R2.6 nothing that is mailed grants access, and nobody but the recipient can fetch or open the sealed secret', async () => {
    const { caseId } = await granted(http, ada);
    const target = `/api/execution/cases/${caseId}/secret`;
    for (const person of ['boris', 'chidi', 'gita'])
      expect(await http.outcome('GET', target, person)).toMatchObject({ signal: 401, reason: 'proof-missing' });
    const stranger = newCaseKey();
    expect(await http.outcome('GET', target, stranger)).toMatchObject({ signal: 404, reason: 'nothing-to-pick-up' });
    const own = http.keys.get(caseId);
    if (!own) throw new Error('the case has no key');
    const { body } = await http.outcome('GET', target, own);
    const jwe = String(body['jwe']);
    await expect(compactDecrypt(jwe, createPrivateKey({ key: stranger.sealing, format: 'jwk' }))).rejects.toMatchObject({
      code: 'ERR_JWE_DECRYPTION_FAILED',
    });
    const { plaintext } = await compactDecrypt(jwe, createPrivateKey({ key: own.sealing, format: 'jwk' }));
    const { code } = JSON.parse(new TextDecoder().decode(plaintext)) as { code: string };
    expect(code.length).toBeGreaterThan(8);
    await fact(caseId, 'readmit.notice.sent', ({ says }) => says.startsWith('Notice "executed" sent'));
    const letters = await lettersOf(caseId);
    expect(letters.length).toBeGreaterThanOrEqual(2);
    for (const { text } of letters) {
      const rest = text.replaceAll(caseId, '').replace(/--code [A-Z0-9-]+/, '');
      expect(rest).not.toContain(code);
      // No link and no code but the one that only ends: not one digit and no address is left besides it and the id of the case.
      expect(rest).not.toMatch(/\d|:\/\/|www\.|@/);
    }
    for (const seen of [`/api/approval/cases/${caseId}`, `/api/execution/cases/${caseId}`, `/api/intake/cases/${caseId}/timeline`])
      expect(await (await http.call('GET', seen, 'chidi')).text()).not.toContain(code);
    await http.act('end', undefined, caseId);
    await fact(caseId, 'readmit.case.closed');
  });

  it('R5.1 bypass, replacement after loss and reset are different asks with different steps', async () => {
    const stepsOf = async (kind: string): Promise<readonly string[]> => {
      const { caseId } = await http.open({ ...ada, ask: { ...ada.ask, kind } });
      await fact(caseId, 'readmit.plan.proposed');
      const { body } = await http.outcome('GET', `/api/execution/cases/${caseId}`, 'boris');
      await http.act('withdraw', undefined, caseId);
      return (body['plan'] as { steps: { kind: string }[] }).steps.map((step) => step.kind);
    };
    expect(await stepsOf('factor.bypass')).toEqual(['bypass.issue']);
    expect(await stepsOf('factor.replace')).toEqual(['factor.remove', 'sessions.end']);
    expect(await stepsOf('factor.reset')).toEqual(['factor.remove', 'sessions.end', 'bypass.issue']);
    const unknown = { ...ada, ask: { ...ada.ask, kind: 'factor.anything' } };
    await expect(http.open(unknown)).rejects.toThrow('/body/asks/0/kind');
  });
});

it('R4.2 R4.3 each person is shown what waits for them, until it is done, and nobody else is', async () => {
  const todos = async (persona: string, of: string): Promise<readonly string[]> => {
    const { code, stdout, stderr } = await readmit(system, persona, ['inbox', '--json', '--limit', '100']);
    if (code !== 0) throw new Error(`readmit inbox of ${persona} ended with ${code}: ${stderr}`);
    const { todos: all } = JSON.parse(stdout) as { todos: readonly { what: string; caseId: string; run: string }[] };
    return all.filter(({ caseId }) => caseId === of).map(({ what, run }) => `${what}: ${run.replace(of, 'it')}`);
  };
  const overHttp = async (persona: string, of: string): Promise<readonly string[]> => {
    const { body } = await http.outcome('GET', '/api/approval/inbox?limit=100', persona);
    return (body['items'] as readonly { what: string; caseId: string }[]).filter(({ caseId }) => caseId === of).map(({ what }) => what);
  };
  const { caseId, code } = await cli.open(ada);
  await until(async () => (await overHttp('boris', caseId)).length > 0, { what: 'the case waits for proofs' });
  expect(await todos('boris', caseId)).toEqual(['evidence: readmit case contacts it']);
  expect(await todos('nobody', caseId)).toEqual(['code: readmit case show it']);
  for (const persona of ['chidi', 'dana', 'ada-admin', 'mallory', 'gita'])
    expect([persona, await overHttp(persona, caseId)]).toEqual([persona, []]);
  await http.prove('boris', caseId, { kind: 'call-back', channel: 'phone', contact: await http.phone('boris', caseId), code });
  await http.prove('boris', caseId, { kind: 'manager-vouch', channel: 'directory' });
  expect(await todos('chidi', caseId)).toEqual(['decision: readmit approve it --reason "..."']);
  for (const persona of ['boris', 'dana', 'ada-admin', 'mallory', 'gita'])
    expect([persona, await overHttp(persona, caseId)]).toEqual([persona, []]);
  expect(await http.decide('chidi', caseId, 'approve')).toMatchObject(done);
  expect(await overHttp('chidi', caseId)).toEqual([]);
  await fact(caseId, 'readmit.execution.succeeded');
  expect(await todos('nobody', caseId)).toEqual(['secret: readmit secret pick-up it']);
  await readmit(system, 'nobody', ['case', 'end', caseId, '--reason', 'by hand']);
  for (const wrong of ['case_1', '2026-13-01T00:00:00.000Z/case_1', '1999-01-01T00:00:00.000Z/case_1'])
    expect(await http.outcome('GET', `/api/approval/inbox?after=${encodeURIComponent(wrong)}`, 'chidi')).toMatchObject({
      signal: 400,
      reason: 'invalid-request',
    });
  expect(await http.outcome('GET', '/api/approval/inbox', {})).toMatchObject({ signal: 401 });
});

it('R3.5 knowledge questions cannot be recorded and SMS is not a channel', async () => {
  const { caseId } = await http.open(erin);
  await fact(caseId, 'readmit.plan.proposed');
  const contact = await http.phone('boris', caseId);
  const refused = async (evidence: { kind: string; channel: string }, where: string): Promise<void> => {
    const outcome = await http.prove('boris', caseId, { ...evidence, contact });
    expect([outcome.signal, JSON.stringify(outcome.body['errors'])]).toEqual([400, expect.stringContaining(where)]);
  };
  await refused({ kind: 'knowledge-questions', channel: 'phone' }, '/body/kind');
  await refused({ kind: 'call-back', channel: 'sms' }, '/body/channel');
  await refused({ kind: 'call-back', channel: 'email' }, '/body/channel');
  expect((await readmit(system, 'boris', ['evidence', 'add', caseId, '--kind', 'knowledge-questions', '--channel', 'phone'])).code).toBe(2);
  expect(await typesOf(caseId)).not.toContain('readmit.evidence.added');
  expect(await http.prove('boris', caseId, { kind: 'call-back', channel: 'phone', contact })).toMatchObject(done);
  await http.act('withdraw', 'erin', caseId);
});

it('R9.1 every classification names version and digest of the policy, every decision its digest, and the activated document has it', async () => {
  const { caseId } = await granted(http, erin);
  await http.act('end', 'erin', caseId);
  const file = parseYaml(await readFile(path.join(house, 'deploy/policies/default.yaml'), 'utf8')) as { version: string };
  const digestOf = (value: unknown): string =>
    createHash('sha256')
      .update(canonicalize(value) ?? '')
      .digest('hex');
  const policy = { version: file.version, digest: digestOf(file) };
  const said = await eventsOf('classification', 'readmit.case.classified', caseId);
  expect(said.map((data) => data['policy'])).toEqual([policy]);
  const decisions = (await eventsOf('approval', 'readmit.decision.recorded', caseId)) as {
    decision: { statement: { policyDigest: string } };
  }[];
  expect(decisions.map(({ decision }) => decision.statement.policyDigest)).toEqual([policy.digest, policy.digest]);
  const [activated] = await eventsOf('classification', 'readmit.policy.activated', 'policy');
  expect(activated).toMatchObject(policy);
  expect(digestOf(activated?.['document'])).toBe(policy.digest);
  expect(digestOf({ ...file, directoryMaxAgeSeconds: 1 })).not.toBe(policy.digest);
});

/** What stands on a service's topic, read as audit reads it. */
async function eventsOf(service: string, type: string, key: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const store = await openStore({
    url: (await lootOf(system.stateDir)).databaseUrls.audit,
    schema: 'audit',
    applicationName: 'journey',
    poolSize: 1,
  });
  try {
    const table = `bus.readmit_${service}_v1`;
    const rows = await store.query(`SELECT value FROM ${table} WHERE key = $1 AND headers->>'ce_type' = $2 ORDER BY "offset"`, [key, type]);
    return (rows as { value: Buffer }[]).map(({ value }) => JSON.parse(value.toString('utf8')) as Record<string, unknown>);
  } finally {
    await store.close();
  }
}

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

  it('R8.3 is refused by the database (42501) when it is inserted under the role of another service', async () => {
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
    const row = await until(find, { what: 'the forged event is parked', timeoutMs: 20_000 });
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
  it('without a token, with one that has run out or one of another audience, is not signed in (401)', async () => {
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

  it('R4.2 by the wrong person is forbidden, with the rule by name', async () => {
    const { caseId } = await http.open(erin);
    await fact(caseId, 'readmit.plan.proposed');
    const contacts = `/api/classification/cases/${caseId}/contacts`;
    expect(await http.outcome('GET', contacts, 'mallory')).toMatchObject({ signal: 403, rule: 'R4.2', reason: 'verifier-unknown' });
    const contact = await http.phone('boris', caseId);
    const call = { kind: 'call-back', channel: 'phone', contact };
    // Nobody named her for the case, so it is looked up first who she is.
    expect(await http.prove('mallory', caseId, call)).toMatchObject({ signal: 409, reason: 'not-ready' });
    const judged = async (): Promise<Outcome | undefined> => {
      const outcome = await http.prove('mallory', caseId, call);
      return outcome.reason === 'not-ready' ? undefined : outcome;
    };
    expect(await until(judged, { what: 'it is known who she is' })).toMatchObject({
      signal: 403,
      rule: 'R3.10',
      reason: 'verifier-is-vendor',
    });
    expect(await http.prove('dana', caseId, call)).toMatchObject({ signal: 403, rule: 'R4.2', reason: 'not-a-verifier' });
    expect(await http.prove('boris', caseId, call)).toMatchObject(done);
    await http.act('withdraw', 'erin', caseId);
  });

  it('R8.3 that is sent again under its Idempotency-Key opens one case; another request, or another person, does not get it', async () => {
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
    // In quotes as RFC 9651 wants it.
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

  it('R2.6 with the key of another case finds nothing (404), as if there were no such case', async () => {
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
