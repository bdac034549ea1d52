/** The rules of the services, in any order of arrival, give a log without findings: the control of every rule over cases. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import fc from 'fast-check';
import { why } from '../../test/cast.js';
import { crypto, SimulatedServices } from '../../test/simulated-services.js';
import { draft } from '../kernel/behaviour.js';
import { contain } from '../revocation-obligation/scheduler.commands.js';
import { defaultGraceSeconds } from './case-rules.js';
import { CaseWatch } from './case-watch.js';

const mfa = [
  { kind: 'factor.replace', object: 'ada' },
  { kind: 'factor.bypass', object: 'ada' },
] as const;
const role = [{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }] as const;
const later = {
  ...{ signalId: 'acme:1', provider: 'acme', kind: 'account-locked' as const, subject: 'pat' },
  occurredAt: '2026-11-22T11:00:00.000Z',
};
const secret = [{ kind: 'secret.reissue', object: 'payroll' }] as const;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
}
const findingsOf = (facts: readonly Fact[]): readonly string[] => {
  const findings: string[] = [];
  const watch = new CaseWatch({ crypto, graceSeconds: defaultGraceSeconds }, ({ rule, why }) => findings.push(`${rule}: ${why}`));
  facts.forEach((fact, index) => watch.add(index, fact));
  watch.end();
  return findings;
};
function lives(seed: number, how: { readonly used: boolean; readonly contained: boolean; readonly auditUp: boolean }): SimulatedServices {
  const services = new SimulatedServices(random(seed));
  services.used = how.used;
  services.auditUp = how.auditUp;
  const cases = [
    services.open(mfa, { kind: 'person', id: 'ada' }),
    services.open(role, { kind: 'person', id: 'erin' }, 'erin'),
    services.open(secret, { kind: 'machine', id: 'svc-payroll' }, 'pat'),
  ] as const;
  services.prove(cases[0]);
  services.prove(cases[1]);
  services.prove(cases[2], 'boris', 'owner-confirmation');
  services.decide(cases[0], 'chidi');
  for (const caseId of cases.slice(1)) {
    services.decide(caseId, 'dana');
    services.decide(caseId, 'chidi');
  }
  if (how.contained) for (const caseId of cases) services.command('revocation-scheduler', caseId, contain('gita', why));
  services.advance(7200);
  // The clock of the log is its latest event: an open obligation is late only if something came after it.
  services.emit('intake', [draft('readmit.signal.received', 'subject:pat', later)]);
  return services;
}

describe('genuine runs', () => {
  it('R6.3 R7.2 have no finding, whatever their end and order of arrival; without what execution confirmed they have', () => {
    const ends = new Set<string>();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 30 }),
        fc.record({ used: fc.boolean(), contained: fc.boolean(), auditUp: fc.boolean() }),
        (seed, how) => {
          const services = lives(seed, how);
          const facts = services.log.map(({ fact }) => fact);
          for (const fact of services.emitted('readmit.obligation.discharged')) ends.add(fact.data.how);
          expect(findingsOf(facts)).toEqual([]);
          const proofs = ['readmit.revocation.confirmed', 'readmit.consumer.confirmed'];
          const unproved = findingsOf(facts.filter(({ type }) => !proofs.includes(type)));
          // What never started needs no proof: nothing starts without audit, or after a containment.
          const begun = services.emitted('readmit.obligation.discharged').some(({ data }) => data.how !== 'never-began');
          expect(unproved.length > 0).toBe(begun);
          if (!how.auditUp || !how.contained) expect(begun).toBe(how.auditUp);
        },
      ),
      {
        numRuns: 30,
        examples: [
          [1, { used: true, contained: false, auditUp: true }],
          [1, { used: true, contained: false, auditUp: false }],
        ],
      },
    );
    expect([...ends].sort()).toEqual(expect.arrayContaining(['never-began', 'taken-over', 'undone']));
  });
});
