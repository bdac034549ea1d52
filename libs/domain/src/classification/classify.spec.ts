/** From request and directory to class, tier and ceiling: each rule with a request just inside and just outside of it. */
import { askKinds, type AskKind, type EventData, type Policy } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { crypto, directory, policy } from '../../test/simulated-services.js';
import { classify, type DirectoryFacts } from './classify.js';
import { tierOrder } from './tiers.js';

type Opened = EventData<'readmit.case.opened'>;
const digest = crypto.digest('directory');
const known: DirectoryFacts = { known: true, directory, digest, ageSeconds: 5 };
const down: DirectoryFacts = { known: false, why: 'it did not answer' };
const inForce = { document: policy, digest: crypto.digest(policy) };

const person = (id: string): Opened['subject'] => ({ kind: 'person', id });
const machine = (id: string): Opened['subject'] => ({ kind: 'machine', id });
const request = (kinds: readonly AskKind[], subject = person('ada'), entitlement?: string): Opened => ({
  caseId: 'case_1',
  asks: kinds.map((kind, index) => ({
    id: `ask-${index + 1}`,
    kind,
    connector: 'target',
    object: subject.id,
    ...(entitlement === undefined ? {} : { entitlement }),
  })),
  subject,
  requester: { kind: 'anonymous' },
  reasonCode: 'lost-device',
  reasonDigest: crypto.digest('reason'),
  durationSeconds: 600,
});
const classOf = (opened: Opened, facts: DirectoryFacts = known) => classify(opened, facts, inForce).class;

describe('classes', () => {
  it('R1.3 a new device for a person is an MFA recovery; a role given back to the same person is not, and needs a second approver', () => {
    const device = classify(request(['factor.replace']), known, inForce);
    const role = classify(request(['role.restore'], person('ada'), 'app_admin'), known, inForce);
    expect([device.class, device.requirements.quorum.map((part) => part.name)]).toEqual(['mfa-recovery', ['security-oncall']]);
    expect([role.class, role.requirements.quorum.map((part) => part.name)]).toEqual([
      'privileged-restoration',
      ['security-oncall', 'system-owner'],
    ]);
  });

  it('R1.4 break-glass is privileged though the account belongs to a person who is not', () => {
    expect(directory.people.find(({ id }) => id === 'ada')?.privileged).toBe(false);
    const glass = classify(request(['breakglass.activate']), known, inForce);
    expect([glass.class, glass.tier]).toEqual(['privileged-restoration', 'two-person']);
    expect(glass.reasons).toContainEqual({ rule: 'R1.4', says: expect.stringContaining('the access path decides') });
    // The control: another ask of the same person for the same account.
    expect(classOf(request(['factor.bypass']))).toBe('mfa-recovery');
  });

  it('R1.4 break-glass is privileged though the account belongs to a machine', () => {
    const payroll = machine('svc-payroll');
    expect(classOf(request(['breakglass.activate'], payroll))).toBe('privileged-restoration');
    // The control: another ask for the same account.
    expect(classOf(request(['factor.bypass'], payroll))).toBe('nhi-secret-restoration');
  });

  it.each(['secret.rotate', 'secret.reissue'] as const)(
    'R1.5 %s is a machine matter, also when the requester calls the subject a person',
    (kind) => {
      expect(classOf(request([kind], machine('svc-payroll')))).toBe('nhi-secret-restoration');
      expect(classOf(request([kind], person('svc-payroll')))).toBe('nhi-secret-restoration');
      expect(classOf(request([kind], person('ada')))).toBe('nhi-secret-restoration');
    },
  );

  it('R1.5 a machine is never an MFA recovery: not by what the requester calls it, not by which ask it is wrapped in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...askKinds), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(person('svc-payroll'), machine('svc-payroll'), machine('nobody-knows-it')),
        fc.constantFrom(known, down),
        (kinds, subject, facts) => {
          // That it is a machine is known from the directory or from the request.
          if (subject.kind === 'person' && !facts.known) return;
          expect(classOf(request(kinds, subject), facts)).not.toBe('mfa-recovery');
        },
      ),
    );
    expect(classOf(request(['factor.replace'], person('ada')))).toBe('mfa-recovery');
  });

  it('R1.3 an unlock follows the account: ordinary, privileged, or not known to be ordinary', () => {
    expect(classOf(request(['account.unlock'], person('ada')))).toBe('mfa-recovery');
    expect(classOf(request(['account.unlock'], person('erin')))).toBe('privileged-restoration');
    expect(classOf(request(['account.unlock'], person('stranger')))).toBe('privileged-restoration');
    expect(classOf(request(['account.unlock'], person('ada')), down)).toBe('privileged-restoration');
  });
});

