/**
 * The OpenAPI document and the running demo: a client that uses only the document opens, proves and approves a case, and each example in it
 * works. Schemathesis finds no response that it does not describe; a status that it does not list fails every test here.
 */
import type { JsonWebKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeSigningKey } from '@readmit/signing';
import { Attacker } from '@readmit/standalone';
import { until } from '@readmit/testing';
import { HttpSteps } from '../journey/case-steps.js';
import { pythonTools } from '../../tools/python-tools.mjs';
import { lootOf, newStateDir, startInstallation, type Installation } from '../journey/installation.js';
import {
  callBackCode,
  caseKeyOf,
  decisionOf,
  digestOf,
  DocumentClient,
  newCaseKey,
  unsealed,
  type Answer,
  type CaseKey,
  type Json,
  type OpenApi,
} from './document-client.js';
import { schemathesis } from './schemathesis.js';

const tools = pythonTools('schemathesis');

let state: Awaited<ReturnType<typeof newStateDir>>;
let system: Installation;
let api: DocumentClient;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  state = await newStateDir();
  system = await startInstallation(state.dir, ['--fresh']);
  const people = new HttpSteps(system);
  for (const persona of ['boris', 'chidi', 'erin', 'gita']) tokens[persona] = await people.signIn(persona);
  api = await DocumentClient.at(system.origin);
});
afterAll(async () => {
  await system?.stop();
  await state?.remove();
});

/** The response, as soon as it has status 200 and matches; a service that has not received the case yet responds with 409 `not-ready`. */
const shown = (name: string, sent: Parameters<DocumentClient['send']>[1], has: (body: Json) => unknown): Promise<Json> =>
  until(
    async () => {
      const { status, body } = await api.send(name, sent);
      return status === 200 && has(body) ? body : undefined;
    },
    { what: `${name} has the expected response` },
  );
/** The same for commands: retried while the service is not ready. */
const done = (name: string, sent: Parameters<DocumentClient['send']>[1]): Promise<Answer> =>
  until(
    async () => {
      const answer = await api.send(name, sent);
      return answer.body['reason'] === 'not-ready' ? undefined : answer;
    },
    { what: `${name} is ready` },
  );
const approverKey = async (persona: string) =>
  JSON.parse(await readFile(path.join(system.stateDir, 'demo/keys', `${persona}.jwk`), 'utf8')) as JsonWebKey & { readonly kid: string };

