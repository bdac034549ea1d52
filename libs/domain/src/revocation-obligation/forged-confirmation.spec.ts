/** A stolen key of execution confirms an undo before it is due: audit finds it, and it has no effect. */
import { describe, expect, it } from '@jest/globals';
import { why } from '../../test/cast.js';
import { crypto, SimulatedServices } from '../../test/simulated-services.js';
import { CaseWatch } from '../audit-log/case-watch.js';
import { draft } from '../kernel/behaviour.js';
import { contain } from './scheduler.commands.js';

function granted() {
  const services = new SimulatedServices();
  const caseId = services.open([{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }], { kind: 'person', id: 'erin' }, 'pat');
  services.prove(caseId);
  services.decide(caseId, 'dana');
  services.decide(caseId, 'chidi');
  expect(services.emitted('readmit.execution.succeeded')).toHaveLength(1);
  return { services, caseId };
}
const forge = (services: SimulatedServices, caseId: string, answers?: string): void => {
  services.emit('execution', [
    draft('readmit.revocation.confirmed', caseId, {
      caseId,
      obligationId: `${caseId}/obligation-1`,
      how: 'undone',
      readBack: [],
      sessionsEnded: 0,
      ...(answers === undefined ? {} : { answers }),
    }),
  ]);
  services.settle();
};
const findings = (services: SimulatedServices): readonly string[] => {
  const rules: string[] = [];
  const watch = new CaseWatch({ crypto, graceSeconds: 300 }, ({ rule }) => rules.push(rule));
  services.log.forEach(({ fact }, index) => watch.add(index, fact));
  watch.end();
  return rules;
};
const flow = (services: SimulatedServices): readonly string[] =>
  services.log
    .map(({ fact }) => fact.type.replace('readmit.', ''))
    .filter((type) => /^(revocation|obligation\.discharged|case\.closed)/.test(type));

describe('a confirmation before anything is due', () => {
  it('R6.3 without it the grant ends at its clock, and audit finds nothing (the control)', () => {
    const { services } = granted();
    services.advance(7_200);
    expect(flow(services)).toEqual(['revocation.due', 'revocation.confirmed', 'obligation.discharged', 'case.closed']);
    expect(findings(services)).toEqual([]);
  });

  it.each([undefined, 'event_00001'])(
    'R6.3 ends nothing: the grant is taken back at its clock and answered, and audit says who lied (%s)',
    (answers) => {
      const { services, caseId } = granted();
      forge(services, caseId, answers);
      expect(flow(services)).toEqual(['revocation.confirmed']);
      services.advance(7_200);
      expect(flow(services)).toEqual([
        'revocation.confirmed',
        'revocation.due',
        'revocation.confirmed',
        'obligation.discharged',
        'case.closed',
      ]);
      expect(findings(services)).toEqual(['confirmed-without-due']);
    },
  );

  it('R6.6 does not keep containment from taking back at once', () => {
    const { services, caseId } = granted();
    forge(services, caseId);
    services.command('revocation-scheduler', caseId, contain('gita', why));
    services.settle();
    expect(flow(services)).toEqual([
      'revocation.confirmed',
      'revocation.due',
      'revocation.confirmed',
      'obligation.discharged',
      'case.closed',
    ]);
  });
});
