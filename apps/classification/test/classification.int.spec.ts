/** Classification with its engine on a real PostgreSQL: what is counted per subject and per agent holds over cases and concurrent commands. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEngine, type Engine } from '@readmit/runtime';
import { EmbeddedBus } from '@readmit/bus';
import { engineCrypto, KeyRing, makeServiceKeys, Signer, type DirectoryPort } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';
import { entryOf, topicOf, writeEnvelope, type Directory, type Draft, type EventData, type ServiceName } from '@readmit/contracts';
import { agentKeys, codeOf, contactDigests, showContact, type DirectoryReading } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import { fileURLToPath } from 'node:url';
import { classificationDefinition } from '../src/classification.definition.js';
import { caseCodes } from '../src/outbound/case-codes.js';
import { fileOnly } from '../src/outbound/case-directory.js';
import { loadPolicy } from '../src/outbound/policy-file.js';
import { person } from './people.js';

const environment = 'test';
const keys = makeServiceKeys(new Date(Date.now() - 60_000));
const ring = new KeyRing(keys.list);
const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const issuedAt = new Date().toISOString();
const directory: Directory = {
  version: 1,
  issuedAt,
  // More people than are attested with a case.
  people: [
    person('ada', 'staff', { contacts: [{ kind: 'phone', value: '+44 20 7946 0101' }] }),
    ...Array.from({ length: 300 }, (_, n) => person(`agent-${n}`, 'help-desk')),
  ],
  machines: [],
  privileged: [],
};
const port: DirectoryPort = { read: () => Promise.resolve({ directory, digest: 'd'.repeat(64), issuedAt }) };
const policy = await loadPolicy(fileURLToPath(new URL('../../../deploy/policies/default.yaml', import.meta.url)));

/** What a live source adds to the next readings. */
let live: DirectoryReading['live'];
/** Nonces to be drawn next; after those, random ones. */
const nextNonces: string[] = [];
let database: TestDatabase;
const open: EmbeddedBus[] = [];
let store: Store;
let engine: Engine;
beforeAll(async () => {
  database = await testDatabase();
  store = await database.store('classification');
  engine = createEngine({
    definition: classificationDefinition(
      { read: async (concerned, signal) => ({ ...(await fileOnly(port).read(concerned, signal)), ...(live ? { live } : {}) }) },
      policy,
      'salt',
      caseCodes(store, () => nextNonces.shift() ?? `nonce_${uuidv7()}`),
    ),
    store,
    bus: await busOf('classification'),
    signer: new Signer(keys.keys.classification),
    ring,
    environment,
    log,
  });
  await engine.start();
});
afterAll(async () => {
  await engine.stop();
  for (const bus of open) await bus.close();
  await database.drop();
});

async function busOf(service: ServiceName): Promise<EmbeddedBus> {
  const bus = await EmbeddedBus.open({ service, store: await database.store(service), pollMs: 20 });
  open.push(bus);
  return bus;
}
const writers = new Map<ServiceName, Promise<EmbeddedBus>>();
/** Publishes signed events of another service, in one transaction. */
async function emit(service: ServiceName, ...drafts: readonly Draft[]): Promise<void> {
  const writer = writers.get(service) ?? busOf(service);
  writers.set(service, writer);
  const records = drafts.map(({ type, key, data }) => ({
    topic: topicOf(service),
    key,
    headers: writeEnvelope({
      id: uuidv7(),
      environment,
      service,
      type,
      time: new Date().toISOString(),
      subject: key,
      version: String(entryOf(type).version),
      correlationId: key,
    }),
    value: Buffer.from(JSON.stringify(data)),
  }));
  const signed = new Signer(keys.keys[service]).sign(environment, records);
  const bus = await writer;
  await (await database.store(service)).transaction((tx) => bus.write(tx, signed));
}

const x = (kind: 'ed25519' | 'x25519'): string => {
  const { publicKey } = kind === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ed25519');
  return String(publicKey.export({ format: 'jwk' }).x);
};
const keyOf = (fingerprint: string): NonNullable<EventData<'readmit.case.opened'>['caseKey']> => ({
  signing: { kty: 'OKP', crv: 'Ed25519', x: x('ed25519') },
  sealing: { kty: 'OKP', crv: 'X25519', x: x('x25519') },
  fingerprint,
});
const opened = (caseId: string, fingerprint: string, subject = 'ada'): Draft => ({
  type: 'readmit.case.opened',
  key: caseId,
  data: {
    caseId,
    subject: { kind: 'person', id: subject },
    requester: { kind: 'anonymous' },
    asks: [{ id: 'ask-1', kind: 'factor.bypass', connector: 'demo-idp', object: subject }],
    reasonCode: 'lost-device',
    reasonDigest: 'e'.repeat(64),
    durationSeconds: 600,
    caseKey: keyOf(fingerprint),
  },
});
const classifiedOf = (caseId: string) =>
  until(async () => (await engine.facts(caseId)).first('readmit.case.classified'), { what: `${caseId} is classified` });