/** What the help desk needs for a call-back: the code of the case and the digest of the number on record. */
async function callBackOf(caseId: string, key: CaseKey): Promise<{ readonly code: string; readonly contact: string }> {
  const { codeNonce } = await shown('showCase', { params: { caseId }, key }, (one) => one['codeNonce']);
  const points = (await shown('deskContact', { params: { caseId }, token: tokens['boris'] }, Array.isArray)) as unknown as Json[];
  const contact = points.find(({ kind }) => kind === 'phone')?.['digest'];
  return { code: callBackCode(String(codeNonce), key), contact: String(contact) };
}
const ofErin = {
  asks: [{ kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' }],
  subject: { kind: 'person', id: 'erin' },
  ...{ reasonCode: 'role-lost', reason: 'The sync took it.', ticket: 'OPS-4711', durationSeconds: 600 },
};
const vouch = { kind: 'manager-vouch', channel: 'directory', assurance: 2, note: 'The manager was asked in person.' };

const without = (value: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

/** The statement of an approval, checked as the document says. */
async function statementOf(caseId: string, approver: string): Promise<Json> {
  const view = await shown('showApproval', { params: { caseId }, token: tokens[approver] }, ({ nonce }) => nonce);
  const { planDigest, evidenceDigest, policyDigest, nonce } = view;
  const evidence = view['evidence'] as readonly Json[];
  expect(digestOf(view['plan'])).toBe(planDigest);
  expect(digestOf((view['policy'] as Json)['document'])).toBe(policyDigest);
  for (const proof of evidence) expect(digestOf(without(proof, 'id', 'digest', 'staleAt'))).toBe(proof['digest']);
  const byId = evidence.map(({ id, digest }) => ({ id: String(id), digest })).sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(digestOf(byId)).toBe(evidenceDigest);
  const decidedAt = new Date().toISOString();
  return { v: 1, caseId, planDigest, evidenceDigest, policyDigest, decision: 'approve', approver, decidedAt, nonce, reason: 'Checked.' };
}

it('a client that uses only the document opens, proves and approves a case, picks up its secret, and ends it', async () => {
  const key = newCaseKey();
  const asks = [{ kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' }];
  const asked = { asks, subject: { kind: 'person', id: 'ada' }, reasonCode: 'lost-device', reason: 'Lost.', durationSeconds: 600 };
  const opened = await api.send('openCase', { body: { ...asked, caseKey: key.shown }, key });
  expect(opened.status).toBe(202);
  const params = { caseId: String(opened.body['caseId']) };

  const proof = { kind: 'call-back', channel: 'phone', assurance: 2, note: 'Called.', ...(await callBackOf(params.caseId, key)) };
  for (const body of [proof, vouch])
    expect(await done('addEvidence', { params, body, token: tokens['boris'] })).toMatchObject({ status: 202 });

  const decision = decisionOf(await statementOf(params.caseId, 'chidi'), await approverKey('chidi'));
  const changed = { ...decision, statement: { ...decision.statement, reason: 'Not what was signed.' } };
  expect(await done('decide', { params, body: changed, token: tokens['chidi'] })).toMatchObject({
    status: 403,
    body: { reason: 'decision-signature-invalid' },
  });
  expect(await done('decide', { params, body: decision, token: tokens['chidi'] })).toMatchObject({ status: 202 });

  const { jwe, ciphertextDigest } = await shown('pickUpSecret', { params, key }, () => true);
  expect(Object.keys(await unsealed(String(jwe), key))).not.toEqual([]);
  const acknowledged = await api.send('acknowledgeSecret', { params, body: { ciphertextDigest }, key });
  expect(acknowledged).toMatchObject({ status: 200, body: { acknowledged: true } });
  expect(await api.send('endEarly', { params, body: { reason: 'Done.' }, key })).toMatchObject({ status: 202 });
  await shown('showCase', { params, key }, ({ state: at, outcome }) => at === 'closed' && outcome === 'completed');
});

describe('the examples in the document', () => {
  /** The key in the examples is that of RFC 8037 (A.1) and RFC 7748 (6.1), whose private parts are public. */
  const key = caseKeyOf(
    { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' },
    { kty: 'OKP', crv: 'X25519', x: '3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08', d: 'XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os' },
  );
  const tried = new Set<string>();
  const exampleOf = (name: string): Json => {
    const { example } = Object.values(api.operation(name).requestBody?.content ?? {})[0] ?? {};
    if (!example) throw new Error(`${name} has no example`);
    return example;
  };
  const successOf = (name: string): readonly number[] =>
    Object.keys(api.operation(name).responses)
      .map(Number)
      .filter((status) => status < 300);
  /** Sends the operation, with its example if it has a body; `real` replaces invented values in the example. */
  async function tryExample(name: string, sent: Parameters<DocumentClient['send']>[1] = {}, real: Json = {}): Promise<Json> {
    const body = api.operation(name).requestBody ? { body: { ...exampleOf(name), ...real } } : {};
    expect(Object.keys(real).filter((field) => !(field in (body.body ?? {})))).toEqual([]);
    const answer = await done(name, { ...sent, ...body });
    expect([name, answer]).toEqual([name, { status: successOf(name)[0], body: answer.body }]);
    tried.add(name);
    return answer.body;
  }
  const open = async (): Promise<{ readonly caseId: string }> => ({ caseId: String((await tryExample('openCase', { key }))['caseId']) });

  it('work in the order of a case, with the ids of a real one', async () => {
    const [boris, chidi, gita] = [tokens['boris'], tokens['chidi'], tokens['gita']];
    await tryExample('signInWith');
    const params = await open();
    const { code, contact } = await callBackOf(params.caseId, key);
    await tryExample('showContact', { params, token: boris }, { digest: contact });
    await tryExample('addEvidence', { params, token: boris }, { code, contact });
    expect(await done('addEvidence', { params, token: boris, body: vouch })).toMatchObject({ status: 202 });
    const real = without(await statementOf(params.caseId, 'chidi'), 'reason');
    const statement = { ...(exampleOf('decide')['statement'] as Json), ...real };
    await tryExample('decide', { params, token: chidi }, { ...decisionOf(statement, await approverKey('chidi')) });

    const { ciphertextDigest } = await shown('pickUpSecret', { params, key }, () => true);
    for (const name of ['showCase', 'caseTimeline', 'showObligations', 'showOrders', 'pickUpSecret'])
      await tryExample(name, { params, key });
    for (const name of ['showApproval', 'deskContact', 'showPlan']) await tryExample(name, { params, token: boris });
    for (const name of ['listCases', 'inbox']) await tryExample(name, { token: boris });
    await tryExample('listOverdue', { token: gita });
    await tryExample('acknowledgeSecret', { params, key }, { ciphertextDigest });
    await tryExample('endEarly', { params, key });
    await tryExample('contain', { params, token: gita });
    await tryExample('repudiate', { params, token: gita });
    // Open cases of the subject: the contained case is not closed until everything is undone.
    await open();
    await tryExample('containSubject', { params: { subjectId: 'ada' }, token: gita });
    await tryExample('withdraw', { params: await open(), key });
    await tryExample('checkpoint');
    await tryExample('exportLog', { token: gita });
  });

  it('work for signals of providers and for parked messages', async () => {
    const secrets = JSON.parse(await readFile(path.join(system.stateDir, 'demo/issuer-keys.json'), 'utf8')) as {
      clients: Record<string, string>;
    };
    const response = await fetch(`${system.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`demo-idp:${secrets.clients['demo-idp'] ?? ''}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'signals:publish' }),
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    const mediaType = 'application/cloudevents+json';
    await tryExample('publishSignal', { token, mediaType }, { source: system.issuer, time: new Date().toISOString() });

    const loot = await lootOf(system.stateDir);
    const wrong = makeSigningKey().private;
    for (const [service, type] of [
      ['intake', 'readmit.case.opened'],
      ['approval', 'readmit.approval.withdrawn'],
    ] as const) {
      const attacker = await Attacker.with(loot, service);
      // Parked because of its signature, before its data are read.
      const data = { caseId: 'case_forged', by: 'mallory' } as never;
      expect(await attacker.write(await attacker.event({ type, key: 'case_forged', data }, service, wrong))).toBeUndefined();
      await attacker.close();
    }
    for (const name of api.names.filter((one) => one.endsWith('ListParked'))) {
      const area = name.replace('ListParked', '');
      const list = (await shown(name, { token: tokens['gita'] }, (all) => Array.isArray(all) && all.length > 0)) as unknown as Json[];
      const params = { parkedId: String(list[0]?.['id']) };
      await tryExample(name, { token: tokens['gita'] });
      await tryExample(`${area}ShowParked`, { params, token: tokens['gita'] });
      expect(await tryExample(`${area}SettleParked`, { params, token: tokens['gita'] })).toMatchObject({
        id: params.parkedId,
        state: 'discarded',
      });
    }
  });

  it('cover every operation', () => {
    expect(api.names.filter((name) => !tried.has(name))).toEqual([]);
  });
});

if ('missing' in tools) it.skip(`schemathesis sends valid and invalid requests: ${tools.missing}`, () => {});
else
  describe('schemathesis sends valid and invalid requests', () => {
    // The demo allows 6000 requests per minute and client; 429 is described, too.
    it.each([
      ['anonymous', undefined],
      ['a person', 'erin'],
      ['an operator', 'gita'],
    ])(
      'R8.3 as %s, and finds no 5xx, and no status or body that is not described',
      async (_who, persona) => {
        const token = persona && tokens[persona];
        const caseId = persona && String((await api.send('openCase', { token, body: ofErin })).body['caseId']);
        const { code, output } = await schemathesis(tools, { origin: system.origin, token, ...(caseId ? { caseId } : {}), each: 5 });
        expect([code, output]).toEqual([0, output]);
        expect(output).toContain(`Tested: ${api.names.length}\n`);
      },
      180_000,
    );

    it('and finds one that is planted', async () => {
      const document = structuredClone(api.document) as OpenApi;
      const checkpoint = document.paths['/api/audit/checkpoint']?.['get'] as { responses: Record<string, object> };
      const { 200: described, ...others } = checkpoint.responses;
      checkpoint.responses = { ...others, 201: described ?? {} };
      const { code, output } = await schemathesis(tools, { origin: system.origin, document, only: 'checkpoint', each: 1 });
      expect([code, output]).toEqual([1, expect.stringContaining('Undocumented status code')]);
    });
  });
