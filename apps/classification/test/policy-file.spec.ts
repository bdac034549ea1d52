/** The policy file: all faults are reported at once, each with its place, and the digest covers its content, not its formatting. */
import { describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { loadPolicy, parsePolicy } from '../src/outbound/policy-file.js';

const file = fileURLToPath(new URL('../../../deploy/policies/default.yaml', import.meta.url));
const text = await readFile(file, 'utf8');
type Need = { kind: string; assurance: number; maxAgeSeconds: number };
type Rules = Record<string, unknown> & { quorum: { count: number; authority?: number }[]; evidence: Need[] };
type Document = Record<string, unknown> & {
  version: string;
  privilegedSubject: { tier: string; quorum: { count: number; authority?: number }[] };
  classes: Record<'mfa-recovery' | 'privileged-restoration' | 'nhi-secret-restoration', Rules>;
};
const edited = (edit: (document: Document) => void): string => {
  const document = parse(text) as Document;
  edit(document);
  return stringify(document);
};
const faultOf = (changed: string): string => {
  try {
    parsePolicy(changed, 'policy.yaml');
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
};

describe('the policy file', () => {
  it('R9.1 that ships is valid, and has a version (the control of this file)', async () => {
    expect(faultOf(text)).toBe('taken');
    expect((await loadPolicy(file)).document.version).toBe('default-2');
  });

  it('R9.1 its digest is of the JCS: comments, order and layout change nothing, one number changes it', () => {
    const { document, digest } = parsePolicy(text, 'policy.yaml');
    expect(digest).toBe(
      createHash('sha256')
        .update(canonicalize(document) ?? '')
        .digest('hex'),
    );
    const turned = parse(text) as Document;
    expect(parsePolicy(stringify(Object.fromEntries(Object.entries(turned).reverse())), 'policy.yaml').digest).toBe(digest);
    expect(parsePolicy(JSON.stringify(turned), 'policy.yaml').digest).toBe(digest);
    const other = edited((policy) => (policy.classes['mfa-recovery']['maxDurationSeconds'] = 3601));
    expect(parsePolicy(other, 'policy.yaml').digest).not.toBe(digest);
  });

  it('R9.1 every fault is reported with its place, all of them at once', () => {
    const says = faultOf(
      edited((policy) => {
        policy.classes['mfa-recovery']['tier'] = 'trusting';
        delete policy.classes['nhi-secret-restoration']['overlapSeconds'];
        policy['alsoTrust'] = 'everybody';
      }),
    );
    expect(says).toContain('policy.yaml does not match the policy schema');
    expect(says).toContain('/classes/mfa-recovery/tier must be equal to one of the allowed values');
    expect(says).toContain("/classes/nhi-secret-restoration must have required property 'overlapSeconds'");
    expect(says).toContain('/ must NOT have additional properties (alsoTrust)');
  });

  it('R5.6 lists by tier what connectors must be able to do, only by names of capabilities', () => {
    const requiring = (capabilities: readonly string[], tier = 'two-person') =>
      faultOf(edited((policy) => (policy['connectors'] = { [tier]: { capabilities, maxResidualSeconds: 300 } })));
    expect(requiring(['end-sessions', 'native-expiry'])).toBe('taken');
    expect(requiring(['ends-sessions'])).toContain('/connectors/two-person/capabilities/0 must be equal to one of the allowed values');
    expect(requiring(['end-sessions'], 'two-people')).toContain('/connectors must NOT have additional properties (two-people)');
  });

  it('R1.6 R5.6 a stricter tier requires of connectors what a lower one does: unknown facts raise a case to it', () => {
    const needs = { capabilities: ['end-sessions'], maxResidualSeconds: 300 };
    const requiring = (connectors: object) => faultOf(edited((policy) => (policy['connectors'] = connectors)));
    const alone = requiring({ 'agent-assisted': needs });
    expect(alone).toContain('/connectors/two-person/capabilities must include end-sessions, like agent-assisted (R1.6)');
    expect(alone).toContain('/connectors/two-person/maxResidualSeconds must be at most 300 (R1.6)');
    const strict = { capabilities: ['native-expiry', 'end-sessions'], maxResidualSeconds: 301 };
    const looser = requiring({ 'agent-assisted': needs, 'two-person': strict });
    expect(looser).toContain('/connectors/two-person/maxResidualSeconds must be at most 300 (R1.6)');
    expect(looser).not.toContain('/capabilities must include');
    expect(requiring({ 'agent-assisted': needs, 'two-person': { ...strict, maxResidualSeconds: 300 } })).toBe('taken');
    expect(requiring({ 'two-person': needs })).toBe('taken');
  });

  it('R9.1 a class without evidence, verifiers or quorum is refused: nothing is granted just because it is requested', () => {
    for (const part of ['evidence', 'verifiers', 'quorum'])
      expect(faultOf(edited((policy) => (policy.classes['mfa-recovery'][part] = [])))).toContain(
        `/classes/mfa-recovery/${part} must NOT have fewer than 1 items`,
      );
  });

  it.each(['privileged-restoration', 'nhi-secret-restoration'] as const)('R1.3 R9.1 %s needs at least two people', (caseClass) => {
    expect(faultOf(edited((policy) => policy.classes[caseClass].quorum.splice(1)))).toContain(
      `/classes/${caseClass}/quorum needs at least two people`,
    );
    // A single part with a count of two is two people, too.
    expect(
      faultOf(
        edited((policy) => {
          const [part] = policy.classes[caseClass].quorum.splice(1);
          const [first] = policy.classes[caseClass].quorum;
          if (first && part) first.count = 2;
        }),
      ),
    ).toBe('taken');
  });

  it('R4.1 R9.1 a privileged subject, and every class of the two-person tier, needs at least two people', () => {
    const seats = (count: number) => (policy: Document) => {
      policy.privilegedSubject.quorum.splice(1);
      for (const part of policy.privilegedSubject.quorum) part.count = count;
    };
    expect(faultOf(edited(seats(1)))).toContain('/privilegedSubject/quorum with that of mfa-recovery needs at least two people');
    expect(faultOf(edited(seats(2)))).toBe('taken');
    expect(faultOf(edited((policy) => (policy.classes['mfa-recovery']['tier'] = 'two-person')))).toContain(
      '/classes/mfa-recovery/quorum needs at least two people',
    );
  });

  const hour = 3600;
  const day = 24 * hour;
  /** Each number with its limit; one step beyond it is refused at its place. */
  it.each<[string, number, -1 | 1, (policy: Document, value: number) => unknown]>([
    [
      '/classes/mfa-recovery/quorum/0/authority',
      3,
      -1,
      (p, v) => Object.assign(p.classes['mfa-recovery'].quorum[0] ?? {}, { authority: v }),
    ],
    [
      '/classes/privileged-restoration/quorum/1/authority',
      3,
      -1,
      (p, v) => Object.assign(p.classes['privileged-restoration'].quorum[1] ?? {}, { authority: v }),
    ],
    [
      '/classes/nhi-secret-restoration/quorum/0/authority',
      3,
      -1,
      (p, v) => Object.assign(p.classes['nhi-secret-restoration'].quorum[0] ?? {}, { authority: v }),
    ],
    ['/privilegedSubject/quorum/1/authority', 3, -1, (p, v) => Object.assign(p.privilegedSubject.quorum[1] ?? {}, { authority: v })],
    ['/classes/mfa-recovery/maxDurationSeconds', 8 * hour, 1, (p, v) => (p.classes['mfa-recovery']['maxDurationSeconds'] = v)],
    [
      '/classes/privileged-restoration/maxDurationSeconds',
      day,
      1,
      (p, v) => (p.classes['privileged-restoration']['maxDurationSeconds'] = v),
    ],
    [
      '/classes/nhi-secret-restoration/maxDurationSeconds',
      30 * day,
      1,
      (p, v) => (p.classes['nhi-secret-restoration']['maxDurationSeconds'] = v),
    ],
    ['/classes/mfa-recovery/decideWithinSeconds', 7 * day, 1, (p, v) => (p.classes['mfa-recovery']['decideWithinSeconds'] = v)],
    [
      '/classes/privileged-restoration/executeWithinSeconds',
      4 * hour,
      1,
      (p, v) => (p.classes['privileged-restoration']['executeWithinSeconds'] = v),
    ],
    ['/classes/nhi-secret-restoration/overlapSeconds', 7 * day, 1, (p, v) => (p.classes['nhi-secret-restoration']['overlapSeconds'] = v)],
    [
      '/classes/mfa-recovery/evidence/0/maxAgeSeconds',
      4 * hour,
      1,
      (p, v) => Object.assign(p.classes['mfa-recovery'].evidence[0] ?? {}, { maxAgeSeconds: v }),
    ],
    [
      '/classes/mfa-recovery/evidence/1/maxAgeSeconds',
      day,
      1,
      (p, v) => Object.assign(p.classes['mfa-recovery'].evidence[1] ?? {}, { maxAgeSeconds: v }),
    ],
    ['/directoryMaxAgeSeconds', day, 1, (p, v) => (p['directoryMaxAgeSeconds'] = v)],
  ])('R9.3 R4.3 R4.5 %s has a floor that no file goes below (%s)', (place, limit, further, set) => {
    expect(faultOf(edited((policy) => set(policy, limit)))).toBe('taken');
    const says = faultOf(edited((policy) => set(policy, limit + further)));
    expect(says).toContain('policy.yaml is not strict enough');
    expect(says).toContain(`${place} must be at ${further > 0 ? 'most' : 'least'} ${limit}`);
  });

  it.each(['mfa-recovery', 'privileged-restoration', 'nhi-secret-restoration'] as const)(
    'R9.3 R3.3 %s needs a proof that is more than a ticket',
    (caseClass) => {
      const proof = (...evidence: Need[]) => faultOf(edited((policy) => (policy.classes[caseClass].evidence = evidence)));
      const says = `/classes/${caseClass}/evidence needs a proof of at least assurance 2 that is not a ticket`;
      expect(proof({ kind: 'ticket', assurance: 3, maxAgeSeconds: hour })).toContain(says);
      expect(proof({ kind: 'call-back', assurance: 1, maxAgeSeconds: hour })).toContain(says);
      expect(proof({ kind: 'ticket', assurance: 1, maxAgeSeconds: hour }, { kind: 'call-back', assurance: 2, maxAgeSeconds: hour })).toBe(
        'taken',
      );
    },
  );

  it('R4.1 R9.3 a tier needs the number of people that it stands for', () => {
    const tier = (caseClass: keyof Document['classes'], is: string) => edited((policy) => (policy.classes[caseClass]['tier'] = is));
    expect(faultOf(tier('mfa-recovery', 'self-service'))).toContain('/classes/mfa-recovery/tier: self-service is not available yet');
    for (const caseClass of ['privileged-restoration', 'nhi-secret-restoration'] as const)
      for (const is of ['agent-assisted', 'self-service'])
        expect(faultOf(tier(caseClass, is))).toContain(`/classes/${caseClass}/tier must be two-person`);
    for (const is of ['agent-assisted', 'self-service'])
      expect(faultOf(edited((policy) => (policy.privilegedSubject.tier = is)))).toContain('/privilegedSubject/tier must be two-person');
    expect(faultOf(tier('mfa-recovery', 'agent-assisted'))).toBe('taken');
  });

  it('R9.3 every value that is not strict enough is reported at once', () => {
    const says = faultOf(
      edited((policy) => {
        for (const rules of Object.values(policy.classes)) {
          rules['tier'] = 'self-service';
          rules.evidence = [{ kind: 'ticket', assurance: 1, maxAgeSeconds: 365 * day }];
          rules['maxDurationSeconds'] = 365 * day;
          for (const part of rules.quorum) part.authority = 0;
        }
      }),
    );
    // Per class: tier (twice where two people are required), proof, its age, duration and each part of the quorum.
    expect(says.split('\n').slice(1)).toHaveLength(5 + 7 + 7);
  });

  it('R9.1 a quorum with more parts than a case can hold is refused at start, not at the first case', () => {
    const named = (count: number) =>
      edited((policy) => {
        const [part] = policy.classes['mfa-recovery'].quorum;
        policy.classes['mfa-recovery'].quorum = Array.from({ length: count }, (_, n) => ({
          count: 1,
          ...structuredClone(part),
          name: `part-${n}`,
        }));
      });
    // Two parts are in the other classes.
    expect(faultOf(named(4))).toContain('together have more than 5 quorum parts');
    expect(faultOf(named(3))).toBe('taken');
  });

  it('R9.1 a file that is not YAML, repeats a key or uses aliases is refused', () => {
    expect(faultOf('classes: [')).toContain('policy.yaml is not valid YAML');
    expect(faultOf(`${text}\nversion: twice\n`)).toContain('Map keys must be unique');
    expect(faultOf(text.replace('version: default-2', 'version: &v default-2\nother: *v'))).toMatch(/alias/i);
  });

  it('R9.1 a missing file is reported with the setting that names it', async () => {
    await expect(loadPolicy('nowhere.yaml')).rejects.toThrow('the policy file nowhere.yaml cannot be read. Set READMIT_POLICY_FILE');
  });
});

describe('the policy that ships', () => {
  const shipped = parse(text) as unknown;
  const security = { name: 'security', teams: ['security-oncall'], count: 1, authority: 4 };
  const owner = { name: 'owner', teams: ['system-owner'], count: 1, authority: 4 };

  it('R9.3 R4.1 R4.3 requires exactly this: changing a number is a decision, and this test is changed with it', () => {
    expect(shipped).toEqual({
      version: 'default-2',
      classes: {
        'mfa-recovery': {
          tier: 'agent-assisted',
          evidence: [
            { kind: 'call-back', assurance: 2, maxAgeSeconds: hours(1) },
            { kind: 'manager-vouch', assurance: 2, maxAgeSeconds: hours(4) },
          ],
          verifiers: ['help-desk'],
          quorum: [security],
          ticket: false,
          maxDurationSeconds: hours(1),
          decideWithinSeconds: hours(4),
          executeWithinSeconds: 900,
          overlapSeconds: 0,
        },
        'privileged-restoration': {
          tier: 'two-person',
          evidence: [{ kind: 'call-back', assurance: 2, maxAgeSeconds: hours(1) }],
          verifiers: ['help-desk'],
          quorum: [security, owner],
          ticket: true,
          maxDurationSeconds: hours(8),
          decideWithinSeconds: hours(4),
          executeWithinSeconds: 900,
          overlapSeconds: 0,
        },
        'nhi-secret-restoration': {
          tier: 'two-person',
          evidence: [{ kind: 'owner-confirmation', assurance: 2, maxAgeSeconds: hours(4) }],
          verifiers: ['help-desk'],
          quorum: [security, owner],
          ticket: true,
          maxDurationSeconds: hours(24),
          decideWithinSeconds: hours(24),
          executeWithinSeconds: 900,
          overlapSeconds: hours(24),
        },
      },
      privilegedSubject: { tier: 'two-person', quorum: [security, owner] },
      directoryMaxAgeSeconds: hours(1),
    });
  });
});

const hours = (count: number): number => count * 3600;
