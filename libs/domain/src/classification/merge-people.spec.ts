/** The merge of the signed file with a live source, fact by fact (ADR 26). */
import { describe, expect, it } from '@jest/globals';
import type { Directory, Policy } from '@readmit/contracts';
import { mergeDirectory, whyUnusable, type LivePerson, type LiveSource } from './merge-people.js';

const now = new Date('2026-12-01T09:00:00.000Z');
const at = now.toISOString();
const rules = { verifiers: ['help-desk'], quorum: [{ name: 'security', teams: ['security'], count: 1, authority: 3 }] };
const policy = {
  directoryMaxAgeSeconds: 3600,
  classes: { 'mfa-recovery': rules },
  privilegedSubject: { tier: 'two-person', quorum: [{ name: 'owner', teams: ['owners'], count: 1, authority: 3 }] },
} as unknown as Policy;
const source: LiveSource = {
  name: 'hr',
  asOf: at,
  problem: undefined,
  covers: { teams: ['help-desk', 'security', 'owners'], authority: true, contacts: true, connectors: ['ledger'], fileOnly: ['spare'] },
};
type Person = Directory['people'][number];
const signingKey = { kid: 'k', type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: 'x'.repeat(43) } };
const listed = (more: Partial<Person> = {}): Person => ({
  id: 'ada',
  human: 'h-ada',
  name: 'Ada',
  teams: ['help-desk', 'security', 'other'],
  authority: 5,
  employment: 'employee',
  privileged: false,
  keys: [signingKey],
  contacts: [{ kind: 'phone', value: '+44 20 7946 0101' }],
  accounts: [{ connector: 'ledger', object: 'ada' }],
  ...more,
});
const live = (more: Partial<LivePerson> = {}): LivePerson => ({
  id: 'ada',
  human: 'h-ada',
  employment: 'employee',
  manager: 'dana',
  contacts: [{ kind: 'phone', value: '+442079460101' }],
  accounts: [{ connector: 'ledger', object: 'ada' }],
  teams: ['help-desk', 'security'],
  authority: 5,
  privileged: false,
  readAt: at,
  ...more,
});

interface Case {
  readonly file?: readonly Person[];
  readonly entries?: readonly LivePerson[];
  readonly from?: Partial<LiveSource>;
  readonly machines?: Directory['machines'];
}
function merged({ file = [listed()], entries = [live()], from = {}, machines = [] }: Case = {}, id = 'ada') {
  const directory: Directory = { version: 1, issuedAt: at, people: [...file], machines, privileged: [] };
  const reading = { source: { ...source, ...from }, people: entries };
  const { doubts, directory: result, facts } = mergeDirectory(directory, reading, policy, { parties: [id], others: [] }, now);
  return { person: result.people.find((one) => one.id === id), doubts, result, facts };
}

describe('a person in the signed file and in the source', () => {
  it('is as in the file if both agree', () => {
    expect(merged()).toMatchObject({ person: listed(), doubts: [] });
  });

  it.each<[string, Partial<Person>, Partial<LivePerson>, Partial<Person>]>([
    ['loses a team that the source takes away', {}, { teams: ['help-desk'] }, { teams: ['help-desk', 'other'] }],
    ['gets no team that the file does not give', { teams: ['other'] }, {}, { teams: ['other'] }],
    ['has the lower authority of the source', {}, { authority: 2 }, { authority: 2 }],
    ['has the lower authority of the file', { authority: 1 }, { authority: 9 }, { authority: 1 }],
    ['is vendor staff if the source says so', {}, { employment: 'vendor' }, { employment: 'vendor' }],
    ['is vendor staff if the file says so', { employment: 'vendor' }, {}, { employment: 'vendor' }],
    ['is privileged if the source says so', {}, { privileged: true }, { privileged: true }],
    ['is privileged if the file says so', { privileged: true }, {}, { privileged: true }],
    ['has no contact that the source does not have', {}, { contacts: [{ kind: 'phone', value: '+44 1' }] }, { contacts: [] }],
    [
      'has the contacts of the source if the file lists none',
      { contacts: [] },
      { contacts: [{ kind: 'phone', value: '+44 1' }] },
      { contacts: [{ kind: 'phone', value: '+44 1' }] },
    ],
    ['has no account that the source does not have', {}, { accounts: [{ connector: 'ledger', object: 'dana' }] }, { accounts: [] }],
    [
      'has the accounts of the source at a target where the file lists none',
      { accounts: [{ connector: 'other', object: 'a' }] },
      {},
      {
        accounts: [
          { connector: 'other', object: 'a' },
          { connector: 'ledger', object: 'ada' },
        ],
      },
    ],
  ])('%s', (_title, mine, theirs, expected) => {
    expect(merged({ file: [listed(mine)], entries: [live(theirs)] })).toMatchObject({
      person: listed({ ...mine, ...expected }),
      doubts: [],
    });
  });

  it.each<[string, readonly LivePerson[], string]>([
    ['of whom they name different humans', [live({ human: 'h-dana' })], 'The source hr and the signed file name different humans for ada'],
    ['whose human the source does not tell', [live({ human: undefined })], 'The source hr does not tell which human ada is'],
    ['who has two entries', [live(), live()], 'The source hr has several entries for ada, and none of them counts'],
    ['whose id is spelled differently', [live({ id: 'ADA' })], 'The source hr has ADA where the signed file has ada'],
    ['whom the source does not know any more', [], 'The source hr does not know ada, who can neither verify nor approve'],
  ])('R1.6 R4.2 %s has no team and no authority, and approvers are told', (_what, entries, doubt) => {
    expect(merged({ entries })).toMatchObject({
      person: { teams: [], authority: 0 },
      doubts: [`${doubt}; what is unknown never lowers a tier.`],
    });
  });

  it('need not be in the source if the configuration lists the id', () => {
    const spare = listed({ id: 'spare', human: 'h-spare' });
    expect(merged({ file: [spare], entries: [] }, 'spare')).toMatchObject({ person: spare, doubts: [] });
  });

  it('about whose teams and authority the mapping tells nothing keeps those of the file', () => {
    const covers = { teams: [], authority: false, contacts: false, connectors: [], fileOnly: [] };
    const entries = [live({ teams: [], authority: 0, contacts: [], accounts: [] })];
    expect(merged({ entries, from: { covers } }).person).toEqual(listed());
  });
});

