/** When execution begins, what it gives the target, and what it says of what came of it. The target is simulated. */
import { describe, expect, it } from '@jest/globals';
import type { StepKind } from '@readmit/contracts';
import { TargetError } from '@readmit/connectors';
import { ResultUnstorable, draft } from '@readmit/domain';
import { ExecutionRoom, only } from './execution-room.js';

const failure = (room: ExecutionRoom, caseId: string) => {
  const { effect, rule, reason } = only(room.saidOf('readmit.execution.failed', caseId));
  return { effect, rule, reason };
};

describe('a beginning', () => {
  it('R4.4 does not happen when the approval does not stand, whatever else is in hand', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    room.change(caseId, (facts) =>
      facts.map((fact) => (fact.type === 'readmit.approval.granted' ? { ...fact, data: { ...fact.data, decisions: [] } } : fact)),
    );
    expect(await room.restore(caseId)).toBe('done');
    expect(failure(room, caseId)).toEqual({ effect: 'none', rule: 'R4.3', reason: 'quorum-not-met' });
    expect([room.saidOf('readmit.execution.started'), room.target.calls]).toEqual([[], []]);

    const control = new ExecutionRoom();
    const genuine = control.granted();
    await control.restore(genuine);
    expect(control.saidOf('readmit.execution.succeeded')).toHaveLength(1);
  });

  it('R6.2 R4.7 ends exactly the granted time after the start, for the record and for the target', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    room.wait(7);
    const endsAt = new Date(room.now.getTime() + 600_000);
    await room.restore(caseId);
    expect(only(room.saidOf('readmit.execution.started')).endsAt).toBe(endsAt.toISOString());
    expect(room.target.ends).toEqual([endsAt]);
  });

  it('R6.5 says what its steps hold and by which obligation that ends; and what it gave and made', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    await room.restore(caseId);
    const hold = 'target/role.grant/erin/app_admin';
    expect(only(room.saidOf('readmit.execution.started'))).toMatchObject({
      holds: [hold],
      held: [{ hold, obligationId: `${caseId}/obligation-1` }],
    });
    expect(only(room.saidOf('readmit.execution.succeeded'))).toMatchObject({
      holds: [hold],
      gave: [{ kind: 'role.grant', connector: 'target', object: 'erin', entitlement: 'app_admin' }],
      made: [{ stepId: 'step-1', identity: [{ name: 'membership', value: `of ${caseId}` }] }],
    });
  });
});

describe('a plan', () => {
  /** A case that classification judged, and the work that reads its target. */
  const planned = async (steps: readonly StepKind[]) => {
    const room = new ExecutionRoom();
    const caseId = room.proposed();
    const heard = room.house.facts('execution', caseId).all.filter(({ type }) => type !== 'readmit.plan.proposed');
    room.change(caseId, () =>
      heard.map((fact) =>
        fact.type === 'readmit.case.classified'
          ? { ...fact, data: { ...fact.data, ceiling: { ...fact.data.ceiling, steps: [...steps] } } }
          : fact,
      ),
    );
    room.ask(caseId, { id: 'plan', kind: 'plan', connector: 'target', object: 'erin', notBefore: room.now, alsoKeys: [], input: {} });
    await room.run('plan');
    return {
      refused: room.saidOf('readmit.plan.refused', caseId).map(({ rule, reason }) => `${rule} ${reason}`),
      asked: room.target.calls,
    };
  };
  it('R2.1 is refused before the target is asked when nothing can be restored', async () => {
    expect(await planned([])).toEqual({ refused: ['R2.1 account-not-of-subject'], asked: [] });
    expect(await planned(['role.grant', 'sessions.end'])).toEqual({ refused: [], asked: ['plan role.restore'] });
  });
});

