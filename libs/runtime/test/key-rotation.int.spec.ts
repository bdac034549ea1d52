/** The signed list of keys is replaced while a service runs: what it names is taken by itself, what it does not name waits. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KeyList, ServiceName } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { believe, followKeyList, type Engine } from '../src/index.js';
import { makeSigningKey, signKeyList, Signer } from '@readmit/signing';
import type { Log } from '@readmit/platform';
import { environment, openHouse, toy, withdrawn, type House } from './engine-toy.js';

const root = makeSigningKey();
const approvals = makeSigningKey();
let house: House;
let engine: Engine;
let following: { close(): Promise<void> };
let inPlace: string;
let said: string[];
const log: Log = {
  debug: () => {},
  info: (_, message) => said.push(message),
  warn: () => {},
  error: (fields, message) => said.push(`${message}: ${(fields as { error: string }).error}`),
};

beforeEach(async () => {
  house = await openHouse();
  said = [];
  engine = await house.engine(toy);
  await engine.start();
  inPlace = await signKeyList(house.keys.list, root.private);
  let taken = inPlace;
  const list = { text: taken, read: () => inPlace, take: (text: string) => void (taken = text) };
  const { ring } = house;
  const { kid } = new Signer(house.keys.keys.intake);
  const store = await house.store('intake');
  const about = { service: 'intake', environment, store, ring, root: root.public, list } as const;
  following = followKeyList({ ...about, kid, parked: engine.parked, log, everyMs: 20 });
});
afterEach(async () => {
  await following.close();
  await house.close();
});

/** The list that is in use, with the key as one of the service, issued so much later. */
const listWith = (owner: ServiceName, laterMs = 1_000): KeyList => ({
  ...house.keys.list,
  issuedAt: new Date(Date.parse(house.keys.list.issuedAt) + laterMs).toISOString(),
  keys: [
    ...house.keys.list.keys,
    { kid: approvals.kid, owner, key: approvals.public, notBefore: house.keys.list.issuedAt, notAfter: null, revokedAt: null },
  ],
});
const parkedOf = (key: string) =>
  until(async () => (await engine.parked.list({})).find((one) => one.key === key), { what: `${key} is parked` });
const closed = async (key: string): Promise<boolean> => (await engine.facts(key)).has('readmit.case.closed');
const sayAs = (key: string, signer: Signer) => house.send('approval', [withdrawn(key)], { signer });

describe('a key that the list does not name', () => {
  it('R8.3 waits: its message is not believed, and is taken by itself, on record, once a later list names the key', async () => {
    const stranger = makeSigningKey();
    await sayAs('case-new', new Signer(approvals.private));
    await sayAs('case-stranger', new Signer(stranger.private));
    expect(await parkedOf('case-new')).toMatchObject({ state: 'parked', reason: 'unknown-key' });
    expect(await parkedOf('case-stranger')).toMatchObject({ state: 'parked', reason: 'unknown-key' });
    expect(await closed('case-new')).toBe(false);
    inPlace = await signKeyList(listWith('approval'), root.private);
    await until(() => closed('case-new'), { what: 'the message is taken' });
    expect(await parkedOf('case-new')).toMatchObject({ state: 'redriven' });
    const actions = (await house.said('intake'))
      .filter(({ type, key }) => type === 'readmit.intake.message-parked' && key === 'case-new')
      .map(({ data }) => data as { action: string; by?: string });
    expect(actions).toMatchObject([{ action: 'parked' }, { action: 'redriven', by: 'key-list' }]);
    expect(await parkedOf('case-stranger')).toMatchObject({ state: 'parked', reason: 'unknown-key' });
    expect(await closed('case-stranger')).toBe(false);
    // From now on nothing of the new key waits.
    await sayAs('case-next', new Signer(approvals.private));
    await until(() => closed('case-next'), { what: 'the next message is taken' });
    expect((await engine.parked.list({})).map(({ key }) => key)).not.toContain('case-next');
  });

  it('R8.3 is refused when the list says that it is the key of another service', async () => {
    await sayAs('case-theirs', new Signer(approvals.private));
    await parkedOf('case-theirs');
    inPlace = await signKeyList(listWith('execution'), root.private);
    await until(async () => (await parkedOf('case-theirs')).reason !== 'unknown-key', { what: 'the message is verified again' });
    expect(await parkedOf('case-theirs')).toMatchObject({
      state: 'parked',
      reason: 'wrong-producer',
      says: 'ce_source names approval, the key is of execution',
    });
    expect(await closed('case-theirs')).toBe(false);
  });
});

