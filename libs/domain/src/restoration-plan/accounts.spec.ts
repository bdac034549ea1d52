/** Exclusive access of execution's work: a case with two targets has it at both, each undo at its own account. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { caseId, crypto, genuine, grant, plan, said, seconds, undo } from '../../test/genuine-case.js';
import { Facts } from '../kernel/facts.js';
import { executionReact } from './execution.react.js';

const bypass = { connector: 'idp', object: 'erin-at-idp' };
const role = { connector: 'target-postgres', object: 'erin' };
const [askedRole] = plan.asks;
const [giveRole] = plan.steps;
if (!askedRole || !giveRole) throw new Error('the genuine case asks for a role');
const asks = [askedRole, { id: 'ask_2', kind: 'factor.bypass' as const, ...bypass }];
const secret = { connector: 'target-postgres', object: 'payroll', hold: 'target-postgres/secret/payroll' };
const two = {
  ...plan,
  asks,
  steps: [
    giveRole,
    { id: 'step_2', askId: 'ask_2', kind: 'bypass.issue' as const, ...bypass, recipients: [], says: 'issue' },
    { id: 'step_3', askId: 'ask_3', kind: 'secret.issue' as const, ...secret, recipients: [], says: 'make' },
  ],
  obligations: [
    undo,
    { ...undo, ...bypass, id: 'obligation_2', kind: 'bypass.close' as const },
    { ...undo, ...secret, id: 'obligation_3', kind: 'secret.destroy' as const, object: 'payroll_b' },
  ],
};
const digest = crypto.digest(two);
const before: readonly Fact[] = [
  ...genuine
    .filter(({ type }) => ['readmit.case.classified', 'readmit.people.attested'].includes(type))
    .map((fact) => ({ ...fact }) as Fact),
  said('readmit.case.opened', 0, { ...(genuine[0] as Extract<Fact, { type: 'readmit.case.opened' }>).data, asks }),
];
const granted: readonly Fact[] = [
  ...before,
  said('readmit.plan.proposed', 2, { caseId, planId: 'plan_1', plan: two, digest }),
  grant({ planDigest: digest, obligations: two.obligations }),
  ...two.obligations.map((one) =>
    said(
      'readmit.obligation.recorded',
      6,
      { caseId, obligationId: one.id, grantId: 'grant_1', undo: one, hardBound: seconds(660) },
      one.id,
    ),
  ),
];
const inLog = granted.map((fact) =>
  said('readmit.audit.recorded', 7, { caseId, eventId: fact.id, type: fact.type, index: 1 }, `of ${fact.id}`),
);
const started = said('readmit.execution.started', 8, {
  ...{ caseId, executionId: 'execution_1', planDigest: digest, grantId: 'grant_1', endsAt: seconds(67), holds: [] },
});
const workOf = (facts: readonly Fact[]) =>
  (
    executionReact(new Facts(facts), {
      now: new Date(seconds(9)),
      key: caseId,
      newId: (prefix) => `${prefix}_1`,
      crypto,
      work: new Set([`${caseId}/plan`]),
      other: () => new Facts([]),
    }).work ?? []
  ).map(({ kind, connector, object, alsoAt }) => ({ kind, at: [{ connector, object }, ...(alsoAt ?? [])] }));

describe('a case that asks at two targets', () => {
  it('R6.5 restores alone at both accounts', () => {
    expect(workOf([...granted, ...inLog])).toEqual([{ kind: 'restore', at: [role, bypass] }]);
  });

  it('R6.5 asks about one account once', () => {
    const opened = said('readmit.case.opened', 0, {
      ...(genuine[0] as Extract<Fact, { type: 'readmit.case.opened' }>).data,
      asks: [askedRole, { ...askedRole, id: 'ask_2' }],
    });
    expect(workOf([...granted.filter(({ type }) => type !== opened.type), opened, ...inLog])).toEqual([{ kind: 'restore', at: [role] }]);
  });

  it('R6.2 takes each thing back at its own account, a login at that of its secret', () => {
    const due = two.obligations.map(({ id }) =>
      said('readmit.revocation.due', 9, { caseId, obligationId: id, cause: 'expiry' }, `due ${id}`),
    );
    expect(workOf([...granted, started, ...due])).toEqual([
      { kind: 'undo', at: [role] },
      { kind: 'undo', at: [bypass] },
      { kind: 'undo', at: [{ connector: 'target-postgres', object: 'payroll' }] },
    ]);
  });
});
