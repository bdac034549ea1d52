/** Approval's routes over its real engine and tables: what is stored of proofs, wrong codes, policies and people who are not attested yet. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createEngine, type Engine } from '@readmit/runtime';
import { EmbeddedBus } from '@readmit/bus';
import { uuidv7 } from '@readmit/platform';
import { engineCrypto, KeyRing, makeServiceKeys, Signer } from '@readmit/signing';
import { topicOf, writeEnvelope } from '@readmit/contracts';
import { codeOf } from '@readmit/domain';
import type { Call } from '@readmit/service';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import pg from 'pg';
import { approvalDefinition } from '../src/approval.definition.js';
import { ApprovalController } from '../src/inbound/approval.controller.js';

let database: TestDatabase;
let bus: EmbeddedBus;
let engine: Engine;
let controller: ApprovalController;
const keys = makeServiceKeys(new Date(Date.now() - 60_000));
const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const hex = (digit: string): string => digit.repeat(64);
const policy = { version: 'test-1', classes: {} };
const digest = engineCrypto.digest(policy);
const code = codeOf('nonce_1', hex('f'), engineCrypto);
const boris = { id: 'boris', human: 'boris', teams: ['help-desk'], authority: 2, employment: 'employee', privileged: false, keys: [] };
const facts = {
  'readmit.case.opened': {
    caseId: 'case_1',
    asks: [],
    subject: { kind: 'person', id: 'ada' },
    requester: { kind: 'anonymous' },
    reasonCode: 'lost-device',
    reasonDigest: hex('0'),
    durationSeconds: 600,
    caseKey: { signing: { kty: 'OKP', crv: 'Ed25519', x: 's' }, sealing: { kty: 'OKP', crv: 'X25519', x: 'e' }, fingerprint: hex('f') },
  },
  'readmit.case.classified': {
    caseId: 'case_1',
    class: 'mfa-recovery',
    tier: 'agent-assisted',
    ceiling: { steps: [], entitlements: [], maxDurationSeconds: 600 },
    requirements: {
      evidence: [{ kind: 'call-back', assurance: 2, maxAgeSeconds: 300 }],
      verifiers: ['help-desk'],
      quorum: [{ name: 'security', teams: ['security'], count: 1, authority: 1 }],
      ticket: false,
      decideWithinSeconds: 600,
      executeWithinSeconds: 60,
      overlapSeconds: 0,
    },
    policy: { version: 'test-1', digest },
    reasons: [{ rule: 'R1.3', says: 'mfa' }],
    codeNonce: 'nonce_1',
    facts: [],
  },
  'readmit.people.attested': {
    caseId: 'case_1',
    directory: { digest: hex('d'), issuedAt: '2026-11-22T08:00:00.000Z', ageSeconds: 1 },
    people: [boris],
    contacts: [hex('a')],
    consumers: [],
  },
};

beforeEach(async () => {
  database = await testDatabase();
  const store = await database.store('approval');
  bus = await EmbeddedBus.open({ service: 'approval', store });
  const signer = new Signer(keys.keys.approval);
  engine = createEngine({ definition: approvalDefinition, store, bus, signer, ring: new KeyRing(keys.list), environment: 'test', log });
  controller = new ApprovalController({ commands: engine, store, crypto: engineCrypto, publicUrl: 'http://test', now: () => new Date() });
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(`INSERT INTO approval.aggregate (key, version) VALUES ('case_1', 3)`);
  for (const [type, data] of Object.entries(facts))
    await owner.query(`INSERT INTO approval.fact (key, id, type, at, data) VALUES ('case_1', $1, $2, $3, $4)`, [
      uuidv7(),
      type,
      new Date().toISOString(),
      data,
    ]);
  await owner.end();
  await engine.start();
});
afterEach(async () => {
  await engine.stop();
  await bus.close();
  await database.drop();
});

const call = (id: string, body?: object) => ({ params: { caseId: 'case_1' }, actor: { id, teams: [] }, body, requestId: 'r' });
const show = (id = 'boris') => controller.show(call(id) as unknown as Call<'showApproval'>);
const prove = (id: string, more: object = {}) => {
  const body = { kind: 'call-back', channel: 'phone', assurance: 2, note: 'she read it out', contact: hex('a'), code, ...more };
  return controller.evidence(call(id, body) as unknown as Call<'addEvidence'>);
};
const ofType = async (type: string) => (await engine.facts('case_1')).all.filter((fact) => fact.type === type);

it('R3.4 R3.1 records wrong codes as facts, and stores the text of an accepted proof so that its digest can be recomputed', async () => {
  await expect(prove('boris', { code: '0000-0000' })).rejects.toMatchObject({ status: 422, reason: 'code-mismatch' });
  expect(await ofType('readmit.approval.refused')).toHaveLength(1);
  expect((await show()).evidence).toEqual([]);
  await prove('boris');
  const [shown, ...more] = (await show()).evidence;
  expect(more).toEqual([]);
  if (!shown) throw new Error('no proof is shown');
  const words = Object.fromEntries(Object.entries(shown).filter(([name]) => !['id', 'digest', 'staleAt'].includes(name)));
  expect(words).toMatchObject({ note: 'she read it out', by: 'boris', code });
  expect(engineCrypto.digest(words)).toBe(shown.digest);
  for (let wrong = 1; wrong < 5; wrong++)
    await expect(prove('boris', { code: '0000-0000' })).rejects.toMatchObject({ reason: 'code-mismatch' });
  await expect(prove('boris')).rejects.toMatchObject({ reason: 'too-many-wrong-codes' });
  expect(await ofType('readmit.approval.refused')).toHaveLength(5);
});

it('R4.2 requests the attestation of an unattested person once, however often and by whichever route they come', async () => {
  for (const attempt of [() => show('pat'), () => prove('pat'), () => show('pat'), () => prove('pat')])
    await expect(attempt()).rejects.toMatchObject({ status: 409, reason: 'not-ready' });
  expect((await ofType('readmit.attestation.wanted')).map(({ data }) => data)).toEqual([{ caseId: 'case_1', person: 'pat' }]);
});

it('R4.10 R9.1 shows the policy that classification activated, found by its digest', async () => {
  expect((await show()).policy).toEqual({ version: 'test-1', digest, document: null });
  const headers = writeEnvelope({
    id: uuidv7(),
    environment: 'test',
    service: 'classification',
    type: 'readmit.policy.activated',
    time: new Date().toISOString(),
    subject: 'policy',
    version: '1',
    correlationId: 'policy',
  });
  const value = Buffer.from(JSON.stringify({ version: 'test-1', digest, document: policy }));
  const records = new Signer(keys.keys.classification).sign('test', [{ topic: topicOf('classification'), key: 'policy', headers, value }]);
  const store = await database.store('classification');
  const writer = await EmbeddedBus.open({ service: 'classification', store });
  await store.transaction(async (tx) => writer.write(tx, records));
  await writer.close();
  const { document } = await until(
    async () => {
      const { policy: known } = await show();
      return known && known.document !== null ? known : undefined;
    },
    { what: 'the policy is known' },
  );
  expect(document).toEqual(policy);
});
