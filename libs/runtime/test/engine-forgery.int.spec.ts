/** What arrives by the bus and is not what its producer signed parks under its exact reason; the same thing done rightly is taken. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRing, makeSigningKey, Signer } from '@readmit/signing';
import type { Engine, ServiceDefinition } from '../src/index.js';
import type { OutgoingRecord } from '@readmit/bus';
import type { Draft } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
let engine: Engine;
beforeAll(async () => {
  house = await openHouse();
  engine = await house.engine(toy);
  await engine.start();
});
afterAll(() => house.close());

let count = 0;
/** Sends, waits until the engine has dealt with it, and says whether it parked and why. */
async function fate(send: (caseId: string) => Promise<unknown>): Promise<string> {
  const caseId = `case-${++count}`;
  await send(caseId);
  return until(
    async () => {
      const parked = (await engine.parked.list({ limit: 1000 })).find(({ key }) => key === caseId || key.startsWith(`${caseId}?`));
      return parked?.reason ?? ((await engine.facts(caseId)).has('readmit.case.closed') ? 'taken' : undefined);
    },
    { what: `the message of ${caseId} parks or is taken` },
  );
}
const asApproval = (spoil: (record: OutgoingRecord) => OutgoingRecord, draft: (caseId: string) => Draft = withdrawn) =>
  fate((caseId) => house.send('approval', [draft(caseId)], { spoil }));
const header =
  (name: string, value: string) =>
  (record: OutgoingRecord): OutgoingRecord => ({ ...record, headers: { ...record.headers, [name]: value } });