describe('classification', () => {
  it('R3.4 concurrent cases of one subject have different codes, and a key that two of them share is reported', async () => {
    const cases = Array.from({ length: 6 }, (_, n) => `case_same_${n}`);
    await emit('intake', ...cases.map((caseId, n) => opened(caseId, String(n % 5).repeat(64))));
    const classified = await Promise.all(cases.map(classifiedOf));
    expect(new Set(classified.map(({ data }) => data.codeNonce)).size).toBe(6);
    // 0 and 5 share a key: each names the other, since both were recorded before either was classified.
    const told = classified.map(({ data }) => data.reasons.filter(({ rule }) => rule === 'R3.4').map(({ says }) => says));
    expect(told).toEqual([[expect.stringContaining('case_same_5')], [], [], [], [], [expect.stringContaining('case_same_0')]]);
  });

  it('concurrent draws share a query, and each gets its own result', async () => {
    let statements = 0;
    const codes = caseCodes({
      query: (sql, parameters) => {
        statements++;
        return store.query(sql, parameters);
      },
    });
    const drawn = await Promise.all(
      ['1', '2', 'a'].map((digit) => codes.draw(opened(`case_new_${digit}`, digit.repeat(64)).data as EventData<'readmit.case.opened'>)),
    );
    expect(drawn.map(({ sameKey }) => sameKey)).toEqual([['case_same_1'], ['case_same_2'], []]);
    expect(new Set(drawn.map(({ codeNonce }) => codeNonce)).size).toBe(3);
    expect(statements).toBe(1);
  });

  it('R3.4 a code that another case of the subject has is drawn again; a case of another subject may have it', async () => {
    const key = '6'.repeat(64);
    await emit('intake', opened('case_code', key));
    const nonce = (await classifiedOf('case_code')).data.codeNonce ?? '';
    nextNonces.push(nonce);
    await emit('intake', opened('case_next', key));
    const next = (await classifiedOf('case_next')).data.codeNonce ?? '';
    expect([nextNonces, next === nonce]).toEqual([[], false]);
    nextNonces.push(nonce);
    await emit('intake', opened('case_other', key, 'agent-7'));
    expect((await classifiedOf('case_other')).data.codeNonce).toBe(nonce);
    const codes = await store.query<{ case_id: string; code: string }>(
      'SELECT case_id, code FROM case_code WHERE fingerprint = $1 ORDER BY case_id',
      [key],
    );
    expect(codes.map(({ code }) => code)).toEqual([nonce, next, nonce].map((one) => codeOf(one, key, engineCrypto)));
  });

  it('R1.6 R1.7 a doubt of a live source is in the event that approvers read, with the facts and their age', async () => {
    const doubt = 'The source hr does not know ada; what is unknown never lowers a tier.';
    const fact = { name: 'subject-manager:hr', value: 'unknown', ageSeconds: 7 };
    live = { doubts: [doubt], facts: [fact] };
    await emit('intake', opened('case_doubt', '9'.repeat(64)));
    const { data } = await classifiedOf('case_doubt');
    expect(data.reasons).toContainEqual({ rule: 'R1.6', says: doubt });
    expect(data.facts).toContainEqual(fact);
    expect(data.tier).toBe('two-person');
    // The control: the same case without the doubt.
    live = undefined;
    await emit('intake', opened('case_sure', 'b'.repeat(64)));
    expect((await classifiedOf('case_sure')).data.tier).toBe('agent-assisted');
  });

  it('R4.2 a person in a team of hundreds is attested on request, once', async () => {
    await emit('intake', opened('case_lazy', '7'.repeat(64)));
    await classifiedOf('case_lazy');
    const before = (await engine.facts('case_lazy')).of('readmit.people.attested');
    expect(before.map(({ data }) => data.people.map(({ id }) => id))).toEqual([['ada']]);
    const wanted = (who: string): Draft => ({
      type: 'readmit.attestation.wanted',
      key: 'case_lazy',
      data: { caseId: 'case_lazy', person: who },
    });
    await emit('approval', wanted('agent-7'), wanted('stranger'));
    const after = await until(
      async () => {
        const said = (await engine.facts('case_lazy')).of('readmit.people.attested');
        return said.length === 3 ? said : undefined;
      },
      { what: 'both are attested' },
    );
    expect(
      after
        .slice(1)
        .map(({ data }) => data.people.map(({ id }) => id))
        .sort(),
    ).toEqual([[], ['agent-7']]);
  });

  it('R3.4 R7.1 concurrent views by one agent are counted together, and each that shows something is recorded', async () => {
    const cases = Array.from({ length: 14 }, (_, n) => `case_look_${n}`);
    await emit('intake', ...cases.map((caseId) => opened(caseId, '8'.repeat(64))));
    await Promise.all(cases.map(classifiedOf));
    const look = (agent: string, caseId: string) => {
      const points = contactDigests(directory, 'ada', caseId, 'salt', engineCrypto);
      const about = { key: caseId, alsoKeys: agentKeys(agent, new Date()), name: 'show-contact', actor: agent };
      return engine.command(
        about,
        showContact(agent, points[0]?.digest ?? '', points, () => undefined),
      );
    };
    const looks = await Promise.all(cases.map((caseId) => look('agent-1', caseId)));
    const reasons = looks.flatMap((one) => ('refused' in one ? [one.refused.reason] : []));
    expect(reasons).toEqual(Array.from({ length: 4 }, () => 'too-many-looks'));
    // The hour may change while it is counted.
    const shownTo = async (agent: string) => {
      const hours = await Promise.all(agentKeys(agent, new Date()).map((key) => engine.facts(key)));
      return hours.reduce((sum, facts) => sum + facts.of('readmit.contact.shown').length, 0);
    };
    expect(await shownTo('agent-1')).toBe(10);
    const onCases = await Promise.all(cases.map(async (caseId) => (await engine.facts(caseId)).of('readmit.contact.shown').length));
    expect(onCases.reduce((sum, count) => sum + count, 0)).toBe(10);
    // The control: a colleague is not refused because of it.
    expect(await look('agent-2', cases[0] ?? '')).toMatchObject({ reply: { value: '+44 20 7946 0101' } });
    expect(await shownTo('agent-2')).toBe(1);
  });
});
