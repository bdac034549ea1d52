/** A log of events that several services have signed, on a real PostgreSQL and the embedded bus, for specs of audit. */
import { afterEach, beforeEach } from '@jest/globals';
import { EmbeddedBus, type OutgoingRecord, type TopicRecord } from '@readmit/bus';
import { KeyRing, keyIdOf, Signer, verifyRecord } from '@readmit/signing';
import { entryOf, services, topicOf, writeEnvelope, type Draft, type KeyList, type ServiceName } from '@readmit/contracts';
import { logKey, verifyExport, vkeyOf, type EventChecks } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { fixedIds, testDatabase, until, type TestDatabase } from '@readmit/testing';
import { createPublicKey, generateKeyPairSync, sign, type JsonWebKey } from 'node:crypto';
import { AuditEngine } from '../src/audit-engine.js';
import { logTools, signedEventBytes } from '../src/outbound/log-crypto.js';
import { exportLines } from '../src/usecases/export-log.js';

export const environment = 'test';
const at = '2026-11-22T10:00:00.000Z';
const secrets = new Map(
  services.map((service) => [
    service,
    generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JsonWebKey & { x: string; d: string },
  ]),
);
const secretOf = (service: ServiceName) => {
  const { x = '', d = '' } = secrets.get(service) ?? {};
  return { kty: 'OKP' as const, crv: 'Ed25519' as const, x, d };
};
export const signers = new Map(services.map((service) => [service, new Signer(secretOf(service))]));
const keyList: KeyList = {
  version: 1,
  issuedAt: at,
  keys: services.map((owner) => {
    const { kty, crv, x } = secretOf(owner);
    return { kid: keyIdOf(x), owner, key: { kty, crv, x }, notBefore: '2026-01-01T00:00:00.000Z', notAfter: null, revokedAt: null };
  }),
};
const ring = new KeyRing(keyList);
const log = generateKeyPairSync('ed25519').privateKey;
export const key = logKey(
  'readmit.example/log/test',
  Buffer.from(createPublicKey(log).export({ format: 'jwk' }).x ?? '', 'base64url'),
  logTools,
);
export const verify = (record: Parameters<typeof verifyRecord>[0], replayed: boolean) =>
  verifyRecord(record, { ring, environment, now: new Date(), replayed });
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

const ids = fixedIds();
export function recordsOf(service: ServiceName, drafts: readonly Draft[], time = new Date().toISOString()): OutgoingRecord[] {
  const records = drafts.map((draft) => ({
    topic: topicOf(service),
    key: draft.key,
    headers: writeEnvelope({
      id: ids.uuid(),
      environment,
      service,
      type: draft.type,
      time,
      subject: draft.key,
      version: String(entryOf(draft.type).version),
      correlationId: draft.key,
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    }),
    value: Buffer.from(JSON.stringify(draft.data)),
  }));
  return signers.get(service)?.sign(environment, records) ?? [];
}
export const notice = (caseId: string): Draft => ({
  type: 'readmit.notice.sent',
  key: caseId,
  data: { caseId, noticeId: 'notice_1', about: 'opened', channel: 'mail' },
});
export const attested = (caseId: string): Draft => ({
  type: 'readmit.people.attested',
  key: caseId,
  data: { caseId, directory: { digest: '0'.repeat(64), issuedAt: at, ageSeconds: 5 }, people: [], contacts: [], consumers: [] },
});
export const started = (caseId: string): Draft => ({
  type: 'readmit.execution.started',
  key: caseId,
  data: { caseId, executionId: 'execution_1', planDigest: '0'.repeat(64), grantId: 'grant_1', endsAt: at, holds: [] },
});

