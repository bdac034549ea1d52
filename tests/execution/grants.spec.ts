/** When execution starts a grant, what it does at the target, and which outcome it reports. The target is simulated. */
import { describe, expect, it } from '@jest/globals';
import type { StepKind } from '@readmit/contracts';
import { TargetError } from '@readmit/connectors';
import { ResultUnstorable, draft } from '@readmit/domain';
import { TestExecution, only } from './test-execution.js';

const failure = (execution: TestExecution, caseId: string) => {
  const { effect, rule, reason } = only(execution.emittedOf('readmit.execution.failed', caseId));
  return { effect, rule, reason };
};

describe('a start', () => {
  it('R4.4 does not happen if the approval is not valid, even if everything else is', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    execution.change(caseId, (facts) =>
      facts.map((fact) => (fact.type === 'readmit.approval.granted' ? { ...fact, data: { ...fact.data, decisions: [] } } : fact)),
    );
    expect(await execution.restore(caseId)).toBe('done');
    expect(failure(execution, caseId)).toEqual({ effect: 'none', rule: 'R4.3', reason: 'quorum-not-met' });
    expect([execution.emittedOf('readmit.execution.started'), execution.target.calls]).toEqual([[], []]);

    const control = new TestExecution();
    const genuine = control.granted();
    await control.restore(genuine);
    expect(control.emittedOf('readmit.execution.succeeded')).toHaveLength(1);
  });

  it('R6.2 R4.7 sets the end to exactly the granted time later, in the event and for the target', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    execution.wait(7);
    const endsAt = new Date(execution.now.getTime() + 600_000);
    await execution.restore(caseId);
    expect(only(execution.emittedOf('readmit.execution.started')).endsAt).toBe(endsAt.toISOString());
    expect(execution.target.ends).toEqual([endsAt]);
  });

  it('R6.5 reports what its steps hold and which obligation ends that, and what was given and created', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    await execution.restore(caseId);
    const hold = 'target/role.grant/erin/app_admin';
    expect(only(execution.emittedOf('readmit.execution.started'))).toMatchObject({
      holds: [hold],
      held: [{ hold, obligationId: `${caseId}/obligation-1` }],
    });
    expect(only(execution.emittedOf('readmit.execution.succeeded'))).toMatchObject({
      holds: [hold],
      gave: [{ kind: 'role.grant', connector: 'target', object: 'erin', entitlement: 'app_admin' }],
      made: [{ stepId: 'step-1', identity: [{ name: 'membership', value: `of ${caseId}` }] }],
    });
  });
});

describe('a plan', () => {
  /** A classified case, and the work that reads its target. */
  const planned = async (steps: readonly StepKind[]) => {
    const execution = new TestExecution();
    const caseId = execution.proposed();
    const received = execution.services.facts('execution', caseId).all.filter(({ type }) => type !== 'readmit.plan.proposed');
    execution.change(caseId, () =>
      received.map((fact) =>
        fact.type === 'readmit.case.classified'
          ? { ...fact, data: { ...fact.data, ceiling: { ...fact.data.ceiling, steps: [...steps] } } }
          : fact,
      ),
    );
    execution.ask(caseId, {
      id: 'plan',
      kind: 'plan',
      connector: 'target',
      object: 'erin',
      notBefore: execution.now,
      alsoKeys: [],
      input: {},
    });
    await execution.run('plan');
    return {
      refused: execution.emittedOf('readmit.plan.refused', caseId).map(({ rule, reason }) => `${rule} ${reason}`),
      calls: execution.target.calls,
    };
  };
  it('R2.1 is refused before the target is called if nothing can be restored', async () => {
    expect(await planned([])).toEqual({ refused: ['R2.1 account-not-of-subject'], calls: [] });
    expect(await planned(['role.grant', 'sessions.end'])).toEqual({ refused: [], calls: ['plan role.restore'] });
  });
});