describe('R8.3 a message parks when', () => {
  it('control: the genuine one is taken', async () => {
    expect(await asApproval((record) => record)).toBe('taken');
  });
  it('it is signed by a key that the list does not name', async () => {
    expect(await fate((caseId) => house.send('approval', [withdrawn(caseId)], { signer: new Signer(makeSigningKey().private) }))).toBe(
      'unknown-key',
    );
  });
  it('its bytes are not those that were signed', async () => {
    expect(await asApproval((record) => ({ ...record, value: Buffer.from(record.value.toString().replace('ada', 'eve')) }))).toBe(
      'bad-signature',
    );
  });
  it('old bytes wear another id', async () => {
    expect(await asApproval(header('ce_id', 'another-id'))).toBe('bad-signature');
  });
  it('old bytes wear another key', async () => {
    const stolen = await house.send('approval', [withdrawn('case-original')]);
    expect(
      await fate((caseId) =>
        house.send('approval', [withdrawn(caseId)], {
          spoil: (record) => ({
            ...(stolen[0] ?? record),
            key: record.key,
            headers: { ...(stolen[0] ?? record).headers, ce_subject: record.key },
          }),
        }),
      ),
    ).toBe('bad-signature');
  });
  it('its attributes are not those that were signed', async () => {
    expect(await asApproval(header('ce_time', new Date(Date.now() - 1000).toISOString()))).toBe('bad-signature');
  });
  it('its subject is not its key', async () => {
    expect(await asApproval(header('ce_subject', 'case-other'))).toBe('malformed-envelope');
  });
  it('it bears no signature', async () => {
    expect(
      await asApproval((record) => ({
        ...record,
        headers: Object.fromEntries(Object.entries(record.headers).filter(([name]) => name !== 'readmit-signature')),
      })),
    ).toBe('bad-signature');
  });
  it('another service says a type that is not its own', async () => {
    expect(
      await fate((caseId) =>
        house.send('approval', [{ type: 'readmit.case.frozen', key: caseId, data: { caseId, by: 'mallory', cause: 'signal' } }]),
      ),
    ).toBe('wrong-producer');
  });
  it('its source names another service than its key', async () => {
    expect(
      await fate(async (caseId) => {
        const signer = new Signer(house.keys.keys.execution);
        await house.send(
          'approval',
          [
            {
              type: 'readmit.execution.failed',
              key: caseId,
              data: { caseId, executionId: 'x', effect: 'none', rule: 'R5.1', reason: 'r', says: 's' },
            },
          ],
          { signer },
        );
      }),
    ).toBe('wrong-producer');
  });
  it('it is a genuine event of one service, signed for the topic of another, and is taken on its own', async () => {
    // Listens to both topics, as every service does that consumes several: what tells them apart is the topic alone.
    const both: ServiceDefinition = {
      ...toy,
      name: 'revocation-scheduler',
      consumes: [...toy.consumes, 'readmit.execution.failed'],
      wakes: 'timer',
    };
    const listener = await house.engine({ ...both, react: () => ({ emit: [] }) });
    await listener.start();
    const told = async (topicOfService: 'approval' | 'execution', caseId: string) => {
      await house.send(topicOfService, [withdrawn(caseId)], { speaker: 'approval' });
      return until(
        async () => {
          const parked = (await listener.parked.list({})).find(({ key }) => key === caseId);
          return parked ?? ((await listener.facts(caseId)).has('readmit.approval.withdrawn') ? ('taken' as const) : undefined);
        },
        { what: `${caseId} parks or is taken` },
      );
    };
    expect(await told('execution', 'case-foreign-topic')).toMatchObject({
      reason: 'wrong-producer',
      says: 'approval does not write to readmit.execution.v1',
    });
    expect(await told('approval', 'case-own-topic')).toBe('taken');
  });
  it('its key has ended and it arrives now, though it claims a time before the end; within the grace it is taken', async () => {
    const minute = 60_000;
    const endedAgo = (minutes: number) => ({ made: makeSigningKey(), notAfter: new Date(Date.now() - minutes * minute).toISOString() });
    const [long, just] = [endedAgo(16), endedAgo(5)];
    const { list } = house.keys;
    house.ring.adopt(
      new KeyRing({
        ...list,
        keys: [
          ...list.keys,
          ...[long, just].map(({ made, notAfter }) => ({
            kid: made.kid,
            owner: 'approval' as const,
            key: made.public,
            notBefore: list.issuedAt,
            notAfter,
            revokedAt: null,
          })),
        ],
      }),
    );
    const at = new Date(Date.now() - 60 * minute);
    const say = (key: typeof long) => (caseId: string) =>
      house.send('approval', [withdrawn(caseId)], { at, signer: new Signer(key.made.private) });
    expect(await fate(say(just))).toBe('taken');
    expect(await fate(say(long))).toBe('key-ended');
    // Nor does it help to say when it was written: the role may not.
    await expect(
      (await house.store('approval')).query(
        `INSERT INTO bus.readmit_approval_v1 (partition, "offset", key, headers, value, written_at) VALUES (0, 900, 'k', '{}', '', now() - interval '1 hour')`,
      ),
    ).rejects.toMatchObject({ code: '42501' });
    const parked = (await engine.parked.list({ reason: 'key-ended' }))[0];
    expect(parked?.says).toMatch(
      /^key [0-9a-f]{16} ended at .* and this came at .*; re-drive it if its service had said it before the end$/,
    );
    // No later key list brings it in; a person who answers for it does.
    expect(await engine.parked.settle(parked?.id ?? '', 'redrive', 'key-list')).toMatchObject({ state: 'parked', reason: 'key-ended' });
    expect(await engine.parked.settle(parked?.id ?? '', 'redrive', 'op-1')).toMatchObject({ state: 'redriven' });
    house.ring.adopt(new KeyRing(list));
  });
  it('it was said in another environment', async () => {
    expect(await asApproval(header('ce_source', 'readmit/production/approval'))).toBe('wrong-environment');
  });
  it('it was said more than 35 days ago, and is taken at 34', async () => {
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    expect(await fate((caseId) => house.send('approval', [withdrawn(caseId)], { at: daysAgo(35.1) }))).toBe('too-old');
    expect(await fate((caseId) => house.send('approval', [withdrawn(caseId)], { at: daysAgo(34) }))).toBe('taken');
  });
  it('it was said in the future, and is taken when it is a minute ahead', async () => {
    const ahead = (minutes: number) => new Date(Date.now() + minutes * 60_000);
    expect(await fate((caseId) => house.send('approval', [withdrawn(caseId)], { at: ahead(10) }))).toBe('from-the-future');
    expect(await fate((caseId) => house.send('approval', [withdrawn(caseId)], { at: ahead(1) }))).toBe('taken');
  });
  it('its data is about another case than its key', async () => {
    expect(
      await asApproval(
        (record) => record,
        (caseId) => ({ ...withdrawn('case-other'), key: caseId }),
      ),
    ).toBe('key-differs');
  });
  it('its key was not valid then', async () => {
    expect(await fate((caseId) => house.send('approval', [withdrawn(caseId)], { at: new Date(Date.now() - 90 * 86_400_000) }))).toBe(
      'key-not-valid-then',
    );
  });
  it('its data breaks the schema, and says where', async () => {
    expect(
      await asApproval(
        (record) => record,
        (caseId) => ({ type: 'readmit.approval.withdrawn', key: caseId, data: { caseId, by: 'ada', extra: 1 } as never }),
      ),
    ).toBe('schema-violation');
    expect((await engine.parked.list({})).find(({ reason }) => reason === 'schema-violation')?.says).toContain('"extra"');
  });
  it('the value nests too deep or is too large', async () => {
    const deep = JSON.parse('['.repeat(40) + ']'.repeat(40)) as never;
    expect(
      await asApproval(
        (record) => record,
        (caseId) => ({ type: 'readmit.approval.withdrawn', key: caseId, data: { caseId, by: deep } }),
      ),
    ).toBe('too-deep');
    expect(
      await asApproval(
        (record) => record,
        (caseId) => ({ type: 'readmit.approval.withdrawn', key: caseId, data: { caseId, by: 'x'.repeat(1024 * 1024) } }),
      ),
    ).toBe('oversized');
  });
  it('the catalogue does not know its type or its version', async () => {
    const resign = (name: string, value: string) => (record: OutgoingRecord) => {
      return new Signer(house.keys.keys.approval).sign('spec', [{ ...record, headers: { ...record.headers, [name]: value } }])[0] ?? record;
    };
    expect(await asApproval(resign('ce_type', 'readmit.approval.dreamt'))).toBe('unknown-type');
    expect(await asApproval(resign('ce_version', '2'))).toBe('unknown-version');
  });
});