describe('a person whom only the source has', () => {
  it('has no key, and no team that is in a quorum', () => {
    const entries = [live({ teams: ['help-desk', 'security', 'owners'] })];
    expect(merged({ file: [], entries }).person).toMatchObject({ human: 'h-ada', teams: ['help-desk'], keys: [], authority: 5 });
  });

  it('R1.6 has no team if it is unknown which human that is, and approvers are told', () => {
    expect(merged({ file: [], entries: [live({ human: undefined })] })).toMatchObject({
      person: { teams: [], authority: 0 },
      doubts: ['The source hr does not tell which human ada is; what is unknown never lowers a tier.'],
    });
  });

  it('R1.6 R4.2 does not exist under the id of a machine, or of somebody in the file in another spelling', () => {
    const machine = { id: 'svc', ownerTeam: 'owners', connector: 'ledger', object: 'svc', consumers: [] };
    const { result } = merged({ machines: [machine], entries: [live({ id: 'svc' })] }, 'svc');
    expect([result.people.map(({ id }) => id), result.machines]).toEqual([['ada'], [machine]]);
    expect(merged({ entries: [live({ id: 'ADA' })] }, 'ADA').person).toBeUndefined();
  });

  it('is not in the directory of a case that does not concern them', () => {
    const entries = [live(), live({ id: 'boris', human: 'h-boris', teams: ['security'] }), live({ id: 'bea', human: 'h-bea' })];
    expect(merged({ entries }).result.people.map(({ id }) => id)).toEqual(['ada', 'bea']);
  });
});

describe('a source that cannot be used', () => {
  const old: Partial<LiveSource> = { asOf: new Date(now.getTime() - 3_601_000).toISOString() };
  const why = 'The source hr was last read completely 3601 s ago, and the policy allows 3600 s';

  it('R1.6 is one that failed, or whose last complete pass is older than the policy allows', () => {
    expect(whyUnusable({ ...source, ...old }, now, 3600)).toBe(why);
    expect(whyUnusable({ ...source, asOf: new Date(now.getTime() - 3_600_000).toISOString() }, now, 3600)).toBeUndefined();
    expect(whyUnusable({ ...source, problem: 'no answer' }, now, 3600)).toBe('The source hr could not be read (no answer)');
  });

  it('R1.6 still takes away, gives nothing, and approvers are told with its age', () => {
    const entries = [live({ teams: ['help-desk'], employment: 'vendor' }), live({ id: 'bea', human: 'h-bea' })];
    const both = merged({ entries, from: old });
    expect(both.person).toEqual(listed({ teams: ['help-desk', 'other'], employment: 'vendor' }));
    expect(both.doubts).toEqual([`${why}: what it had last still restricts, and gives nothing; what is unknown never lowers a tier.`]);
    expect(both.facts[0]).toEqual({ name: 'source:hr', value: 'unusable', ageSeconds: 3601 });
    expect(merged({ file: [], entries, from: old }, 'bea').person).toMatchObject({ teams: [], authority: 0, contacts: [], accounts: [] });
    const none = merged({ file: [listed({ contacts: [], accounts: [] })], from: old });
    expect(none.person).toMatchObject({ contacts: [], accounts: [] });
  });
});
