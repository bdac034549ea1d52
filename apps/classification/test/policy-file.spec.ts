/** The policy file: what is wrong with it is said by place and all at once, and its digest is of what it says, not of how it is written. */
import { describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { loadPolicy, parsePolicy } from '../src/outbound/policy-file.js';

const file = fileURLToPath(new URL('../../../deploy/policies/default.yaml', import.meta.url));
const text = await readFile(file, 'utf8');
type Rules = Record<string, unknown> & { quorum: { count: number }[] };
type Document = Record<string, unknown> & {
  version: string;
  privilegedSubject: { quorum: { count: number }[] };
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
  it('R9.1 that ships is taken, and has a version (the control of this file)', async () => {
    expect(faultOf(text)).toBe('taken');
    expect((await loadPolicy(file)).document.version).toBe('default-1');
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

  it('R9.1 every fault is named with its place, all of them at once', () => {
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

  it('R9.1 a class without evidence, verifiers or quorum is refused: nothing is granted for the asking', () => {
    for (const part of ['evidence', 'verifiers', 'quorum'])
      expect(faultOf(edited((policy) => (policy.classes['mfa-recovery'][part] = [])))).toContain(
        `/classes/mfa-recovery/${part} must NOT have fewer than 1 items`,
      );
  });

  it.each(['privileged-restoration', 'nhi-secret-restoration'] as const)('R1.3 R9.1 %s needs two people at least', (caseClass) => {
    expect(faultOf(edited((policy) => policy.classes[caseClass].quorum.splice(1)))).toContain(
      `/classes/${caseClass}/quorum needs two people at least`,
    );
    // Two seats of one part are two people too.
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

  it('R4.1 R9.1 whoever is privileged, and every class of the two-person tier, needs two people at least', () => {
    const seats = (count: number) => (policy: Document) => {
      policy.privilegedSubject.quorum.splice(1);
      for (const part of policy.privilegedSubject.quorum) part.count = count;
    };
    expect(faultOf(edited(seats(1)))).toContain('/privilegedSubject/quorum with that of mfa-recovery needs two people at least');
    expect(faultOf(edited(seats(2)))).toBe('taken');
    expect(faultOf(edited((policy) => (policy.classes['mfa-recovery']['tier'] = 'two-person')))).toContain(
      '/classes/mfa-recovery/quorum needs two people at least',
    );
  });

  it('R9.1 more parts of a quorum than a case can hold are refused here, not when the first case comes', () => {
    const named = (count: number) =>
      edited((policy) => {
        const [part] = policy.classes['mfa-recovery'].quorum;
        policy.classes['mfa-recovery'].quorum = Array.from({ length: count }, (_, n) => ({
          count: 1,
          ...structuredClone(part),
          name: `part-${n}`,
        }));
      });
    // Two parts stand in the other classes.
    expect(faultOf(named(4))).toContain('more than 5 parts of a quorum together');
    expect(faultOf(named(3))).toBe('taken');
  });

  it('R9.1 what is no YAML, repeats a key or hides behind aliases is refused', () => {
    expect(faultOf('classes: [')).toContain('policy.yaml is no YAML');
    expect(faultOf(`${text}\nversion: twice\n`)).toContain('Map keys must be unique');
    expect(faultOf(text.replace('version: default-1', 'version: &v default-1\nother: *v'))).toMatch(/alias/i);
  });

  it('R9.1 a file that is not there says which setting names it', async () => {
    await expect(loadPolicy('nowhere.yaml')).rejects.toThrow('the policy file nowhere.yaml cannot be read. Set READMIT_POLICY_FILE');
  });
});