describe('a target', () => {
  it('R2.5 that is not as it was approved is left alone, and that is said', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    room.target.shows.set('role.restore:state', 'given by somebody else');
    expect(await room.restore(caseId)).toBe('done');
    expect(failure(room, caseId)).toEqual({ effect: 'none', rule: 'R2.5', reason: 'target-changed' });
    expect(room.target.calls).toEqual(['read role.restore']);
  });

  it('R2.5 is compared again at every try until the first call to it was about to be made', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    room.target.before = () => {
      throw new TargetError('away', 'none', 'unreachable');
    };
    expect(await room.restore(caseId)).toBe('again');
    room.target.before = () => undefined;
    room.target.shows.set('role.restore:state', 'given by somebody else');
    expect(await room.run(`${caseId}/restore`)).toBe('done');
    expect(failure(room, caseId)).toEqual({ effect: 'none', rule: 'R2.5', reason: 'target-changed' });
  });

  it.each([
    ['what the step changes may differ', 'role.restore:state', 'succeeded'],
    ['anything else may not', 'role.restore:other', 'failed'],
  ])('R2.5 after the first call, %s', async (_what, name, end) => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    const read = room.target.read;
    room.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('no answer', 'unknown', 'timeout');
    };
    expect(await room.restore(caseId)).toBe('again');
    room.target.before = () => undefined;
    room.target.read = async (ask, signal) => [
      ...(await read(ask, signal)).filter((facet) => facet.name !== name),
      { name, value: 'changed meanwhile' },
    ];
    expect(await room.run(`${caseId}/restore`)).toBe('done');
    if (end === 'succeeded') expect(room.saidOf('readmit.execution.succeeded')).toHaveLength(1);
    else expect(failure(room, caseId)).toEqual({ effect: 'partial', rule: 'R2.5', reason: 'target-changed' });
  });

  it('R5.5 that gave no answer is asked again: an unknown outcome is read back and never guessed', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    room.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('no answer', 'unknown', 'timeout');
    };
    expect(await room.restore(caseId)).toBe('again');
    expect(room.saidOf('readmit.execution.failed')).toEqual([]);
    room.target.before = () => undefined;
    expect(await room.run(`${caseId}/restore`)).toBe('done');
    expect(only(room.saidOf('readmit.execution.succeeded')).after).toEqual([{ name: 'role.restore:state', value: 'given' }]);
  });

  it('R2.4 that shows more than the plan is an over-restoration: failed, an incident, and taken back', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    room.target.beside = [{ name: 'erin/attributes', value: 'superuser' }];
    expect(await room.restore(caseId)).toBe('done');
    expect(failure(room, caseId)).toEqual({ effect: 'partial', rule: 'R2.4', reason: 'over-restored' });
    expect(only(room.saidOf('readmit.incident.raised'))).toMatchObject({
      rule: 'R2.4',
      says: expect.stringContaining('superuser') as unknown,
    });
    expect(room.saidOf('readmit.execution.succeeded')).toEqual([]);
    room.due(caseId, 1, { cause: 'execution-failed' });
    await room.run(`${caseId}/obligation-1/undo`);
    expect(only(room.saidOf('readmit.revocation.confirmed')).how).toBe('undone');
  });

  it('R2.4 that does not show what a step changes is one too', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    const execute = room.target.execute;
    room.target.execute = async (...about) => ({ ...(await execute(...about)), after: [] });
    await room.restore(caseId);
    expect(failure(room, caseId)).toEqual({ effect: 'partial', rule: 'R2.4', reason: 'over-restored' });
  });

  it.each([
    [-1, 'succeeded'],
    [0, 'failed'],
  ])('R6.2 gets no step at the end of the grant or behind it (%s ms)', async (ms, end) => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    room.target.before = (call) => {
      if (call.startsWith('read')) room.wait(600 + ms / 1000);
    };
    await room.restore(caseId);
    const executed = room.target.calls.filter((call) => call.startsWith('execute'));
    expect(executed).toHaveLength(end === 'succeeded' ? 1 : 0);
    if (end === 'failed') expect(failure(room, caseId)).toEqual({ effect: 'none', rule: 'R6.2', reason: 'end-reached' });
  });
});

describe('what can not be recorded', () => {
  it('R8.1 ends a restoration on record: nothing is claimed for ever', async () => {
    for (const [began, effect] of [
      [false, 'none'],
      [true, 'unknown'],
    ] as const) {
      const room = new ExecutionRoom();
      const caseId = room.granted();
      room.target.before = (call) => {
        if (call.startsWith(began ? 'execute' : 'read')) throw new TargetError('away', 'unknown', 'timeout');
      };
      expect(await room.restore(caseId)).toBe('again');
      expect(room.finish(`${caseId}/restore`, new ResultUnstorable('breaks its schema'))).toBe('done');
      expect(failure(room, caseId)).toEqual({ effect, rule: 'R8.1', reason: 'result-unstorable' });
    }
  });

  it('R8.1 R2.2 refuses a plan on record, with the reason', () => {
    const room = new ExecutionRoom();
    const caseId = room.proposed();
    room.change(caseId, () => room.house.facts('execution', caseId).all.filter((fact) => fact.type !== 'readmit.plan.proposed'));
    room.ask(caseId, { id: 'plan', kind: 'plan', connector: 'target', object: 'erin', notBefore: room.now, alsoKeys: [], input: {} });
    expect(room.finish('plan', new ResultUnstorable('/plan/untouched must NOT have more than 200 items'))).toBe('done');
    expect(only(room.saidOf('readmit.plan.refused'))).toMatchObject({
      rule: 'R8.1',
      reason: 'result-unstorable',
      says: expect.stringContaining('200 items') as unknown,
    });
  });
});

describe('a case that is over', () => {
  it.each(['readmit.approval.denied', 'readmit.approval.withdrawn', 'readmit.approval.expired', 'readmit.case.closed'] as const)(
    'R8.1 is planned no more once %s was heard, at every stage of planning',
    (type) => {
      const room = new ExecutionRoom();
      const caseId = room.proposed();
      const before = room.house.facts('execution', caseId).all.filter((fact) => fact.type !== 'readmit.plan.proposed');
      room.change(caseId, () => before);
      const opened = before.find((fact) => fact.type === 'readmit.case.opened');
      if (!opened) throw new Error('no case');
      room.hear({ type: 'readmit.case.opened', key: caseId, data: opened.data } as never);
      room.change(caseId, () => before);
      const id = `${caseId}/plan`;
      expect(room.rows.get(id)?.state).toBe('waiting');
      expect(room.begin(id)).toMatchObject({ go: true });
      const data = {
        'readmit.approval.denied': { caseId, decisionId: 'd', by: 'dana' },
        'readmit.approval.withdrawn': { caseId, by: 'erin' },
        'readmit.approval.expired': { caseId, expiredAt: room.now.toISOString() },
        'readmit.case.closed': { caseId, outcome: 'withdrawn' },
      }[type];
      room.hear(draft(type, caseId, data as never));
      expect(room.rows.get(id)?.state).toBe('cancelled');
      expect(room.begin(id)).toMatchObject({ go: false });
      expect(room.finish(id, new TargetError('away', 'none', 'unreachable'))).toBe('done');
      expect(room.said).toEqual([]);
    },
  );
});