describe('a target', () => {
  it('R2.5 that differs from the approved plan is not changed, and that is reported', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    execution.target.state.set('role.restore:state', 'given by somebody else');
    expect(await execution.restore(caseId)).toBe('done');
    expect(failure(execution, caseId)).toEqual({ effect: 'none', rule: 'R2.5', reason: 'target-changed' });
    expect(execution.target.calls).toEqual(['read role.restore']);
  });

  it('R2.5 is compared again at every try until the first call to change it', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    execution.target.before = () => {
      throw new TargetError('away', 'none', 'unreachable');
    };
    expect(await execution.restore(caseId)).toBe('again');
    execution.target.before = () => undefined;
    execution.target.state.set('role.restore:state', 'given by somebody else');
    expect(await execution.run(`${caseId}/restore`)).toBe('done');
    expect(failure(execution, caseId)).toEqual({ effect: 'none', rule: 'R2.5', reason: 'target-changed' });
  });

  it.each([
    ['what the step changes may differ', 'role.restore:state', 'succeeded'],
    ['anything else may not', 'role.restore:other', 'failed'],
  ])('R2.5 after the first call, %s', async (_what, name, end) => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    const read = execution.target.read;
    execution.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('no answer', 'unknown', 'timeout');
    };
    expect(await execution.restore(caseId)).toBe('again');
    execution.target.before = () => undefined;
    execution.target.read = async (ask, signal) => [
      ...(await read(ask, signal)).filter((facet) => facet.name !== name),
      { name, value: 'changed meanwhile' },
    ];
    expect(await execution.run(`${caseId}/restore`)).toBe('done');
    if (end === 'succeeded') expect(execution.emittedOf('readmit.execution.succeeded')).toHaveLength(1);
    else expect(failure(execution, caseId)).toEqual({ effect: 'partial', rule: 'R2.5', reason: 'target-changed' });
  });

  it('R5.5 that did not respond is called again: an unknown outcome is read back and never guessed', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    execution.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('no answer', 'unknown', 'timeout');
    };
    expect(await execution.restore(caseId)).toBe('again');
    expect(execution.emittedOf('readmit.execution.failed')).toEqual([]);
    execution.target.before = () => undefined;
    expect(await execution.run(`${caseId}/restore`)).toBe('done');
    expect(only(execution.emittedOf('readmit.execution.succeeded')).after).toEqual([{ name: 'role.restore:state', value: 'given' }]);
  });

  it('R2.4 that shows more than the plan is an over-restoration: a failure, an incident, and undone', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    execution.target.extra = [{ name: 'erin/attributes', value: 'superuser' }];
    expect(await execution.restore(caseId)).toBe('done');
    expect(failure(execution, caseId)).toEqual({ effect: 'partial', rule: 'R2.4', reason: 'over-restored' });
    expect(only(execution.emittedOf('readmit.incident.raised'))).toMatchObject({
      rule: 'R2.4',
      says: expect.stringContaining('superuser') as unknown,
    });
    expect(execution.emittedOf('readmit.execution.succeeded')).toEqual([]);
    execution.due(caseId, 1, { cause: 'execution-failed' });
    await execution.run(`${caseId}/obligation-1/undo`);
    expect(only(execution.emittedOf('readmit.revocation.confirmed')).how).toBe('undone');
  });

  it('R2.4 that does not show the change of a step is one, too', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    const execute = execution.target.execute;
    execution.target.execute = async (...about) => ({ ...(await execute(...about)), after: [] });
    await execution.restore(caseId);
    expect(failure(execution, caseId)).toEqual({ effect: 'partial', rule: 'R2.4', reason: 'over-restored' });
  });

  it.each([
    [-1, 'succeeded'],
    [0, 'failed'],
  ])('R6.2 gets no step at the end of the grant or after it (%s ms)', async (ms, end) => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    execution.target.before = (call) => {
      if (call.startsWith('read')) execution.wait(600 + ms / 1000);
    };
    await execution.restore(caseId);
    const executed = execution.target.calls.filter((call) => call.startsWith('execute'));
    expect(executed).toHaveLength(end === 'succeeded' ? 1 : 0);
    if (end === 'failed') expect(failure(execution, caseId)).toEqual({ effect: 'none', rule: 'R6.2', reason: 'end-reached' });
  });
});

describe('a result that cannot be stored', () => {
  it('R8.1 ends a restoration with an event, so that no work is claimed forever', async () => {
    for (const [began, effect] of [
      [false, 'none'],
      [true, 'unknown'],
    ] as const) {
      const execution = new TestExecution();
      const caseId = execution.granted();
      execution.target.before = (call) => {
        if (call.startsWith(began ? 'execute' : 'read')) throw new TargetError('away', 'unknown', 'timeout');
      };
      expect(await execution.restore(caseId)).toBe('again');
      expect(execution.finish(`${caseId}/restore`, new ResultUnstorable('breaks its schema'))).toBe('done');
      expect(failure(execution, caseId)).toEqual({ effect, rule: 'R8.1', reason: 'result-unstorable' });
    }
  });

  it('R8.1 R2.2 refuses a plan with an event that has the reason', () => {
    const execution = new TestExecution();
    const caseId = execution.proposed();
    execution.change(caseId, () =>
      execution.services.facts('execution', caseId).all.filter((fact) => fact.type !== 'readmit.plan.proposed'),
    );
    execution.ask(caseId, {
      id: 'plan',
      kind: 'plan',
      connector: 'target',
      object: 'erin',
      notBefore: execution.now,
      alsoKeys: [],
      input: {},
    });
    expect(execution.finish('plan', new ResultUnstorable('/plan/untouched must NOT have more than 200 items'))).toBe('done');
    expect(only(execution.emittedOf('readmit.plan.refused'))).toMatchObject({
      rule: 'R8.1',
      reason: 'result-unstorable',
      says: expect.stringContaining('200 items') as unknown,
    });
  });
});

describe('a case that is over', () => {
  it.each(['readmit.approval.denied', 'readmit.approval.withdrawn', 'readmit.approval.expired', 'readmit.case.closed'] as const)(
    'R8.1 is no longer planned after %s, at every stage of planning',
    (type) => {
      const execution = new TestExecution();
      const caseId = execution.proposed();
      const before = execution.services.facts('execution', caseId).all.filter((fact) => fact.type !== 'readmit.plan.proposed');
      execution.change(caseId, () => before);
      const opened = before.find((fact) => fact.type === 'readmit.case.opened');
      if (!opened) throw new Error('there is no case');
      execution.receive({ type: 'readmit.case.opened', key: caseId, data: opened.data } as never);
      execution.change(caseId, () => before);
      const id = `${caseId}/plan`;
      expect(execution.rows.get(id)?.state).toBe('waiting');
      expect(execution.begin(id)).toMatchObject({ go: true });
      const data = {
        'readmit.approval.denied': { caseId, decisionId: 'd', by: 'dana' },
        'readmit.approval.withdrawn': { caseId, by: 'erin' },
        'readmit.approval.expired': { caseId, expiredAt: execution.now.toISOString() },
        'readmit.case.closed': { caseId, outcome: 'withdrawn' },
      }[type];
      execution.receive(draft(type, caseId, data as never));
      expect(execution.rows.get(id)?.state).toBe('cancelled');
      expect(execution.begin(id)).toMatchObject({ go: false });
      expect(execution.finish(id, new TargetError('away', 'none', 'unreachable'))).toBe('done');
      expect(execution.emitted).toEqual([]);
    },
  );
});