describe('an id', () => {
  it('R8.3 that was used for a fact of another type keeps nothing out of the set', async () => {
    const [first] = await house.send('approval', [
      { type: 'readmit.approval.denied', key: 'case-id', data: { caseId: 'case-id', decisionId: 'decision-1', by: 'mallory' } },
    ]);
    const id = first?.headers['ce_id'] ?? '';
    await house.send('approval', [withdrawn('case-id')], {
      spoil: (record) =>
        new Signer(house.keys.keys.approval).sign('spec', [{ ...record, headers: { ...record.headers, ce_id: id } }])[0] ?? record,
    });
    const facts = await until(
      async () => {
        const known = await engine.facts('case-id');
        return known.has('readmit.case.closed') ? known : undefined;
      },
      { what: 'both are taken' },
    );
    expect(facts.all.filter((fact) => fact.id === id).map(({ type }) => type)).toEqual([
      'readmit.approval.denied',
      'readmit.approval.withdrawn',
    ]);
  });
});

describe('a parked message', () => {
  it('is taken when it is re-driven after its key became known, once, on record', async () => {
    const late = makeSigningKey();
    await house.send('approval', [withdrawn('case-late')], { signer: new Signer(late.private) });
    const parked = await until(async () => (await engine.parked.list({})).find(({ key }) => key === 'case-late'), { what: 'it is parked' });
    expect(await engine.parked.settle(parked.id, 'redrive', 'op-1')).toMatchObject({ state: 'parked', reason: 'unknown-key' });
    const { list } = house.keys;
    house.ring.adopt(
      new KeyRing({
        ...list,
        keys: [
          ...list.keys,
          { kid: late.kid, owner: 'approval', key: late.public, notBefore: list.issuedAt, notAfter: null, revokedAt: null },
        ],
      }),
    );
    expect(await engine.parked.settle(parked.id, 'redrive', 'op-1')).toMatchObject({ state: 'redriven' });
    expect((await engine.facts('case-late')).has('readmit.case.closed')).toBe(true);
    expect(await engine.parked.settle(parked.id, 'redrive', 'op-1')).toMatchObject({ state: 'redriven' });
    const actions = (await house.said('intake'))
      .filter(({ type, key }) => type === 'readmit.intake.message-parked' && key === 'case-late')
      .map(({ data }) => (data as { action: string }).action);
    expect(actions).toEqual(['parked', 'redriven']);
  });

  it('is discarded on record and changes nothing', async () => {
    await house.send('approval', [withdrawn('case-boom', 'boom')]);
    const parked = await until(async () => (await engine.parked.list({})).find(({ key }) => key === 'case-boom'), { what: 'it is parked' });
    expect(await engine.parked.settle(parked.id, 'discard', 'op-1')).toMatchObject({ state: 'discarded' });
    expect((await engine.facts('case-boom')).all).toEqual([]);
  });
});
