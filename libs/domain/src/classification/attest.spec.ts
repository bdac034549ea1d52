/** Who is attested with a case and who only when they act, with teams of any size. */
import type { Directory, EventData } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { crypto, directory, policy } from '../../test/simulated-services.js';
import { attest, attestOne } from './attest.js';
import { classify } from './classify.js';

type Opened = EventData<'readmit.case.opened'>;
const digest = crypto.digest('directory');
const opened = (subject: Opened['subject'], requester?: string): Opened => ({
  caseId: 'case_1',
  asks: [{ id: 'ask-1', kind: subject.kind === 'machine' ? 'secret.reissue' : 'factor.replace', connector: 'target', object: subject.id }],
  subject,
  requester: requester === undefined ? { kind: 'anonymous' } : { kind: 'person', id: requester },
  reasonCode: 'lost-device',
  reasonDigest: digest,
  durationSeconds: 600,
});
const classified = (about: Opened, at: Directory = directory) =>
  classify(about, { known: true, directory: at, digest, ageSeconds: 0 }, { document: policy, digest });
const ids = (people: readonly { readonly id: string }[]) => people.map(({ id }) => id).sort();
const [template] = directory.people;
if (!template) throw new Error('nobody is in the directory');
/** The directory with so many more people in a team. */
const crowded = (team: string, count: number, more: Partial<Directory['people'][number]> = {}): Directory => ({
  ...directory,
  people: [
    ...directory.people,
    ...Array.from({ length: count }, (_, index) => ({
      ...template,
      id: `${team}-${index}`,
      human: `${team}-${index}`,
      teams: [team],
      keys: [],
      ...more,
    })),
  ],
});
const ada = opened({ kind: 'person', id: 'ada' }, 'pat');
const payroll = opened({ kind: 'machine', id: 'svc-payroll' });

describe('attestation with the case', () => {
  it('R4.2 names subject, requester and who may verify or approve, and nobody else', () => {
    const { people, owners } = attest(ada, classified(ada), directory);
    expect(ids(people)).toEqual(['ada', 'ada-admin', 'boris', 'chidi', 'mallory', 'pat']);
    expect(people.every((one) => !('contacts' in one) && !('name' in one))).toBe(true);
    expect(owners).toBeUndefined();
  });

  it('names the consumers of a machine and none for a person', () => {
    expect(attest(payroll, classified(payroll), directory).consumers.map(({ id }) => id)).toEqual(['payroll-app']);
    expect(attest(ada, classified(ada), directory).consumers).toEqual([]);
  });

  it('R3.9 names who answers for a machine, with their entries', () => {
    const { owners, people } = attest(payroll, classified(payroll), directory);
    expect(owners).toEqual(['pat']);
    expect(people.find(({ id }) => id === 'pat')?.teams).toEqual(['payroll-team']);
    const many = crowded('payroll-team', 500);
    expect(attest(payroll, classified(payroll), many).owners).toHaveLength(100);
  });

  it('says of teams only those that the case asks for', () => {
    const busy = {
      ...directory,
      people: directory.people.map((one) => ({ ...one, teams: [...one.teams, ...Array.from({ length: 5000 }, (_, n) => `group-${n}`)] })),
    };
    const { people } = attest(ada, classified(ada), busy);
    expect(people.find(({ id }) => id === 'boris')?.teams).toEqual(['help-desk']);
    expect(people.find(({ id }) => id === 'pat')?.teams).toEqual([]);
  });

  it('R8.1 leaves out the members of teams when they are too many: a help desk of thousands does not make the case too large', () => {
    // Three of the two teams are in the directory already, with the subject and the requester.
    const whole = attest(ada, classified(ada), crowded('help-desk', 194));
    expect(whole.people).toHaveLength(200);
    const large = attest(ada, classified(ada), crowded('help-desk', 195));
    expect(ids(large.people)).toEqual(['ada', 'pat']);
    const huge = attest(ada, classified(ada), crowded('help-desk', 20_000));
    expect(JSON.stringify(huge).length).toBeLessThan(64 * 1024);
    expect(ids(huge.people)).toEqual(['ada', 'pat']);
  });

  it('R8.1 leaves them out when few are large', () => {
    const keys = Array.from({ length: 20 }, (_, n) => ({
      kid: `kid-${n}`.padEnd(200, 'x'),
      type: 'software-key' as const,
      key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: 'k'.repeat(43) },
    }));
    expect(ids(attest(ada, classified(ada), crowded('help-desk', 100, { keys })).people)).toEqual(['ada', 'pat']);
    expect(attest(ada, classified(ada), crowded('help-desk', 100)).people).toHaveLength(106);
  });
});

describe('attestation of a machine that a large team answers for', () => {
  const keys = Array.from({ length: 20 }, (_, n) => ({
    kid: `kid-${n}`.padEnd(200, 'x'),
    type: 'software-key' as const,
    key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: 'k'.repeat(43) },
  }));
  it('R8.1 names all who are told, and their entries only while these are small', () => {
    const small = attest(payroll, classified(payroll), crowded('payroll-team', 99));
    expect([small.owners?.length, small.people.filter(({ teams }) => teams.includes('payroll-team')).length]).toEqual([100, 100]);
    const large = attest(payroll, classified(payroll), crowded('payroll-team', 99, { keys }));
    expect([large.owners?.length, large.people]).toEqual([100, []]);
  });
});

describe('attestation of one who acts', () => {
  it('R4.2 names that person alone, with the teams that the case asks for', () => {
    const many = crowded('help-desk', 20_000, { teams: ['help-desk', 'choir'] });
    expect(attestOne('help-desk-7', ada, classified(ada), many).people).toEqual([
      expect.objectContaining({ id: 'help-desk-7', human: 'help-desk-7', teams: ['help-desk'] }),
    ]);
  });
  it('R4.2 names nobody whom the directory does not know', () => {
    expect(attestOne('stranger', ada, classified(ada), directory).people).toEqual([]);
    expect(attestOne('Boris', ada, classified(ada), directory).people).toEqual([]);
    expect(attestOne('boris', ada, classified(ada), directory).people).toHaveLength(1);
  });
  it('keeps the consumers of the machine: the latest attestation says them', () => {
    expect(attestOne('boris', payroll, classified(payroll), directory).consumers.map(({ id }) => id)).toEqual(['payroll-app']);
  });
});