/** The kinds of asks in the glossary, each alone, for a person who is not privileged. */
const classes: Readonly<Record<AskKind, EventData<'readmit.case.classified'>['class']>> = {
  'factor.replace': 'mfa-recovery',
  'factor.bypass': 'mfa-recovery',
  'factor.reset': 'mfa-recovery',
  'backup-method.activate': 'mfa-recovery',
  'account.unlock': 'mfa-recovery',
  'role.restore': 'privileged-restoration',
  'group.restore': 'privileged-restoration',
  'breakglass.activate': 'privileged-restoration',
  'secret.rotate': 'nhi-secret-restoration',
  'secret.reissue': 'nhi-secret-restoration',
};

describe('every kind of ask has its class', () => {
  it.each(Object.entries(classes) as [AskKind, string][])('R1.2 %s is %s', (kind, caseClass) => {
    expect(classOf(request([kind]))).toBe(caseClass);
  });
  it('R1.2 and no kind is left out', () => {
    expect(Object.keys(classes).sort()).toEqual([...askKinds].sort());
  });

  it('R1.2 R1.3 a group given back is power: two people decide, and it may be granted', () => {
    const group = classify(request(['group.restore'], person('ada'), 'admins'), known, inForce);
    expect([group.class, group.tier, group.requirements.quorum.length]).toEqual(['privileged-restoration', 'two-person', 2]);
    expect(group.ceiling.steps).toContain('role.grant');
    expect(group.reasons).toContainEqual({ rule: 'R1.3', says: expect.stringContaining('group.restore is a privileged restoration') });
    // The control: a factor of the same person.
    expect(classify(request(['factor.replace']), known, inForce).ceiling.steps).not.toContain('role.grant');
  });
});

