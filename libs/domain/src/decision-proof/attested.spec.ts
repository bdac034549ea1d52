import type { EventData, Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { directory, recipient, sha256 } from '../../test/cast.js';
import { Facts } from '../kernel/facts.js';
import { attestedOf } from './attested.js';

const person = (id: string, teams = ['help-desk']) => ({
  id,
  human: id,
  teams,
  authority: 2,
  employment: 'employee' as const,
  privileged: false,
  keys: [],
});
const said = (id: string, seconds: number, more: Partial<EventData<'readmit.people.attested'>>, issuedAt = directory.issuedAt): Fact => ({
  id,
  type: 'readmit.people.attested',
  at: new Date(Date.parse('2026-11-22T10:00:00.000Z') + seconds * 1000).toISOString(),
  data: { caseId: 'case_1', directory: { digest: sha256('d'), issuedAt, ageSeconds: 1 }, people: [], contacts: [], consumers: [], ...more },
});
const consumers = [{ id: 'payroll-app', key: recipient('payroll-app') }];
const first = said('event_1', 0, { people: [person('ada'), person('boris')], contacts: [sha256('phone')], owners: ['pat'], consumers });

describe('everything that was attested for a case', () => {
  it('is nothing before anybody was attested', () => {
    expect(attestedOf(new Facts([]))).toBeUndefined();
  });

  it('R4.2 names who was attested later as well, and of somebody who was attested twice what was said last', () => {
    const second = said('event_2', 1, { people: [person('boris', []), person('chidi')], contacts: [sha256('mail')], consumers });
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      const attested = attestedOf(new Facts(order));
      expect(attested?.people.map(({ id, teams }) => [id, ...teams])).toEqual([['ada', 'help-desk'], ['boris'], ['chidi', 'help-desk']]);
      expect(attested).toMatchObject({
        ids: ['event_1', 'event_2'],
        contacts: [sha256('phone'), sha256('mail')],
        consumers,
        owners: ['pat'],
      });
    }
  });

  it('R4.2 keeps a person twice whom one attestation names twice, until a later one names the person once', () => {
    const twins = said('event_2', 1, { people: [person('chidi', ['security-oncall']), person('chidi', ['engineering'])] });
    const teamsOf = (...facts: readonly Fact[]) =>
      attestedOf(new Facts(facts))
        ?.people.filter(({ id }) => id === 'chidi')
        .map(({ teams }) => teams[0]);
    expect(teamsOf(first, twins)).toEqual(['security-oncall', 'engineering']);
    expect(teamsOf(first, twins, said('event_3', 2, { people: [person('chidi')] }))).toEqual(['help-desk']);
  });

  it('R4.2 does not believe a directory that is older than one that was attested before', () => {
    const older = said('event_2', 1, { people: [person('mallory')] }, '2026-11-21T08:00:00.000Z');
    expect(attestedOf(new Facts([first, older]))?.people.map(({ id }) => id)).toEqual(['ada', 'boris']);
    const newer = said('event_2', 1, { people: [person('chidi')] }, '2026-11-22T09:00:00.000Z');
    expect(attestedOf(new Facts([first, newer]))?.people.map(({ id }) => id)).toEqual(['ada', 'boris', 'chidi']);
  });

  it('R4.4 is only what a grant names, when it is asked for that', () => {
    const second = said('event_2', 1, { people: [person('chidi')] });
    expect(attestedOf(new Facts([first, second]), ['event_1'])?.people.map(({ id }) => id)).toEqual(['ada', 'boris']);
    expect(attestedOf(new Facts([first]), ['event_2'])).toBeUndefined();
  });
});
