/** Faults of a directory that make one human two, or one name mean two things. Each has a control that is accepted. */
import { createHash } from 'node:crypto';
import type { Directory } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { crypto } from '../../test/cast.js';
import { directoryFaults } from './directory-faults.js';

type Person = Directory['people'][number];
const key = (seed: string) => createHash('sha256').update(seed).digest('base64url');
const person = (id: string, more: Partial<Person> = {}): Person => ({
  id,
  human: id,
  teams: [],
  authority: 1,
  employment: 'employee',
  privileged: false,
  name: id,
  contacts: [],
  accounts: [],
  keys: [keyOf(`${id}-key`, id)],
  ...more,
});
const keyOf = (kid: string, seed: string): Person['keys'][number] => ({
  kid,
  type: 'software-key',
  key: { kty: 'OKP', crv: 'Ed25519', x: key(seed) },
});
const consumer = (id: string, signing = `${id}-s`, sealing = `${id}-e`) => {
  const pair = {
    sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: key(sealing) },
    signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: key(signing) },
  };
  return { id, key: { ...pair, fingerprint: crypto.digest(pair) } };
};
const machine = (id: string, ...consumers: ReturnType<typeof consumer>[]): Directory['machines'][number] => ({
  id,
  ownerTeam: 'owners',
  connector: 'target',
  object: id,
  consumers,
});
const faultsOf = (people: readonly Person[], machines: Directory['machines'] = []) =>
  directoryFaults({ version: 1, issuedAt: '2026-11-22T08:00:00.000Z', people: [...people], machines, privileged: [] }, crypto);

describe('a directory', () => {
  it('is taken with two accounts of one human, and a consumer that serves two machines', () => {
    const people = [person('ada'), person('ada-admin', { human: 'ada' }), person('boris')];
    expect(faultsOf(people, [machine('svc-a', consumer('app')), machine('svc-b', consumer('app'))])).toEqual([]);
  });

  it.each<[string, readonly Person[], Directory['machines'], string]>([
    ['one id twice', [person('ada'), person('ada', { privileged: true, keys: [] })], [], 'two entries have the person id ada'],
    ['one machine twice', [], [machine('svc'), machine('svc')], 'two entries have the machine id svc'],
    [
      'ids that differ by case',
      [person('erin'), person('Erin', { human: 'erin' })],
      [],
      'the ids erin (person) and Erin (person) differ only by case or Unicode form',
    ],
    [
      'a machine that differs from a person by case',
      [person('erin')],
      [machine('ERIN')],
      'the ids erin (person) and ERIN (machine) differ only by case or Unicode form',
    ],
    [
      'ids that differ by Unicode form',
      [person('erin'), person('\uFF45rin', { human: 'erin' })],
      [],
      'differ only by case or Unicode form',
    ],
    ['one id for a person and a machine', [person('svc')], [machine('svc')], 'svc is the id of a person and of a machine'],
    [
      'humans that differ by case',
      [person('oscar', { human: 'oscar-wild' }), person('oscar-admin', { human: 'Oscar-Wild' })],
      [],
      'the humans oscar-wild (of oscar) and Oscar-Wild (of oscar-admin) differ only by case',
    ],
  ])('R1.6 R4.2 with %s is refused, and the entries are named', (_, people, machines, fault) => {
    expect(faultsOf(people, machines)).toEqual([expect.stringContaining(fault)]);
  });

  it.each<[string, readonly Person[], Directory['machines'], string]>([
    [
      'under two people',
      [person('chidi'), person('dana', { keys: [keyOf('dana-key', 'chidi')] })],
      [],
      'chidi and dana have the same public key (dana-key)',
    ],
    [
      'under two accounts of one human',
      [person('ada'), person('ada-admin', { human: 'ada', keys: [keyOf('k', 'ada')] })],
      [],
      'ada and ada-admin have the same public key (k)',
    ],
    [
      'twice under one',
      [person('chidi', { keys: [keyOf('a', 'chidi'), keyOf('b', 'chidi')] })],
      [],
      'chidi has the same public key twice (b)',
    ],
    [
      'of a person and of a consumer',
      [person('pat')],
      [machine('svc', consumer('app', 'pat'))],
      'pat and consumer app of svc have the same public key',
    ],
    [
      'under two consumers',
      [],
      [machine('svc', consumer('app', 'same'), consumer('other', 'same'))],
      'consumers app and other (of svc) have the same public key',
    ],
    [
      'under consumers of two machines',
      [],
      [machine('svc-a', consumer('app', 's', 'same')), machine('svc-b', consumer('other', 't', 'same'))],
      'consumers app and other (of svc-b) have the same public key',
    ],
  ])('R4.2 with one public key %s is refused', (_, people, machines, fault) => {
    expect(faultsOf(people, machines)).toEqual([fault]);
  });

  it('R4.2 with one key id for two keys of a person, or one consumer named twice, is refused', () => {
    expect(faultsOf([person('chidi', { keys: [keyOf('k', 'a'), keyOf('k', 'b')] })])).toEqual(['chidi has two keys with the id k']);
    expect(faultsOf([], [machine('svc', consumer('app'), consumer('App', 'x', 'y'))])).toEqual(['svc has two consumers App']);
  });

  it.each([3, 31, 33])('R2.6 with keys of %s bytes is refused, for signing and for sealing', (length) => {
    const short = Buffer.alloc(length, 7).toString('base64url');
    const bad = person('chidi', { keys: [{ ...keyOf('k', 'a'), key: { kty: 'OKP', crv: 'Ed25519', x: short } }] });
    expect(faultsOf([bad])).toEqual(['the key k of chidi is not 32 bytes in base64url (Ed25519)']);
    const app = consumer('app');
    const unsealable = { ...app, key: { ...app.key, sealing: { ...app.key.sealing, x: short } } };
    expect(faultsOf([], [machine('svc', unsealable)])).toEqual([
      expect.stringContaining('consumer app of svc: the sealing key is not a usable X25519 key'),
    ]);
    expect(faultsOf([], [machine('svc', app)])).toEqual([]);
  });

  it('R2.6 with a fingerprint that is not of the keys of its consumer is refused', () => {
    const [app, other] = [consumer('app'), consumer('other')];
    const mixed = { ...app, key: { ...app.key, fingerprint: other.key.fingerprint } };
    expect(faultsOf([], [machine('svc', mixed)])).toEqual([
      'the fingerprint of consumer app of svc is not the SHA-256 of the JCS of its {sealing, signing}',
    ]);
    expect(faultsOf([], [machine('svc', app, other)])).toEqual([]);
  });

  it('says all of its faults at once', () => {
    expect(faultsOf([person('ada'), person('ada', { keys: [] }), person('Boris'), person('boris')], [machine('ada')])).toHaveLength(4);
  });
});