describe('the list in use', () => {
  const needsOperator = (what: string) => until(() => said.find((line) => line.includes(what)), { what: `the service says: ${what}` });

  it.each([
    ['an older one', async () => signKeyList(listWith('approval', -1_000), root.private), 'is older than the one in use'],
    [
      'one that another root signed',
      async () => signKeyList(listWith('approval'), makeSigningKey().private),
      'the key list is not signed by the configured root key',
    ],
    [
      'one of another environment',
      async () => signKeyList({ ...listWith('approval'), environment: 'staging' }, root.private),
      'is that of the environment staging, this is spec',
    ],
    ['half of one', async () => inPlace.slice(0, 100), 'the key list is not signed by the configured root key'],
  ])('R8.3 stays when %s is put in its place; a later one of the root is taken', async (_, put, says) => {
    const before = house.ring.issuedAt;
    inPlace = await put();
    await needsOperator(says);
    expect([house.ring.issuedAt, house.ring.get(approvals.kid)]).toEqual([before, undefined]);
    inPlace = await signKeyList(listWith('approval'), root.private);
    await until(() => house.ring.get(approvals.kid)?.owner === 'approval', { what: 'the later list is in use' });
    expect(said.at(-1)).toBe('loaded a newer key list');
  });

  it('R8.3 is not replaced by one that is older than another process of the service has believed', async () => {
    const latest = new Date(Date.parse(house.keys.list.issuedAt) + 5_000).toISOString();
    await believe(await house.store('intake'), { issuedAt: latest });
    inPlace = await signKeyList(listWith('approval', 4_000), root.private);
    await needsOperator(`is older than the one of ${latest} that this service has believed`);
    expect(house.ring.get(approvals.kid)).toBeUndefined();
    inPlace = await signKeyList(listWith('approval', 5_000), root.private);
    await until(() => house.ring.get(approvals.kid)?.owner === 'approval', { what: 'the latest list is in use' });
  });

  it('tells the operator when the key that this service signs with comes to its end', async () => {
    const { kid } = new Signer(house.keys.keys.intake);
    const notAfter = new Date(Date.now() + 3_600_000).toISOString();
    const ending = listWith('approval');
    inPlace = await signKeyList(
      { ...ending, keys: ending.keys.map((key) => (key.kid === kid ? { ...key, notAfter } : key)) },
      root.private,
    );
    await needsOperator(`key ${kid} ends at ${notAfter}: restart this service with its new key before that`);
  });

  it('R8.1 takes nothing while its own key counts for nobody, and loses nothing: all of it is taken with a key that does', async () => {
    await engine.stop();
    let why: string | undefined = 'key 1 ends at noon';
    const refused: string[] = [];
    const warned: Log = { ...log, warn: (fields) => void refused.push((fields as { error: string }).error) };
    const signer = new Signer(house.keys.keys.intake, () => why);
    engine = await house.engine(toy, { signer, log: warned });
    await engine.start();
    await sayAs('case-waits', new Signer(house.keys.keys.approval));
    await until(() => refused.length > 1, { what: 'the batch was tried twice' });
    expect(refused[0]).toBe('cannot sign: key 1 ends at noon. Restart the service with its new key');
    expect([await closed('case-waits'), await engine.parked.list({})]).toEqual([false, []]);
    why = undefined;
    await until(() => closed('case-waits'), { what: 'the message is taken' });
    expect(await engine.parked.list({})).toEqual([]);
  });
});
