/** Somebody with execution's key says that it is undone before anything is due: found by audit, and harmless. */
import { describe, expect, it } from '@jest/globals';
import { why } from '../../test/cast.js';
import { crypto, House } from '../../test/house.js';
import { CaseWatch } from '../audit-log/case-watch.js';
import { draft } from '../kernel/behaviour.js';
import { contain } from './scheduler.commands.js';

function granted() {
  const house = new House();
  const caseId = house.open([{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }], { kind: 'person', id: 'erin' }, 'pat');
  house.prove(caseId);
  house.decide(caseId, 'dana');
  house.decide(caseId, 'chidi');
  expect(house.said('readmit.execution.succeeded')).toHaveLength(1);
  return { house, caseId };
}
const forge = (house: House, caseId: string, answers?: string): void => {
  house.emit('execution', [
    draft('readmit.revocation.confirmed', caseId, {
      caseId,
      obligationId: `${caseId}/obligation-1`,
      how: 'undone',
      readBack: [],
      sessionsEnded: 0,
      ...(answers === undefined ? {} : { answers }),
    }),
  ]);
  house.settle();
};
const findings = (house: House): readonly string[] => {
  const rules: string[] = [];
  const watch = new CaseWatch({ crypto, graceSeconds: 300 }, ({ rule }) => rules.push(rule));
  house.log.forEach(({ fact }, index) => watch.add(index, fact));
  watch.end();
  return rules;
};
const flow = (house: House): readonly string[] =>
  house.log
    .map(({ fact }) => fact.type.replace('readmit.', ''))
    .filter((type) => /^(revocation|obligation\.discharged|case\.closed)/.test(type));

describe('a confirmation before anything is due', () => {
  it('R6.3 without it the grant ends at its clock, and audit finds nothing (the control)', () => {
    const { house } = granted();
    house.advance(7_200);
    expect(flow(house)).toEqual(['revocation.due', 'revocation.confirmed', 'obligation.discharged', 'case.closed']);
    expect(findings(house)).toEqual([]);
  });

  it.each([undefined, 'event_00001'])(
    'R6.3 ends nothing: the grant is taken back at its clock and answered, and audit says who lied (%s)',
    (answers) => {
      const { house, caseId } = granted();
      forge(house, caseId, answers);
      expect(flow(house)).toEqual(['revocation.confirmed']);
      house.advance(7_200);
      expect(flow(house)).toEqual([
        'revocation.confirmed',
        'revocation.due',
        'revocation.confirmed',
        'obligation.discharged',
        'case.closed',
      ]);
      expect(findings(house)).toEqual(['confirmed-without-due']);
    },
  );

  it('R6.6 does not keep containment from taking back at once', () => {
    const { house, caseId } = granted();
    forge(house, caseId);
    house.command('revocation-scheduler', caseId, contain('gita', why));
    house.settle();
    expect(flow(house)).toEqual(['revocation.confirmed', 'revocation.due', 'revocation.confirmed', 'obligation.discharged', 'case.closed']);
  });
});