describe('the strictest counts', () => {
  it('R1.6 a mixed request takes the strictest class, in any order of its asks', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['factor.replace', 'secret.reissue', 'role.restore'] as const, { minLength: 2 }), (kinds) => {
        const mixed = classify(request(kinds, person('ada'), 'app_admin'), known, inForce);
        expect(mixed.class).toBe(kinds.includes('role.restore') ? 'privileged-restoration' : 'nhi-secret-restoration');
        expect(mixed.reasons).toContainEqual({ rule: 'R1.6', says: `A mixed request takes the strictest class: ${mixed.class}.` });
      }),
    );
    expect(classify(request(['factor.replace', 'factor.bypass']), known, inForce).reasons.map(({ rule }) => rule)).not.toContain('R1.6');
  });

  it('R1.6 a subject that the directory does not know, and a directory that is down, raise tier and quorum', () => {
    const ordinary = classify(request(['factor.bypass']), known, inForce);
    expect([ordinary.tier, ordinary.requirements.quorum.length]).toEqual(['agent-assisted', 1]);
    for (const [subject, facts] of [
      [person('stranger'), known],
      [person('ada'), down],
    ] as const) {
      const raised = classify(request(['factor.bypass'], subject), facts, inForce);
      expect([raised.tier, raised.requirements.quorum.map(({ name }) => name)]).toEqual([
        'two-person',
        ['security-oncall', 'system-owner'],
      ]);
      expect(raised.reasons.some(({ says }) => says.includes('what is unknown never lowers a tier'))).toBe(true);
    }
  });

  const by = (id: string): Opened => ({ ...request(['factor.bypass']), requester: { kind: 'person', id } });

  it.each([
    ['Chidi', ' (it has chidi)'],
    ['CHIDI', ' (it has chidi)'],
    ['chidi@corp.example', ''],
    ['svc-payroll', ''],
  ])('R1.6 R4.2 a requester whom the directory does not know (%s) raises tier and quorum, and approvers are told', (id, alike) => {
    const raised = classify(by(id), known, inForce);
    expect([raised.tier, raised.requirements.quorum.map(({ name }) => name)]).toEqual(['two-person', ['security-oncall', 'system-owner']]);
    expect(raised.reasons).toContainEqual({
      rule: 'R1.6',
      says: expect.stringContaining(`The directory does not know ${id}${alike}, the requester`),
    });
    expect(raised.facts).toContainEqual({ name: 'requester', value: 'unknown' });
    // The control: the same request by a known person.
    const plain = classify(by('chidi'), known, inForce);
    expect([plain.tier, plain.requirements.quorum.length]).toEqual(['agent-assisted', 1]);
    expect(plain.facts).toContainEqual({ name: 'requester', value: 'person' });
    expect(plain.reasons.some(({ says }) => says.includes('does not know'))).toBe(false);
  });

  it.each(['ERIN', 'Erin'])('R1.6 says of %s that the directory does not know it, and which name it has', (id) => {
    const said = classify(request(['role.restore'], person(id), 'app_admin'), known, inForce);
    expect([said.tier, said.ceiling.steps]).toEqual(['two-person', []]);
    expect(said.reasons.map(({ says }) => says)).toEqual(
      expect.arrayContaining([
        `The directory does not know ${id} (it has erin), the subject; what is unknown never lowers a tier.`,
        `Nothing can be restored: the directory does not know the person ${id}.`,
      ]),
    );
    const erin = classify(request(['role.restore'], person('erin'), 'app_admin'), known, inForce);
    expect(erin.ceiling.steps).not.toEqual([]);
    expect(erin.reasons.some(({ says }) => says.includes('does not know'))).toBe(false);
  });

  it.each([
    ['an unknown person', person('erinn'), 'erinn', 'does not know the person erinn'],
    ['another spelling', person('ERIN'), 'ERIN', 'does not know the person ERIN (it has erin)'],
    [
      'a machine that is called a person',
      person('svc-payroll'),
      'payroll',
      'does not know the person svc-payroll (it has svc-payroll as a machine)',
    ],
    ['a person who is called a machine', machine('erin'), 'erin', 'does not know the machine erin (it has erin as a person)'],
    ["somebody else's account", person('erin'), 'ada', 'does not name target/ada as an account of erin (it names target/erin)'],
  ])('R2.1 tells who is signed in why nothing can be restored, and what would work: %s', (_, subject, object, why) => {
    const asked = request(['role.restore'], subject, 'app_admin');
    const said = (requester: Opened['requester']) =>
      classify({ ...asked, requester, asks: asked.asks.map((ask) => ({ ...ask, object })) }, known, inForce)
        .reasons.filter(({ rule }) => rule === 'R2.1')
        .map(({ says }) => says);
    expect(said({ kind: 'person', id: 'boris' })).toEqual([`Nothing can be restored: the directory ${why}.`]);
    // A requester without a sign-in learns no name from the directory.
    expect(said({ kind: 'anonymous' })).toEqual([`Nothing can be restored: the directory ${why.replace(/ \(.*/, '')}.`]);
  });

  it('R1.6 says that the directory could not be asked, and nothing of what it has', () => {
    const said = classify(request(['role.restore'], person('erin'), 'app_admin'), { known: false, why: 'it is down' }, inForce);
    expect(said.reasons).toContainEqual({ rule: 'R2.1', says: 'Nothing can be restored: the directory could not be read.' });
  });

  it('R1.7 texts keep to what an event takes, however long the names are', () => {
    const long = 'n'.repeat(255);
    const said = classify(
      { ...request(['role.restore'], person(long), 'app_admin'), requester: { kind: 'person', id: long } },
      known,
      inForce,
    );
    expect(Math.max(...said.reasons.map(({ says }) => says.length))).toBeLessThanOrEqual(500);
  });

  it('R4.5 a request for longer than the policy allows is told so at once', () => {
    const longest = policy.classes['mfa-recovery'].maxDurationSeconds;
    const reasons = (durationSeconds: number) => classify({ ...request(['factor.bypass']), durationSeconds }, known, inForce).reasons;
    expect(reasons(longest + 1)).toContainEqual({
      rule: 'R4.5',
      says: `Nothing can be restored: ${longest + 1} s were requested, at most ${longest} s are allowed. Open a new request with a shorter duration.`,
    });
    expect(reasons(longest).map(({ rule }) => rule)).not.toContain('R4.5');
  });

  it('R4.5 a request without the ticket that the policy asks for is told so at once', () => {
    const { 'mfa-recovery': mfa } = policy.classes;
    const asks = { document: { ...policy, classes: { ...policy.classes, 'mfa-recovery': { ...mfa, ticket: true } } }, digest };
    const rules = (ticket: object, under = asks) =>
      classify({ ...request(['factor.bypass']), ...ticket }, known, under).reasons.map(({ rule }) => rule);
    expect(rules({})).toContain('R4.5');
    expect(rules({ ticket: 'OPS-4711' })).not.toContain('R4.5');
    expect(rules({}, inForce)).not.toContain('R4.5');
  });

  it('R1.6 asking for more takes no proof away and lengthens nothing: a mixed request meets every class that is in it', () => {
    const { 'mfa-recovery': mfa, 'privileged-restoration': privileged } = policy.classes;
    const vouch = { kind: 'manager-vouch', assurance: 2, maxAgeSeconds: 200 } as const;
    const strict = { kind: 'call-back', assurance: 3, maxAgeSeconds: 900 } as const;
    const document: Policy = {
      ...policy,
      classes: {
        ...policy.classes,
        'mfa-recovery': { ...mfa, evidence: [strict, vouch], ticket: true, maxDurationSeconds: 3600, decideWithinSeconds: 60 },
        'privileged-restoration': { ...privileged, maxDurationSeconds: 28_800, executeWithinSeconds: 30 },
      },
    };
    const required = (kinds: readonly AskKind[]) => {
      const { class: is, ceiling, requirements } = classify(request(kinds, person('ada'), 'app_admin'), known, { document, digest });
      return { is, ...ceiling, ...requirements };
    };
    expect(required(['factor.bypass', 'role.restore'])).toMatchObject({
      is: 'privileged-restoration',
      evidence: [{ kind: 'call-back', assurance: 3, maxAgeSeconds: 300 }, vouch],
      quorum: privileged.quorum,
      ticket: true,
      maxDurationSeconds: 3600,
      decideWithinSeconds: 60,
      executeWithinSeconds: 30,
    });
    // The control: each alone has the requirements of its own class.
    expect(required(['role.restore'])).toMatchObject({ evidence: privileged.evidence, ticket: false, maxDurationSeconds: 28_800 });
    expect(required(['factor.bypass'])).toMatchObject({ evidence: [strict, vouch], maxDurationSeconds: 3600, executeWithinSeconds: 60 });
  });

  it('R4.1 what a privileged subject needs more is not lost where the class has a part of that name', () => {
    const [part] = policy.classes['mfa-recovery'].quorum;
    if (!part) throw new Error('no quorum');
    const quorumWith = (more: Partial<typeof part>, id = 'erin') =>
      classify(request(['factor.bypass'], person(id)), known, {
        document: { ...policy, privilegedSubject: { tier: 'two-person', quorum: [{ ...part, ...more }] } },
        digest,
      }).requirements.quorum;
    expect(quorumWith({ count: 2, authority: 7 })).toEqual([{ ...part, count: 2, authority: 7 }]);
    expect(quorumWith({ count: 1, authority: 0 })).toEqual([part]);
    expect(quorumWith({ teams: ['board', ...part.teams] })).toEqual([part]);
    expect(quorumWith({ teams: ['board'] })).toEqual([part, { ...part, teams: ['board'] }]);
    expect(quorumWith({ count: 2, authority: 7 }, 'ada')).toEqual([part]);
  });

  it('R1.6 unknown facts never give a lower tier or fewer approvers than known ones', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...askKinds), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('ada', 'erin', 'pat', 'stranger'),
        (kinds, id) => {
          const seen = classify(request(kinds, person(id)), known, inForce);
          const blind = classify(request(kinds, person(id)), down, inForce);
          expect(tierOrder(blind.tier)).toBeGreaterThanOrEqual(tierOrder(seen.tier));
          expect(blind.requirements.quorum).toEqual(expect.arrayContaining([...seen.requirements.quorum]));
        },
      ),
    );
  });

  it('R4.1 a privileged subject takes the two-person tier for the ask that is agent-assisted for others', () => {
    expect(classify(request(['factor.replace'], person('ada')), known, inForce).tier).toBe('agent-assisted');
    const erin = classify(request(['factor.replace'], person('erin')), known, inForce);
    expect([erin.class, erin.tier]).toEqual(['mfa-recovery', 'two-person']);
  });
});