let database: TestDatabase;
const stores = new Map<ServiceName, Store>();
const buses = new Map<ServiceName, EmbeddedBus>();
export const storeOf = (service: ServiceName): Store => {
  const store = stores.get(service);
  if (!store) throw new Error(`no store of ${service}`);
  return store;
};
export const busOf = (service: ServiceName): EmbeddedBus => {
  const bus = buses.get(service);
  if (!bus) throw new Error(`no bus of ${service}`);
  return bus;
};
export const publish = async (service: ServiceName, records: readonly OutgoingRecord[]): Promise<void> =>
  storeOf(service).transaction((tx) => busOf(service).write(tx, records));
export const engineOf = (
  over: { readonly checkStart?: () => Promise<void>; readonly checkpointEverySeconds?: number; readonly watchAfterSeconds?: number } = {},
): AuditEngine =>
  new AuditEngine({
    environment,
    key,
    signNote: (message) => sign(null, message, log),
    signEvents: (records) => signers.get('audit')?.sign(environment, records) ?? [],
    newEventId: ids.uuid,
    checkpointEverySeconds: 3600,
    store: storeOf('audit'),
    bus: busOf('audit'),
    verify,
    log: quiet,
    checkStart: async () => {},
    member: ids.uuid(),
    watchEverySeconds: 3600,
    watchAfterSeconds: 0,
    ...over,
  });
export const count = async (table: 'leaf' | 'checkpoint' | 'parked'): Promise<number> =>
  (await storeOf('audit').query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n ?? 0;
/** Runs an engine until the log has the number of leaves. */
export async function record(leaves: number, over: Parameters<typeof engineOf>[0] = {}): Promise<AuditEngine> {
  const engine = engineOf(over);
  await engine.start();
  try {
    await until(async () => (await count('leaf')) >= leaves, { what: `${leaves} leaves` });
  } finally {
    await engine.stop();
  }
  return engine;
}
const emitted = async (): Promise<readonly TopicRecord[]> =>
  (await Promise.all([0, 1, 2, 3].map((partition) => busOf('audit').read(topicOf('audit'), partition, 0n, 1000)))).flat();
export const typesEmitted = async (): Promise<string[]> => (await emitted()).map(({ headers }) => headers['ce_type'] ?? '');
/** Case and rule of each violation that audit has found. */
export const violations = async (): Promise<string[][]> =>
  (await emitted())
    .filter(({ headers }) => headers['ce_type'] === 'readmit.violation.found')
    .map(({ key: caseId, value }) => [caseId, (JSON.parse(value.toString()) as { rule: string }).rule]);
const checks: EventChecks = {
  signedBytes: (one) => signedEventBytes(environment, one),
  check: (one, loggedAfter) => {
    const verified = verifyRecord({ ...one, value: Buffer.from(one.value) }, { ring, environment, now: loggedAfter, replayed: true });
    return verified.ok ? { fact: verified.fact } : verified;
  },
};
export async function exported(): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportLines(storeOf('audit'), { environment, key, keyList: () => 'list' })) lines.push(line);
  return lines;
}
async function* each(lines: readonly string[]) {
  yield* lines;
}
export const judge = (lines: readonly string[], trustedCheckpoint?: string) =>
  verifyExport(each(lines), logTools, {
    logKey: vkeyOf(key, logTools),
    events: () => checks,
    ...(trustedCheckpoint === undefined ? {} : { trustedCheckpoint }),
  });
export const latestNote = async (): Promise<string> =>
  (await storeOf('audit').query<{ note: string }>('SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1'))[0]?.note ?? '';

/** Registers the hooks that open the log before each test and drop it afterwards. */
export function useSignedLog(): void {
  beforeEach(async () => {
    database = await testDatabase();
    for (const service of ['audit', 'intake', 'classification', 'execution', 'revocation-scheduler'] as const) {
      const store = await database.store(service);
      stores.set(service, store);
      buses.set(service, await EmbeddedBus.open({ service, store, pollMs: 20, leaseMs: 2000 }));
    }
  });
  afterEach(async () => {
    for (const bus of buses.values()) await bus.close();
    buses.clear();
    stores.clear();
    await database.drop();
  });
}