describe('what comes with a class', () => {
  it('R5.6 passes on what the policy requires of connectors for the tier that the case ends up in, and nothing without a line for it', () => {
    const strict = { capabilities: ['end-sessions' as const], maxResidualSeconds: 0 };
    const needsOf = (id: string, connectors: (typeof policy)['connectors']) =>
      classify(request(['factor.replace'], person(id)), known, { document: { ...policy, ...(connectors ? { connectors } : {}) }, digest })
        .requirements.connector;
    expect(needsOf('erin', { 'two-person': strict })).toEqual(strict);
    expect(needsOf('ada', { 'two-person': strict })).toBeUndefined();
    expect(needsOf('ada', { 'agent-assisted': strict })).toEqual(strict);
    expect(needsOf('erin', undefined)).toBeUndefined();
  });

  it('R1.1 names class, tier, ceiling and the policy that gave them; the ceiling holds what was asked for and nothing more', () => {
    const said = classify(request(['role.restore'], person('erin'), 'app_admin'), known, inForce);
    expect(said).toMatchObject({
      caseId: 'case_1',
      class: 'privileged-restoration',
      tier: 'two-person',
      policy: { version: policy.version, digest: inForce.digest },
      ceiling: { entitlements: ['app_admin'], maxDurationSeconds: policy.classes['privileged-restoration'].maxDurationSeconds },
    });
    expect(classify(request(['factor.replace']), known, inForce).ceiling).toMatchObject({
      entitlements: [],
      steps: expect.not.arrayContaining(['role.grant', 'secret.issue']),
    });
  });

  it('R1.7 every ask has its reason, and the facts that the rules saw come with their age', () => {
    const said = classify(request(['factor.replace', 'factor.bypass']), known, inForce);
    for (const kind of ['factor.replace', 'factor.bypass']) expect(said.reasons.some(({ says }) => says.startsWith(kind))).toBe(true);
    expect(said.facts).toEqual([
      { name: 'subject', value: 'person' },
      { name: 'subject-privileged', value: 'false' },
      { name: 'requester', value: 'anonymous' },
      { name: 'directory', value: digest, ageSeconds: 5 },
    ]);
    const blind = classify(request(['factor.replace']), down, inForce).facts;
    expect(blind.map(({ value }) => value)).toEqual(['unknown', 'unknown', 'anonymous', 'unknown']);
  });
});
